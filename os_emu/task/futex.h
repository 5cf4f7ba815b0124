// FutexTable: who waits at which word of memory (futex(2), kernel/futex/core.c), and the calls that
// know no owner (kernel/futex/waitwake.c, requeue.c). Those that do are in futex_pi.h.
//
// Waiters are woken first in, first out: Linux orders them by priority first, and all tasks here
// have one. futex(2) promises no order, so a WakeChooser may say otherwise. Single-threaded. A
// waiter leaves the table when it is destroyed.
#ifndef POLLUX_OS_EMU_TASK_FUTEX_H_
#define POLLUX_OS_EMU_TASK_FUTEX_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "absl/container/flat_hash_map.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/futex_key.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class PiState;  // os_emu/task/futex_pi.h

// FUTEX_BITSET_MATCH_ANY: what plain WAIT and WAKE use.
inline constexpr uint32_t kFutexAnyBit = 0xffffffff;
// FUTEX_WAITV_MAX
inline constexpr size_t kMaxFutexWaits = 128;

// When a wait ends by itself. One of CLOCK_REALTIME moves when that clock is set.
struct FutexTimeout {
  TimeBase base = TimeBase::kMonotonic;
  Nanos deadline = kNanosMax;
};

// Whom a call wakes, or moves, where more wait than it asks for: futex(2) leaves it open.
class WakeChooser {
 public:
  // The place in `waiters` of the next one. They are in the order in which they came, all
  // different, and more than `left`, which are still to be chosen, this one with them; `chosen` of
  // the same group are no longer among them.
  virtual size_t ChooseWoken(Thread& waker, std::span<Thread* const> waiters, size_t chosen,
                             size_t left) = 0;

 protected:
  ~WakeChooser() = default;
};

