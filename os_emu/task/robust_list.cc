#include "os_emu/task/robust_list.h"

#include <cstdint>
#include <utility>

#include "abi/result.h"
#include "memory/address_space.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/futex_pi.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// struct robust_list_head of a 64-bit program.
constexpr uint64_t kOffsetAt = 8, kPendingAt = 16;
constexpr int kListLimit = 2048;  // ROBUST_LIST_LIMIT

// An entry's address; bit 0 says that its lock is a priority-inheriting one.
struct Link {
  GuestAddr entry;
  bool pi = false;
};

Result<Link> FetchLink(memory::AddressSpace& memory, GuestAddr from) {
  POLLUX_ASSIGN_OR_RETURN(const uint64_t value, memory.ReadObject<uint64_t>(from));
  return Link{GuestAddr{value & ~uint64_t{1}}, (value & 1) != 0};
}

// handle_futex_death(). False: the walk ends.
bool MarkDeath(Thread& thread, GuestAddr word, bool pi, bool pending) {
  memory::AddressSpace& memory = *thread.process().memory;
  if (word.value % sizeof(uint32_t) != 0) return false;
  const Result<uint32_t> value = memory.ReadObject<uint32_t>(word);
  if (!value.ok()) return false;
  // The key is never a private one: robust locks may lie in shared memory.
  const auto wake_one = [&] {
    (void)FutexWake(thread, {word, FutexScope::kAny}, 1, kFutexAnyBit).ok();
  };
  const uint32_t owner = *value & kFutexTidMask;
  // It gave the lock back, and ended before it could wake a waiter.
  if (pending && !pi && owner == 0) {
    wake_one();
    return true;
  }
  if (owner != static_cast<uint32_t>(thread.tid())) return true;
  if (!memory.WriteObject(word, (*value & kFutexWaiters) | kFutexOwnerDied).ok()) return false;
  // Waiters of priority-inheriting locks are woken when those are handed on.
  if (!pi && (*value & kFutexWaiters) != 0) wake_one();
  return true;
}

// exit_robust_list()
void Walk(Thread& thread, GuestAddr head) {
  memory::AddressSpace& memory = *thread.process().memory;
  Result<Link> link = FetchLink(memory, head);
  if (!link.ok()) return;
  const Result<uint64_t> offset = memory.ReadObject<uint64_t>(head + kOffsetAt);
  if (!offset.ok()) return;
  const Result<Link> pending = FetchLink(memory, head + kPendingAt);
  if (!pending.ok()) return;
  for (int left = kListLimit; left > 0 && link->entry != head; --left) {
    // The next one is read first: who is woken may change the entry.
    const Result<Link> next = FetchLink(memory, link->entry);
    // One that is on the list already is not looked at twice.
    if (link->entry != pending->entry &&
        !MarkDeath(thread, link->entry + *offset, link->pi, false)) {
      return;
    }
    if (!next.ok()) return;
    link = next;
  }
  if (!pending->entry.IsNull())
    (void)MarkDeath(thread, pending->entry + *offset, pending->pi, true);
}

}  // namespace

void ExitRobustList(Thread& thread) {
  const GuestAddr head = std::exchange(thread.robust_list_head, GuestAddr());
  if (!head.IsNull() && thread.process().memory != nullptr) Walk(thread, head);
  ReleasePiLocks(thread);
}

}  // namespace pollux::os_emu
