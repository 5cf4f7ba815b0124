// timeouts: how long futex calls wait: FUTEX_WAIT for a time, the others until one, on the clock
// that is asked for; and which operations take a clock.
#include "testsuite/basics/futex/futex.h"

namespace {

Word word = 1;

// A call that ends when the time is over, not before.
template <typename Call>
void Try(const char* what, clockid_t clock, bool relative, Call call) {
  const int64_t then = Now(clock) + 3 * kMillisecond;
  const timespec time = relative ? Time(3 * kMillisecond) : Time(then);
  const long result = call(&time);
  const int error = errno;
  std::printf("%s: %s, %s\n", what, result == 0 ? "ok" : ErrorName(error),
              Now(clock) >= then ? "not early" : "too early");
}

}  // namespace

int main() {
  Try("wait, relative", CLOCK_MONOTONIC, true,
      [](const timespec* time) { return Futex(&word, FUTEX_WAIT_PRIVATE, 1, time); });
  Try("wait_bitset, monotonic", CLOCK_MONOTONIC, false, [](const timespec* time) {
    return Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, time, nullptr, FUTEX_BITSET_MATCH_ANY);
  });
  Try("wait_bitset, realtime", CLOCK_REALTIME, false, [](const timespec* time) {
    return Futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, time, nullptr,
                 FUTEX_BITSET_MATCH_ANY);
  });
  Word lock = 0;
  std::atomic<bool> locked = false, end = false;
  std::thread owner([&] {
    Must(Futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0) == 0, "FUTEX_LOCK_PI");
    locked = true;
    while (!end) sched_yield();
    Must(Futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0) == 0, "FUTEX_UNLOCK_PI");
  });
  while (!locked) sched_yield();
  Try("lock_pi, always realtime", CLOCK_REALTIME, false,
      [&](const timespec* time) { return Futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, time); });
  Try("lock_pi2, monotonic", CLOCK_MONOTONIC, false,
      [&](const timespec* time) { return Futex(&lock, kLockPi2 | FUTEX_PRIVATE_FLAG, 0, time); });
  Try("lock_pi2, realtime", CLOCK_REALTIME, false, [&](const timespec* time) {
    return Futex(&lock, kLockPi2 | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, time);
  });
  end = true;
  owner.join();
  std::printf("the lock: %u\n", lock.load());

  const timespec passed = {1, 0}, wrong = {0, -1};
  Show("wait_bitset until a time that has passed",
       Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, &passed, nullptr, 1));
  Show("wait_bitset, negative nanoseconds",
       Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, &wrong, nullptr, 1));
  Show("negative nanoseconds, no bits",
       Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, &wrong, nullptr, 0));
  Show("lock_pi of a free one, negative nanoseconds",
       Futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, &wrong));
  Show("lock_pi of a free one, a time that has passed",
       Futex(&lock, FUTEX_LOCK_PI_PRIVATE, 0, &passed));
  Must(Futex(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0) == 0, "FUTEX_UNLOCK_PI");
  constexpr int kRealtime = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;
  Show("wait has no clock", Futex(&word, FUTEX_WAIT | kRealtime, 1));
  Show("wake has none", Futex(&word, FUTEX_WAKE | kRealtime, 1));
  Show("requeue has none", Futex(&word, FUTEX_REQUEUE | kRealtime, 1, int64_t{1}, &lock, 0));
  Show("lock_pi has none", Futex(&lock, FUTEX_LOCK_PI | kRealtime, 0));
  Show("an unknown operation has none", Futex(&lock, 100 | kRealtime, 0));
  // Who is woken in time does not see the end of it.
  {
    const timespec long_time = {100000, 0};
    FutexWaiter waiter(&word, [&] { return Futex(&word, FUTEX_WAIT_PRIVATE, 1, &long_time); });
    ShowCount("woken", Wake(&word, 1));
    std::printf("%s\n", waiter.Result());
  }
  // Deadlines come in their order, whoever began first.
  Word order = 0;
  int places[4];
  std::thread threads[4];
  const int64_t begin = Now();
  for (int i = 0; i < 4; ++i) {
    threads[i] = std::thread([&, i] {
      const int64_t mine = begin + (4 - i) * 5 * kMillisecond;
      const timespec time = Time(mine);
      while (Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, &time, nullptr, 1) == 0) continue;
      Must(Now() >= mine, "not before the time");
      places[i] = static_cast<int>(order++);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("all had their time: %d\n", places[0] + places[1] + places[2] + places[3]);
  return 0;
}
