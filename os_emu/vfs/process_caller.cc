#include "os_emu/vfs/process_caller.h"

#include <utility>

namespace pollux::os_emu {
namespace {

// Opens the directory that a process starts in, once.
const DescriptionRef& WorkingDirectoryOf(Process& process) {
  if (!process.working_directory && process.cwd != "/") {
    const Caller root;
    Result<DescriptionRef> opened =
        process.kernel().files().OpenDirectory(root, DescriptionRef(), process.cwd);
    if (opened.ok()) process.working_directory = *std::move(opened);
  }
  return process.working_directory;
}

Caller MakeCaller(Thread& thread, uint32_t uid, uint32_t gid) {
  Process& process = thread.process();
  Caller caller;
  caller.uid = uid;
  caller.gid = gid;
  caller.umask = process.umask;
  caller.cwd = WorkingDirectoryOf(process);
  caller.pid = process.pid();
  caller.tid = thread.tid();
  return caller;
}

}  // namespace

Caller CallerOf(Thread& thread) {
  const Credentials& credentials = thread.process().credentials;
  return MakeCaller(thread, credentials.fsuid, credentials.fsgid);
}

Caller RealCallerOf(Thread& thread) {
  const Credentials& credentials = thread.process().credentials;
  return MakeCaller(thread, credentials.uid, credentials.gid);
}

Result<void> ChangeDirectory(Thread& thread, const DescriptionRef& base, std::string_view path,
                             uint32_t at_flags) {
  Process& process = thread.process();
  POLLUX_ASSIGN_OR_RETURN(process.working_directory, process.kernel().files().OpenDirectory(
                                                         CallerOf(thread), base, path, at_flags));
  return {};
}

Result<std::string> WorkingDirectory(Thread& thread) {
  Process& process = thread.process();
  return process.kernel().files().PathOf(WorkingDirectoryOf(process));
}

}  // namespace pollux::os_emu
