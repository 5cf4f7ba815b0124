// The handlers that the rows of syscall_table.cc name: one function a system call. Each decodes its
// arguments in Linux's order of checks, calls os_emu, and encodes the answer. Families: *_calls.cc.
#ifndef POLLUX_SHIMS_HANDLERS_H_
#define POLLUX_SHIMS_HANDLERS_H_

#include <cstdint>
#include <optional>

#include "os_emu/file/description.h"
#include "os_emu/task/blocked_call.h"

namespace pollux::shims {

class SyscallContext;

os_emu::CallResult SysAccept(SyscallContext& context);
os_emu::CallResult SysAccept4(SyscallContext& context);
os_emu::CallResult SysBind(SyscallContext& context);
os_emu::CallResult SysBrk(SyscallContext& context);
os_emu::CallResult SysCapget(SyscallContext& context);
os_emu::CallResult SysCapset(SyscallContext& context);
os_emu::CallResult SysChdir(SyscallContext& context);
os_emu::CallResult SysClockGetres(SyscallContext& context);
os_emu::CallResult SysClockGettime(SyscallContext& context);
os_emu::CallResult SysClockNanosleep(SyscallContext& context);
os_emu::CallResult SysClockSettime(SyscallContext& context);
os_emu::CallResult SysClone(SyscallContext& context);
os_emu::CallResult SysClone3(SyscallContext& context);
os_emu::CallResult SysClose(SyscallContext& context);
os_emu::CallResult SysCloseRange(SyscallContext& context);
os_emu::CallResult SysConnect(SyscallContext& context);
os_emu::CallResult SysCopyFileRange(SyscallContext& context);
os_emu::CallResult SysDup(SyscallContext& context);
os_emu::CallResult SysDup3(SyscallContext& context);
os_emu::CallResult SysEpollCreate1(SyscallContext& context);
os_emu::CallResult SysEpollCtl(SyscallContext& context);
os_emu::CallResult SysEpollPwait(SyscallContext& context);
os_emu::CallResult SysEpollPwait2(SyscallContext& context);
os_emu::CallResult SysEventfd2(SyscallContext& context);
os_emu::CallResult SysExecve(SyscallContext& context);
os_emu::CallResult SysExecveat(SyscallContext& context);
os_emu::CallResult SysExit(SyscallContext& context);
os_emu::CallResult SysExitGroup(SyscallContext& context);
os_emu::CallResult SysFaccessat(SyscallContext& context);
os_emu::CallResult SysFaccessat2(SyscallContext& context);
os_emu::CallResult SysFadvise64(SyscallContext& context);
os_emu::CallResult SysFallocate(SyscallContext& context);
os_emu::CallResult SysFchdir(SyscallContext& context);
os_emu::CallResult SysFchmod(SyscallContext& context);
os_emu::CallResult SysFchmodat(SyscallContext& context);
os_emu::CallResult SysFchmodat2(SyscallContext& context);
os_emu::CallResult SysFchown(SyscallContext& context);
os_emu::CallResult SysFchownat(SyscallContext& context);
os_emu::CallResult SysFcntl(SyscallContext& context);
os_emu::CallResult SysFlock(SyscallContext& context);
os_emu::CallResult SysFstat(SyscallContext& context);
os_emu::CallResult SysFstatfs(SyscallContext& context);
os_emu::CallResult SysFsync(SyscallContext& context);
os_emu::CallResult SysFtruncate(SyscallContext& context);
os_emu::CallResult SysFutex(SyscallContext& context);
os_emu::CallResult SysFutexRequeue(SyscallContext& context);
os_emu::CallResult SysFutexWait(SyscallContext& context);
os_emu::CallResult SysFutexWaitv(SyscallContext& context);
os_emu::CallResult SysFutexWake(SyscallContext& context);
os_emu::CallResult SysGetRobustList(SyscallContext& context);
os_emu::CallResult SysGetcpu(SyscallContext& context);
os_emu::CallResult SysGetcwd(SyscallContext& context);
os_emu::CallResult SysGetdents64(SyscallContext& context);
os_emu::CallResult SysGetegid(SyscallContext& context);
os_emu::CallResult SysGeteuid(SyscallContext& context);
os_emu::CallResult SysGetgid(SyscallContext& context);
os_emu::CallResult SysGetgroups(SyscallContext& context);
os_emu::CallResult SysSetgroups(SyscallContext& context);
os_emu::CallResult SysGetitimer(SyscallContext& context);
os_emu::CallResult SysGetpeername(SyscallContext& context);
os_emu::CallResult SysGetpgid(SyscallContext& context);
os_emu::CallResult SysGetpid(SyscallContext& context);
os_emu::CallResult SysGetppid(SyscallContext& context);
os_emu::CallResult SysGetpriority(SyscallContext& context);
os_emu::CallResult SysGetrandom(SyscallContext& context);
os_emu::CallResult SysGetresgid(SyscallContext& context);
os_emu::CallResult SysGetresuid(SyscallContext& context);
os_emu::CallResult SysGetrlimit(SyscallContext& context);
os_emu::CallResult SysGetrusage(SyscallContext& context);
os_emu::CallResult SysGetsid(SyscallContext& context);
os_emu::CallResult SysGetsockname(SyscallContext& context);
os_emu::CallResult SysGetsockopt(SyscallContext& context);
os_emu::CallResult SysGettid(SyscallContext& context);
os_emu::CallResult SysGettimeofday(SyscallContext& context);
os_emu::CallResult SysGetuid(SyscallContext& context);
os_emu::CallResult SysInotifyAddWatch(SyscallContext& context);
os_emu::CallResult SysInotifyInit1(SyscallContext& context);
os_emu::CallResult SysInotifyRmWatch(SyscallContext& context);
os_emu::CallResult SysIoctl(SyscallContext& context);
os_emu::CallResult SysKill(SyscallContext& context);
os_emu::CallResult SysLinkat(SyscallContext& context);
os_emu::CallResult SysListen(SyscallContext& context);
os_emu::CallResult SysLseek(SyscallContext& context);
os_emu::CallResult SysMadvise(SyscallContext& context);
os_emu::CallResult SysMembarrier(SyscallContext& context);
os_emu::CallResult SysMemfdCreate(SyscallContext& context);
os_emu::CallResult SysMincore(SyscallContext& context);
os_emu::CallResult SysMkdirat(SyscallContext& context);
os_emu::CallResult SysMknodat(SyscallContext& context);
os_emu::CallResult SysMlock(SyscallContext& context);
os_emu::CallResult SysMlock2(SyscallContext& context);
os_emu::CallResult SysMlockall(SyscallContext& context);
os_emu::CallResult SysMmap(SyscallContext& context);
os_emu::CallResult SysMprotect(SyscallContext& context);
os_emu::CallResult SysMremap(SyscallContext& context);
os_emu::CallResult SysMsync(SyscallContext& context);
os_emu::CallResult SysMunlock(SyscallContext& context);
os_emu::CallResult SysMunlockall(SyscallContext& context);
os_emu::CallResult SysMunmap(SyscallContext& context);
os_emu::CallResult SysNanosleep(SyscallContext& context);
os_emu::CallResult SysNewfstatat(SyscallContext& context);
os_emu::CallResult SysOpenat(SyscallContext& context);
os_emu::CallResult SysPersonality(SyscallContext& context);
os_emu::CallResult SysPidfdGetfd(SyscallContext& context);
os_emu::CallResult SysPidfdOpen(SyscallContext& context);
os_emu::CallResult SysPidfdSendSignal(SyscallContext& context);
os_emu::CallResult SysPipe2(SyscallContext& context);
os_emu::CallResult SysPpoll(SyscallContext& context);
os_emu::CallResult SysPrctl(SyscallContext& context);
os_emu::CallResult SysPread64(SyscallContext& context);
os_emu::CallResult SysPreadv(SyscallContext& context);
os_emu::CallResult SysPreadv2(SyscallContext& context);
os_emu::CallResult SysPrlimit64(SyscallContext& context);
os_emu::CallResult SysPselect6(SyscallContext& context);
os_emu::CallResult SysPwrite64(SyscallContext& context);
os_emu::CallResult SysPwritev(SyscallContext& context);
os_emu::CallResult SysPwritev2(SyscallContext& context);
os_emu::CallResult SysRead(SyscallContext& context);
os_emu::CallResult SysReadahead(SyscallContext& context);
os_emu::CallResult SysReadlinkat(SyscallContext& context);
os_emu::CallResult SysReadv(SyscallContext& context);
os_emu::CallResult SysRecvfrom(SyscallContext& context);
os_emu::CallResult SysRecvmmsg(SyscallContext& context);
os_emu::CallResult SysRecvmsg(SyscallContext& context);
os_emu::CallResult SysRefused(SyscallContext& context);
os_emu::CallResult SysRenameat2(SyscallContext& context);
os_emu::CallResult SysRestartSyscall(SyscallContext& context);
os_emu::CallResult SysRiscvFlushIcache(SyscallContext& context);
os_emu::CallResult SysRiscvHwprobe(SyscallContext& context);
os_emu::CallResult SysRtSigaction(SyscallContext& context);
os_emu::CallResult SysRtSigpending(SyscallContext& context);
os_emu::CallResult SysRtSigprocmask(SyscallContext& context);
os_emu::CallResult SysRtSigqueueinfo(SyscallContext& context);
os_emu::CallResult SysRtSigreturn(SyscallContext& context);
os_emu::CallResult SysRtSigsuspend(SyscallContext& context);
os_emu::CallResult SysRtSigtimedwait(SyscallContext& context);
os_emu::CallResult SysRtTgsigqueueinfo(SyscallContext& context);
os_emu::CallResult SysSchedGetPriorityMax(SyscallContext& context);
os_emu::CallResult SysSchedGetPriorityMin(SyscallContext& context);
os_emu::CallResult SysSchedGetaffinity(SyscallContext& context);
os_emu::CallResult SysSchedGetparam(SyscallContext& context);
os_emu::CallResult SysSchedGetscheduler(SyscallContext& context);
os_emu::CallResult SysSchedRrGetInterval(SyscallContext& context);
os_emu::CallResult SysSchedSetaffinity(SyscallContext& context);
os_emu::CallResult SysSchedSetparam(SyscallContext& context);
os_emu::CallResult SysSchedSetscheduler(SyscallContext& context);
os_emu::CallResult SysSchedYield(SyscallContext& context);
os_emu::CallResult SysSendfile(SyscallContext& context);
os_emu::CallResult SysSetpgid(SyscallContext& context);
os_emu::CallResult SysSetsid(SyscallContext& context);
os_emu::CallResult SysSplice(SyscallContext& context);
os_emu::CallResult SysTee(SyscallContext& context);
os_emu::CallResult SysUnshare(SyscallContext& context);
os_emu::CallResult SysVmsplice(SyscallContext& context);
// Of fcntl(2): F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ forms.
os_emu::CallResult GetRecordLock(SyscallContext& context, os_emu::DescriptionRef file,
                                 bool of_description);
os_emu::CallResult SetRecordLock(SyscallContext& context, os_emu::DescriptionRef file,
                                 bool of_description, bool waits);
// Of fcntl(2) and ioctl(2): the owner of a file's signals, which signal, and O_ASYNC
// (owner_calls.cc). Errors: kInval, kSrch, kFault.
os_emu::CallResult SetOwner(SyscallContext& context, os_emu::FileDescription& file, int32_t who);
int32_t Owner(const os_emu::FileDescription& file);  // Negative: a group. 0: nobody.
os_emu::CallResult SetOwnerEx(SyscallContext& context, os_emu::FileDescription& file);
os_emu::CallResult GetOwnerEx(SyscallContext& context, const os_emu::FileDescription& file);
os_emu::CallResult GetOwnerUids(SyscallContext& context, const os_emu::FileDescription& file);
os_emu::CallResult SetSignal(SyscallContext& context, os_emu::FileDescription& file);
int32_t SignalOf(const os_emu::FileDescription& file);
// False: the file's kind has no signals. kNotTy, kInval.
Result<bool> SetAsync(SyscallContext& context, os_emu::FileDescription& file, bool on);
// Of sendfile(2), whose arguments were checked.
os_emu::CallResult SendfileToPipe(SyscallContext& context, os_emu::DescriptionRef in,
                                  os_emu::DescriptionRef out, std::optional<uint64_t> offset,
                                  bool has_positions, uint64_t bytes);
os_emu::CallResult SysSendmmsg(SyscallContext& context);
os_emu::CallResult SysSendmsg(SyscallContext& context);
os_emu::CallResult SysSendto(SyscallContext& context);
os_emu::CallResult SysSetRobustList(SyscallContext& context);
os_emu::CallResult SysSetTidAddress(SyscallContext& context);
os_emu::CallResult SysSetfsgid(SyscallContext& context);
os_emu::CallResult SysSetfsuid(SyscallContext& context);
os_emu::CallResult SysSetgid(SyscallContext& context);
os_emu::CallResult SysSetitimer(SyscallContext& context);
os_emu::CallResult SysSetpriority(SyscallContext& context);
os_emu::CallResult SysSetregid(SyscallContext& context);
os_emu::CallResult SysSetresgid(SyscallContext& context);
os_emu::CallResult SysSetresuid(SyscallContext& context);
os_emu::CallResult SysSetreuid(SyscallContext& context);
os_emu::CallResult SysSetrlimit(SyscallContext& context);
os_emu::CallResult SysSetsockopt(SyscallContext& context);
os_emu::CallResult SysSetuid(SyscallContext& context);
os_emu::CallResult SysShutdown(SyscallContext& context);
os_emu::CallResult SysSigaltstack(SyscallContext& context);
os_emu::CallResult SysSignalfd4(SyscallContext& context);
os_emu::CallResult SysSocket(SyscallContext& context);
os_emu::CallResult SysSocketpair(SyscallContext& context);
os_emu::CallResult SysStatfs(SyscallContext& context);
os_emu::CallResult SysStatx(SyscallContext& context);
os_emu::CallResult SysSymlinkat(SyscallContext& context);
os_emu::CallResult SysSync(SyscallContext& context);
os_emu::CallResult SysSyncFileRange(SyscallContext& context);
os_emu::CallResult SysSyncfs(SyscallContext& context);
os_emu::CallResult SysSysinfo(SyscallContext& context);
os_emu::CallResult SysTgkill(SyscallContext& context);
os_emu::CallResult SysTimerCreate(SyscallContext& context);
os_emu::CallResult SysTimerDelete(SyscallContext& context);
os_emu::CallResult SysTimerGetoverrun(SyscallContext& context);
os_emu::CallResult SysTimerGettime(SyscallContext& context);
os_emu::CallResult SysTimerSettime(SyscallContext& context);
os_emu::CallResult SysTimerfdCreate(SyscallContext& context);
os_emu::CallResult SysTimerfdGettime(SyscallContext& context);
os_emu::CallResult SysTimerfdSettime(SyscallContext& context);
os_emu::CallResult SysTimes(SyscallContext& context);
os_emu::CallResult SysTkill(SyscallContext& context);
os_emu::CallResult SysTruncate(SyscallContext& context);
os_emu::CallResult SysUmask(SyscallContext& context);
os_emu::CallResult SysUname(SyscallContext& context);
os_emu::CallResult SysUnlinkat(SyscallContext& context);
os_emu::CallResult SysUnsupported(SyscallContext& context);
os_emu::CallResult SysUtimensat(SyscallContext& context);
os_emu::CallResult SysWait4(SyscallContext& context);
os_emu::CallResult SysWaitid(SyscallContext& context);
os_emu::CallResult SysWrite(SyscallContext& context);
os_emu::CallResult SysWritev(SyscallContext& context);

// prctl(2)'s options about credentials; nothing: it is another option.
std::optional<os_emu::CallResult> CredentialPrctl(SyscallContext& context);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_HANDLERS_H_
