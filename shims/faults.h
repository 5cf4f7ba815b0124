// Faults: what Linux may really do to a call, and seldom does. A correct program survives each of
// them: a fault changes the kernel's state behind a call's checks, and what follows is the
// kernel's own answer to that state.
//
// The rows of the syscalls' table say what may happen to which call (SyscallRow::faults), FaultRows
// names for what is not selected by calls; whether it does is the FaultSource's choice.
#ifndef POLLUX_SHIMS_FAULTS_H_
#define POLLUX_SHIMS_FAULTS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "os_emu/task/thread.h"
#include "re2/re2.h"
#include "shims/fault_kinds.h"

namespace pollux::shims {

struct FaultRow {
  FaultKind kind;
  std::string_view name;  // In the docs, and in a selection where it is not by calls.
  std::string_view text;
  enum Selected {
    kByCalls,       // With the names of the calls.
    kByName,        // With its own.
    kByNameInFull,  // With its own, as it stands in the selection: `.*` is not enough.
  };
  Selected selected = kByCalls;
};
std::span<const FaultRow> FaultRows();

// Who decides.
class FaultSource {
 public:
  virtual ~FaultSource() = default;
  // `thread` makes a call that may meet such a fault: whether it does.
  virtual bool Happens(os_emu::Thread& thread, FaultKind kind) = 0;
};

// The faults that are wanted: all that may happen to calls with some names, and those that are
// named themselves.
class FaultSelection {
 public:
  // Nothing.
  FaultSelection() = default;
  // Those whose whole name `names` matches.
  explicit FaultSelection(const re2::RE2& names);

  // What may happen in this call, and is wanted.
  FaultSet Of(uint64_t number) const {
    return number < calls_.size() ? calls_[number].faults : FaultSet{0};
  }
  // Whether it is one of those before which nothing that is wanted can have happened. (What TCP
  // meets comes after a connection, in nearly every call that there is.)
  bool MayBegin(uint64_t number) const { return number < calls_.size() && calls_[number].begins; }
  bool loses_reservations() const { return loses_reservations_; }
  bool empty() const { return calls_.empty() && !loses_reservations_; }

 private:
  struct CallFaults {
    FaultSet faults = 0;
    bool begins = false;
  };
  std::vector<CallFaults> calls_;  // By number.
  bool loses_reservations_ = false;
};

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_FAULTS_H_
