// single_futex2: futex_waitv(2), futex_wake(2), futex_wait(2) and futex_requeue(2): their errors,
// in their order, and times that are over.
#include <time.h>

#include <climits>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

// One number on all machines; older headers have none.
constexpr long kWaitv = 449, kWake = 454, kWait = 455, kRequeue = 456;
constexpr uint32_t k32 = 2, kPrivate = 128;
constexpr uint64_t kAny = 0xffffffff;

struct Waiter {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};

uint32_t words[200];
Waiter waiters[200];
const timespec past = {1, 0};
const timespec bad = {0, -1};
void* const nowhere = reinterpret_cast<void*>(8);

uint64_t Address(const void* at) { return reinterpret_cast<uint64_t>(at); }

void Fill() {
  for (int i = 0; i < 200; ++i) {
    words[i] = static_cast<uint32_t>(i);
    waiters[i] = {static_cast<uint64_t>(i), Address(&words[i]), k32 | kPrivate, 0};
  }
}

long Waitv(long count, const void* time = &past, int clock = CLOCK_MONOTONIC, long flags = 0,
           const void* at = waiters) {
  const long result = syscall(kWaitv, at, count, flags, time, clock);
  Fill();
  return result;
}

void Several() {
  std::printf("futex_waitv\n");
  Fill();
  for (long count : {0L, 1L, 2L, 128L, 129L, -1L}) ShowCount("words", Waitv(count));
  ShowCount("realtime", Waitv(1, &past, CLOCK_REALTIME));
  ShowCount("another clock", Waitv(1, &past, CLOCK_BOOTTIME));
  ShowCount("another clock, time out of reach", Waitv(1, nowhere, CLOCK_BOOTTIME));
  ShowCount("time out of reach", Waitv(1, nowhere));
  ShowCount("time out of reach, words too", Waitv(1, nowhere, CLOCK_MONOTONIC, 0, nowhere));
  ShowCount("not a time", Waitv(1, &bad));
  ShowCount("words out of reach", Waitv(1, &past, CLOCK_MONOTONIC, 0, nowhere));
  ShowCount("no words", Waitv(1, &past, CLOCK_MONOTONIC, 0, nullptr));
  ShowCount("flags", Waitv(1, &past, CLOCK_MONOTONIC, 1));
  words[0] = 9;
  ShowCount("another value", Waitv(1));
  words[1] = 9;
  ShowCount("another value of the second, no time", Waitv(2, nullptr));
  waiters[1].address = 8;
  ShowCount("second out of reach", Waitv(2));
  words[0] = 9;
  waiters[1].address = 8;
  ShowCount("second out of reach, another value of the first", Waitv(2));
  words[0] = 9;
  waiters[1].address += 1;
  ShowCount("second odd, another value of the first", Waitv(2));
  words[0] = 9;
  waiters[1].address = 8;
  waiters[1].flags = k32;
  ShowCount("second out of reach and shared, another value of the first", Waitv(2));
  waiters[0].reserved = 1;
  ShowCount("reserved", Waitv(1));
  waiters[0].value = uint64_t{1} << 32;
  ShowCount("a value too large", Waitv(1));
  for (uint32_t flags : {0u, 1u, 3u, 16u, 64u, 256u, 0x80000000u}) {
    waiters[0].flags = flags;
    ShowCount("flags of a word", Waitv(1));
  }
  waiters[1].address = waiters[0].address;
  waiters[1].value = 0;
  ShowCount("one word twice", Waitv(2));
}

long Wake(const void* at, uint64_t mask, int count, uint32_t flags) {
  return syscall(kWake, at, mask, count, flags);
}

void One() {
  std::printf("futex_wake\n");
  ShowCount("wake", Wake(words, kAny, 1, k32));
  ShowCount("wake nobody", Wake(words, kAny, 0, k32));
  ShowCount("wake nobody, no bits", Wake(words, 0, 0, k32));
  ShowCount("wake nobody, out of reach", Wake(nowhere, kAny, 0, k32));
  ShowCount("wake nobody, out of reach and private", Wake(nowhere, kAny, 0, k32 | kPrivate));
  ShowCount("negative count", Wake(words, kAny, -1, k32));
  ShowCount("no bits", Wake(words, 0, 1, k32));
  ShowCount("bits too large", Wake(words, kAny + 1, 1, k32));
  ShowCount("size 1", Wake(words, 1, 1, 0));
  ShowCount("size 8", Wake(words, 1, 1, 3));
  ShowCount("a flag that there is not", Wake(words, 1, 1, k32 | 16));
  std::printf("futex_wait\n");
  const auto wait = [](const void* at, uint64_t value, uint64_t mask, uint32_t flags,
                       const void* time,
                       int clock) { return syscall(kWait, at, value, mask, flags, time, clock); };
  ShowCount("wait", wait(words, 0, kAny, k32, &past, CLOCK_MONOTONIC));
  ShowCount("realtime", wait(words, 0, kAny, k32 | kPrivate, &past, CLOCK_REALTIME));
  ShowCount("another clock", wait(words, 0, kAny, k32, &past, CLOCK_BOOTTIME));
  ShowCount("another clock, no time", wait(words, 9, kAny, k32, nullptr, CLOCK_BOOTTIME));
  ShowCount("another value", wait(words, 9, kAny, k32, &past, CLOCK_MONOTONIC));
  ShowCount("a value too large", wait(words, kAny + 1, kAny, k32, &past, CLOCK_MONOTONIC));
  ShowCount("no bits", wait(words, 0, 0, k32, &past, CLOCK_MONOTONIC));
  ShowCount("no bits, time out of reach", wait(words, 0, 0, k32, nowhere, CLOCK_MONOTONIC));
  ShowCount("bits too large", wait(words, 0, kAny + 1, k32, nowhere, CLOCK_MONOTONIC));
  ShowCount("not a time", wait(words, 9, kAny, k32, &bad, CLOCK_MONOTONIC));
  ShowCount("another size", wait(words, 9, kAny, 1, &bad, CLOCK_MONOTONIC));
  ShowCount("out of reach", wait(nowhere, 0, kAny, k32, &past, CLOCK_MONOTONIC));
}

long Requeue(int wake, int move, uint32_t flags = 0, const void* at = waiters) {
  const long result = syscall(kRequeue, at, flags, wake, move);
  Fill();
  return result;
}

void Moving() {
  std::printf("futex_requeue\n");
  ShowCount("requeue", Requeue(1, 1));
  ShowCount("negative", Requeue(-1, 1));
  ShowCount("flags", Requeue(1, 1, 1));
  ShowCount("no words", Requeue(1, 1, 0, nullptr));
  ShowCount("words out of reach", Requeue(1, 1, 0, nowhere));
  waiters[1].flags = k32;
  ShowCount("flags that differ", Requeue(1, 1));
  waiters[1].flags = 0;
  ShowCount("another size of the second", Requeue(1, 1));
  words[0] = 9;
  ShowCount("another value", Requeue(1, 1));
  waiters[1].value = 99;
  ShowCount("another value of the second", Requeue(1, 1));
  words[0] = 9;
  ShowCount("another value, negative", Requeue(1, -1));
  waiters[1].address += 2;
  ShowCount("second odd", Requeue(1, 1));
}

}  // namespace

int main() {
  Several();
  One();
  Moving();
  return 0;
}
