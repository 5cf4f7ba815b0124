#include "os_emu/task/signal.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pollux::os_emu {
namespace {

constexpr SignalSet kSynchronous = SignalBit(kSigSegv) | SignalBit(kSigBus) | SignalBit(kSigIll) |
                                   SignalBit(kSigTrap) | SignalBit(kSigFpe) | SignalBit(kSigSys);

// NSIGCHLD and NSIGPOLL: the codes that these signals have.
constexpr int kLastChildCode = 6, kLastPollCode = 6;

constexpr const char* kNames[] = {
    "SIG_0",    "SIGHUP",   "SIGINT",    "SIGQUIT",  "SIGILL",   "SIGTRAP",   "SIGABRT",
    "SIGBUS",   "SIGFPE",   "SIGKILL",   "SIGUSR1",  "SIGSEGV",  "SIGUSR2",   "SIGPIPE",
    "SIGALRM",  "SIGTERM",  "SIGSTKFLT", "SIGCHLD",  "SIGCONT",  "SIGSTOP",   "SIGTSTP",
    "SIGTTIN",  "SIGTTOU",  "SIGURG",    "SIGXCPU",  "SIGXFSZ",  "SIGVTALRM", "SIGPROF",
    "SIGWINCH", "SIGIO",    "SIGPWR",    "SIGSYS",   "SIGRT_0",  "SIGRT_1",   "SIGRT_2",
    "SIGRT_3",  "SIGRT_4",  "SIGRT_5",   "SIGRT_6",  "SIGRT_7",  "SIGRT_8",   "SIGRT_9",
    "SIGRT_10", "SIGRT_11", "SIGRT_12",  "SIGRT_13", "SIGRT_14", "SIGRT_15",  "SIGRT_16",
    "SIGRT_17", "SIGRT_18", "SIGRT_19",  "SIGRT_20", "SIGRT_21", "SIGRT_22",  "SIGRT_23",
    "SIGRT_24", "SIGRT_25", "SIGRT_26",  "SIGRT_27", "SIGRT_28", "SIGRT_29",  "SIGRT_30",
    "SIGRT_31", "SIGRT_32",
};
static_assert(std::size(kNames) == kSignals + 1);

}  // namespace

DefaultAction DefaultActionOf(int signal) {
  switch (signal) {
    case kSigQuit:
    case kSigIll:
    case kSigTrap:
    case kSigAbrt:
    case kSigBus:
    case kSigFpe:
    case kSigSegv:
    case kSigXcpu:
    case kSigXfsz:
    case kSigSys:
      return DefaultAction::kCore;
    case kSigChld:
    case kSigUrg:
    case kSigWinch:
      return DefaultAction::kIgnore;
    case kSigCont:
      return DefaultAction::kContinue;
    case kSigStop:
    case kSigTstp:
    case kSigTtin:
    case kSigTtou:
      return DefaultAction::kStop;
    default:
      return DefaultAction::kTerminate;
  }
}

SiginfoLayout SiginfoLayoutOf(int signal, int code) {
  if (code > kSiUser && code < kSiKernel) {
    switch (signal) {
      case kSigIll:
      case kSigFpe:
      case kSigSegv:
      case kSigBus:
      case kSigTrap:
        return SiginfoLayout::kFault;
      case kSigChld:
        if (code <= kLastChildCode) return SiginfoLayout::kChild;
        break;
      case kSigSys:
        return SiginfoLayout::kSystemCall;
      default:
        break;
    }
    return code <= kLastPollCode ? SiginfoLayout::kPoll : SiginfoLayout::kKill;
  }
  if (code == kSiTimer) return SiginfoLayout::kTimer;
  if (code == kSiSigIo) return SiginfoLayout::kPoll;
  return code < 0 ? SiginfoLayout::kQueued : SiginfoLayout::kKill;
}

PendingSignals::Added PendingSignals::Add(const SignalInfo& info, const Account& account) {
  const SignalSet bit = SignalBit(info.signal);
  SignalCounts::Share share;
  if (info.timer == nullptr) {
    const bool standard = info.signal < kSigRtMin;
    if (standard && (set_ & bit) != 0) return Added::kPendsAlready;
    const bool always = standard && info.code >= 0;  // override_rlimit
    std::optional<SignalCounts::Share> taken =
        account.counts.Take(account.uid, always ? UINT64_MAX : account.limit);
    if (!taken.has_value()) {
      if (!standard && info.code != kSiUser) return Added::kQueueFull;
      set_ |= bit;
      return Added::kYes;
    }
    share = *std::move(taken);
  }
  queue_.push_back({info, std::move(share)});
  set_ |= bit;
  return Added::kYes;
}

std::vector<std::shared_ptr<PosixTimer>> PendingSignals::Remove(SignalSet signals) {
  std::vector<std::shared_ptr<PosixTimer>> timers;
  if ((set_ & signals) == 0) return timers;
  std::erase_if(queue_, [&](Queued& queued) {
    if ((SignalBit(queued.info.signal) & signals) == 0) return false;
    if (queued.info.timer != nullptr) timers.push_back(std::move(queued.info.timer));
    return true;
  });
  set_ &= ~signals;
  return timers;
}

std::optional<SignalInfo> PendingSignals::Take(SignalSet blocked) {
  SignalSet ready = set_ & ~blocked;
  if (ready == 0) return std::nullopt;
  if ((ready & kSynchronous) != 0) ready &= kSynchronous;
  const int signal = __builtin_ctzll(ready) + 1;
  const auto is_it = [signal](const Queued& queued) { return queued.info.signal == signal; };
  const auto found = std::find_if(queue_.begin(), queue_.end(), is_it);
  if (found == queue_.end()) {
    // collect_signal(): it found no room in the queue.
    set_ &= ~SignalBit(signal);
    SignalInfo nothing_known;
    nothing_known.signal = signal;
    nothing_known.code = kSiUser;
    return nothing_known;
  }
  SignalInfo info = std::move(found->info);
  const auto rest = queue_.erase(found);
  if (std::find_if(rest, queue_.end(), is_it) == queue_.end()) set_ &= ~SignalBit(signal);
  return info;
}

const char* SignalName(int signal) {
  return signal >= 1 && signal <= kSignals ? kNames[signal] : "SIG_?";
}

}  // namespace pollux::os_emu
