#include "os_emu/task/kernel.h"

#include <algorithm>
#include <utility>

namespace pollux::os_emu {
namespace {

// fs.epoll.max_user_watches of a machine with about 16 GiB, and what one interest costs the host
// here.
constexpr uint64_t kMaxEpollWatches = 3'500'000;
constexpr uint64_t kEpollWatchBytes = 256;
// As /proc/sys/fs/inotify says (vfs/proc_texts.cc).
constexpr uint64_t kMaxInotifyInstances = 128, kInotifyInstanceBytes = 512;
constexpr uint64_t kMaxInotifyWatches = 65536, kInotifyWatchBytes = 256;

// RLIMIT_SIGPENDING's usual order of magnitude: each timer has a signal of its own.
constexpr uint64_t kMaxPosixTimers = 63'000;
constexpr uint64_t kPosixTimerBytes = 512;

constexpr int kRlimitStack = 3, kRlimitCore = 4, kRlimitNumberOfFiles = 7;

constexpr SignalSet kStopSignals =
    SignalBit(kSigStop) | SignalBit(kSigTstp) | SignalBit(kSigTtin) | SignalBit(kSigTtou);

}  // namespace

// ---- Thread and Process.

Thread::Thread(Process& process, Tid tid)
    : process_(process), tid_(tid), deadline_timer_(process.kernel().timers(), *this) {}

Thread::~Thread() {
  if (pid_record != nullptr) pid_record->thread = nullptr;
}

Process::Process(Kernel& kernel, Tid pid)
    : real_timer(kernel.timers(), *this),
      pid_record(std::make_shared<PidRecord>()),
      kernel_(kernel),
      pid_(pid) {
  pid_record->process = this;
  pid_record->number = pid;
}

Process::~Process() {
  pid_record->process = nullptr;
  pid_record->ended.NotifyAll(0);
}

void Thread::Block(std::unique_ptr<BlockedCall> call) {
  POLLUX_CHECK(blocked_ == nullptr) << "the thread waits already";
  POLLUX_CHECK(call != nullptr) << "nothing to wait for";
  woken_ = false;
  blocked_ = std::move(call);
  blocked_->Park(*this);
  ArmDeadline();
  // A signal may pend already: pwait-like calls change the mask.
  if (HasSignalToTake()) woken_ = true;
}

void Thread::ArmDeadline() {
  if (blocked_->deadline() != kNanosMax) {
    deadline_timer_.Arm(TimeBase::kMonotonic, blocked_->deadline());
  }
}

std::unique_ptr<BlockedCall> Thread::Unblock() {
  POLLUX_CHECK(blocked_ != nullptr) << "the thread does not wait";
  woken_ = false;
  deadline_timer_.Disarm();
  blocked_->Unpark();
  return std::move(blocked_);
}

bool Thread::HasSignalToTake() const {
  return ((pending.set() | process_.pending.set()) & ~(signal_mask & ~kUnblockable)) != 0;
}

bool Process::WouldAct(int signal) const {
  const SignalAction& action = actions[signal];
  if (signal == kSigKill || signal == kSigStop) return true;
  if (action.handler == kSigIgn) return false;
  if (action.handler != kSigDfl) return true;
  const DefaultAction act = DefaultActionOf(signal);
  return act != DefaultAction::kIgnore && act != DefaultAction::kContinue;
}

// ---- Kernel: processes.

Kernel::Kernel(Options options)
    : options_(std::move(options)),
      world_random_(options_.world_seed),
      epoll_watches_(kMaxEpollWatches, Errno::kNoSpc, kEpollWatchBytes, &options_.budget),
      inotify_instances_(kMaxInotifyInstances, Errno::kMFile, kInotifyInstanceBytes,
                         &options_.budget),
      inotify_watches_(kMaxInotifyWatches, Errno::kNoSpc, kInotifyWatchBytes, &options_.budget),
      posix_timers_(kMaxPosixTimers, Errno::kAgain, kPosixTimerBytes, &options_.budget) {}

Kernel::~Kernel() {
  for (auto& [pid, process] : processes_) {
    if (!process->exit.has_value()) EndProcess(*process, ExitState());
  }
  ReleaseEnded();
}

absl::StatusOr<Process*> Kernel::TryCreateProcess() {
  absl::StatusOr<std::unique_ptr<memory::AddressSpace>> memory =
      memory::AddressSpace::Create(&options_.budget);
  if (!memory.ok()) return memory.status();
  const Tid pid{++last_tid_};
  auto process = std::make_unique<Process>(*this, pid);
  process->memory = *std::move(memory);
  process->rlimits[kRlimitStack].soft = 8 << 20;
  process->rlimits[kRlimitCore].soft = 0;
  process->rlimits[kRlimitNumberOfFiles] = {1024, FdTable::kMaxOpen};
  process->fds.set_limit(1024);
  process->threads.emplace(pid, std::make_unique<Thread>(*process, pid));
  Process* created = process.get();
  processes_.emplace(pid, std::move(process));
  return created;
}

Process& Kernel::CreateProcess() {
  absl::StatusOr<Process*> process = TryCreateProcess();
  POLLUX_CHECK(process.ok()) << process.status().ToString();
  return **process;
}

Thread& Kernel::CreateThread(Process& process) {
  POLLUX_CHECK(!process.exit.has_value()) << "the process has ended";
  const Tid tid{++last_tid_};
  auto thread = std::make_unique<Thread>(process, tid);
  return *process.threads.emplace(tid, std::move(thread)).first->second;
}

Process* Kernel::FindProcess(Tid pid) {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : found->second.get();
}

Thread* Kernel::FindThread(Tid tid) {
  for (auto& [pid, process] : processes_) {
    const auto found = process->threads.find(tid);
    if (found != process->threads.end()) return found->second.get();
  }
  return nullptr;
}

std::shared_ptr<PidRecord> Kernel::RecordOf(Thread& thread) {
  if (thread.pid_record == nullptr) {
    thread.pid_record = std::make_shared<PidRecord>();
    thread.pid_record->process = &thread.process();
    thread.pid_record->thread = &thread;
    thread.pid_record->group = thread.process().pid_record;
    thread.pid_record->number = thread.tid();
  }
  return thread.pid_record;
}

namespace {

// do_notify_pidfd(): whoever polls a pidfd of the thread.
void TellOfEnd(Thread& thread) {
  if (thread.pid_record == nullptr) return;
  thread.pid_record->thread = nullptr;
  thread.pid_record->ended.NotifyAll(kReadable);
}

}  // namespace

void Kernel::SetRealtime(Nanos now) {
  clock_.SetRealtime(now);
  timers_.ClockWasSet();
  clock_changes_.NotifyAll(0);
  ExpireTimers();
}

void Kernel::EndThread(Thread& thread, int status) {
  Process& process = thread.process();
  if (thread.blocked()) thread.Unblock();
  if (!thread.clear_child_tid.IsNull() && process.memory != nullptr) {
    // mm_release(): an address that cannot be written is no error.
    if (process.memory->WriteObject<uint32_t>(thread.clear_child_tid, 0).ok()) {
      futexes_.Wake({process.memory.get(), thread.clear_child_tid.value}, 1);
    }
  }
  if (process.threads.size() == 1) {
    EndProcess(process, ExitState{.status = status & 0xff, .signal = 0});
    return;
  }
  auto node = process.threads.extract(thread.tid());
  POLLUX_CHECK(!node.empty()) << "the thread has ended before";
  TellOfEnd(thread);
  Ended ended;
  ended.threads.push_back(std::move(node.mapped()));
  ended_.push_back(std::move(ended));
}

void Kernel::EndProcess(Process& process, ExitState state) {
  if (process.exit.has_value()) return;
  process.exit = state;
  Ended ended;
  for (auto& [tid, thread] : process.threads) {
    if (thread->blocked()) thread->Unblock();
    ended.threads.push_back(std::move(thread));
  }
  process.threads.clear();
  process.real_timer.Set({});
  for (auto& [id, timer] : process.timers) timer->Delete();
  process.timers.clear();
  process.fds.CloseAll();
  for (std::unique_ptr<Thread>& thread : ended.threads) TellOfEnd(*thread);
  process.pid_record->ended.NotifyAll(kReadable);
  ended.memory = std::move(process.memory);
  ended_.push_back(std::move(ended));
}

// ---- Kernel: blocked calls.

Result<int64_t> Kernel::ResumeBlocked(Thread& thread) {
  POLLUX_CHECK(thread.blocked()) << "the thread does not wait";
  current_ = &thread;
  thread.ClearWoken();
  const bool timed_out = clock_.Monotonic() >= thread.blocked_call()->deadline();
  const Result<int64_t> result = thread.blocked_call()->Resume(thread, timed_out);
  if (!timed_out && !result.ok() && result.error() == Errno::kAgain) {
    thread.ArmDeadline();
    return result;
  }
  thread.Unblock();
  return result;
}

// ---- Kernel: signals.

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
  // A blocked signal is kept even if it is ignored now: the action may change before it is let
  // through.
  const bool blocked = (mask & ~kUnblockable & bit) != 0;
  if (!blocked && !process.WouldAct(info.signal)) return Raised::kIgnored;
  switch (pending.Add(info)) {
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

Kernel::Raised Kernel::Raise(Process& process, const SignalInfo& info) {
  if (process.exit.has_value()) return Raised::kIgnored;
  Thread& leader = *process.threads.begin()->second;
  const Raised raised =
      Pend(process, process.pending, leader.signal_mask | leader.real_blocked, info);
  if (raised != Raised::kPending) return raised;
  for (auto& [tid, thread] : process.threads) {
    if ((thread->signal_mask & ~kUnblockable & SignalBit(info.signal)) != 0) continue;
    if (thread->blocked()) thread->Wake();
    break;
  }
  return raised;
}

Kernel::Raised Kernel::Raise(Thread& thread, const SignalInfo& info) {
  Process& process = thread.process();
  if (process.exit.has_value()) return Raised::kIgnored;
  const Raised raised =
      Pend(process, thread.pending, thread.signal_mask | thread.real_blocked, info);
  if (raised == Raised::kPending && thread.blocked() && thread.HasSignalToTake()) thread.Wake();
  return raised;
}

bool Kernel::RaiseSignal(Process& process, const SignalInfo& info) {
  return Raise(process, info) != Raised::kQueueFull;
}

bool Kernel::RaiseSignal(Thread& thread, const SignalInfo& info) {
  return Raise(thread, info) != Raised::kQueueFull;
}

bool Kernel::RaiseTimerSignal(Process& process, const SignalInfo& info) {
  return Raise(process, info) == Raised::kPending;
}

bool Kernel::RaiseTimerSignal(Thread& thread, const SignalInfo& info) {
  return Raise(thread, info) == Raised::kPending;
}

void Kernel::ForceSignal(Thread& thread, const SignalInfo& info) {
  Process& process = thread.process();
  if (process.exit.has_value()) return;
  SignalAction& action = process.actions[info.signal];
  const SignalSet bit = SignalBit(info.signal);
  if ((thread.signal_mask & bit) != 0 || action.handler == kSigIgn) {
    action.handler = kSigDfl;
    thread.signal_mask &= ~bit;
  }
  if (thread.pending.Add(info) == PendingSignals::Added::kYes) process.signal_queue.Notify(0);
  if (thread.blocked()) thread.Wake();
}

std::optional<SignalInfo> Kernel::TakeSignal(Thread& thread) {
  Process& process = thread.process();
  const SignalSet blocked = thread.signal_mask & ~kUnblockable;
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

}  // namespace pollux::os_emu
