// HostSignals: SIGINT and SIGTERM that are sent to pollux become signals of the guest's first
// process (--clock=host), as `docker run` and qemu-user do it; those that a terminal sends go to
// the whole process group that the first process began with, as from its own terminal. What the
// guest does about them, also nothing, is its decision; SIGQUIT and SIGKILL end pollux itself.
//
// While it lives, the two are blocked for the host process and are read in HostPoller::Wait().
#ifndef POLLUX_MACHINE_HOST_SIGNALS_H_
#define POLLUX_MACHINE_HOST_SIGNALS_H_

#include <signal.h>

#include "absl/status/status.h"
#include "os_emu/host_poller/host_poller.h"
#include "os_emu/task/kernel.h"

namespace pollux::machine {

class HostSignals final : private os_emu::HostWatcher {
 public:
  HostSignals(os_emu::HostPoller& poller, os_emu::Kernel& kernel)
      : os_emu::HostWatcher(poller), kernel_(kernel) {}
  // Those that have not been passed on act upon pollux now.
  ~HostSignals() override;

  // A signal that pollux was started with as ignored is ignored by `process`, too, as after
  // execve(2). Once. Fails if the host refuses.
  absl::Status Start(os_emu::Process& process);

 private:
  // ---- HostWatcher
  void OnHostEvents(uint32_t events) override;
  // A process that gets them handles one, or blocks it to ask for it: then it may wait for it.
  bool IsAwaited() const override;

  // Calls visit(Process&) for each living process that gets a signal: the first one, or its group
  // where the signal comes from a terminal or the first one has ended.
  template <typename Visit>
  void ForEachReceiver(bool from_terminal, Visit visit) const;

  os_emu::Kernel& kernel_;
  Tid process_{0}, group_{0};
  int signal_fd_ = -1;
  sigset_t old_mask_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HOST_SIGNALS_H_
