#include "os_emu/signalfd/signalfd.h"

#include <cstring>
#include <optional>

#include "absl/strings/str_format.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// Offsets in struct signalfd_siginfo (uapi/linux/signalfd.h).
constexpr size_t kSigno = 0, kError = 4, kCode = 8, kPid = 12, kUid = 16, kFd = 20, kTid = 24,
                 kBand = 28, kOverrun = 32, kStatus = 40, kInt = 44, kPtr = 48, kUserTime = 56,
                 kSystemTime = 64, kAddress = 72;

}  // namespace

// signalfd_copyinfo()
std::array<uint8_t, kSignalFdInfoBytes> EncodeSignalFdInfo(const SignalInfo& info) {
  std::array<uint8_t, kSignalFdInfoBytes> bytes{};
  const auto put = [&bytes](size_t offset, auto value) {
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
  };
  put(kSigno, int32_t{info.signal});
  put(kError, int32_t{info.error});
  put(kCode, int32_t{info.code});
  switch (SiginfoLayoutOf(info.signal, info.code)) {
    case SiginfoLayout::kPoll:
      put(kBand, static_cast<uint32_t>(info.band()));
      put(kFd, info.fd());
      break;
    case SiginfoLayout::kKill:
    case SiginfoLayout::kSystemCall:
      put(kPid, info.sender_pid);
      put(kUid, info.sender_uid);
      break;
    case SiginfoLayout::kTimer:
      put(kTid, info.timer_id);
      put(kOverrun, info.overrun);
      put(kPtr, info.value);
      put(kInt, static_cast<int32_t>(info.value));
      break;
    case SiginfoLayout::kFault:
      put(kAddress, info.fault_address.value);
      break;
    case SiginfoLayout::kChild:
      put(kPid, info.sender_pid);
      put(kUid, info.sender_uid);
      put(kStatus, info.status);
      put(kUserTime, info.user_time);
      put(kSystemTime, info.system_time);
      break;
    case SiginfoLayout::kQueued:
      put(kPid, info.sender_pid);
      put(kUid, info.sender_uid);
      put(kPtr, info.value);
      put(kInt, static_cast<int32_t>(info.value));
      break;
  }
  return bytes;
}

WaitQueue& SignalFd::Queue() {
  Thread* current = kernel_.current();
  return current != nullptr ? current->process().signal_queue : silence_;
}

void SignalFd::SetWanted(SignalSet wanted) {
  wanted_ = wanted & ~kUnblockable;
  Queue().Notify(0);
}

// signalfd_read_iter()
Result<size_t> SignalFd::Read(memory::UserBuffer& to) {
  if (to.remaining() < kSignalFdInfoBytes) return Errno::kInval;
  Thread* current = kernel_.current();
  size_t total = 0;
  while (current != nullptr && to.remaining() >= kSignalFdInfoBytes) {
    const std::optional<SignalInfo> info = kernel_.DequeueSignal(*current, ~wanted_);
    if (!info.has_value()) break;
    if (to.CopyTo(EncodeSignalFdInfo(*info)) != kSignalFdInfoBytes) {
      if (total == 0) return Errno::kFault;
      break;
    }
    total += kSignalFdInfoBytes;
  }
  if (total == 0) return Errno::kAgain;
  return total;
}

EventMask SignalFd::Poll() {
  Thread* current = kernel_.current();
  if (current == nullptr) return 0;
  const SignalSet pending = current->pending.set() | current->process().pending.set();
  return (pending & wanted_) != 0 ? kIn : 0;
}

int SignalFd::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &Queue();
  return 1;
}

std::string SignalFd::FdInfo() const { return absl::StrFormat("sigmask:\t%016x\n", wanted_); }

}  // namespace pollux::os_emu
