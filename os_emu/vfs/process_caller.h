// CallerOf: the Caller of a system call that a thread makes.
#ifndef POLLUX_OS_EMU_VFS_PROCESS_CALLER_H_
#define POLLUX_OS_EMU_VFS_PROCESS_CALLER_H_

#include <memory>
#include <string>
#include <string_view>

#include "abi/result.h"
#include "os_emu/task/kernel.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {

// With fsuid and fsgid, the umask and the working directory of the thread.
Caller CallerOf(Thread& thread);
// The same for access(2) and faccessat2(2) without AT_EACCESS: with the real ids.
Caller RealCallerOf(Thread& thread);
// RLIMIT_FSIZE of the thread whose call runs, and SIGXFSZ for it; nothing where none does. `kernel`
// must outlive it.
std::shared_ptr<SizeLimit> SizeLimitOfCaller(Kernel& kernel);
// chdir(2) and, with an empty path and kAtEmptyPath, fchdir(2).
Result<void> ChangeDirectory(Thread& thread, const DescriptionRef& base, std::string_view path,
                             uint32_t at_flags = 0);
// getcwd(2): kNoEnt where it has been removed.
Result<std::string> WorkingDirectory(Thread& thread);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_PROCESS_CALLER_H_
