// single_errors: what futex(2) refuses, and in which order it looks, of a program with one thread.
#include <linux/futex.h>
#include <sys/mman.h>
#include <time.h>

#include <climits>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr int kLockPi2 = 13;
constexpr int kPrivate = FUTEX_PRIVATE_FLAG, kRealtime = FUTEX_CLOCK_REALTIME;

uint32_t word = 1, other = 2;
uint32_t* const nowhere = reinterpret_cast<uint32_t*>(8);
uint32_t* const kernels = reinterpret_cast<uint32_t*>(-4096);
uint32_t* const odd = reinterpret_cast<uint32_t*>(reinterpret_cast<char*>(&word) + 1);
uint32_t* const odd_kernels = reinterpret_cast<uint32_t*>(-4095);

long Futex(uint32_t* at, int op, uint32_t value, const void* time = nullptr,
           uint32_t* second = nullptr, uint32_t third = 0) {
  return syscall(SYS_futex, at, op, value, time, second, third);
}
const void* Number(long number) { return reinterpret_cast<const void*>(number); }

void Commands() {
  // Larger than any number of a task: to the commands for locks, the owner is nobody.
  constexpr uint32_t kNobody = 0x3ffffff;
  for (int command = 0; command <= 16; ++command) {
    for (int flag : {0, kRealtime}) {
      word = kNobody;
      char what[40];
      std::snprintf(what, sizeof what, "command %d%s", command, flag != 0 ? ", realtime" : "");
      // A value that the word does not have.
      ShowCount(what, Futex(&word, command | kPrivate | flag, 99, nullptr, &other, 0));
    }
  }
  word = 1;
  other = 2;
  Show("a flag that there is not", Futex(&word, 512 | FUTEX_WAKE, 1));
  Show("a negative command", Futex(&word, -1, 1));
}

void Words(const char* flavour, int flag) {
  std::printf("%s\n", flavour);
  struct {
    const char* name;
    uint32_t* at;
  } const words[] = {{"odd", odd},
                     {"nowhere", nowhere},
                     {"the kernel's", kernels},
                     {"odd, kernel's", odd_kernels}};
  for (const auto& [name, at] : words) {
    std::printf("- %s\n", name);
    ShowCount("wait", Futex(at, FUTEX_WAIT | flag, 1));
    ShowCount("wait, no bits", Futex(at, FUTEX_WAIT_BITSET | flag, 1));
    ShowCount("wake", Futex(at, FUTEX_WAKE | flag, 1));
    ShowCount("wake, no bits", Futex(at, FUTEX_WAKE_BITSET | flag, 1));
    ShowCount("requeue", Futex(at, FUTEX_REQUEUE | flag, 1, Number(1), &other));
    ShowCount("requeue to it", Futex(&word, FUTEX_REQUEUE | flag, 1, Number(1), at));
    ShowCount("cmp_requeue", Futex(at, FUTEX_CMP_REQUEUE | flag, 1, Number(1), &other, 1));
    ShowCount("cmp_requeue to it", Futex(&word, FUTEX_CMP_REQUEUE | flag, 1, Number(1), at, 99));
    ShowCount("cmp_requeue, negative", Futex(at, FUTEX_CMP_REQUEUE | flag, -1, Number(1), &other));
    ShowCount("wake_op", Futex(at, FUTEX_WAKE_OP | flag, 1, Number(1), &other, 0));
    other = 2;
    ShowCount("wake_op on it", Futex(&word, FUTEX_WAKE_OP | flag, 1, Number(1), at, 0));
    ShowCount("wake_op on it, unknown",
              Futex(&word, FUTEX_WAKE_OP | flag, 1, Number(1), at, 0x70000000));
    ShowCount("lock_pi", Futex(at, FUTEX_LOCK_PI | flag, 0));
    ShowCount("lock_pi2", Futex(at, kLockPi2 | flag, 0));
    ShowCount("trylock_pi", Futex(at, FUTEX_TRYLOCK_PI | flag, 0));
    ShowCount("unlock_pi", Futex(at, FUTEX_UNLOCK_PI | flag, 0));
    ShowCount("wait_requeue_pi", Futex(at, FUTEX_WAIT_REQUEUE_PI | flag, 1, nullptr, &other));
    ShowCount("wait_requeue_pi to it", Futex(&word, FUTEX_WAIT_REQUEUE_PI | flag, 99, nullptr, at));
    ShowCount("wait_requeue_pi to itself", Futex(at, FUTEX_WAIT_REQUEUE_PI | flag, 1, nullptr, at));
    ShowCount("cmp_requeue_pi", Futex(at, FUTEX_CMP_REQUEUE_PI | flag, 1, Number(1), &other, 1));
    ShowCount("cmp_requeue_pi to it",
              Futex(&word, FUTEX_CMP_REQUEUE_PI | flag, 1, Number(1), at, 99));
    ShowCount("cmp_requeue_pi to itself",
              Futex(at, FUTEX_CMP_REQUEUE_PI | flag, 1, Number(1), at, 1));
  }
}