class FutexTable {
 public:
  // One thread that waits at one word (struct futex_q); part of its blocked call.
  class Entry {
   public:
    Entry(FutexTable& table, FutexWord word, FutexKey key, uint32_t bits)
        : table_(table), word_(word), key_(std::move(key)), bits_(bits) {}
    ~Entry() { Leave(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    // To the end of the queue.
    void Join(Thread& thread);
    // Nothing if it does not wait.
    void Leave();
    // Leaves, and wakes the thread.
    void Release();
    // Goes on waiting at another word, behind who waits there.
    void MoveTo(FutexWord word, const FutexKey& key);

    bool waiting() const { return thread_ != nullptr; }
    Thread* thread() const { return thread_; }
    // The word as the waiting process knows it, as long as that can be told: a requeue through
    // another process's mapping names that one's address.
    FutexWord word() const { return word_; }
    const FutexKey& key() const { return key_; }
    uint32_t bits() const { return bits_; }
    Entry* next() const { return next_; }

    // ---- Of the priority-inheriting calls.
    // The lock that is waited for; null: none (yet). Before Join(), or by SetLock().
    const std::shared_ptr<PiState>& lock() const { return lock_; }
    void SetLock(std::shared_ptr<PiState> lock);
    // FUTEX_WAIT_REQUEUE_PI: the lock to which it may be moved.
    struct Target {
      FutexWord word;
      FutexKey key;
    };
    std::optional<Target> target;
    // Neither waits for a lock nor may be moved to one.
    bool plain() const { return lock_ == nullptr && !target.has_value(); }
    // Why it was woken without what it waited for.
    std::optional<Errno> failure;

    // Its place among the words of one futex_waitv(2).
    size_t index = 0;

   private:
    friend class FutexTable;
    void Unlink();

    FutexTable& table_;
    FutexWord word_;
    FutexKey key_;
    uint32_t bits_;
    Thread* thread_ = nullptr;
    std::shared_ptr<PiState> lock_;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
  };

  FutexTable() = default;
  FutexTable(const FutexTable&) = delete;
  FutexTable& operator=(const FutexTable&) = delete;

  // Not owned. Null, as in the beginning: first in, first out. So it is also where somebody waits
  // for a lock that the kernel knows the owner of (those have an order), and where a thread waits
  // at the word twice (futex_waitv(2)).
  void SetWakeChooser(WakeChooser* chooser) { chooser_ = chooser; }

  // The oldest waiter at the word; null: none.
  Entry* First(const FutexKey& key) const;
  // `waker` wakes up to `count` waiters whose bits meet `bits`, but at least one; returns how many.
  // kInval: one of them waits for a lock; those before it were woken.
  Result<int64_t> Wake(Thread& waker, const FutexKey& key, int64_t count,
                       uint32_t bits = kFutexAnyBit);
  // Wakes up to `wake` waiters of `from` and moves up to `requeue` others to the end of `to`.
  // Returns how many were woken or moved. kInval as for Wake().
  Result<int64_t> Requeue(Thread& waker, const FutexKey& from, FutexWord to_word,
                          const FutexKey& to, int64_t wake, int64_t requeue);

  // ---- For reports.
  // In the order in which they would be woken.
  std::vector<const Thread*> WaitersAt(const FutexKey& key) const;
  // What the thread waits at, in the order of the call's words. Looks at every waiter.
  std::vector<const Entry*> WaitsOf(const Thread& thread) const;
  // The last call that would have woken waiters of a word, whether there were any or not.
  struct LastWake {
    Tid waker{0};
    int64_t woken = 0;
    Nanos time{0};  // CLOCK_MONOTONIC
  };
  void NoteWake(const FutexKey& key, Thread& waker, int64_t woken);
  // Nothing: there was none, or so many at other words since then that it is forgotten.
  std::optional<LastWake> LastWakeAt(const FutexKey& key) const;

  // ---- For futex_pi.cc.
  // Locks that are waited for, in the order in which their owners came to them.
  const std::vector<PiState*>& locks() const { return locks_; }
  // Null: the thread waits for no lock.
  PiState* LockAwaitedBy(const Thread& thread) const;

 private:
  friend class PiState;
  struct Queue {
    Entry* first = nullptr;
    Entry* last = nullptr;
  };
  struct Noted {
    const void* owner = nullptr;
    uint64_t offset = 0;
    FutexScope scope = FutexScope::kAny;
    LastWake wake;
  };
  // One place each for many words: a guest may wake at all of its memory.
  static constexpr size_t kNoted = 1024;
  // In the order in which they came, where there is a choice among them. Nothing: there is none.
  std::vector<Entry*> Choosable(const FutexKey& key, int64_t count, uint32_t bits) const;
  // Takes so many out of `waiters`, as the chooser says; they are in the order in which they came.
  std::vector<Entry*> Choose(Thread& waker, std::vector<Entry*>& waiters, int64_t count);

  static size_t NotedAt(const FutexKey& key) { return key.offset / 4 % kNoted; }

  // Only looked up, never walked where the order could be seen.
  absl::flat_hash_map<FutexKey, Queue> queues_;
  absl::flat_hash_map<const Thread*, PiState*> awaited_;
  std::vector<PiState*> locks_;
  std::vector<Noted> noted_;  // Empty until the first.
  WakeChooser* chooser_ = nullptr;
};

// ---- The calls. All answer KeyOf()'s errors for each word that they look at.

// FUTEX_WAIT(_BITSET), futex_wait(2): waits while the word is `expected`. Errors: kInval (bits 0),
// KeyOf()'s, kFault, kAgain (the word differs). The call: 0 when woken, kTimedOut. What a signal
// does is for the caller to say: FUTEX_WAIT with a timeout is not begun again (kRestartBlock).
CallResult StartFutexWait(Thread& thread, FutexWord word, uint32_t expected, uint32_t bits,
                          std::optional<FutexTimeout> timeout,
                          OnSignal on_signal = OnSignal::kRestart);
// futex_waitv(2): waits at all words, 1 to kMaxFutexWaits. The call: the index of a word that was
// woken.
struct FutexWait {
  FutexWord word;
  uint32_t expected = 0;
};
CallResult StartFutexWaitv(Thread& thread, const std::vector<FutexWait>& waits,
                           std::optional<FutexTimeout> timeout);
// FUTEX_WAKE(_BITSET). kInval: bits 0, a waiter for a lock. A count of 0 or less wakes one.
Result<int64_t> FutexWake(Thread& thread, FutexWord word, int32_t count, uint32_t bits);
// FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE where `expected` is given: kAgain if the word at `from`
// differs. kInval: a negative count, a waiter for a lock.
Result<int64_t> FutexRequeue(Thread& thread, FutexWord from, FutexWord to, int32_t wake,
                             int32_t requeue, std::optional<uint32_t> expected);
// FUTEX_WAKE_OP. `operation` as the guest encodes it; kNoSys: an unknown operation, or, when the
// word was changed already, an unknown comparison.
Result<int64_t> FutexWakeOp(Thread& thread, FutexWord word, FutexWord second, int32_t wake,
                            int32_t wake_second, uint32_t operation);

// The table of a thread's kernel.
FutexTable& FutexesOf(Thread& thread);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_FUTEX_H_
