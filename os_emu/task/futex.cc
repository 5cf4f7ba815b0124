#include "os_emu/task/futex.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "abi/check.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/pi_futex.h"

namespace pollux::os_emu {
namespace {

// A futex is 4 bytes, aligned, within user space (get_futex_key()): kInval, kFault.
Result<void> CheckWord(GuestAddr word) {
  if (word.value % 4 != 0) return Errno::kInval;
  // access_ok() of 64-bit riscv looks at the sign alone; what is not there faults where it is used.
  if (static_cast<int64_t>(word.value) < 0) return Errno::kFault;
  return {};
}

class FutexWaitCall final : public BlockedCall {
 public:
  FutexWaitCall(FutexTable& table, FutexTable::Key key, uint32_t bits) : entry_(table, key, bits) {}

  Result<int64_t> Resume(Thread&, bool timed_out) override {
    // Only a wake takes the entry out: a signal that woke the thread does not.
    if (!entry_.waiting()) return int64_t{0};
    if (timed_out) return Errno::kTimedOut;
    return Errno::kAgain;
  }
  void Park(Thread& thread) override { entry_.Join(thread); }
  void Unpark() override { entry_.Leave(); }
  OnSignal on_signal() const override {
    return deadline() == kNanosMax ? OnSignal::kRestart : OnSignal::kRestartBlock;
  }
  const char* TypeName() const override { return "futex"; }

 private:
  FutexTable::Entry entry_;
};

// FUTEX_OP of linux/futex.h: 4 bits operation, 4 bits comparison, 12 bits each argument, signed.
struct WakeOp {
  uint32_t operation;
  uint32_t comparison;
  int32_t operand;
  int32_t compared;

  explicit WakeOp(uint32_t code)
      : operation(code >> 28),
        comparison(code >> 24 & 15),
        operand(static_cast<int32_t>(code << 8) >> 20),
        compared(static_cast<int32_t>(code << 20) >> 20) {
    constexpr uint32_t kShift = 8;  // FUTEX_OP_OPARG_SHIFT
    if ((operation & kShift) != 0) {
      operation &= ~kShift;
      operand = static_cast<int32_t>(uint32_t{1} << (operand & 31));
    }
  }

