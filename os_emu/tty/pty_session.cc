// The session of a pseudo terminal (drivers/tty/tty_jobctrl.c).
#include <memory>

#include "os_emu/tty/pty.h"

namespace pollux::os_emu {

void PtyPair::Control(Process& leader) {
  session_ = leader.session;
  foreground_ = leader.group;
  leader.terminal = shared_from_this();
  leader.former_foreground = Tid{0};
}

void PtyPair::TakeAway() {
  if (session_ == Tid{0}) return;
  const std::shared_ptr<PtyPair> self = shared_from_this();  // The last process may have kept it.
  for (const auto& [pid, process] : kernel().processes()) {
    if (process->session == session_) process->terminal.reset();
  }
  session_ = foreground_ = Tid{0};
}

void PtyPair::LeaveSession(bool ends) {
  SignalForeground(kSigHup);
  if (!ends) SignalForeground(kSigCont);
  TakeAway();
}

void PtyPair::HangUpSession() {
  Process* leader = session_ == Tid{0} ? nullptr : kernel().FindProcess(session_);
  if (leader == nullptr) return;
  const Tid foreground = foreground_;
  TakeAway();
  leader->former_foreground = foreground;
  for (const int signal : {kSigHup, kSigCont}) {
    SignalInfo info;
    info.signal = signal;
    info.code = kSiKernel;
    kernel().RaiseSignal(*leader, info);
  }
}

void PtyPair::SignalForeground(int signal) {
  if (foreground_ != Tid{0}) kernel().SignalGroup(foreground_, signal);
}

Result<void> PtyPair::CheckChange(int signal) {
  Thread* current = kernel().current();
  if (current == nullptr) return {};
  const Process& process = current->process();
  if (!Controls(process) || foreground_ == Tid{0} || process.group == foreground_) return {};
  const bool ignored = (current->signal_mask() & SignalBit(signal)) != 0 ||
                       process.actions[signal].handler == kSigIgn;
  if (ignored) return signal == kSigTtin ? Result<void>(Errno::kIo) : Result<void>();
  if (kernel().IsOrphanedGroup(process.group)) return Errno::kIo;
  kernel().SignalGroup(process.group, signal);
  current->NoteSignal();  // Whoever else of its process was chosen.
  return kRestartSys;
}

}  // namespace pollux::os_emu
