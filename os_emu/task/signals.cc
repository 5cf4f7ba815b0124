// What the Kernel does for signals (kernel/signal.c).
#include <optional>
#include <utility>

#include "os_emu/task/child_wait.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

constexpr SignalSet kStopSignals =
    SignalBit(kSigStop) | SignalBit(kSigTstp) | SignalBit(kSigTtin) | SignalBit(kSigTtou);

// wants_signal()
bool Wants(const Thread& thread, int signal) {
  if ((thread.signal_mask() & SignalBit(signal)) != 0) return false;
  if (signal == kSigKill) return true;
  if (thread.process().stopped()) return false;
  return thread.process().kernel().current() == &thread || !thread.HasSignalToTake();
}

PendingSignals::Account AccountOf(const Process& process) {
  return {process.kernel().signal_counts(), process.credentials.uid,
          process.rlimits[kRlimitPendingSignals].soft};
}

}  // namespace

void Kernel::Forget(Process& process, SignalSet signals) {
  const auto from = [signals](PendingSignals& pending) {
    for (const std::shared_ptr<PosixTimer>& timer : pending.Remove(signals)) {
      timer->OnSignalForgotten();
    }
  };
  from(process.pending);
  for (const auto& [tid, thread] : process.threads) from(thread->pending);
}

Kernel::Raised Kernel::Pend(Process& process, PendingSignals& pending, SignalSet mask,
                            const SignalInfo& info) {
  POLLUX_CHECK(info.signal >= 1 && info.signal <= kSignals) << info.signal;
  // prepare_signal(): done even where the signal itself is ignored.
  const SignalSet bit = SignalBit(info.signal);
  const SignalSet taken_back = (bit & kStopSignals) != 0 ? SignalBit(kSigCont)
                               : info.signal == kSigCont ? kStopSignals
                                                         : 0;
  if (taken_back != 0) Forget(process, taken_back);
  if (info.signal == kSigCont) ContinueProcess(process);
  // A blocked signal is kept even if it is ignored now: the action may change before it is let
  // through.
  const bool blocked = (mask & ~kUnblockable & bit) != 0;
  if (!blocked && !process.WouldAct(info.signal)) return Raised::kIgnored;
  switch (pending.Add(info, AccountOf(process))) {
    case PendingSignals::Added::kPendsAlready:
      return Raised::kPending;
    case PendingSignals::Added::kQueueFull:
      return Raised::kQueueFull;
    case PendingSignals::Added::kYes:
      break;
  }
  process.signal_queue.Notify(0);  // signalfd_notify()
  return Raised::kPending;
}

void Kernel::ChooseAndWake(Thread& first, bool or_another, int signal) {
  Process& process = first.process();
  if (signal == kSigKill && process.stopped()) {
    process.stop_signal = 0;
    for (const auto& [tid, thread] : process.threads) thread->UpdateRunnable();
  }
  Thread* chosen = &first;
  if (!Wants(*chosen, signal)) {
    if (!or_another) return;
    // The others in turn, beginning with the one that took the last such signal.
    auto& threads = process.threads;
    auto at = threads.lower_bound(process.last_signalled_);
    chosen = nullptr;
    for (size_t i = 0; i < threads.size() && chosen == nullptr; ++i, ++at) {
      if (at == threads.end()) at = threads.begin();
      if (Wants(*at->second, signal)) chosen = at->second.get();
    }
    if (chosen == nullptr) return;
    process.last_signalled_ = chosen->tid();
  }
  chosen->NoteSignal();
}

void Kernel::Retarget(Thread& thread, SignalSet which) {
  Process& process = thread.process();
  SignalSet left = process.pending.set() & which;
  for (const auto& [tid, other] : process.threads) {
    if (left == 0) return;
    if (other.get() == &thread || (left & ~other->signal_mask()) == 0) continue;
    left &= other->signal_mask();
    if (!other->HasSignalToTake()) other->NoteSignal();
  }
}

Kernel::Raised Kernel::Raise(Process& process, Thread* first, const SignalInfo& info) {
  if (process.exit.has_value()) return Raised::kIgnored;
  const Raised raised =
      Pend(process, process.pending, first->signal_mask() | first->real_blocked, info);
  if (raised == Raised::kPending) ChooseAndWake(*first, /*or_another=*/true, info.signal);
  return raised;
}

Kernel::Raised Kernel::Raise(Thread& thread, const SignalInfo& info) {
  Process& process = thread.process();
  if (process.exit.has_value() || thread.ended()) return Raised::kIgnored;
  const Raised raised =
      Pend(process, thread.pending, thread.signal_mask() | thread.real_blocked, info);
  if (raised == Raised::kPending) ChooseAndWake(thread, /*or_another=*/false, info.signal);
  return raised;
}

