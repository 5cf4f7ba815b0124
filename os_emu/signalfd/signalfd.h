// SignalFd: the description behind signalfd4(2) (fs/signalfd.c).
//
// It belongs to nobody: what it reports, and where a waiter waits, are the signals of whoever asks:
// Kernel::current() and its process (Linux asks `current`, too). A signal wakes it when it becomes
// pending, blocked or not. Read: struct signalfd_siginfo, as many as fit; kInval: not even one
// fits; kAgain: none pends. What is read is taken, also where the buffer is not accessible.
#ifndef POLLUX_OS_EMU_SIGNALFD_SIGNALFD_H_
#define POLLUX_OS_EMU_SIGNALFD_SIGNALFD_H_

#include <array>
#include <cstdint>
#include <string>

#include "abi/result.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/task/signal.h"

namespace pollux::os_emu {

class Kernel;

inline constexpr uint32_t kSfdNonBlock = kONonBlock, kSfdCloExec = kOCloExec;

// sizeof(struct signalfd_siginfo), and the structure's bytes.
inline constexpr size_t kSignalFdInfoBytes = 128;
std::array<uint8_t, kSignalFdInfoBytes> EncodeSignalFdInfo(const SignalInfo& info);

class SignalFd final : public FileDescription {
 public:
  // `wanted`: which signals; SIGKILL and SIGSTOP are never among them.
  SignalFd(Kernel& kernel, SignalSet wanted, uint32_t flags)
      : FileDescription(kORdWr | (flags & kSfdNonBlock)),
        kernel_(kernel),
        wanted_(wanted & ~kUnblockable) {}
  // Null if `description` is none.
  static SignalFd* From(FileDescription& description) {
    return dynamic_cast<SignalFd*>(&description);
  }

  // Other signals from now on; wakes the waiters of the current process.
  void SetWanted(SignalSet wanted);

  Result<size_t> Read(memory::UserBuffer& to) override;
  Result<uint64_t> Seek(int64_t, Whence) override { return uint64_t{0}; }  // noop_llseek.
  EventMask Poll() override;
  int PollQueues(WaitQueue* queues[2]) override;
  bool HasWrite() const override { return false; }
  const char* TypeName() const override { return "signalfd"; }
  std::string FdInfo() const override;

 private:
  // Where the current process waits; where nobody is current, a queue that nothing notifies.
  WaitQueue& Queue();

  Kernel& kernel_;
  SignalSet wanted_;
  WaitQueue silence_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SIGNALFD_SIGNALFD_H_
