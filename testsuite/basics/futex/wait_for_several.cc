// wait_for_several: futex_waitv: one waits at several words at once and is told at which it was
// woken.
#include <memory>

#include "testsuite/basics/futex/futex.h"

namespace {

// Of uapi/linux/futex.h, which older systems do not have in full.
struct WaitVector {
  uint64_t value, address;
  uint32_t flags, reserved;
};
constexpr uint32_t k32Bits = 2, kPrivate = 128;
constexpr long kFutexWaitv = 449;

Word words[4];

long Wait(const WaitVector* vector, unsigned count, unsigned flags = 0,
          const timespec* until = nullptr, clockid_t clock = CLOCK_MONOTONIC) {
  return syscall(kFutexWaitv, vector, count, flags, until, clock);
}

}  // namespace

int main() {
  WaitVector vector[4] = {};
  for (int i = 0; i < 4; ++i) {
    words[i] = static_cast<uint32_t>(i);
    vector[i] = {static_cast<uint64_t>(i), reinterpret_cast<uintptr_t>(&words[i]),
                 k32Bits | kPrivate, 0};
  }
  for (const int which : {0, 3, 2}) {
    long index = -1;
    std::atomic<bool> done = false;
    std::thread waiter([&] {
      index = Wait(vector, 4);
      done = true;
    });
    while (Wake(&words[which], 1) == 0) {
      Must(!done, "it waits");
      sched_yield();
    }
    waiter.join();
    std::printf("woken at %d: %ld\n", which, index);
  }
  // Beside one that waits at a single word, in their order.
  {
    long index = -1;
    std::atomic<bool> done = false;
    std::thread several([&] {
      index = Wait(vector, 4);
      done = true;
    });
    UntilWaiting(&words[3], 1);
    FutexWaiter single(&words[1], [] { return Futex(&words[1], FUTEX_WAIT_PRIVATE, 1); });
    ShowCount("waiting", Waiting(&words[1]));
    ShowCount("wake one", Wake(&words[1], 1));
    several.join();
    std::printf("the first was the one of several: %ld; at no word any more: %ld\n", index,
                Waiting(&words[3]));
    ShowCount("wake one", Wake(&words[1], 1));
    std::printf("%s\n", single.Result());
  }

  const timespec passed = {1, 0}, wrong = {0, -1};
  Show("a time that has passed", Wait(vector, 4, 0, &passed));
  const int64_t then = Now() + 3 * kMillisecond;
  const timespec soon = Time(then);
  Show("until", Wait(vector, 4, 0, &soon));
  Must(Now() >= then, "not before the time");
  words[2] = 99;
  Show("another value", Wait(vector, 4));
  Show("another value, negative nanoseconds", Wait(vector, 4, 0, &wrong));
  words[2] = 2;
  Show("none", Wait(vector, 0));
  Show("129", Wait(vector, 129));
  Show("no vector", Wait(nullptr, 1));
  Show("vector out of reach", Wait(reinterpret_cast<WaitVector*>(8), 1));
  Show("flags", Wait(vector, 1, 1));
  Show("another clock", Wait(vector, 1, 0, &passed, CLOCK_PROCESS_CPUTIME_ID));
  Show("another clock, without a time", Wait(vector, 0, 0, nullptr, 99));
  vector[1].reserved = 1;
  Show("reserved", Wait(vector, 2));
  vector[1].reserved = 0;
  vector[1].flags = kPrivate | 3;
  Show("64 bits", Wait(vector, 2));
  vector[1].flags = k32Bits | 64;
  Show("unknown flag", Wait(vector, 2));
  vector[1].flags = k32Bits | kPrivate;
  vector[1].value = uint64_t{1} << 32;
  Show("a value of more than 32 bits", Wait(vector, 2));
  vector[1].value = 1;
  vector[1].address += 1;
  Show("odd", Wait(vector, 2));
  vector[1].address = 8;
  Show("out of reach", Wait(vector, 2));
  return 0;
}