  Result<uint32_t> Apply(uint32_t old) const {
    const uint32_t value = static_cast<uint32_t>(operand);
    switch (operation) {
      case 0:
        return value;
      case 1:
        return old + value;
      case 2:
        return old | value;
      case 3:
        return old & ~value;
      case 4:
        return old ^ value;
      default:
        return Errno::kNoSys;
    }
  }
  Result<bool> Compare(uint32_t old) const {
    const int32_t value = static_cast<int32_t>(old);
    switch (comparison) {
      case 0:
        return value == compared;
      case 1:
        return value != compared;
      case 2:
        return value < compared;
      case 3:
        return value <= compared;
      case 4:
        return value > compared;
      case 5:
        return value >= compared;
      default:
        return Errno::kNoSys;
    }
  }
};

}  // namespace

Result<FutexTable::Key> FutexKeyOf(Thread& thread, GuestAddr word, FutexScope scope) {
  POLLUX_RETURN_IF_ERROR(CheckWord(word));
  const std::shared_ptr<memory::AddressSpace>& memory = thread.process().memory;
  if (scope == FutexScope::kPrivate) return FutexTable::Key{memory, word.value};
  POLLUX_RETURN_IF_ERROR(memory->ReadObject<uint32_t>(word));
  if (std::optional<memory::SharedWord> shared = memory->SharedWordAt(word))
    return FutexTable::Key{std::move(shared->object), shared->offset};
  // Anonymous memory that cannot be written never changes.
  memory::Fault fault;
  if (!memory->Prepare(memory::Access::kStore, word, sizeof(uint32_t), &fault))
    return Errno::kFault;
  // FUT_OFF_MMSHARED: with and without FUTEX_PRIVATE_FLAG it is not the same futex.
  return FutexTable::Key{memory, word.value | 1};
}

void FutexTable::Entry::Join(Thread& thread) {
  POLLUX_CHECK(thread_ == nullptr) << "the entry waits already";
  thread_ = &thread;
  Queue& queue = table_.queues_[key_];
  previous_ = queue.last;
  (queue.last != nullptr ? queue.last->next_ : queue.first) = this;
  queue.last = this;
}

void FutexTable::Entry::Leave() {
  if (thread_ == nullptr) return;
  thread_ = nullptr;
  const auto found = table_.queues_.find(key_);
  POLLUX_CHECK(found != table_.queues_.end()) << "a waiter without a queue";
  Queue& queue = found->second;
  (previous_ != nullptr ? previous_->next_ : queue.first) = next_;
  (next_ != nullptr ? next_->previous_ : queue.last) = previous_;
  previous_ = nullptr;
  next_ = nullptr;
  if (queue.first == nullptr) table_.queues_.erase(found);
}

int64_t FutexTable::Wake(const Key& key, int64_t count, uint32_t bits) {
  const auto found = queues_.find(key);
  if (found == queues_.end()) return 0;
  int64_t woken = 0;
  Entry* entry = found->second.first;
  while (entry != nullptr && woken < count) {
    Entry* next = entry->next_;
    if ((entry->bits_ & bits) != 0) {
      Thread* thread = entry->thread_;
      entry->Leave();
      thread->Wake();
      ++woken;
    }
    entry = next;
  }
  return woken;
}

int64_t FutexTable::Requeue(const Key& from, const Key& to, int64_t wake, int64_t requeue) {
  int64_t done = Wake(from, wake);
  const auto found = queues_.find(from);
  if (found == queues_.end() || from == to) {
    // Requeueing to itself moves nobody, but they count.
    return done + std::min(requeue, Waiters(from));
  }
  Entry* entry = found->second.first;
  for (; entry != nullptr && requeue > 0; --requeue, ++done) {
    Entry* next = entry->next_;
    Thread* thread = entry->thread_;
    entry->Leave();
    entry->key_ = to;
    entry->Join(*thread);
    entry = next;
  }
  return done;
}

int64_t FutexTable::Waiters(const Key& key) const {
  const auto found = queues_.find(key);
  int64_t count = 0;
  if (found == queues_.end()) return count;
  for (const Entry* entry = found->second.first; entry != nullptr; entry = entry->next_) ++count;
  return count;
}

CallResult StartFutexWait(Thread& thread, GuestAddr word, FutexScope scope, uint32_t expected,
                          uint32_t bits, Nanos deadline) {
  if (bits == 0) return Errno::kInval;
  const Result<FutexTable::Key> key = FutexKeyOf(thread, word, scope);
  if (!key.ok()) return key.error();
  const Result<uint32_t> value = thread.process().memory->ReadObject<uint32_t>(word);
  if (!value.ok()) return value.error();
  if (*value != expected) return Errno::kAgain;
  Kernel& kernel = thread.process().kernel();
  auto call = std::make_unique<FutexWaitCall>(kernel.futexes(), *key, bits);
  call->set_deadline(deadline);
  return std::unique_ptr<BlockedCall>(std::move(call));
}

Result<int64_t> FutexWake(Thread& thread, GuestAddr word, FutexScope scope, int32_t count,
                          uint32_t bits) {
  if (bits == 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key key, FutexKeyOf(thread, word, scope));
  // Who waits for a lock there is woken by its owner alone.
  if (thread.process().kernel().Part<PiFutexes>().AnyoneWaitsAt(key)) return Errno::kInval;
  // futex_wake() counts after it woke: 0 and less wake one.
  return thread.process().kernel().futexes().Wake(key, count > 0 ? count : 1, bits);
}

Result<int64_t> FutexRequeue(Thread& thread, GuestAddr from, GuestAddr to, FutexScope scope,
                             int32_t wake, int32_t requeue, std::optional<uint32_t> expected) {
  if (wake < 0 || requeue < 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key from_key, FutexKeyOf(thread, from, scope));
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key to_key, FutexKeyOf(thread, to, scope));
  if (expected.has_value()) {
    POLLUX_ASSIGN_OR_RETURN(const uint32_t value,
                            thread.process().memory->ReadObject<uint32_t>(from));
    if (value != *expected) return Errno::kAgain;
  }
  if (thread.process().kernel().Part<PiFutexes>().AnyoneWaitsAt(from_key)) return Errno::kInval;
  FutexTable& table = thread.process().kernel().futexes();
  return table.Requeue(from_key, to_key, wake, requeue);
}

