// Outside: what a machine with --clock=host has beside the standard streams: the host's time, its
// signals and published ports. Such a run is not repeatable. With the virtual clock there is none.
#ifndef POLLUX_MACHINE_OUTSIDE_H_
#define POLLUX_MACHINE_OUTSIDE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "machine/host_clock.h"
#include "machine/host_signals.h"
#include "os_emu/host_net/published_ports.h"
#include "os_emu/host_poller/host_poller.h"
#include "os_emu/task/kernel.h"

namespace pollux::machine {

class Outside {
 public:
  // The machine's clock is the host's from now on. `poller` and `kernel` must outlive this.
  Outside(os_emu::HostPoller& poller, os_emu::Kernel& kernel);

  HostClock& clock() { return clock_; }
  // Publishes the ports (see PublishSpec) and begins to pass on signals to the first process.
  // `note`: a line for people, for each port that was chosen. kInvalidArgument: why a port cannot
  // be published, in one line.
  absl::Status Start(os_emu::Process& first, const std::vector<std::string>& publish,
                     const std::function<void(std::string_view)>& note);
  // The guest has ended: signals are pollux's again, and clients get what the guest has sent.
  void Finish();

 private:
  os_emu::HostPoller& poller_;
  os_emu::Kernel& kernel_;
  HostClock clock_;
  std::optional<HostSignals> signals_;
  std::optional<os_emu::PublishedPorts> ports_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_OUTSIDE_H_
