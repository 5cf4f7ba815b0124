#include "os_emu/task/futex_pi.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "os_emu/task/futex_call.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

PiState::PiState(FutexTable& table, FutexKey key, Thread& owner)
    : table_(table), key_(std::move(key)), owner_(&owner) {
  table_.locks_.push_back(this);
}

PiState::~PiState() { std::erase(table_.locks_, this); }

void PiState::SetOwner(Thread& owner) {
  owner_ = &owner;
  std::erase(table_.locks_, this);
  table_.locks_.push_back(this);
}

namespace {

using Entry = FutexTable::Entry;
using Lock = std::shared_ptr<PiState>;

uint32_t Number(const Thread& thread) { return static_cast<uint32_t>(thread.tid()); }

// What the word holds: read and changed by `caller`, which need not be the one that takes the lock.
Result<uint32_t> Load(Thread& caller, GuestAddr word) {
  return caller.process().memory->ReadObject<uint32_t>(word);
}
Result<void> Store(Thread& caller, GuestAddr word, uint32_t value) {
  return caller.process().memory->WriteObject(word, value);
}

// attach_to_pi_state(): others wait already, the first of them as `first`.
Result<Lock> JoinWaiters(const Entry& first, uint32_t value) {
  // Some use the word with FUTEX_WAIT.
  if (first.lock() == nullptr) return Errno::kInval;
  const uint32_t owner = value & kFutexTidMask;
  // A dying owner has handed the lock on already, here.
  const bool given_away = owner == 0 && (value & kFutexOwnerDied) != 0;
  if (!given_away && owner != Number(first.lock()->owner())) return Errno::kInval;
  return first.lock();
}

// futex_lock_pi_atomic(): takes the lock at `word` for `taker` if nobody has it; a null Lock in
// `*lock` then, unless `mark_waiters` asks for FUTEX_WAITERS, too. False: it is to be waited for.
Result<bool> TakeOrFind(Thread& caller, GuestAddr word, const FutexKey& key, Thread& taker,
                        bool mark_waiters, Lock* lock) {
  POLLUX_ASSIGN_OR_RETURN(const uint32_t value, Load(caller, word));
  const uint32_t owner = value & kFutexTidMask;
  if (owner == Number(taker)) return Errno::kDeadLk;
  FutexTable& table = FutexesOf(caller);
  if (const Entry* first = table.First(key)) {
    POLLUX_ASSIGN_OR_RETURN(*lock, JoinWaiters(*first, value));
    return false;
  }
  if (owner == 0) {
    // FUTEX_OWNER_DIED stays: whoever takes the lock is to know.
    POLLUX_RETURN_IF_ERROR(
        Store(caller, word,
              (value & kFutexOwnerDied) | Number(taker) | (mark_waiters ? kFutexWaiters : 0)));
    if (mark_waiters) *lock = std::make_shared<PiState>(table, key, taker);
    return true;
  }
  // The bit is set before the owner is looked for, and stays where there is none.
  POLLUX_RETURN_IF_ERROR(Store(caller, word, value | kFutexWaiters));
  Thread* const holder = caller.process().kernel().FindThread(Tid{static_cast<int32_t>(owner)});
  if (holder == nullptr) return Errno::kSrch;
  *lock = std::make_shared<PiState>(table, key, *holder);
  return false;
}

// rt_mutex_adjust_prio_chain() with full detection: whether `lock`'s owner waits, however
// indirectly, for `thread`. Linux gives up at max_lock_depth, and says the same then.
bool WouldDeadlock(const PiState& lock, Thread& thread) {
  constexpr int kMaxLockDepth = 1024;
  const FutexTable& table = thread.process().kernel().futexes();
  const PiState* next = &lock;
  for (int depth = 0; depth < kMaxLockDepth; ++depth) {
    if (&next->owner() == &thread) return true;
    next = table.LockAwaitedBy(next->owner());
    if (next == nullptr) return false;
  }
  return true;
}

// The waiter that gets `lock` next. At its word others may wait otherwise.
Entry* FirstOf(FutexTable& table, const Lock& lock) {
  Entry* entry = table.First(lock->key());
  while (entry != nullptr && entry->lock() != lock) entry = entry->next();
  return entry;
}

class LockPiCall final : public FutexCall {
 public:
  LockPiCall(FutexTable& table, FutexWord word, FutexKey key, Lock lock,
             std::optional<FutexTimeout> timeout)
      : FutexCall(timeout), entry_(table, word, std::move(key), kFutexAnyBit) {
    entry_.SetLock(std::move(lock));
  }

