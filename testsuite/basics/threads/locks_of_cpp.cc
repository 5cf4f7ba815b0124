// locks_of_cpp: mutexes and locks of the C++ library: shared, timed, several at once, and
// condition_variable_any with a stop token.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

using std::chrono::milliseconds;

int main() {
  // Two locks in both orders, without a deadlock.
  std::mutex left, right;
  long moved = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 100; ++k) {
        if (i % 2 == 0) {
          const std::scoped_lock lock(left, right);
          ++moved;
        } else {
          const std::scoped_lock lock(right, left);
          ++moved;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("scoped_lock: %ld\n", moved);

  // Philosophers.
  std::mutex forks[5];
  int meals[5] = {};
  threads.clear();
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) {
        std::unique_lock<std::mutex> one(forks[i], std::defer_lock);
        std::unique_lock<std::mutex> two(forks[(i + 1) % 5], std::defer_lock);
        std::lock(one, two);
        ++meals[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("meals: %d %d %d %d %d\n", meals[0], meals[1], meals[2], meals[3], meals[4]);

  std::timed_mutex timed;
  std::shared_timed_mutex shared;
  std::recursive_timed_mutex recursive;
  const std::lock_guard<std::timed_mutex> guard(timed);
  const std::shared_lock<std::shared_timed_mutex> reading(shared);
  std::thread([&] {
    const auto then = std::chrono::steady_clock::now() + milliseconds(3);
    std::printf("timed_mutex: %d %d %d\n", timed.try_lock(), timed.try_lock_for(milliseconds(3)),
                timed.try_lock_until(then + milliseconds(1)));
    Must(std::chrono::steady_clock::now() >= then, "not before the time");
    std::printf("shared_timed_mutex: %d %d", shared.try_lock_for(milliseconds(3)),
                shared.try_lock_shared_for(milliseconds(3)));
    std::printf(" %d\n", shared.try_lock());
    shared.unlock_shared();
    std::printf("recursive_timed_mutex: %d %d\n", recursive.try_lock_for(milliseconds(3)),
                recursive.try_lock_for(milliseconds(3)));
    recursive.unlock();
    recursive.unlock();
  }).join();

  // A queue whose reader is stopped while it waits.
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<int> queue;
  long sum = 0, stopped = 0;
  std::jthread reader([&](std::stop_token token) {
    std::unique_lock<std::mutex> lock(mutex);
    while (changed.wait(lock, token, [&] { return !queue.empty(); })) {
      sum += queue.front();
      queue.pop_front();
      changed.notify_all();
    }
    stopped = token.stop_requested();
  });
  for (int i = 1; i <= 100; ++i) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return queue.size() < 3; });
    queue.push_back(i);
    changed.notify_all();
  }
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return queue.empty(); });
  }
  reader.request_stop();
  reader.join();
  std::printf("queue: sum %ld, stopped %ld\n", sum, stopped);

  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  std::printf("wait_for: %d, %d\n", never.wait_for(lock, milliseconds(3), [] { return false; }),
              lock.owns_lock());
  bool ready = false;
  std::thread notifier([&] {
    std::unique_lock<std::mutex> mine(mutex);
    ready = true;
    std::notify_all_at_thread_exit(never, std::move(mine));
  });
  never.wait(lock, [&] { return ready; });
  lock.unlock();
  notifier.join();
  std::printf("notified at a thread's exit\n");
  return 0;
}
