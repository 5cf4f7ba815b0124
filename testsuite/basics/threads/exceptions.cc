// exceptions: threads throw and catch at the same time, deep and nested; each has its own.
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

struct Counted {
  explicit Counted(int* counter) : count(counter) { ++*count; }
  ~Counted() { --*count; }
  int* count;
};

int Dive(int depth, int* alive) {
  const Counted counted(alive);
  if (depth == 0) throw std::runtime_error("bottom");
  try {
    return Dive(depth - 1, alive) + 1;
  } catch (const std::logic_error&) {
    return -1;
  }
}

void Work(int me, long* sum) {
  for (int i = 0; i < 50; ++i) {
    int alive = 0;
    try {
      Dive((me + i) % 20, &alive);
      Must(false, "it throws");
    } catch (const std::exception& outer) {
      Must(alive == 0 && std::string(outer.what()) == "bottom", "unwound");
      Must(std::uncaught_exceptions() == 0, "caught");
      try {
        throw me * 1000 + i;
      } catch (int value) {
        Must(value == me * 1000 + i, "one's own");
        *sum += value;
      }
      try {
        throw;
      } catch (const std::runtime_error&) {
        *sum += 1;
      }
    }
  }
}

}  // namespace

int main() {
  long sums[6] = {}, sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back(Work, i, &sums[i]);
  for (std::thread& thread : threads) thread.join();
  for (const long one : sums) sum += one;
  std::printf("sum %ld\n", sum);

  std::exception_ptr kept;
  std::thread([&] {
    try {
      std::string("short").at(10);
    } catch (...) {
      kept = std::current_exception();
    }
  }).join();
  try {
    std::rethrow_exception(kept);
  } catch (const std::out_of_range&) {
    std::printf("thrown there, caught here\n");
  }
  return 0;
}