  Result<int64_t> Resume(Thread&, bool timed_out) override {
    if (!entry_.waiting()) {
      if (entry_.failure.has_value()) return EndsWith(*entry_.failure);
      return int64_t{0};
    }
    if (timed_out || expired()) return Errno::kTimedOut;
    return Errno::kAgain;
  }
  OnSignal on_signal() const override { return OnSignal::kNoIntr; }

 protected:
  void Join(Thread& thread) override { entry_.Join(thread); }
  void Leave() override { entry_.Leave(); }

 private:
  Entry entry_;
};

class WaitRequeuePiCall final : public FutexCall {
 public:
  WaitRequeuePiCall(FutexTable& table, FutexWord word, FutexKey key, uint32_t expected,
                    Entry::Target target, std::optional<FutexTimeout> timeout)
      : FutexCall(timeout), entry_(table, word, std::move(key), kFutexAnyBit), expected_(expected) {
    entry_.target = std::move(target);
  }

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    if (!entry_.waiting()) {
      if (entry_.failure.has_value()) return EndsWith(*entry_.failure);
      return int64_t{0};
    }
    if (timed_out || expired()) return Errno::kTimedOut;
    if (entry_.lock() != nullptr || !BeginsAgain(thread)) return Errno::kAgain;
    entry_.Leave();
    const Result<uint32_t> value = Load(thread, entry_.word().address);
    if (!value.ok()) return value.error();
    if (*value != expected_) return EndsWith(Errno::kAgain);
    entry_.Join(thread);
    return Errno::kAgain;
  }
  // Begun again it would only find that the word has changed: Linux says so at once.
  Result<int64_t> Interrupt() override { return moved_ ? Errno::kAgain : Errno::kIntr; }
  OnSignal on_signal() const override { return OnSignal::kNoIntr; }

 protected:
  void Join(Thread& thread) override { entry_.Join(thread); }
  void Leave() override {
    moved_ = entry_.lock() != nullptr;
    entry_.Leave();
  }

 private:
  Entry entry_;
  uint32_t expected_;
  bool moved_ = false;
};

}  // namespace

// ---- Locks.

CallResult StartFutexLockPi(Thread& thread, FutexWord word, std::optional<FutexTimeout> timeout) {
  Result<FutexKey> key = KeyOf(thread, word, FutexAccess::kWrite);
  if (!key.ok()) return key.error();
  Lock lock;
  const Result<bool> taken = TakeOrFind(thread, word.address, *key, thread, false, &lock);
  if (!taken.ok()) return taken.error();
  if (*taken) return 0;
  if (WouldDeadlock(*lock, thread)) return Errno::kDeadLk;
  return std::unique_ptr<BlockedCall>(std::make_unique<LockPiCall>(
      FutexesOf(thread), word, *std::move(key), std::move(lock), timeout));
}

Result<void> FutexTryLockPi(Thread& thread, FutexWord word) {
  POLLUX_ASSIGN_OR_RETURN(const FutexKey key, KeyOf(thread, word, FutexAccess::kWrite));
  Lock lock;
  POLLUX_ASSIGN_OR_RETURN(const bool taken,
                          TakeOrFind(thread, word.address, key, thread, false, &lock));
  if (!taken) return Errno::kAgain;
  return {};
}

Result<void> FutexUnlockPi(Thread& thread, FutexWord word) {
  // get_user() comes first: a misaligned word that is not the caller's is EPERM.
  POLLUX_ASSIGN_OR_RETURN(const uint32_t value, Load(thread, word.address));
  if ((value & kFutexTidMask) != Number(thread)) return Errno::kPerm;
  POLLUX_ASSIGN_OR_RETURN(const FutexKey key, KeyOf(thread, word, FutexAccess::kWrite));
  FutexTable& table = FutexesOf(thread);
  const Entry* const first = table.First(key);
  // Nobody waits: neither of the two bits stays.
  if (first == nullptr) return Store(thread, word.address, 0);
  const Lock lock = first->lock();
  if (lock == nullptr || &lock->owner() != &thread) return Errno::kInval;
  Entry* const next = FirstOf(table, lock);
  POLLUX_CHECK(next != nullptr) << "a lock that nobody waits for";
  Thread& taker = *next->thread();
  // FUTEX_WAITERS stays as long as the kernel knows of the lock; FUTEX_OWNER_DIED does not.
  POLLUX_RETURN_IF_ERROR(Store(thread, word.address, kFutexWaiters | Number(taker)));
  lock->SetOwner(taker);
  next->Release();
  table.NoteWake(key, thread, 1);
  return {};
}

