// Footprint: what a system call may touch that other threads could see, before it is made: two
// calls that touch nothing in common do the same in either order, and need not be tried both ways
// (machine/strategy/exhaustive.h).
//
// A row of the syscalls' table names the function that tells it (SyscallRow::footprint); a row
// without one may touch everything. So may all that depends on time, on signals, on the names of
// files, or on other processes: only what is certain is told apart. Where the machine's memory is
// used up nothing is: all calls have that in common.
#ifndef POLLUX_SHIMS_FOOTPRINT_H_
#define POLLUX_SHIMS_FOOTPRINT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "abi/types.h"
#include "os_emu/task/thread.h"
#include "shims/syscall_table.h"

namespace pollux::shims {

struct Footprint {
  // Kinds of the kernel's state.
  enum State : uint8_t {
    kFiles = 1,     // Descriptors and what they refer to.
    kTasks = 2,     // Which threads there are.
    kMappings = 4,  // Where memory is mapped.
    kRandom = 8,    // getrandom(2)'s numbers.
  };
  struct Range {
    uint64_t addr = 0;
    uint64_t bytes = 0;
    bool written = false;
  };
  static constexpr size_t kMostRanges = 3;

  bool everything = true;  // The rest does not matter.
  uint8_t reads = 0, writes = 0;
  std::array<Range, kMostRanges> ranges;  // Of the caller's memory.
  size_t range_count = 0;

  // What is too much makes it everything.
  void Add(uint64_t addr, uint64_t bytes, bool written);
  bool Touches(uint64_t addr, uint64_t bytes, bool writes_there) const;
};

// Whether their order may matter, of two threads of one process.
bool Conflict(const Footprint& a, const Footprint& b);

// What the call that `thread` is about to make, or waits in, may touch as things are.
using CallArgs = std::array<uint64_t, kMaxArgs>;
Footprint FootprintOf(os_emu::Thread& thread, uint64_t number, const CallArgs& args, uint64_t sp);

// ---- For rows.
struct PendingCall {
  os_emu::Thread& thread;
  const CallArgs& args;
  uint64_t sp;
};
Footprint OwnThreadFootprint(const PendingCall&);  // Nothing that others could see.
Footprint SignalMaskFootprint(const PendingCall&);
Footprint FutexFootprint(const PendingCall&);
Footprint ThreadEndFootprint(const PendingCall&);
Footprint CloneFootprint(const PendingCall&);
Footprint Clone3Footprint(const PendingCall&);
Footprint RandomFootprint(const PendingCall&);
Footprint MapFootprint(const PendingCall&);
Footprint ProtectFootprint(const PendingCall&);
Footprint UnmapFootprint(const PendingCall&);
Footprint AdviseFootprint(const PendingCall&);
Footprint NewFileFootprint(const PendingCall&);
Footprint PipeFootprint(const PendingCall&);
Footprint FileFootprint(const PendingCall&);  // Of the first argument, and no memory.
Footprint CloseFootprint(const PendingCall&);
Footprint FcntlFootprint(const PendingCall&);
Footprint ReadFootprint(const PendingCall&);
Footprint WriteFootprint(const PendingCall&);
Footprint ReceiveFootprint(const PendingCall&);
Footprint SendFootprint(const PendingCall&);
Footprint AcceptFootprint(const PendingCall&);
Footprint EpollCtlFootprint(const PendingCall&);
Footprint EpollWaitFootprint(const PendingCall&);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_FOOTPRINT_H_