void Counts() {
  ShowCount("wake -1", Futex(&word, FUTEX_WAKE, -1));
  ShowCount("wake INT_MAX", Futex(&word, FUTEX_WAKE, INT_MAX));
  ShowCount("requeue -1, 1", Futex(&word, FUTEX_REQUEUE, -1, Number(1), &other));
  ShowCount("requeue 1, -1", Futex(&word, FUTEX_REQUEUE, 1, Number(-1), &other));
  ShowCount("requeue -1, 1 of an odd word", Futex(odd, FUTEX_REQUEUE, -1, Number(1), &other));
  for (int wake = 0; wake <= 2; ++wake)
    ShowCount("cmp_requeue_pi", Futex(&word, FUTEX_CMP_REQUEUE_PI, wake, Number(0), &other, 1));
  ShowCount("cmp_requeue_pi, another value",
            Futex(&word, FUTEX_CMP_REQUEUE_PI, 1, Number(0), &other, 99));
  ShowCount("wait_requeue_pi, another value",
            Futex(&word, FUTEX_WAIT_REQUEUE_PI, 99, nullptr, &other));
}

void Memory() {
  const long page = sysconf(_SC_PAGESIZE);
  auto* const fresh = static_cast<uint32_t*>(
      mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(fresh != MAP_FAILED, "mmap");
  ShowCount("wake at memory never touched", Futex(fresh, FUTEX_WAKE, 1));
  *fresh = 1;
  for (int prot : {PROT_READ, PROT_NONE}) {
    Must(mprotect(fresh, page, prot) == 0, "mprotect");
    std::printf("%s\n", prot == PROT_READ ? "only readable" : "not accessible");
    for (int flag : {0, kPrivate}) {
      ShowCount("wake", Futex(fresh, FUTEX_WAKE | flag, 1));
      ShowCount("wait, another value", Futex(fresh, FUTEX_WAIT | flag, 99));
      ShowCount("wake_op on it", Futex(&word, FUTEX_WAKE_OP | flag, 1, Number(1), fresh, 0));
      ShowCount("lock_pi", Futex(fresh, FUTEX_LOCK_PI | flag, 0));
      ShowCount("unlock_pi", Futex(fresh, FUTEX_UNLOCK_PI | flag, 0));
      ShowCount("cmp_requeue from it",
                Futex(fresh, FUTEX_CMP_REQUEUE | flag, 1, Number(1), &other, 99));
    }
  }
  Must(munmap(fresh, page) == 0, "munmap");
}

void Times() {
  static timespec time;
  const auto* bad_time = reinterpret_cast<const timespec*>(8);
  Show("a time out of reach, another value", Futex(&word, FUTEX_WAIT, 99, bad_time));
  Show("a time out of reach, odd word", Futex(odd, FUTEX_WAIT, 1, bad_time));
  Show("a time out of reach, realtime", Futex(&word, FUTEX_WAIT | kRealtime, 1, bad_time));
  Show("a time out of reach, wake", Futex(&word, FUTEX_WAKE, 1, bad_time));
  Show("a time out of reach, trylock", Futex(&word, FUTEX_UNLOCK_PI, 1, bad_time));
  for (const timespec bad : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1000000000}}) {
    time = bad;
    Show("wait", Futex(odd, FUTEX_WAIT, 1, &time));
    Show("wait_bitset", Futex(&word, FUTEX_WAIT_BITSET, 99, &time, nullptr, 0));
    Show("lock_pi", Futex(odd, FUTEX_LOCK_PI, 0, &time));
    Show("wait_requeue_pi", Futex(odd, FUTEX_WAIT_REQUEUE_PI, 1, &time, odd));
  }
  time = {0, 1000000};
  Show("wait", Futex(&word, FUTEX_WAIT, 1, &time));
  Show("wait, no time", Futex(&word, FUTEX_WAIT, 1, &(time = {0, 0})));
  // Points of time that have passed.
  for (int flag : {0, kRealtime}) {
    time = {1, 0};
    Show("wait_bitset", Futex(&word, FUTEX_WAIT_BITSET | flag, 1, &time, nullptr, 1));
    Show("wait_requeue_pi", Futex(&word, FUTEX_WAIT_REQUEUE_PI | flag, 1, &time, &other, 0));
  }
  for (clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME}) {
    timespec begin, end;
    Must(clock_gettime(clock, &begin) == 0, "clock_gettime");
    time = begin;
    time.tv_nsec += 2000000;
    if (time.tv_nsec >= 1000000000) time = {time.tv_sec + 1, time.tv_nsec - 1000000000};
    Show("wait_bitset", Futex(&word, FUTEX_WAIT_BITSET | (clock == CLOCK_REALTIME ? kRealtime : 0),
                              1, &time, nullptr, FUTEX_BITSET_MATCH_ANY));
    Must(clock_gettime(clock, &end) == 0, "clock_gettime");
    std::printf("not too early: %d\n",
                (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec >= 2000000);
  }
}

}  // namespace

int main() {
  Commands();
  Words("private", kPrivate);
  Words("shared", 0);
  Counts();
  Memory();
  Times();
  return 0;
}
