#include "os_emu/task/futex.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"
#include "absl/container/flat_hash_set.h"
#include "os_emu/task/futex_pi.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

FutexTable& FutexesOf(Thread& thread) { return thread.process().kernel().futexes(); }

// ---- One waiter.

void FutexTable::Entry::Join(Thread& thread) {
  POLLUX_CHECK(thread_ == nullptr) << "the entry waits already";
  thread_ = &thread;
  Queue& queue = table_.queues_[key_];
  previous_ = queue.last;
  (queue.last != nullptr ? queue.last->next_ : queue.first) = this;
  queue.last = this;
  if (lock_ != nullptr) table_.awaited_[thread_] = lock_.get();
}

void FutexTable::Entry::Unlink() {
  const auto found = table_.queues_.find(key_);
  POLLUX_CHECK(found != table_.queues_.end()) << "a waiter without a queue";
  Queue& queue = found->second;
  (previous_ != nullptr ? previous_->next_ : queue.first) = next_;
  (next_ != nullptr ? next_->previous_ : queue.last) = previous_;
  previous_ = nullptr;
  next_ = nullptr;
  if (queue.first == nullptr) table_.queues_.erase(found);
  if (lock_ != nullptr) table_.awaited_.erase(thread_);
  thread_ = nullptr;
}

void FutexTable::Entry::Leave() {
  if (thread_ != nullptr) Unlink();
  lock_.reset();
}

void FutexTable::Entry::Release() {
  Thread* const thread = thread_;
  POLLUX_CHECK(thread != nullptr) << "the entry does not wait";
  Leave();
  thread->Wake();
}

void FutexTable::Entry::MoveTo(FutexWord word, const FutexKey& key) {
  Thread* const thread = thread_;
  POLLUX_CHECK(thread != nullptr) << "the entry does not wait";
  Unlink();
  word_ = word;
  key_ = key;
  Join(*thread);
}

void FutexTable::Entry::SetLock(std::shared_ptr<PiState> lock) {
  lock_ = std::move(lock);
  if (thread_ != nullptr) table_.awaited_[thread_] = lock_.get();
}

// ---- All waiters.

FutexTable::Entry* FutexTable::First(const FutexKey& key) const {
  const auto found = queues_.find(key);
  return found == queues_.end() ? nullptr : found->second.first;
}

std::vector<FutexTable::Entry*> FutexTable::Choosable(const FutexKey& key, int64_t count,
                                                      uint32_t bits) const {
  if (chooser_ == nullptr) return {};
  std::vector<Entry*> waiters;
  absl::flat_hash_set<const Thread*> seen;
  for (Entry* entry = First(key); entry != nullptr; entry = entry->next()) {
    if (!entry->plain() || !seen.insert(entry->thread()).second) return {};
    if ((entry->bits() & bits) != 0) waiters.push_back(entry);
  }
  if (static_cast<int64_t>(waiters.size()) <= count) waiters.clear();
  return waiters;
}

std::vector<FutexTable::Entry*> FutexTable::Choose(Thread& waker, std::vector<Entry*>& waiters,
                                                   int64_t count) {
  const auto wanted = static_cast<size_t>(count);
  if (wanted >= waiters.size()) return std::exchange(waiters, {});
  std::vector<Entry*> rest = waiters;
  std::vector<Thread*> threads;
  for (const Entry* entry : rest) threads.push_back(entry->thread());
  for (size_t chosen = 0; chosen < wanted; ++chosen) {
    const size_t place = chooser_->ChooseWoken(waker, threads, chosen, wanted - chosen);
    POLLUX_CHECK(place < threads.size()) << "nobody waits there";
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(place));
    threads.erase(threads.begin() + static_cast<ptrdiff_t>(place));
  }
  std::vector<Entry*> chosen;
  auto left = rest.begin();
  for (Entry* entry : waiters) {
    if (left != rest.end() && *left == entry) {
      ++left;
    } else {
      chosen.push_back(entry);
    }
  }
  waiters = std::move(rest);
  return chosen;
}

Result<int64_t> FutexTable::Wake(Thread& waker, const FutexKey& key, int64_t count, uint32_t bits) {
  const int64_t at_least_one = std::max<int64_t>(count, 1);
  if (std::vector<Entry*> waiters = Choosable(key, at_least_one, bits); !waiters.empty()) {
    for (Entry* entry : Choose(waker, waiters, at_least_one)) entry->Release();
    return at_least_one;
  }
  int64_t woken = 0;
  Entry* next = nullptr;
  for (Entry* entry = First(key); entry != nullptr; entry = next) {
    next = entry->next();
    if (!entry->plain()) return Errno::kInval;
    if ((entry->bits() & bits) == 0) continue;
    entry->Release();
    // Linux counts after it woke: 0 and less wake one.
    if (++woken >= count) break;
  }
  return woken;
}

Result<int64_t> FutexTable::Requeue(Thread& waker, const FutexKey& from, FutexWord to_word,
                                    const FutexKey& to, int64_t wake, int64_t requeue) {
  if (std::vector<Entry*> waiters = Choosable(from, wake, kFutexAnyBit); !waiters.empty()) {
    for (Entry* entry : Choose(waker, waiters, wake)) entry->Release();
    const int64_t moved = std::min(requeue, static_cast<int64_t>(waiters.size()));
    if (!(from == to)) {
      for (Entry* entry : Choose(waker, waiters, moved)) entry->MoveTo(to_word, to);
    }
    return wake + moved;
  }
  int64_t done = 0;
  Entry* next = nullptr;
  for (Entry* entry = First(from); entry != nullptr && done < wake + requeue; entry = next) {
    next = entry->next();
    if (!entry->plain()) return Errno::kInval;
    if (++done <= wake) {
      entry->Release();
    } else if (!(from == to)) {  // A requeue to itself moves nobody, but they count.
      entry->MoveTo(to_word, to);
    }
  }
  return done;
}

