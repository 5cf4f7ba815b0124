// single_locks: priority-inheriting locks that nobody contends for: what the word says.
#include <linux/futex.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr uint32_t kWaiters = FUTEX_WAITERS, kDied = FUTEX_OWNER_DIED;
constexpr int kLockPi2 = 13;
// Larger than any number of a task: pid_max is 2^22 at most.
constexpr uint32_t kNobody = 0x3ffffff;

alignas(8) uint32_t words[2];
uint32_t& word = words[0];

uint32_t Me() { return static_cast<uint32_t>(syscall(SYS_gettid)); }

long Futex(int op, uint32_t* at = &word) {
  return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, 0, nullptr, nullptr, 0);
}

void State(const char* what, long result) {
  const int error = errno;
  const uint32_t tid = word & FUTEX_TID_MASK;
  std::printf("%s: %s, %s%s%s\n", what, result == 0 ? "ok" : ErrorName(error),
              tid == Me()      ? "mine"
              : tid == kNobody ? "nobody's"
              : tid == 0       ? "free"
                               : "another's",
              (word & kWaiters) != 0 ? ", waiters" : "", (word & kDied) != 0 ? ", died" : "");
}

}  // namespace

int main() {
  const uint32_t me = Me();
  struct {
    const char* name;
    int op;
  } const ops[] = {{"lock", FUTEX_LOCK_PI},
                   {"lock2", kLockPi2},
                   {"trylock", FUTEX_TRYLOCK_PI},
                   {"unlock", FUTEX_UNLOCK_PI}};
  struct {
    const char* name;
    uint32_t value;
  } const owners[] = {{"free", 0}, {"mine", me}, {"nobody's", kNobody}, {"init's", 1}};
  for (const auto& [owner, value] : owners) {
    for (uint32_t bits : {0u, kWaiters, kDied, kWaiters | kDied}) {
      for (const auto& [name, op] : ops) {
        // It would wait for init.
        if (value == 1 && op != FUTEX_UNLOCK_PI) continue;
        word = value | bits;
        char what[80];
        std::snprintf(what, sizeof what, "%s%s%s, %s", owner,
                      (bits & kWaiters) != 0 ? "+waiters" : "", (bits & kDied) != 0 ? "+died" : "",
                      name);
        State(what, Futex(op));
      }
    }
  }
  word = 0;
  State("lock", Futex(FUTEX_LOCK_PI));
  State("lock again", Futex(FUTEX_LOCK_PI));
  State("trylock again", Futex(FUTEX_TRYLOCK_PI));
  // FUTEX_WAKE knows nothing of locks that nobody waits for.
  ShowCount("wake", syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1));
  State("unlock", Futex(FUTEX_UNLOCK_PI));
  State("unlock again", Futex(FUTEX_UNLOCK_PI));
  // The word is read before its address is looked at.
  auto* const odd = reinterpret_cast<uint32_t*>(reinterpret_cast<char*>(words) + 2);
  State("unlock of an odd word", Futex(FUTEX_UNLOCK_PI, odd));
  memcpy(odd, &me, sizeof me);
  Show("unlock of an odd word that has my number", Futex(FUTEX_UNLOCK_PI, odd));
  // A lock whose time is over is taken all the same if it is free, and not waited for if not there.
  const timespec past = {1, 0};
  word = 0;
  State("lock, too late", syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, &past, nullptr, 0));
  word = kNobody;
  State("lock of nobody's, too late",
        syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, &past, nullptr, 0));
  return 0;
}
