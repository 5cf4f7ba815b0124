// FutexTable: who waits at which word of memory (futex(2), kernel/futex/).
//
// A word of private memory is known by its address space and address, one of shared memory by the
// object behind the mapping and its place there. Waiters are woken first in, first out.
// Single-threaded. Its waiters leave it when they are destroyed.
#ifndef POLLUX_OS_EMU_TASK_FUTEX_H_
#define POLLUX_OS_EMU_TASK_FUTEX_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "abi/result.h"
#include "abi/types.h"
#include "absl/container/flat_hash_map.h"
#include "memory/address_space.h"
#include "os_emu/task/blocked_call.h"

namespace pollux::os_emu {

// Whether a word may be shared with other processes: kPrivate is FUTEX_PRIVATE_FLAG.
enum class FutexScope { kAny, kPrivate };

// FUTEX_BITSET_MATCH_ANY: what plain WAIT and WAKE use.
inline constexpr uint32_t kFutexAnyBit = 0xffffffff;

class FutexTable {
 public:
  struct Key {
    std::shared_ptr<const void> owner;  // The address space or the shared object.
    uint64_t address = 0;

    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.owner.get(), key.address);
    }
  };

  // One waiting thread; part of its blocked call.
  class Entry {
   public:
    Entry(FutexTable& table, Key key, uint32_t bits)
        : table_(table), key_(std::move(key)), bits_(bits) {}
    ~Entry() { Leave(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    void Join(Thread& thread);
    void Leave();
    bool waiting() const { return thread_ != nullptr; }
    const Key& key() const { return key_; }

   private:
    friend class FutexTable;
    FutexTable& table_;
    Key key_;
    uint32_t bits_;
    Thread* thread_ = nullptr;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
  };

  FutexTable() = default;
  FutexTable(const FutexTable&) = delete;
  FutexTable& operator=(const FutexTable&) = delete;

  // Wakes up to `count` waiters whose bits meet `bits`; returns how many. FUTEX_WAKE of 0 wakes
  // one, as Linux's does: that is the caller's to say.
  int64_t Wake(const Key& key, int64_t count, uint32_t bits = kFutexAnyBit);
  // Wakes up to `wake` waiters of `from` and moves up to `requeue` others to the end of `to`.
  // Returns how many were woken or moved.
  int64_t Requeue(const Key& from, const Key& to, int64_t wake, int64_t requeue);
  // How many wait at `key`.
  int64_t Waiters(const Key& key) const;

 private:
  struct Queue {
    Entry* first = nullptr;
    Entry* last = nullptr;
  };
  absl::flat_hash_map<Key, Queue> queues_;  // Only looked up by key, never walked.
};

// get_futex_key(): without FUTEX_PRIVATE_FLAG the mapping decides, and the page has to be there.
// kInval: address not a multiple of 4. kFault.
Result<FutexTable::Key> FutexKeyOf(Thread& thread, GuestAddr word, FutexScope scope);

// FUTEX_WAIT(_BITSET): waits while the word is `expected`. Errors: kInval (bits 0, address not a
// multiple of 4), kFault, kAgain (the word differs). The call: 0 when woken, kTimedOut at
// `deadline` (CLOCK_MONOTONIC; kNanosMax: none).
CallResult StartFutexWait(Thread& thread, GuestAddr word, FutexScope scope, uint32_t expected,
                          uint32_t bits, Nanos deadline);
// FUTEX_WAKE(_BITSET). kInval: bits 0, address not a multiple of 4.
Result<int64_t> FutexWake(Thread& thread, GuestAddr word, FutexScope scope, int32_t count,
                          uint32_t bits);
// FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE where `expected` is given: kAgain if the word at `from`
// differs.
Result<int64_t> FutexRequeue(Thread& thread, GuestAddr from, GuestAddr to, FutexScope scope,
                             int32_t wake, int32_t requeue, std::optional<uint32_t> expected);
// FUTEX_WAKE_OP. `operation` as the guest encodes it.
Result<int64_t> FutexWakeOp(Thread& thread, GuestAddr word, GuestAddr second, FutexScope scope,
                            int32_t wake, int32_t wake_second, uint32_t operation);
// exit_robust_list(): the locks on the thread's set_robust_list(2) say that their owner died, and
// one waiter of each is woken. At most 2048 locks; bad addresses end it.
void ExitRobustList(Thread& thread);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_FUTEX_H_
