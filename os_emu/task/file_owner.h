// FileOwner: who gets the signals of an open file (struct fown_struct, fs/fcntl.c): a thread, a
// process or a group, by what it is and not by its number: once it has gone nobody gets them,
// whoever has the number then. And with whose rights it was named: they are asked at each signal
// (sigio_perm()).
#ifndef POLLUX_OS_EMU_TASK_FILE_OWNER_H_
#define POLLUX_OS_EMU_TASK_FILE_OWNER_H_

#include <cstdint>
#include <memory>

#include "abi/result.h"
#include "abi/types.h"
#include "os_emu/file/async.h"
#include "os_emu/task/pid_record.h"

namespace pollux::os_emu {

class Kernel;
struct SignalInfo;

// F_OWNER_* of uapi/asm-generic/fcntl.h
enum class OwnerKind : int32_t { kThread = 0, kProcess = 1, kGroup = 2 };

class FileOwner final : public SignalTarget {
 public:
  // The task or group with `number`, for the thread that runs. 0: nobody. kSrch: no task, group or
  // session has it. What exists but is not of the kind is taken, and gets nothing.
  static Result<std::shared_ptr<FileOwner>> Find(Kernel& kernel, OwnerKind kind, int32_t number);
  FileOwner(Kernel& kernel, OwnerKind kind, std::shared_ptr<PidRecord> record);

  OwnerKind kind() const { return kind_; }
  // 0: nobody, or it has gone.
  int32_t number() const;

  // Of whoever named it.
  uint32_t uid() const { return uid_; }
  uint32_t euid() const { return euid_; }
  // Null: nobody's, which are 0.
  void TakeRights(const FileOwner* from) {
    uid_ = from == nullptr ? 0 : from->uid_;
    euid_ = from == nullptr ? 0 : from->euid_;
  }

  void SendIo(int signal, IoReason reason, int32_t fd) override;
  void SendUrgent() override;

 private:
  // Calls send(process, thread) for each that shall have `signal`; thread null: for the process.
  template <typename Send>
  void ForEach(Send send) const;
  bool IsThere() const;

  Kernel& kernel_;
  OwnerKind kind_;
  std::shared_ptr<PidRecord> record_;  // Null: nobody.
  uint32_t uid_ = 0, euid_ = 0;        // Of who named it.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_FILE_OWNER_H_
