// PidFd: the description behind pidfd_open(2) (fs/pidfs.c): a process, or with kPidfdThread one
// thread, whatever becomes of its number. Readable when it has ended, hung up when it has been
// waited for. There is nothing to read (kInval).
#ifndef POLLUX_OS_EMU_PIDFD_PIDFD_H_
#define POLLUX_OS_EMU_PIDFD_PIDFD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/task/pid_record.h"

namespace pollux::os_emu {

class Kernel;

// Flags of pidfd_open(2).
inline constexpr uint32_t kPidfdNonBlock = kONonBlock, kPidfdThread = kOExcl;

class PidFd final : public FileDescription {
 public:
  // All of one process are one inode of pidfs.
  PidFd(std::shared_ptr<PidRecord> record, uint32_t flags)
      : FileDescription(kORdWr | (flags & (kPidfdNonBlock | kPidfdThread))),
        record_(std::move(record)) {}
  // pidfd_open(2) without the number. kInval: an unknown flag, pid not positive. kSrch: nobody has
  // that number. kNoEnt: it is a thread that does not lead its process, and kPidfdThread is
  // missing.
  static Result<DescriptionRef> Open(Kernel& kernel, int32_t pid, uint32_t flags);
  // Null if `description` is none.
  static PidFd* From(FileDescription& description) { return dynamic_cast<PidFd*>(&description); }

  // The process, also one that has ended; null once it has been waited for.
  Process* process() const;
  // Whether it stands for one thread; then that thread, or null if it has ended.
  bool is_thread() const { return (status_flags() & kPidfdThread) != 0; }
  Thread* thread() const { return record_->thread; }
  Tid number() const { return record_->number; }

  EventMask Poll() override;
  int PollQueues(WaitQueue* queues[2]) override {
    queues[0] = &record_->ended;
    return 1;
  }
  Result<void> Stat(FileStatus* status) override;
  bool HasRead() const override { return false; }
  bool HasWrite() const override { return false; }
  // pidfs: there are positions, but nothing to read, and its inode has no operations.
  Result<size_t> ReadAt(memory::UserBuffer&, uint64_t) override { return Errno::kInval; }
  Result<size_t> WriteAt(memory::UserBuffer&, uint64_t) override { return Errno::kInval; }
  Result<void> Truncate(uint64_t) override { return Errno::kOpNotSupp; }
  Result<void> Allocate(uint32_t, uint64_t, uint64_t) override { return Errno::kOpNotSupp; }
  const char* TypeName() const override { return "pidfd"; }
  std::string FdInfo() const override;

 private:
  std::shared_ptr<PidRecord> record_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_PIDFD_PIDFD_H_