PiState* FutexTable::LockAwaitedBy(const Thread& thread) const {
  const auto found = awaited_.find(&thread);
  return found == awaited_.end() ? nullptr : found->second;
}

// ---- Reports.

std::vector<const Thread*> FutexTable::WaitersAt(const FutexKey& key) const {
  std::vector<const Thread*> waiters;
  for (const Entry* entry = First(key); entry != nullptr; entry = entry->next())
    waiters.push_back(entry->thread());
  return waiters;
}

std::vector<const FutexTable::Entry*> FutexTable::WaitsOf(const Thread& thread) const {
  std::vector<const Entry*> waits;
  for (const auto& [key, queue] : queues_) {
    for (const Entry* entry = queue.first; entry != nullptr; entry = entry->next()) {
      if (entry->thread() == &thread) waits.push_back(entry);
    }
  }
  // The hash's order must not be seen. Entries of one call have different places in its array.
  std::sort(waits.begin(), waits.end(),
            [](const Entry* a, const Entry* b) { return a->index < b->index; });
  return waits;
}

void FutexTable::NoteWake(const FutexKey& key, Thread& waker, int64_t woken) {
  if (noted_.empty()) noted_.resize(kNoted);
  noted_[NotedAt(key)] = {key.owner,
                          key.offset,
                          key.scope,
                          {waker.tid(), woken, waker.process().kernel().clock().Monotonic()}};
}

std::optional<FutexTable::LastWake> FutexTable::LastWakeAt(const FutexKey& key) const {
  if (noted_.empty()) return std::nullopt;
  const Noted& noted = noted_[NotedAt(key)];
  if (noted.owner != key.owner || noted.offset != key.offset || noted.scope != key.scope)
    return std::nullopt;
  return noted.wake;
}

// ---- Calls that wake.

namespace {

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

  // arch_futex_atomic_op_inuser() looks at the operation before it touches the word.
  bool IsKnown() const { return operation <= 4; }
  uint32_t Apply(uint32_t old) const {
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
      default:
        return old ^ value;
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

Result<int64_t> WakeAt(Thread& thread, const FutexKey& key, int64_t count, uint32_t bits) {
  FutexTable& table = FutexesOf(thread);
  const Result<int64_t> woken = table.Wake(thread, key, count, bits);
  if (woken.ok()) table.NoteWake(key, thread, *woken);
  return woken;
}

}  // namespace

Result<int64_t> FutexWake(Thread& thread, FutexWord word, int32_t count, uint32_t bits) {
  if (bits == 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const FutexKey key, KeyOf(thread, word, FutexAccess::kRead));
  return WakeAt(thread, key, count, bits);
}

Result<int64_t> FutexRequeue(Thread& thread, FutexWord from, FutexWord to, int32_t wake,
                             int32_t requeue, std::optional<uint32_t> expected) {
  if (wake < 0 || requeue < 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const FutexKey from_key, KeyOf(thread, from, FutexAccess::kRead));
  POLLUX_ASSIGN_OR_RETURN(const FutexKey to_key, KeyOf(thread, to, FutexAccess::kRead));
  if (expected.has_value()) {
    POLLUX_ASSIGN_OR_RETURN(const uint32_t value,
                            thread.process().memory->ReadObject<uint32_t>(from.address));
    if (value != *expected) return Errno::kAgain;
  }
  FutexTable& table = FutexesOf(thread);
  const Result<int64_t> done = table.Requeue(thread, from_key, to, to_key, wake, requeue);
  if (done.ok()) table.NoteWake(from_key, thread, std::min<int64_t>(*done, wake));
  return done;
}

Result<int64_t> FutexWakeOp(Thread& thread, FutexWord word, FutexWord second, int32_t wake,
                            int32_t wake_second, uint32_t operation) {
  POLLUX_ASSIGN_OR_RETURN(const FutexKey key, KeyOf(thread, word, FutexAccess::kRead));
  POLLUX_ASSIGN_OR_RETURN(const FutexKey second_key, KeyOf(thread, second, FutexAccess::kWrite));
  const WakeOp op(operation);
  if (!op.IsKnown()) return Errno::kNoSys;
  memory::AddressSpace& memory = *thread.process().memory;
  POLLUX_ASSIGN_OR_RETURN(const uint32_t old, memory.ReadObject<uint32_t>(second.address));
  POLLUX_RETURN_IF_ERROR(memory.WriteObject(second.address, op.Apply(old)));
  POLLUX_ASSIGN_OR_RETURN(const bool wake_there, op.Compare(old));
  POLLUX_ASSIGN_OR_RETURN(int64_t woken, WakeAt(thread, key, wake, kFutexAnyBit));
  if (wake_there) {
    POLLUX_ASSIGN_OR_RETURN(const int64_t more,
                            WakeAt(thread, second_key, wake_second, kFutexAnyBit));
    woken += more;
  }
  return woken;
}

}  // namespace pollux::os_emu