bool Kernel::RaiseSignal(Process& process, const SignalInfo& info) {
  return Raise(process, process.first_thread(), info) != Raised::kQueueFull;
}

bool Kernel::RaiseSignal(Thread& thread, const SignalInfo& info) {
  return Raise(thread, info) != Raised::kQueueFull;
}

bool Kernel::RaiseTimerSignal(Process& process, const SignalInfo& info) {
  const bool runs = current_ != nullptr && &current_->process() == &process && !current_->retired_;
  return Raise(process, runs ? current_ : process.first_thread(), info) == Raised::kPending;
}

bool Kernel::RaiseTimerSignal(Thread& thread, const SignalInfo& info) {
  return Raise(thread, info) == Raised::kPending;
}

void Kernel::SignalGroup(Tid group, int signal) {
  SignalInfo info;  // SEND_SIG_PRIV
  info.signal = signal;
  info.code = kSiKernel;
  ForEachInGroup(group, [&](Process& member) { RaiseSignal(member, info); });
}

void Kernel::ForceSignal(Thread& thread, const SignalInfo& info) {
  Process& process = thread.process();
  if (process.exit.has_value()) return;
  SignalAction& action = process.actions[info.signal];
  const SignalSet bit = SignalBit(info.signal);
  if ((thread.signal_mask() & bit) != 0 || action.handler == kSigIgn) {
    action.handler = kSigDfl;
    thread.SetSignalMask(thread.signal_mask() & ~bit);
  }
  if (thread.pending.Add(info, AccountOf(process)) == PendingSignals::Added::kYes)
    process.signal_queue.Notify(0);
  thread.NoteSignal();
}

std::optional<SignalInfo> Kernel::TakeSignal(Thread& thread) {
  Process& process = thread.process();
  const SignalSet blocked = thread.signal_mask();
  while (true) {
    std::optional<SignalInfo> info = DequeueSignal(thread, blocked);
    if (!info.has_value()) return std::nullopt;
    // The action may have become "ignore" since it was raised.
    if (process.WouldAct(info->signal)) return info;
  }
}

std::optional<SignalInfo> Kernel::DequeueSignal(Thread& thread, SignalSet blocked) {
  Process& process = thread.process();
  while (true) {
    std::optional<SignalInfo> info = thread.pending.Take(blocked);
    if (!info.has_value()) {
      info = process.pending.Take(blocked);
      if (info.has_value() && info->signal == kSigAlrm) process.real_timer.OnSignalTaken();
    }
    thread.RecalculateSignals();
    if (!info.has_value()) return std::nullopt;
    if (info->timer != nullptr) {
      const std::shared_ptr<PosixTimer> timer = std::move(info->timer);
      if (!timer->OnSignalTaken(&*info)) continue;
    }
    return info;
  }
}

void Kernel::OnActionChanged(Process& process, int signal) {
  if (!process.WouldAct(signal)) {
    Forget(process, SignalBit(signal));
    return;
  }
  for (const auto& [id, timer] : process.timers) {
    if (timer->signal() == signal) timer->OnSignalNotIgnored();
  }
}

// ---- Stopping (do_signal_stop(), prepare_signal()).

void Kernel::StopProcess(Process& process, int signal) {
  process.stop_signal = signal;
  process.stop_unreported = true;
  process.continue_unreported = false;
  for (const auto& [tid, thread] : process.threads) {
    // The signal ends what the others wait in. Most calls begin again unseen, and may as well go
    // on. These do not, or look anew: a terminal may be another group's then.
    if (thread->blocked()) {
      const OnSignal how = thread->blocked_call()->on_signal();
      if (how == OnSignal::kEintr || how == OnSignal::kRestart) thread->interrupted_by_stop = true;
    }
    thread->UpdateRunnable();
  }
  TellParentOfStop(process, kCldStopped);
}

void Kernel::ContinueProcess(Process& process) {
  if (!process.stopped()) return;
  process.stop_signal = 0;
  process.stop_unreported = false;
  process.continue_unreported = true;
  for (const auto& [tid, thread] : process.threads) {
    thread->RecalculateSignals();
    if (thread->interrupted_by_stop || thread->HasSignalToTake()) thread->Wake();
    thread->UpdateRunnable();
  }
  TellParentOfStop(process, kCldContinued);
}

void Kernel::TellParentOfStop(Process& process, int code) {
  Process* parent = process.parent;
  if (parent == nullptr || parent->exit.has_value()) return;
  const SignalAction& action = parent->actions[kSigChld];
  if (action.handler != kSigIgn && (action.flags & kSaNoCldStop) == 0) {
    RaiseSignal(*parent, SignalOf(ChangeTo(process, code), kSigChld));
  }
  parent->child_events.NotifyAll(0);
}

}  // namespace pollux::os_emu
