#include "os_emu/task/thread.h"

#include <utility>

#include "abi/check.h"
#include "os_emu/file/witness.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

Thread::Thread(Process& process, Tid tid, std::shared_ptr<FdTable> fds,
               std::shared_ptr<FsContext> fs)
    : cpu_clock(std::make_shared<CpuClock>()),
      process_(process),
      tid_(tid),
      fds_(std::move(fds)),
      fs_(std::move(fs)),
      deadline_timer_(process.kernel().timers(), *this) {}

Thread::~Thread() {
  Retire();
  if (pid_record != nullptr && pid_record->thread == this) pid_record->thread = nullptr;
}

bool Thread::IsLeader() const { return tid_ == process_.pid(); }

Credentials& Thread::credentials() { return IsLeader() ? process_.credentials : own_credentials_; }

void Thread::UnshareFds() {
  if (fds_.use_count() > 1) fds_ = std::make_shared<FdTable>(*fds_);
}

void Thread::UnshareFs() {
  if (fs_.use_count() > 1) fs_ = std::make_shared<FsContext>(*fs_);
}

// ---- Blocking.

void Thread::UpdateRunnable() {
  const bool can_run = !retired_ && !process_.stopped() && (blocked_ == nullptr || woken_);
  if (can_run == runnable_) return;
  runnable_ = can_run;
  RunQueue& queue = process_.kernel().run_queue();
  can_run ? queue.Add(*this) : queue.Remove(*this);
}

void Thread::Retire() {
  retired_ = true;
  UpdateRunnable();
}

void Thread::Wake() {
  if (Witness* const witness = Witness::Present()) witness->OnWoken(tid_);
  woken_ = true;
  UpdateRunnable();
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
  UpdateRunnable();
}

void Thread::ArmDeadline() {
  if (blocked_->deadline() != kNanosMax) {
    deadline_timer_.Arm(TimeBase::kMonotonic, blocked_->deadline());
  }
}

std::unique_ptr<BlockedCall> Thread::Unblock() {
  POLLUX_CHECK(blocked_ != nullptr) << "the thread does not wait";
  woken_ = false;
  interrupted_by_stop = false;
  deadline_timer_.Disarm();
  blocked_->Unpark();
  std::unique_ptr<BlockedCall> call = std::move(blocked_);
  UpdateRunnable();
  return call;
}

// ---- Signals.

bool Thread::AnySignalPends() const {
  return ((pending.set() | process_.pending.set()) & ~signal_mask_) != 0;
}

bool Thread::TakesSignalNow() const {
  if (blocked_ == nullptr || !blocked_->only_killable()) return true;
  const SignalSet takeable = (pending.set() | process_.pending.set()) & ~signal_mask_;
  for (int signal = 1; signal <= kSignals; ++signal) {
    if ((takeable & SignalBit(signal)) != 0 && process_.IsFatal(signal)) return true;
  }
  return false;
}

void Thread::NoteSignal() {
  signal_pending_ = true;
  if (blocked_ != nullptr && HasSignalToTake()) Wake();
}

void Thread::RecalculateSignals() { signal_pending_ = AnySignalPends(); }

void Thread::SetSignalMask(SignalSet mask) {
  mask &= ~kUnblockable;
  const SignalSet newly_blocked = mask & ~signal_mask_;
  const bool had_signal = signal_pending_;
  signal_mask_ = mask;
  if (had_signal && newly_blocked != 0) process_.kernel().Retarget(*this, newly_blocked);
  RecalculateSignals();
}

}  // namespace pollux::os_emu
