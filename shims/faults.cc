#include "shims/faults.h"

#include <algorithm>

namespace pollux::shims {
namespace {

constexpr FaultRow kRows[] = {
    {FaultKind::kShortMemory, "memory",
     "memory for what the call would make is short: ENOMEM, ENFILE, ENOBUFS"},
    {FaultKind::kInterruption, "interruption",
     "the process is stopped and continued while the call waits: EINTR, unless it begins again by "
     "itself, as all do but epoll_wait, rt_sigtimedwait and sockets with a timeout"},
    {FaultKind::kVainWakeUp, "wake-up", "a futex is woken by who meant somebody else"},
    {FaultKind::kLostReservation, "reservation",
     "a reservation of LR is lost when a thread's turn begins; no call's, its name is `sc`"},
};
static_assert(std::size(kRows) == kFaultKinds);

}  // namespace

std::span<const FaultRow> FaultRows() { return kRows; }

FaultSet FaultsOf(const SyscallRow& row) {
  if (row.support != Support::kComplete && row.support != Support::kPartial) return 0;
  const auto gives = [&](Errno error) {
    return std::find(row.errors.begin(), row.errors.end(), error) != row.errors.end();
  };
  FaultSet faults = 0;
  if (gives(Errno::kNoMem) || gives(Errno::kNFile) || gives(Errno::kNoBufs))
    faults |= FaultBit(FaultKind::kShortMemory);
  if (gives(Errno::kIntr)) faults |= FaultBit(FaultKind::kInterruption);
  if (row.wakes_in_vain) faults |= FaultBit(FaultKind::kVainWakeUp);
  return faults;
}

FaultSelection::FaultSelection(const re2::RE2& names)
    : loses_reservations_(re2::RE2::FullMatch("sc", names)) {
  for (const SyscallRow& row : SyscallTable()) {
    const FaultSet faults = FaultsOf(row);
    if (faults == 0 || !re2::RE2::FullMatch(row.name, names)) continue;
    if (faults_.size() <= row.number) faults_.resize(row.number + size_t{1});
    faults_[row.number] = faults;
  }
}

}  // namespace pollux::shims
