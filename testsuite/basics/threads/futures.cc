// futures: std::thread, jthread with stop tokens, promises, packaged tasks, async: values and
// exceptions that go from thread to thread.
#include <chrono>
#include <future>
#include <numeric>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

template <typename Get>
void Show(const char* what, Get get) {
  try {
    std::printf("%s: %s\n", what, get().c_str());
  } catch (const std::future_error& error) {
    std::printf("%s: future_error %d\n", what, error.code().value());
  } catch (const std::exception& error) {
    std::printf("%s: threw %s\n", what, error.what());
  }
}

long Sum(const std::vector<long>& numbers, size_t from, size_t to) {
  if (to - from <= 8) return std::accumulate(&numbers[from], &numbers[from] + (to - from), 0L);
  const size_t middle = from + (to - from) / 2;
  std::future<long> left = std::async(std::launch::async, Sum, std::cref(numbers), from, middle);
  return Sum(numbers, middle, to) + left.get();
}

}  // namespace

int main() {
  std::promise<std::string> promise;
  std::future<std::string> future = promise.get_future();
  std::thread setter([&] { promise.set_value("a value"); });
  Show("promise", [&] { return future.get(); });
  setter.join();
  Show("get twice", [&] { return promise.get_future().get(); });

  std::promise<std::string> failing;
  future = failing.get_future();
  std::thread thrower([&] {
    try {
      throw std::runtime_error("out of a thread");
    } catch (...) {
      failing.set_exception(std::current_exception());
    }
  });
  Show("exception", [&] { return future.get(); });
  thrower.join();
  {
    std::promise<std::string> broken;
    future = broken.get_future();
  }
  Show("broken promise", [&] { return future.get(); });

  std::packaged_task<std::string(int)> task([](int n) { return std::to_string(n * n); });
  future = task.get_future();
  std::thread(std::move(task), 12).join();
  Show("packaged task", [&] { return future.get(); });

  future = std::async(std::launch::async, [] { return std::string("elsewhere"); });
  Show("async", [&] { return future.get(); });
  const auto here = std::this_thread::get_id();
  future = std::async(std::launch::deferred, [=] {
    return std::string(here == std::this_thread::get_id() ? "here" : "");
  });
  Show("deferred", [&] { return future.get(); });

  std::promise<void> never;
  std::future<void> waited = never.get_future();
  const auto state = waited.wait_for(std::chrono::milliseconds(3));
  std::printf("wait_for: %s\n", state == std::future_status::timeout ? "timeout" : "otherwise");

  std::promise<int> start;
  std::shared_future<int> shared = start.get_future().share();
  std::vector<std::future<int>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::async(std::launch::async, [=] { return shared.get() + i; }));
  }
  start.set_value(100);
  int sum = 0;
  for (auto& one : all) sum += one.get();
  std::printf("shared future: %d\n", sum);

  std::vector<long> numbers(200);
  std::iota(numbers.begin(), numbers.end(), 1);
  std::printf("tree of asyncs: %ld\n", Sum(numbers, 0, numbers.size()));

  int callbacks = 0;
  long turns = 0;
  {
    std::promise<void> running;
    std::jthread worker([&](std::stop_token token) {
      const std::stop_callback callback(token, [&] { ++callbacks; });
      running.set_value();
      while (!token.stop_requested()) std::this_thread::yield(), ++turns;
    });
    running.get_future().wait();
  }  // Asks it to stop, and joins.
  std::printf("jthread stopped: %d callback, %d\n", callbacks, turns >= 0);

  std::promise<std::string> at_exit;
  future = at_exit.get_future();
  std::thread([&] { at_exit.set_value_at_thread_exit("at its end"); }).join();
  Show("at thread exit", [&] { return future.get(); });
  return 0;
}
