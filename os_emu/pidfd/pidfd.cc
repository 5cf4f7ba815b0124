#include "os_emu/pidfd/pidfd.h"

#include "absl/strings/str_format.h"
#include "os_emu/file/file_status.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

Result<DescriptionRef> PidFd::Open(Kernel& kernel, int32_t pid, uint32_t flags) {
  if ((flags & ~(kPidfdNonBlock | kPidfdThread)) != 0 || pid <= 0) return Errno::kInval;
  Process* process = kernel.FindProcess(Tid{pid});
  Thread* thread = kernel.FindThread(Tid{pid});
  if (process == nullptr && thread == nullptr) return Errno::kSrch;
  std::shared_ptr<PidRecord> record;
  if ((flags & kPidfdThread) == 0) {
    if (process == nullptr) return Errno::kNoEnt;
    record = process->pid_record;
  } else if (thread != nullptr) {
    record = kernel.RecordOf(*thread);
  } else {
    // A process that nobody has waited for yet: its leader has ended with it.
    record = std::make_shared<PidRecord>();
    record->group = process->pid_record;
    record->number = process->pid();
  }
  if (record->inode == 0) record->inode = kernel.NextInode();
  return MakeDescription<PidFd>(std::move(record), flags);
}

Process* PidFd::process() const {
  return record_->group != nullptr ? record_->group->process : record_->process;
}

// pidfd_poll()
EventMask PidFd::Poll() {
  const Process* owner = process();
  if (owner == nullptr) return kReadable | kHup;
  if (!is_thread()) return owner->exit.has_value() ? kReadable : 0;
  if (record_->thread != nullptr) return 0;
  // The leader stays until its process is waited for; others go at once.
  return owner->pid() == number() ? kReadable : kReadable | kHup;
}

// An inode of pidfs, which hides its type (measured on Linux 6.18).
Result<void> PidFd::Stat(FileStatus* status) {
  *status = FileStatus();
  status->dev = kAnonymousDevice;
  status->ino = record_->inode;
  status->mode = 0700;
  return {};
}

std::string PidFd::FdInfo() const {
  const bool gone =
      process() == nullptr || (is_thread() && thread() == nullptr && process()->pid() != number());
  const int32_t pid = gone ? -1 : static_cast<int32_t>(number());
  return absl::StrFormat("Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

}  // namespace pollux::os_emu