Result<int64_t> FutexWakeOp(Thread& thread, GuestAddr word, GuestAddr second, FutexScope scope,
                            int32_t wake, int32_t wake_second, uint32_t operation) {
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key key, FutexKeyOf(thread, word, scope));
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key second_key, FutexKeyOf(thread, second, scope));
  const WakeOp op(operation);
  POLLUX_RETURN_IF_ERROR(op.Apply(0));  // An unknown operation touches nothing.
  memory::AddressSpace& memory = *thread.process().memory;
  POLLUX_ASSIGN_OR_RETURN(const uint32_t old, memory.ReadObject<uint32_t>(second));
  POLLUX_ASSIGN_OR_RETURN(const uint32_t changed, op.Apply(old));
  POLLUX_RETURN_IF_ERROR(memory.WriteObject(second, changed));
  POLLUX_ASSIGN_OR_RETURN(const bool wake_there, op.Compare(old));
  FutexTable& table = thread.process().kernel().futexes();
  const PiFutexes& locks = thread.process().kernel().Part<PiFutexes>();
  if (locks.AnyoneWaitsAt(key) || (wake_there && locks.AnyoneWaitsAt(second_key)))
    return Errno::kInval;
  int64_t woken = table.Wake(key, wake > 0 ? wake : 1);
  if (wake_there) {
    woken += table.Wake(second_key, wake_second > 0 ? wake_second : 1);
  }
  return woken;
}

// ---- Robust lists.

namespace {

// struct robust_list_head and the bits of a robust futex's word (linux/futex.h).
struct RobustListHead {
  uint64_t first;
  int64_t futex_offset;
  uint64_t pending;
};
constexpr uint32_t kTidMask = 0x3fffffff, kOwnerDied = 0x40000000, kHasWaiters = 0x80000000;
// A hostile list has no end (ROBUST_LIST_LIMIT).
constexpr int kMostEntries = 2048;

// handle_futex_death(): the word of a lock that `thread` holds says that its owner died. False: the
// word is not there, and the list is not to be trusted.
bool MarkOwnerDied(Thread& thread, GuestAddr word, bool is_pi, bool is_pending) {
  if (word.value % 4 != 0) return false;
  memory::AddressSpace& memory = *thread.process().memory;
  const Result<uint32_t> value = memory.ReadObject<uint32_t>(word);
  if (!value.ok()) return false;
  // A lock that was being released: nobody else would wake its waiter.
  if (is_pending && !is_pi && (*value & kTidMask) == 0) {
    (void)FutexWake(thread, word, FutexScope::kAny, 1, kFutexAnyBit).ok();
    return true;
  }
  if ((*value & kTidMask) != static_cast<uint32_t>(thread.tid())) return true;
  if (!memory.WriteObject<uint32_t>(word, (*value & kHasWaiters) | kOwnerDied).ok()) return false;
  if (!is_pi && (*value & kHasWaiters) != 0)
    (void)FutexWake(thread, word, FutexScope::kAny, 1, kFutexAnyBit).ok();
  return true;
}

}  // namespace

void ExitRobustList(Thread& thread) {
  const GuestAddr list = std::exchange(thread.robust_list_head, GuestAddr());
  if (list.IsNull() || thread.process().memory == nullptr) return;
  memory::AddressSpace& memory = *thread.process().memory;
  const Result<RobustListHead> head = memory.ReadObject<RobustListHead>(list);
  if (!head.ok()) return;
  // The lowest bit of a pointer says that it is a PI lock.
  const auto entry_at = [](uint64_t pointer) { return pointer & ~uint64_t{1}; };
  const auto word_of = [&](uint64_t pointer) {
    return GuestAddr{entry_at(pointer) + static_cast<uint64_t>(head->futex_offset)};
  };
  uint64_t entry = head->first;
  for (int i = 0; i < kMostEntries && entry_at(entry) != list.value; ++i) {
    // The next one is read first: waking lets others change the list.
    const Result<uint64_t> next = memory.ReadObject<uint64_t>(GuestAddr{entry_at(entry)});
    if (entry_at(entry) != entry_at(head->pending) &&
        !MarkOwnerDied(thread, word_of(entry), (entry & 1) != 0, false)) {
      return;
    }
    if (!next.ok()) break;
    entry = *next;
  }
  if (head->pending != 0)
    MarkOwnerDied(thread, word_of(head->pending), (head->pending & 1) != 0, true);
}

}  // namespace pollux::os_emu
