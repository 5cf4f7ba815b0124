// The priority-inheriting futex calls (kernel/futex/pi.c, requeue.c): locks whose owner the kernel
// knows. The word holds the owner's tid, FUTEX_WAITERS where somebody waits in the kernel, and
// FUTEX_OWNER_DIED where an owner ended with it.
//
// As all tasks have one priority, nothing is inherited; what remains is the protocol: who gets the
// lock, what the word says then, and that no circle of waiting owners comes to be. Linux wakes the
// first waiter, which takes the lock when it runs, and lets nobody of the same priority come
// between; here it has the lock at once. Single-threaded.
#ifndef POLLUX_OS_EMU_TASK_FUTEX_PI_H_
#define POLLUX_OS_EMU_TASK_FUTEX_PI_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "abi/result.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/futex.h"

namespace pollux::os_emu {

inline constexpr uint32_t kFutexWaiters = 0x80000000;
inline constexpr uint32_t kFutexOwnerDied = 0x40000000;
inline constexpr uint32_t kFutexTidMask = 0x3fffffff;

// A lock that is waited for (struct futex_pi_state). Held by its waiters alone: an owner that
// nobody waits for is known only to the word.
class PiState {
 public:
  PiState(FutexTable& table, FutexKey key, Thread& owner);
  ~PiState();
  PiState(const PiState&) = delete;
  PiState& operator=(const PiState&) = delete;

  const FutexKey& key() const { return key_; }
  Thread& owner() const { return *owner_; }
  void SetOwner(Thread& owner);

 private:
  FutexTable& table_;
  FutexKey key_;
  Thread* owner_;
};

// FUTEX_LOCK_PI, FUTEX_LOCK_PI2. Errors: KeyOf()'s, kFault, kDeadLk (the caller has it, or its
// owner waits for the caller), kInval (the word and the kernel disagree on the owner, or others
// wait there otherwise), kSrch (there is no such owner). The call: 0 with the lock, kTimedOut. It
// goes on after a signal whatever the handler says.
CallResult StartFutexLockPi(Thread& thread, FutexWord word, std::optional<FutexTimeout> timeout);
// FUTEX_TRYLOCK_PI: as StartFutexLockPi(), but kAgain instead of waiting. Marks the word with
// FUTEX_WAITERS all the same, as Linux does.
Result<void> FutexTryLockPi(Thread& thread, FutexWord word);
// FUTEX_UNLOCK_PI: gives the lock to the first waiter. Errors: kFault, kPerm (the word does not say
// that the caller has it), KeyOf()'s, kInval (the kernel says otherwise).
Result<void> FutexUnlockPi(Thread& thread, FutexWord word);

// FUTEX_WAIT_REQUEUE_PI: waits at `word` to be moved to the lock at `lock` by FutexRequeuePi().
// Errors: kInval (the same word), KeyOf()'s for `lock` and then for `word`, kFault, kAgain (the
// word differs). The call: 0 with the lock; kTimedOut; a signal begins it again, or ends it with
// kAgain once it waits for the lock.
CallResult StartFutexWaitRequeuePi(Thread& thread, FutexWord word, uint32_t expected,
                                   FutexWord lock, std::optional<FutexTimeout> timeout);
// FUTEX_CMP_REQUEUE_PI: gives the lock at `to` to the first waiter of `from` if it is free, and
// moves others to it. Returns how many. Errors: kInval (a negative count, the same word, `wake` is
// not 1), KeyOf()'s, kAgain (the word differs), kInval (a waiter waits otherwise or for another
// lock), and those of StartFutexLockPi() on behalf of the first waiter.
Result<int64_t> FutexRequeuePi(Thread& thread, FutexWord from, FutexWord to, int32_t wake,
                               int32_t requeue, uint32_t expected);

// exit_pi_state_list(): the thread ends; what it owns goes to the first waiter each, marked with
// FUTEX_OWNER_DIED.
void ReleasePiLocks(Thread& thread);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_FUTEX_PI_H_
