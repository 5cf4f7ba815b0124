#include "os_emu/vfs/process_caller.h"

#include <utility>

#include "os_emu/task/calls.h"

namespace pollux::os_emu {
namespace {

// Opens the directory that the first process starts in, once.
const DescriptionRef& WorkingDirectoryOf(Thread& thread) {
  FsContext& fs = thread.fs();
  if (!fs.working_directory && fs.cwd != "/") {
    const Caller root;
    Result<DescriptionRef> opened =
        thread.process().kernel().files().OpenDirectory(root, DescriptionRef(), fs.cwd);
    if (opened.ok()) fs.working_directory = *std::move(opened);
  }
  return fs.working_directory;
}

Caller MakeCaller(Thread& thread, uint32_t uid, uint32_t gid, uint64_t capabilities) {
  Caller caller;
  caller.uid = uid;
  caller.gid = gid;
  caller.capabilities = capabilities;
  caller.umask = thread.fs().umask;
  caller.cwd = WorkingDirectoryOf(thread);
  caller.pid = thread.process().pid();
  caller.tid = thread.tid();
  return caller;
}

class CallersSizeLimit final : public SizeLimit {
 public:
  explicit CallersSizeLimit(Kernel& kernel) : kernel_(kernel) {}

 private:
  uint64_t Bytes() override {
    const Thread* const thread = kernel_.current();
    return thread == nullptr ? kNone : thread->process().rlimits[kRlimitFileSize].soft;
  }
  void SendSignal() override { SignalItself(*kernel_.current(), kSigXfsz); }

  Kernel& kernel_;
};

}  // namespace

std::shared_ptr<SizeLimit> SizeLimitOfCaller(Kernel& kernel) {
  return std::make_shared<CallersSizeLimit>(kernel);
}

Caller CallerOf(Thread& thread) {
  const Credentials& credentials = thread.credentials();
  return MakeCaller(thread, credentials.fsuid, credentials.fsgid, credentials.effective);
}

Caller RealCallerOf(Thread& thread) {
  const Credentials& credentials = thread.credentials();
  // access_override_creds()
  return MakeCaller(thread, credentials.uid, credentials.gid,
                    credentials.uid == 0 ? credentials.permitted : 0);
}

Result<void> ChangeDirectory(Thread& thread, const DescriptionRef& base, std::string_view path,
                             uint32_t at_flags) {
  POLLUX_ASSIGN_OR_RETURN(
      thread.fs().working_directory,
      thread.process().kernel().files().OpenDirectory(CallerOf(thread), base, path, at_flags));
  return {};
}

Result<std::string> WorkingDirectory(Thread& thread) {
  return thread.process().kernel().files().PathOf(WorkingDirectoryOf(thread));
}

}  // namespace pollux::os_emu