void ReleasePiLocks(Thread& thread) {
  FutexTable& table = FutexesOf(thread);
  std::vector<FutexKey> owned;
  for (const PiState* lock : table.locks()) {
    if (&lock->owner() == &thread) owned.push_back(lock->key());
  }
  // The newest first.
  std::reverse(owned.begin(), owned.end());
  for (const FutexKey& key : owned) {
    Entry* next = table.First(key);
    while (next != nullptr && (next->lock() == nullptr || &next->lock()->owner() != &thread))
      next = next->next();
    POLLUX_CHECK(next != nullptr) << "a lock that nobody waits for";
    const Lock lock = next->lock();
    Thread& taker = *next->thread();
    // fixup_pi_state_owner(), through the new owner's own mapping.
    const GuestAddr word =
        next->target.has_value() ? next->target->word.address : next->word().address;
    if (!Store(taker, word, kFutexOwnerDied | kFutexWaiters | Number(taker)).ok())
      next->failure = Errno::kFault;
    lock->SetOwner(taker);
    next->Release();
    table.NoteWake(key, thread, 1);
  }
}

// ---- Requeueing to a lock.

CallResult StartFutexWaitRequeuePi(Thread& thread, FutexWord word, uint32_t expected,
                                   FutexWord lock, std::optional<FutexTimeout> timeout) {
  if (word.address == lock.address) return Errno::kInval;
  Result<FutexKey> lock_key = KeyOf(thread, lock, FutexAccess::kWrite);
  if (!lock_key.ok()) return lock_key.error();
  Result<FutexKey> key = KeyOf(thread, word, FutexAccess::kRead);
  if (!key.ok()) return key.error();
  const Result<uint32_t> value = Load(thread, word.address);
  if (!value.ok()) return value.error();
  if (*value != expected) return Errno::kAgain;
  // Two mappings of one word.
  if (*key == *lock_key) return Errno::kInval;
  return std::unique_ptr<BlockedCall>(
      std::make_unique<WaitRequeuePiCall>(FutexesOf(thread), word, *std::move(key), expected,
                                          Entry::Target{lock, *std::move(lock_key)}, timeout));
}

Result<int64_t> FutexRequeuePi(Thread& thread, FutexWord from, FutexWord to, int32_t wake,
                               int32_t requeue, uint32_t expected) {
  if (wake < 0 || requeue < 0 || from.address == to.address || wake != 1) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const FutexKey from_key, KeyOf(thread, from, FutexAccess::kRead));
  POLLUX_ASSIGN_OR_RETURN(const FutexKey to_key, KeyOf(thread, to, FutexAccess::kWrite));
  if (from_key == to_key) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const uint32_t value, Load(thread, from.address));
  if (value != expected) return Errno::kAgain;

  // futex_proxy_trylock_atomic(): the first waiter gets the lock if it is free.
  FutexTable& table = FutexesOf(thread);
  const auto is_for = [&to_key](const Entry& entry) {
    return entry.target.has_value() && entry.lock() == nullptr && entry.target->key == to_key;
  };
  POLLUX_RETURN_IF_ERROR(Load(thread, to.address));
  Entry* first = table.First(from_key);
  if (first == nullptr) return int64_t{0};
  if (!is_for(*first)) return Errno::kInval;
  Lock lock;
  POLLUX_ASSIGN_OR_RETURN(const bool taken, TakeOrFind(thread, to.address, to_key, *first->thread(),
                                                       requeue > 0, &lock));
  int64_t done = 0;
  if (taken) {
    first->Release();
    table.NoteWake(from_key, thread, 1);
    ++done;
  }

  Entry* next = nullptr;
  for (Entry* entry = table.First(from_key); entry != nullptr && done - wake < requeue;
       entry = next) {
    next = entry->next();
    if (!is_for(*entry)) return Errno::kInval;
    if (WouldDeadlock(*lock, *entry->thread())) return Errno::kDeadLk;
    entry->SetLock(lock);
    entry->MoveTo(entry->target->word, to_key);
    ++done;
  }
  return done;
}

}  // namespace pollux::os_emu
