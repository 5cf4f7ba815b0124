// HostClock: makes a machine's clocks follow the host's (--clock=host).
//
// The machine still boots at Clock::kBootNanos; CLOCK_REALTIME is the host's, also after somebody
// sets that. os_emu/ never asks the host: it is told here, before and after each wait, at each
// system call, when the guest reads its time register and at the end of each slice.
#ifndef POLLUX_MACHINE_HOST_CLOCK_H_
#define POLLUX_MACHINE_HOST_CLOCK_H_

#include "abi/types.h"
#include "os_emu/task/kernel.h"

namespace pollux::machine {

class HostClock {
 public:
  // Sets the kernel's clock. `kernel` must outlive this.
  explicit HostClock(os_emu::Kernel& kernel);

  // Brings the machine's clocks up to date. Cheap. Expires no timers.
  void Tell();
  // The same, and follows the host's CLOCK_REALTIME where that was set, or the host slept.
  void TellAndFollowSteps();

 private:
  os_emu::Kernel& kernel_;
  Nanos boot_;        // The machine's time 0 on the host's CLOCK_MONOTONIC.
  Nanos host_ahead_;  // How far the host's CLOCK_REALTIME is ahead of its CLOCK_MONOTONIC.
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HOST_CLOCK_H_
