// PiFutexes: FUTEX_LOCK_PI and its kin (kernel/futex/pi.c): locks whose word holds the owner's tid,
// and which the kernel hands to the first waiter. All tasks have one priority here, so there is
// nothing to inherit; what remains is the protocol.
//
// A part of the Kernel (Kernel::Part). A state exists while somebody waits. Single-threaded.
#ifndef POLLUX_OS_EMU_TASK_PI_FUTEX_H_
#define POLLUX_OS_EMU_TASK_PI_FUTEX_H_

#include <memory>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/futex.h"

namespace pollux::os_emu {

class Kernel;

class PiFutexes {
 public:
  explicit PiFutexes(Kernel& kernel) : kernel_(kernel) {}
  ~PiFutexes();
  PiFutexes(const PiFutexes&) = delete;
  PiFutexes& operator=(const PiFutexes&) = delete;

  // FUTEX_LOCK_PI until `deadline` (CLOCK_MONOTONIC). Errors: kInval (unaligned; a word that
  // contradicts who waits), kFault, kDeadLk (own, or in a circle), kSrch (the owner is nobody),
  // kTimedOut.
  CallResult Lock(Thread& thread, GuestAddr word, FutexScope scope, Nanos deadline);
  // FUTEX_TRYLOCK_PI. As Lock(), and kAgain where somebody else holds it.
  Result<int64_t> TryLock(Thread& thread, GuestAddr word, FutexScope scope);
  // FUTEX_UNLOCK_PI. kPerm: not the owner.
  Result<int64_t> Unlock(Thread& thread, GuestAddr word, FutexScope scope);
  bool AnyoneWaitsAt(const FutexTable::Key& key) const { return Find(key) != nullptr; }
  // exit_pi_state_list(): what the thread holds goes to the first waiters, who see that the owner
  // died.
  void OnOwnerEnds(Thread& owner);

 private:
  class LockCall;
  struct State {
    FutexTable::Key key;
    Thread* owner = nullptr;
    std::vector<LockCall*> waiters;  // First in, first out.
  };
  State* Find(const FutexTable::Key& key) const;
  // futex_lock_pi_atomic(): true: the thread has the lock; false: it has to wait for `owner`.
  Result<bool> Acquire(Thread& thread, GuestAddr word, const FutexTable::Key& key, Thread** owner);
  bool WaitsFor(const Thread& thread, const Thread& whom) const;
  // Gives the lock to its first waiter; `word_bits` are added to the word.
  void HandOver(State& state, uint32_t word_bits);
  void Forget(LockCall& call);

  Kernel& kernel_;
  std::vector<std::unique_ptr<State>> states_;  // In the order in which waiting began.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_PI_FUTEX_H_
