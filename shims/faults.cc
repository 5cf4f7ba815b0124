#include "shims/faults.h"

#include <string>

#include "shims/syscall_table.h"

namespace pollux::shims {
namespace {

constexpr FaultRow kRows[] = {
    {FaultKind::kShortMemory, "memory",
     "memory for what the call would make is short: ENOMEM, ENFILE, ENOBUFS"},
    {FaultKind::kInterruption, "interruption",
     "the process is stopped and continued while the call waits: EINTR from epoll_wait, "
     "rt_sigtimedwait and sockets with a timeout; all others begin again unseen"},
    {FaultKind::kVainWakeUp, "wake-up", "a futex is woken by who meant somebody else"},
    {FaultKind::kLostReservation, "sc",
     "a reservation of LR is lost when a thread's turn begins, and SC fails", FaultRow::kByName},
    {FaultKind::kLateArrival, "tcp_delay",
     "what TCP sends in a call (bytes, an end, a SYN) arrives later", FaultRow::kByName},
    {FaultKind::kSplitArrival, "tcp_split",
     "a part of the bytes that TCP sends in a call arrives, the rest later", FaultRow::kByName},
    {FaultKind::kSmallWindow, "tcp_window",
     "TCP takes a part of a write, and more when that has arrived", FaultRow::kByName},
    {FaultKind::kReset, "tcp_reset",
     "a TCP connection that is written or read is lost: both ends get a RST; only where the name "
     "is written out",
     FaultRow::kByNameInFull},
};
static_assert(std::size(kRows) == kFaultKinds);

bool Selects(const re2::RE2& names, const FaultRow& row) {
  if (row.selected == FaultRow::kByCalls) return false;
  const std::string name(row.name);
  if (!re2::RE2::FullMatch(name, names)) return false;
  return row.selected == FaultRow::kByName || names.pattern().find(name) != std::string::npos;
}

}  // namespace

std::span<const FaultRow> FaultRows() { return kRows; }

FaultSelection::FaultSelection(const re2::RE2& names) {
  FaultSet by_calls = 0, by_name = 0;
  for (const FaultRow& row : kRows) {
    if (row.selected == FaultRow::kByCalls) by_calls |= FaultBit(row.kind);
    if (Selects(names, row)) by_name |= FaultBit(row.kind);
  }
  loses_reservations_ = (by_name & FaultBit(FaultKind::kLostReservation)) != 0;
  for (const SyscallRow& row : SyscallTable()) {
    const bool named = re2::RE2::FullMatch(row.name, names);
    const FaultSet to_call = named ? row.faults & by_calls : 0;
    const FaultSet in_call = row.faults & by_name;
    if ((to_call | in_call) == 0) continue;
    if (calls_.size() <= row.number) calls_.resize(row.number + size_t{1});
    calls_[row.number] = {.faults = static_cast<FaultSet>(to_call | in_call),
                          .begins = to_call != 0 || (in_call != 0 && row.makes_connections)};
  }
}

}  // namespace pollux::shims
