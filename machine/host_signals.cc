#include "machine/host_signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace pollux::machine {
namespace {

// Their numbers are the same everywhere.
constexpr int kPassedOn[] = {SIGINT, SIGTERM};
static_assert(SIGINT == os_emu::kSigInt && SIGTERM == os_emu::kSigTerm);

}  // namespace

HostSignals::~HostSignals() {
  if (signal_fd_ < 0) return;
  StopWatching();
  close(signal_fd_);
  sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

absl::Status HostSignals::Start(os_emu::Process& process) {
  process_ = process.pid();
  group_ = process.group;
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kPassedOn) {
    sigaddset(&signals, signal);
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
      process.actions[signal].handler = os_emu::kSigIgn;
    }
  }
  signal_fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd_ < 0) return absl::ErrnoToStatus(errno, "the host gives no signalfd");
  // What is blocked stays pending even where it is ignored, so the guest may still ask for it.
  sigprocmask(SIG_BLOCK, &signals, &old_mask_);
  if (!Watch(signal_fd_, EPOLLIN)) return absl::InternalError("the host does not watch a signalfd");
  return absl::OkStatus();
}

template <typename Visit>
void HostSignals::ForEachReceiver(bool from_terminal, Visit visit) const {
  os_emu::Process* first = kernel_.FindProcess(process_);
  if (!from_terminal && first != nullptr && !first->exit.has_value()) {
    visit(*first);
    return;
  }
  kernel_.ForEachInGroup(group_, [&](os_emu::Process& process) {
    if (!process.exit.has_value()) visit(process);
  });
}

void HostSignals::OnHostEvents(uint32_t) {
  signalfd_siginfo info;
  while (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    ForEachReceiver(from_terminal, [&](os_emu::Process& process) {
      // Who sends one is outside of the guest's world and has no number there (0, as from outside
      // of a pid namespace).
      kernel_.RaiseSignal(process, {.signal = static_cast<int>(info.ssi_signo),
                                    .code = from_terminal ? os_emu::kSiKernel : os_emu::kSiUser,
                                    .sender_uid = from_terminal ? 0 : process.credentials.uid});
    });
  }
}

bool HostSignals::IsAwaited() const {
  bool awaited = false;
  ForEachReceiver(true, [&](const os_emu::Process& process) {
    for (const int signal : kPassedOn) {
      const uint64_t handler = process.actions[signal].handler;
      awaited |= handler != os_emu::kSigDfl && handler != os_emu::kSigIgn;
      for (const auto& [tid, thread] : process.threads) {
        awaited |= (thread->signal_mask() & os_emu::SignalBit(signal)) != 0;
      }
    }
  });
  return awaited;
}

}  // namespace pollux::machine
