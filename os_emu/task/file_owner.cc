#include "os_emu/task/file_owner.h"

#include <utility>

#include "os_emu/file/events.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// band_table: si_band of each IoReason.
EventMask BandOf(IoReason reason) {
  switch (reason) {
    case IoReason::kIn:
      return kIn | kRdNorm;
    case IoReason::kOut:
      return kOut | kWrNorm | kWrBand;
    case IoReason::kMessage:
      return kIn | kRdNorm | kMsg;
    case IoReason::kError:
      return kErr;
    case IoReason::kUrgent:
      return kPri | kRdBand;
    case IoReason::kHangUp:
      return kHup | kErr;
  }
  return 0;
}

// SIG_SPECIFIC_SICODES_MASK, without SIGIO, whose codes these are: a POLL_* of theirs would mean
// something else.
constexpr SignalSet kHaveCodes = SignalBit(kSigIll) | SignalBit(kSigFpe) | SignalBit(kSigSegv) |
                                 SignalBit(kSigBus) | SignalBit(kSigTrap) | SignalBit(kSigChld) |
                                 SignalBit(kSigSys);

// SEND_SIG_PRIV
SignalInfo Plain(int signal) {
  SignalInfo info;
  info.signal = signal;
  info.code = kSiKernel;
  return info;
}

SignalInfo Detailed(int signal, IoReason reason, int32_t fd) {
  SignalInfo info;
  info.signal = signal;
  info.code = (kHaveCodes & SignalBit(signal)) != 0 ? kSiSigIo : static_cast<int>(reason);
  info.SetPoll(BandOf(reason), fd);
  return info;
}

bool Raise(Process& process, Thread* thread, const SignalInfo& info) {
  Kernel& kernel = process.kernel();
  return thread != nullptr ? kernel.RaiseSignal(*thread, info) : kernel.RaiseSignal(process, info);
}

// find_vpid()
std::shared_ptr<PidRecord> RecordWithNumber(Kernel& kernel, Tid number) {
  if (const Process* process = kernel.FindProcess(number)) return process->pid_record;
  if (Thread* thread = kernel.FindThread(number)) return kernel.RecordOf(*thread);
  std::shared_ptr<PidRecord> record;
  for (const auto& [pid, process] : kernel.processes()) {
    if (process->group == number) return process->group_record;
    if (process->session == number && record == nullptr) {
      // Nothing but a session has it, and no owner is one.
      record = std::make_shared<PidRecord>();
      record->number = number;
    }
  }
  return record;
}

}  // namespace

FileOwner::FileOwner(Kernel& kernel, OwnerKind kind, std::shared_ptr<PidRecord> record)
    : kernel_(kernel), kind_(kind), record_(std::move(record)) {
  if (kernel.current() == nullptr) return;
  const Credentials& credentials = kernel.current()->credentials();
  uid_ = credentials.uid;
  euid_ = credentials.euid;
}

Result<std::shared_ptr<FileOwner>> FileOwner::Find(Kernel& kernel, OwnerKind kind, int32_t number) {
  std::shared_ptr<PidRecord> record;
  if (number != 0) {
    record = RecordWithNumber(kernel, Tid{number});
    if (record == nullptr) return Errno::kSrch;
  }
  return std::make_shared<FileOwner>(kernel, kind, std::move(record));
}

// pid_task()
bool FileOwner::IsThere() const {
  if (record_ == nullptr) return false;
  const bool is_thread = record_->group != nullptr;  // And not its process's leader.
  switch (kind_) {
    case OwnerKind::kThread:
      return is_thread ? record_->thread != nullptr : record_->process != nullptr;
    case OwnerKind::kProcess:
      return !is_thread && record_->process != nullptr;
    case OwnerKind::kGroup:
      break;
  }
  for (const auto& [pid, process] : kernel_.processes()) {
    if (process->group_record == record_) return true;
  }
  return false;
}

int32_t FileOwner::number() const { return IsThere() ? static_cast<int32_t>(record_->number) : 0; }

template <typename Send>
void FileOwner::ForEach(Send send) const {
  if (record_ == nullptr) return;
  const auto send_if_allowed = [&](Process& process, Thread* thread) {
    // sigio_perm()
    const Credentials& its = thread != nullptr ? thread->credentials() : process.credentials;
    if (euid_ == 0 || euid_ == its.suid || euid_ == its.uid || uid_ == its.suid ||
        uid_ == its.uid) {
      send(process, thread);
    }
  };
  if (kind_ == OwnerKind::kGroup) {
    for (const auto& [pid, process] : kernel_.processes()) {
      if (process->group_record == record_) send_if_allowed(*process, nullptr);
    }
    return;
  }
  if (record_->group != nullptr) {
    // Linux looks for the thread, and so a thread may stand for its process.
    Thread* const thread = record_->thread;
    if (thread == nullptr) return;
    send_if_allowed(thread->process(), kind_ == OwnerKind::kThread ? thread : nullptr);
    return;
  }
  if (record_->process == nullptr) return;
  Thread* leader = nullptr;
  if (kind_ == OwnerKind::kThread) {
    leader = kernel_.FindThread(record_->number);
    if (leader == nullptr) return;  // A zombie takes no signal.
  }
  send_if_allowed(*record_->process, leader);
}

void FileOwner::SendIo(int signal, IoReason reason, int32_t fd) {
  ForEach([&](Process& process, Thread* thread) {
    if (signal != 0 && Raise(process, thread, Detailed(signal, reason, fd))) return;
    Raise(process, thread, Plain(kSigIo));
  });
}

void FileOwner::SendUrgent() {
  ForEach([](Process& process, Thread* thread) { Raise(process, thread, Plain(kSigUrg)); });
}

}  // namespace pollux::os_emu
