#include "shims/syscall_table.h"

#include <algorithm>

#include "absl/base/macros.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/footprint.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using enum Errno;
using enum ReturnType;
using ArgList = std::array<ArgSpec, kMaxArgs>;

// ---- The words that rows are written in.

template <typename... S>
constexpr ArgList Args(S... specs) {
  return ArgList{{specs...}};
}

constexpr ArgSpec Of(const char* name, const ArgType& type) { return {name, &type}; }
constexpr ArgSpec OutOf(const char* name, const ArgType& type) {
  return {name, &type, Direction::kOut};
}
constexpr ArgSpec InOutOf(const char* name, const ArgType& type) {
  return {name, &type, Direction::kInOut};
}
constexpr ArgSpec Sized(ArgSpec spec, int length) {
  spec.length = static_cast<int8_t>(length);
  return spec;
}
constexpr int kReturned = ArgSpec::kLengthIsResult;

constexpr ArgSpec Fd(const char* name = "fd") { return Of(name, kFdType); }
constexpr ArgSpec DirFd(const char* name = "dirfd") { return Of(name, kDirFdType); }
constexpr ArgSpec Path(const char* name = "pathname") { return Of(name, kPathType); }
constexpr ArgSpec Int(const char* name) { return Of(name, kIntType); }
constexpr ArgSpec UInt(const char* name) { return Of(name, kUIntType); }
constexpr ArgSpec Long(const char* name) { return Of(name, kLongType); }
constexpr ArgSpec Size(const char* name) { return Of(name, kSizeType); }
constexpr ArgSpec Hex(const char* name) { return Of(name, kHexType); }
constexpr ArgSpec Address(const char* name) { return Of(name, kPointerType); }
constexpr ArgSpec OutAddress(const char* name) { return OutOf(name, kPointerType); }
constexpr ArgSpec Id(const char* name) { return Of(name, kIdType); }
constexpr ArgSpec SignalNumber(const char* name = "sig") { return Of(name, kSignalType); }
constexpr ArgSpec Flags(const char* name, const FlagSet& set) {
  return {name, &kFlagsType, Direction::kIn, ArgSpec::kNoLength, &set};
}
constexpr ArgSpec OneOf(const char* name, const FlagSet& set) { return Flags(name, set); }
// Bytes that are read; argument `length` counts them.
constexpr ArgSpec Bytes(const char* name, int length) {
  return Sized(Of(name, kBytesType), length);
}
constexpr ArgSpec OutBytes(const char* name) { return Sized(OutOf(name, kBytesType), kReturned); }
constexpr ArgSpec Vectors(int length) { return Sized(Of("iov", kIovecType), length); }
constexpr ArgSpec OutVectors(int length) { return Sized(OutOf("iov", kIovecType), length); }

constexpr SyscallRow Complete(uint16_t number, const char* name, ReturnType returns, ArgList args,
                              ErrorList errors, Handler handler,
                              const FlagSet* return_flags = nullptr) {
  return {number, name, Support::kComplete, "", returns, args, errors, handler, return_flags};
}
constexpr SyscallRow Partial(uint16_t number, const char* name, ReturnType returns, ArgList args,
                             ErrorList errors, Handler handler, const char* note,
                             const FlagSet* return_flags = nullptr) {
  return {number, name, Support::kPartial, note, returns, args, errors, handler, return_flags};
}
constexpr SyscallRow Refused(uint16_t number, const char* name, ArgList args, const char* why) {
  return {number, name, Support::kRefused, why, kInt, args, Errors(kNoSys), &SysRefused};
}
constexpr SyscallRow Unsupported(uint16_t number, const char* name, ArgList args) {
  return {number, name, Support::kUnsupported, "", kInt, args, Errors(kNoSys), &SysUnsupported};
}

// It makes objects, and finds no memory for one (MemoryBudget::FitsObject()).
constexpr FaultSet kMemory = FaultBit(FaultKind::kShortMemory);
// It may wait with OnSignal::kEintr; of sockets where they have a timeout.
constexpr FaultSet kStop = FaultBit(FaultKind::kInterruption);
// It may have TCP send something without bytes, or what waited for room; or send a message's bytes.
constexpr FaultSet kTcpEnd = FaultBit(FaultKind::kLateArrival);
constexpr FaultSet kTcpRead = FaultBit(FaultKind::kLateArrival) |
                              FaultBit(FaultKind::kSplitArrival) | FaultBit(FaultKind::kReset);
constexpr FaultSet kTcpWrite = kTcpRead | FaultBit(FaultKind::kSmallWindow);
// It may wait at a futex.
constexpr FaultSet kWakeUp = FaultBit(FaultKind::kVainWakeUp);

constexpr SyscallRow Meets(FaultSet faults, SyscallRow row) {
  row.faults = faults;
  return row;
}

constexpr SyscallRow Touches(Footprint (*footprint)(const PendingCall&), SyscallRow row) {
  row.footprint = footprint;
  return row;
}

constexpr SyscallRow MakesConnections(SyscallRow row) {
  row.makes_connections = true;
  return row;
}

// What path resolution may answer.
#define PATH_ERRORS kFault, kNameTooLong, kNoEnt, kNotDir, kLoop, kAcces, kBadF
#define CHANGE_ERRORS PATH_ERRORS, kRoFs, kPerm

constexpr SyscallRow kRows[] = {
    Unsupported(0, "io_setup", Args(UInt("nr_events"), OutAddress("ctx_idp"))),
    Unsupported(1, "io_destroy", Args(Hex("ctx_id"))),
    Unsupported(2, "io_submit", Args(Hex("ctx_id"), Long("nr"), Address("iocbpp"))),
    Unsupported(3, "io_cancel", Args(Hex("ctx_id"), Address("iocb"), OutAddress("result"))),
    Unsupported(4, "io_getevents",
                Args(Hex("ctx_id"), Long("min_nr"), Long("nr"), OutAddress("events"),
                     Of("timeout", kTimespecType))),
    Unsupported(5, "setxattr",
                Args(Path(), Path("name"), Bytes("value", 3), Size("size"), Int("flags"))),
    Unsupported(6, "lsetxattr",
                Args(Path(), Path("name"), Bytes("value", 3), Size("size"), Int("flags"))),
    Unsupported(7, "fsetxattr",
                Args(Fd(), Path("name"), Bytes("value", 3), Size("size"), Int("flags"))),
    Unsupported(8, "getxattr", Args(Path(), Path("name"), OutBytes("value"), Size("size"))),
    Unsupported(9, "lgetxattr", Args(Path(), Path("name"), OutBytes("value"), Size("size"))),
    Unsupported(10, "fgetxattr", Args(Fd(), Path("name"), OutBytes("value"), Size("size"))),
    Unsupported(11, "listxattr", Args(Path(), OutBytes("list"), Size("size"))),
    Unsupported(12, "llistxattr", Args(Path(), OutBytes("list"), Size("size"))),
    Unsupported(13, "flistxattr", Args(Fd(), OutBytes("list"), Size("size"))),
    Unsupported(14, "removexattr", Args(Path(), Path("name"))),
    Unsupported(15, "lremovexattr", Args(Path(), Path("name"))),
    Unsupported(16, "fremovexattr", Args(Fd(), Path("name"))),
    Complete(17, "getcwd", kInt, Args(OutOf("buf", kTextOutType), Size("size")),
             Errors(kRange, kFault, kNoEnt), &SysGetcwd),
    Unsupported(18, "lookup_dcookie", Args(Hex("cookie"), OutBytes("buffer"), Size("len"))),
    Touches(&NewFileFootprint,
            Meets(kMemory, Complete(19, "eventfd2", kInt,
                                    Args(UInt("initval"), Flags("flags", kEventfdFlags)),
                                    Errors(kInval, kMFile, kNFile, kNoMem), &SysEventfd2))),
    Touches(
        &NewFileFootprint,
        Meets(kMemory, Complete(20, "epoll_create1", kInt, Args(Flags("flags", kEpollCreateFlags)),
                                Errors(kInval, kMFile, kNFile, kNoMem), &SysEpollCreate1))),
    Touches(&EpollCtlFootprint, Meets(kMemory, Complete(21, "epoll_ctl", kInt,
                                                        Args(Fd("epfd"), OneOf("op", kEpollOps),
                                                             Fd(), Of("event", kEpollCtlEventType)),
                                                        Errors(kFault, kBadF, kPerm, kInval, kExist,
                                                               kNoEnt, kLoop, kNoMem, kNoSpc),
                                                        &SysEpollCtl))),
    Touches(&EpollWaitFootprint,
            Meets(kStop,
                  Complete(22, "epoll_pwait", kInt,
                           Args(Fd("epfd"), OutOf("events", kEpollEventArrayType), Int("maxevents"),
                                Int("timeout"), Of("sigmask", kSigsetType), Size("sigsetsize")),
                           Errors(kInval, kFault, kBadF, kIntr), &SysEpollPwait))),
    Touches(&NewFileFootprint,
            Complete(23, "dup", kInt, Args(Fd("oldfd")), Errors(kBadF, kMFile), &SysDup)),
    Meets(kTcpEnd,
          Complete(24, "dup3", kInt, Args(Fd("oldfd"), Fd("newfd"), Flags("flags", kPipeFlags)),
                   Errors(kInval, kBadF), &SysDup3)),
    Touches(
        &FcntlFootprint,
        Meets(
            kMemory,
            Partial(25, "fcntl", kFcntl,
                    Args(Fd(), OneOf("cmd", kFcntlCommands), InOutOf("arg", kFcntlType)),
                    Errors(kBadF, kInval, kMFile, kPerm, kBusy, kFault, kSrch, kNotTy,
                           kAgain, kOverflow, kNoLck, kDeadLk, kIntr),
                    &SysFcntl,
                    "F_DUPFD, F_DUPFD_CLOEXEC, F_DUPFD_QUERY, F_GETFD, F_SETFD, F_GETFL, F_SETFL, "
                    "F_GETPIPE_SZ, F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_GETOWN, F_SETOWN, "
                    "F_GETOWN_EX, F_SETOWN_EX, F_GETOWNER_UIDS, F_GETSIG, F_SETSIG, "
                    "F_GETLK, F_SETLK, F_SETLKW and F_OFD_*; O_ASYNC of the host's streams is "
                    "refused"))),
    Meets(kMemory, Complete(26, "inotify_init1", kInt, Args(Flags("flags", kInotifyInitFlags)),
                            Errors(kInval, kMFile, kNFile, kNoMem), &SysInotifyInit1)),
    Meets(kMemory,
          Complete(27, "inotify_add_watch", kInt, Args(Fd(), Path(), Flags("mask", kInotifyMask)),
                   Errors(kInval, PATH_ERRORS, kExist, kNoSpc, kNoMem), &SysInotifyAddWatch)),
    Complete(28, "inotify_rm_watch", kInt, Args(Fd(), Int("wd")), Errors(kBadF, kInval),
             &SysInotifyRmWatch),
    Partial(29, "ioctl", kInt,
            Args(Fd(), Of("request", kIoctlRequestType), InOutOf("argp", kIoctlType)),
            Errors(kBadF, kNotTy, kFault, kInval, kSrch), &SysIoctl,
            "FIOCLEX, FIONCLEX, FIONBIO, FIOASYNC, FIOSETOWN, FIOGETOWN and what the file itself "
            "knows: FIONREAD, of sockets SIOCOUTQ, SIOCATMARK, SIOCGSTAMP and netdevice(7)'s "
            "questions, and of pseudo "
            "terminals all of ioctl_tty(2) but TIOCCONS and virtual consoles"),
    Unsupported(30, "ioprio_set", Args(Int("which"), Int("who"), Int("ioprio"))),
    Unsupported(31, "ioprio_get", Args(Int("which"), Int("who"))),
    Meets(kMemory, Complete(32, "flock", kInt, Args(Fd(), Flags("operation", kFlockOps)),
                            Errors(kBadF, kInval, kAgain, kNoLck, kIntr), &SysFlock)),
    Complete(33, "mknodat", kInt,
             Args(DirFd(), Path(), Of("mode", kFileModeType), Of("dev", kDeviceType)),
             Errors(CHANGE_ERRORS, kExist, kInval, kNoSpc), &SysMknodat),
    Complete(34, "mkdirat", kInt, Args(DirFd(), Path(), Of("mode", kModeType)),
             Errors(CHANGE_ERRORS, kExist, kNoSpc), &SysMkdirat),
    Complete(35, "unlinkat", kInt, Args(DirFd(), Path(), Flags("flags", kAtFlags)),
             Errors(kInval, CHANGE_ERRORS, kIsDir, kNotEmpty, kBusy), &SysUnlinkat),
    Complete(36, "symlinkat", kInt, Args(Path("target"), DirFd("newdirfd"), Path("linkpath")),
             Errors(CHANGE_ERRORS, kExist, kNoSpc), &SysSymlinkat),
    Complete(37, "linkat", kInt,
             Args(DirFd("olddirfd"), Path("oldpath"), DirFd("newdirfd"), Path("newpath"),
                  Flags("flags", kAtFlags)),
             Errors(kInval, CHANGE_ERRORS, kExist, kXDev, kMLink, kNoSpc), &SysLinkat),
    Unsupported(39, "umount2", Args(Path("target"), Hex("flags"))),
    Unsupported(40, "mount",
                Args(Path("source"), Path("target"), Path("filesystemtype"), Hex("mountflags"),
                     Address("data"))),
    Unsupported(41, "pivot_root", Args(Path("new_root"), Path("put_old"))),
    Unsupported(42, "nfsservctl", Args(Int("cmd"), Address("argp"), Address("resp"))),
    Complete(43, "statfs", kInt, Args(Path(), OutOf("buf", kStatfsType)), Errors(PATH_ERRORS),
             &SysStatfs),
    Complete(44, "fstatfs", kInt, Args(Fd(), OutOf("buf", kStatfsType)), Errors(kBadF, kFault),
             &SysFstatfs),
    Complete(45, "truncate", kInt, Args(Path(), Long("length")),
             Errors(kInval, CHANGE_ERRORS, kIsDir, kFBig), &SysTruncate),
    Complete(46, "ftruncate", kInt, Args(Fd(), Long("length")), Errors(kInval, kBadF, kFBig),
             &SysFtruncate),
    Partial(47, "fallocate", kInt,
            Args(Fd(), Flags("mode", kFallocateModes), Long("offset"), Long("len")),
            Errors(kBadF, kInval, kOpNotSupp, kFBig, kNoDev, kSPipe, kNoSpc), &SysFallocate,
            "mode 0, FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE; others are EOPNOTSUPP"),
    Complete(48, "faccessat", kInt, Args(DirFd(), Path(), Flags("mode", kAccessModes)),
             Errors(kInval, PATH_ERRORS, kRoFs), &SysFaccessat),
    Complete(49, "chdir", kInt, Args(Path("path")), Errors(PATH_ERRORS), &SysChdir),
    Complete(50, "fchdir", kInt, Args(Fd()), Errors(kBadF, kNotDir, kAcces), &SysFchdir),
    Unsupported(51, "chroot", Args(Path("path"))),
    Complete(52, "fchmod", kInt, Args(Fd(), Of("mode", kModeType)), Errors(kBadF, kPerm, kRoFs),
             &SysFchmod),
    Complete(53, "fchmodat", kInt, Args(DirFd(), Path(), Of("mode", kModeType)),
             Errors(CHANGE_ERRORS), &SysFchmodat),
    Complete(54, "fchownat", kInt,
             Args(DirFd(), Path(), Id("owner"), Id("group"), Flags("flags", kAtFlags)),
             Errors(kInval, CHANGE_ERRORS), &SysFchownat),
    Complete(55, "fchown", kInt, Args(Fd(), Id("owner"), Id("group")), Errors(kBadF, kPerm, kRoFs),
             &SysFchown),
    Meets(kMemory,
          Complete(56, "openat", kInt,
                   Args(DirFd(), Path(), Flags("flags", kOpenFlags), Of("mode", kOpenModeType)),
                   Errors(PATH_ERRORS, kInval, kExist, kIsDir, kMFile, kRoFs, kNxio, kPerm, kNoSpc,
                          kNoMem, kNFile, kTxtBsy),
                   &SysOpenat)),
    Touches(&CloseFootprint,
            Meets(kTcpEnd, Complete(57, "close", kInt, Args(Fd()), Errors(kBadF), &SysClose))),
    Unsupported(58, "vhangup", Args()),
    Touches(&PipeFootprint,
            Meets(kMemory, Complete(59, "pipe2", kInt,
                                    Args(OutOf("pipefd", kFdPairType), Flags("flags", kPipeFlags)),
                                    Errors(kInval, kMFile, kNFile, kFault), &SysPipe2))),
    Unsupported(60, "quotactl", Args(Hex("cmd"), Path("special"), Int("id"), Address("addr"))),
    Complete(61, "getdents64", kInt, Args(Fd(), OutOf("dirp", kDirentsType), Size("count")),
             Errors(kBadF, kNotDir, kInval, kFault, kNoEnt), &SysGetdents64),
    Complete(62, "lseek", kInt, Args(Fd(), Long("offset"), OneOf("whence", kSeekWhence)),
             Errors(kBadF, kInval, kSPipe, kNxio, kOverflow), &SysLseek),
    Touches(&ReadFootprint,
            Meets(kStop | kTcpRead,
                  Complete(63, "read", kInt, Args(Fd(), OutBytes("buf"), Size("count")),
                           Errors(kBadF, kInval, kFault, kAgain, kIntr, kIsDir, kIo), &SysRead))),
    Touches(&WriteFootprint,
            Meets(kStop | kTcpWrite,
                  Complete(64, "write", kInt, Args(Fd(), Bytes("buf", 2), Size("count")),
                           Errors(kBadF, kInval, kFault, kAgain, kIntr, kPipe, kNoSpc, kFBig, kIo),
                           &SysWrite))),
    Meets(kStop | kTcpRead,
          Complete(65, "readv", kInt, Args(Fd(), OutVectors(2), Size("iovcnt")),
                   Errors(kBadF, kInval, kFault, kAgain, kIntr, kIsDir, kIo), &SysReadv)),
    Meets(kStop | kTcpWrite,
          Complete(66, "writev", kInt, Args(Fd(), Vectors(2), Size("iovcnt")),
                   Errors(kBadF, kInval, kFault, kAgain, kIntr, kPipe, kNoSpc, kFBig, kIo),
                   &SysWritev)),
    Complete(67, "pread64", kInt, Args(Fd(), OutBytes("buf"), Size("count"), Long("pos")),
             Errors(kInval, kBadF, kSPipe, kFault, kIsDir, kIo), &SysPread64),
    Complete(68, "pwrite64", kInt, Args(Fd(), Bytes("buf", 2), Size("count"), Long("pos")),
             Errors(kInval, kBadF, kSPipe, kFault, kNoSpc, kFBig, kIo), &SysPwrite64),
    Complete(69, "preadv", kInt, Args(Fd(), OutVectors(2), Size("iovcnt"), Long("pos")),
             Errors(kInval, kBadF, kSPipe, kFault, kIsDir, kIo), &SysPreadv),
    Complete(70, "pwritev", kInt, Args(Fd(), Vectors(2), Size("iovcnt"), Long("pos")),
             Errors(kInval, kBadF, kSPipe, kFault, kNoSpc, kFBig, kIo), &SysPwritev),
    Meets(kStop | kTcpWrite,
          Complete(
              71, "sendfile", kInt,
              Args(Fd("out_fd"), Fd("in_fd"), InOutOf("offset", kLongPointerType), Size("count")),
              Errors(kBadF, kInval, kFault, kAgain, kSPipe, kOverflow, kPipe, kIntr, kNoSpc, kFBig),
              &SysSendfile)),
    Complete(
        72, "pselect6", kTimeout,
        Args(Int("nfds"), Sized(InOutOf("readfds", kFdSetType), 0),
             Sized(InOutOf("writefds", kFdSetType), 0), Sized(InOutOf("exceptfds", kFdSetType), 0),
             InOutOf("timeout", kTimespecType), Of("sigmask", kSelectMaskType)),
        Errors(kInval, kFault, kBadF, kIntr, kNoMem), &SysPselect6),
    Complete(
        73, "ppoll", kTimeout,
        Args(Sized(InOutOf("fds", kPollfdArrayType), 1), UInt("nfds"),
             InOutOf("timeout", kTimespecType), Of("sigmask", kSigsetType), Size("sigsetsize")),
        Errors(kInval, kFault, kIntr, kNoMem), &SysPpoll),
    Meets(kMemory, Complete(74, "signalfd4", kInt,
                            Args(Fd(), Of("mask", kSigsetType), Size("sizemask"),
                                 Flags("flags", kSignalfdFlags)),
                            Errors(kInval, kFault, kBadF, kMFile, kNFile, kNoMem), &SysSignalfd4)),
    Partial(75, "vmsplice", kInt,
            Args(Fd(), Vectors(2), Size("nr_segs"), Flags("flags", kSpliceFlags)),
            Errors(kBadF, kInval, kFault, kAgain, kPipe, kNoMem, kIntr), &SysVmsplice,
            "the bytes are copied: what the caller changes afterwards is not seen by the reader"),
    Meets(
        kStop | kTcpWrite,
        Partial(76, "splice", kInt,
                Args(Fd("fd_in"), Of("off_in", kLongPointerType), Fd("fd_out"),
                     Of("off_out", kLongPointerType), Size("len"), Flags("flags", kSpliceFlags)),
                Errors(kBadF, kInval, kSPipe, kFault, kAgain, kPipe, kNoMem, kIntr, kNoSpc, kFBig),
                &SysSplice,
                "the bytes of a mounted file are copied: what is written to it afterwards is not "
                "seen by "
                "the pipe's reader")),
    Complete(77, "tee", kInt,
             Args(Fd("fd_in"), Fd("fd_out"), Size("len"), Flags("flags", kSpliceFlags)),
             Errors(kBadF, kInval, kAgain, kPipe, kNoMem, kIntr), &SysTee),
    Complete(78, "readlinkat", kInt,
             Args(DirFd(), Path(), OutOf("buf", kTextOutType), Int("bufsiz")),
             Errors(kInval, PATH_ERRORS), &SysReadlinkat),
    Complete(79, "newfstatat", kInt,
             Args(DirFd(), Path(), OutOf("statbuf", kStatType), Flags("flags", kAtFlags)),
             Errors(kInval, PATH_ERRORS, kOverflow), &SysNewfstatat),
    Complete(80, "fstat", kInt, Args(Fd(), OutOf("statbuf", kStatType)),
             Errors(kBadF, kFault, kOverflow), &SysFstat),
    Complete(81, "sync", kInt, Args(), Errors(), &SysSync),
    Complete(82, "fsync", kInt, Args(Fd()), Errors(kBadF, kInval, kIo), &SysFsync),
    Complete(83, "fdatasync", kInt, Args(Fd()), Errors(kBadF, kInval, kIo), &SysFsync),
    Complete(84, "sync_file_range", kInt, Args(Fd(), Long("offset"), Long("nbytes"), Hex("flags")),
             Errors(kBadF, kInval, kSPipe), &SysSyncFileRange),
    Meets(kMemory, Complete(85, "timerfd_create", kInt,
                            Args(OneOf("clockid", kClockIds), Flags("flags", kTimerfdFlags)),
                            Errors(kInval, kPerm, kMFile, kNFile, kNoMem), &SysTimerfdCreate)),
    Complete(86, "timerfd_settime", kInt,
             Args(Fd(), Flags("flags", kTimerfdSetFlags), Of("new_value", kItimerspecType),
                  OutOf("old_value", kItimerspecType)),
             Errors(kFault, kInval, kBadF, kCanceled), &SysTimerfdSettime),
    Complete(87, "timerfd_gettime", kInt, Args(Fd(), OutOf("curr_value", kItimerspecType)),
             Errors(kBadF, kInval, kFault), &SysTimerfdGettime),
    Complete(88, "utimensat", kInt,
             Args(DirFd(), Path(), Of("times", kTimesType), Flags("flags", kAtFlags)),
             Errors(kInval, CHANGE_ERRORS), &SysUtimensat),
    Unsupported(89, "acct", Args(Path("name"))),
    Complete(90, "capget", kInt, Args(Address("hdrp"), OutAddress("datap")),
             Errors(kFault, kInval, kSrch), &SysCapget),
    Complete(91, "capset", kInt, Args(Address("hdrp"), Address("datap")),
             Errors(kFault, kInval, kPerm), &SysCapset),
    Partial(92, "personality", kInt, Args(Hex("persona")), Errors(kInval), &SysPersonality,
            "PER_LINUX only"),
    Touches(&ThreadEndFootprint,
            Complete(93, "exit", kNever, Args(Int("status")), Errors(), &SysExit)),
    Complete(94, "exit_group", kNever, Args(Int("status")), Errors(), &SysExitGroup),
    Complete(95, "waitid", kInt,
             Args(OneOf("idtype", kWaitIds), Int("id"), OutOf("infop", kSiginfoType),
                  Flags("options", kWaitOptions), OutOf("rusage", kRusageType)),
             Errors(kInval, kBadF, kChild, kAgain, kFault, kIntr), &SysWaitid),
    Touches(&OwnThreadFootprint, Complete(96, "set_tid_address", kInt, Args(Address("tidptr")),
                                          Errors(), &SysSetTidAddress)),
    Partial(97, "unshare", kInt, Args(Flags("flags", kCloneFlags)), Errors(kInval, kPerm),
            &SysUnshare, "namespaces are refused"),
    Touches(
        &FutexFootprint,
        Meets(kWakeUp, Partial(98, "futex", kInt,
                               Args(Address("uaddr"), Of("futex_op", kFutexCommandType),
                                    Of("val", kFutexValueType), Of("timeout", kFutexTimeType),
                                    Of("uaddr2", kFutexSecondType), Of("val3", kFutexThirdType)),
                               Errors(kFault, kInval, kAgain, kIntr, kTimedOut, kPerm, kSrch,
                                      kDeadLk, kNoSys),
                               &SysFutex,
                               "all commands; all tasks have one priority, so none is inherited"))),
    Touches(&OwnThreadFootprint,
            Complete(99, "set_robust_list", kInt, Args(Address("head"), Size("len")),
                     Errors(kInval), &SysSetRobustList)),
    Complete(100, "get_robust_list", kInt,
             Args(Int("pid"), OutOf("head_ptr", kLongPointerType),
                  OutOf("len_ptr", kLongPointerType)),
             Errors(kSrch, kPerm, kFault), &SysGetRobustList),
    Complete(101, "nanosleep", kInt,
             Args(Of("duration", kTimespecType), OutOf("rem", kRemainingTimeType)),
             Errors(kFault, kInval, kIntr), &SysNanosleep),
    Complete(102, "getitimer", kInt,
             Args(OneOf("which", kItimerIds), OutOf("curr_value", kItimervalType)),
             Errors(kInval, kFault), &SysGetitimer),
    Complete(103, "setitimer", kInt,
             Args(OneOf("which", kItimerIds), Of("new_value", kItimervalType),
                  OutOf("old_value", kItimervalType)),
             Errors(kFault, kInval), &SysSetitimer),
    Unsupported(104, "kexec_load",
                Args(Hex("entry"), Size("nr_segments"), Address("segments"), Hex("flags"))),
    Unsupported(105, "init_module",
                Args(Address("module_image"), Size("len"), Path("param_values"))),
    Unsupported(106, "delete_module", Args(Path("name"), Hex("flags"))),
    Complete(107, "timer_create", kInt,
             Args(OneOf("clockid", kClockIds), Of("sevp", kSigeventType),
                  OutOf("timerid", kIntPointerType)),
             Errors(kFault, kInval, kOpNotSupp, kAgain), &SysTimerCreate),
    Complete(108, "timer_gettime", kInt, Args(Int("timerid"), OutOf("curr_value", kItimerspecType)),
             Errors(kInval, kFault), &SysTimerGettime),
    Complete(109, "timer_getoverrun", kInt, Args(Int("timerid")), Errors(kInval),
             &SysTimerGetoverrun),
    Complete(110, "timer_settime", kInt,
             Args(Int("timerid"), Flags("flags", kTimerFlags), Of("new_value", kItimerspecType),
                  OutOf("old_value", kItimerspecType)),
             Errors(kInval, kFault, kSrch), &SysTimerSettime),
    Complete(111, "timer_delete", kInt, Args(Int("timerid")), Errors(kInval), &SysTimerDelete),
    Partial(112, "clock_settime", kInt, Args(OneOf("clockid", kClockIds), Of("tp", kTimespecType)),
            Errors(kInval, kFault, kPerm), &SysClockSettime, "EPERM for every user"),
    Complete(113, "clock_gettime", kInt,
             Args(OneOf("clockid", kClockIds), OutOf("tp", kTimespecType)), Errors(kInval, kFault),
             &SysClockGettime),
    Complete(114, "clock_getres", kInt,
             Args(OneOf("clockid", kClockIds), OutOf("res", kTimespecType)), Errors(kInval, kFault),
             &SysClockGetres),
    Complete(115, "clock_nanosleep", kInt,
             Args(OneOf("clockid", kClockIds), Flags("flags", kTimerFlags), Of("t", kTimespecType),
                  OutOf("remain", kRemainingTimeType)),
             Errors(kInval, kFault, kIntr, kOpNotSupp), &SysClockNanosleep),
    Unsupported(116, "syslog", Args(Int("type"), OutBytes("bufp"), Int("len"))),
    Unsupported(117, "ptrace", Args(Int("request"), Int("pid"), Address("addr"), Address("data"))),
    Complete(118, "sched_setparam", kInt, Args(Int("pid"), Of("param", kIntPointerType)),
             Errors(kInval, kFault, kSrch, kPerm), &SysSchedSetparam),
    Partial(119, "sched_setscheduler", kInt,
            Args(Int("pid"), OneOf("policy", kSchedPolicies), Of("param", kIntPointerType)),
            Errors(kInval, kFault, kSrch, kPerm), &SysSchedSetscheduler,
            "kept, and told by sched_getscheduler; the schedule is the machine's"),
    Complete(120, "sched_getscheduler", kEnum, Args(Int("pid")), Errors(kInval, kSrch),
             &SysSchedGetscheduler, &kSchedPolicies),
    Complete(121, "sched_getparam", kInt, Args(Int("pid"), OutOf("param", kIntPointerType)),
             Errors(kInval, kSrch, kFault), &SysSchedGetparam),
    Partial(122, "sched_setaffinity", kInt,
            Args(Int("pid"), Size("cpusetsize"), Sized(Of("mask", kCpuSetType), 1)),
            Errors(kFault, kSrch, kInval), &SysSchedSetaffinity,
            "kept, without effect: the schedule is the machine's"),
    Complete(123, "sched_getaffinity", kInt,
             Args(Int("pid"), Size("cpusetsize"), Sized(OutOf("mask", kCpuSetType), kReturned)),
             Errors(kInval, kSrch, kFault), &SysSchedGetaffinity),
    Touches(&OwnThreadFootprint,
            Complete(124, "sched_yield", kInt, Args(), Errors(), &SysSchedYield)),
    Complete(125, "sched_get_priority_max", kInt, Args(OneOf("policy", kSchedPolicies)),
             Errors(kInval), &SysSchedGetPriorityMax),
    Complete(126, "sched_get_priority_min", kInt, Args(OneOf("policy", kSchedPolicies)),
             Errors(kInval), &SysSchedGetPriorityMin),
    Complete(127, "sched_rr_get_interval", kInt, Args(Int("pid"), OutOf("tp", kTimespecType)),
             Errors(kInval, kSrch, kFault), &SysSchedRrGetInterval),
    Complete(128, "restart_syscall", kInt, Args(), Errors(kIntr, kTimedOut, kAgain, kFault),
             &SysRestartSyscall),
    Complete(129, "kill", kInt, Args(Int("pid"), SignalNumber()), Errors(kInval, kPerm, kSrch),
             &SysKill),
    Complete(130, "tkill", kInt, Args(Int("tid"), SignalNumber()),
             Errors(kInval, kPerm, kSrch, kAgain), &SysTkill),
    Complete(131, "tgkill", kInt, Args(Int("tgid"), Int("tid"), SignalNumber()),
             Errors(kInval, kPerm, kSrch, kAgain), &SysTgkill),
    Complete(132, "sigaltstack", kInt,
             Args(Of("ss", kSigstackType), OutOf("old_ss", kSigstackType)),
             Errors(kFault, kInval, kNoMem, kPerm), &SysSigaltstack),
    Complete(133, "rt_sigsuspend", kInt, Args(Of("mask", kSigsetType), Size("sigsetsize")),
             Errors(kInval, kFault, kIntr), &SysRtSigsuspend),
    Complete(134, "rt_sigaction", kInt,
             Args(SignalNumber("signum"), Of("act", kSigactionType),
                  OutOf("oldact", kSigactionType), Size("sigsetsize")),
             Errors(kInval, kFault), &SysRtSigaction),
    Touches(&SignalMaskFootprint, Complete(135, "rt_sigprocmask", kInt,
                                           Args(OneOf("how", kSigmaskHow), Of("set", kSigsetType),
                                                OutOf("oldset", kSigsetType), Size("sigsetsize")),
                                           Errors(kInval, kFault), &SysRtSigprocmask)),
    Complete(136, "rt_sigpending", kInt, Args(OutOf("set", kSigsetType), Size("sigsetsize")),
             Errors(kInval, kFault), &SysRtSigpending),
    Meets(kStop, Complete(137, "rt_sigtimedwait", kSignal,
                          Args(Of("set", kSigsetType), OutOf("info", kSiginfoType),
                               Of("timeout", kTimespecType), Size("sigsetsize")),
                          Errors(kInval, kFault, kAgain, kIntr), &SysRtSigtimedwait)),
    Complete(138, "rt_sigqueueinfo", kInt,
             Args(Int("tgid"), SignalNumber(), Of("info", kSiginfoType)),
             Errors(kFault, kPerm, kSrch, kInval, kAgain), &SysRtSigqueueinfo),
    Complete(139, "rt_sigreturn", kInt, Args(OutOf("frame", kSigframeType)), Errors(),
             &SysRtSigreturn),
    Partial(140, "setpriority", kInt, Args(Int("which"), Int("who"), Int("prio")),
            Errors(kInval, kSrch, kPerm, kAcces), &SysSetpriority,
            "kept, and told by getpriority; the schedule is the machine's"),
    Complete(141, "getpriority", kInt, Args(Int("which"), Int("who")), Errors(kInval, kSrch),
             &SysGetpriority),
    Unsupported(142, "reboot", Args(Hex("magic"), Hex("magic2"), Hex("cmd"), Address("arg"))),
    Complete(143, "setregid", kInt, Args(Id("rgid"), Id("egid")), Errors(kInval, kPerm),
             &SysSetregid),
    Complete(144, "setgid", kInt, Args(Id("gid")), Errors(kInval, kPerm), &SysSetgid),
    Complete(145, "setreuid", kInt, Args(Id("ruid"), Id("euid")), Errors(kInval, kPerm),
             &SysSetreuid),
    Complete(146, "setuid", kInt, Args(Id("uid")), Errors(kInval, kPerm), &SysSetuid),
    Complete(147, "setresuid", kInt, Args(Id("ruid"), Id("euid"), Id("suid")),
             Errors(kInval, kPerm), &SysSetresuid),
    Complete(148, "getresuid", kInt,
             Args(OutOf("ruid", kIdPointerType), OutOf("euid", kIdPointerType),
                  OutOf("suid", kIdPointerType)),
             Errors(kFault), &SysGetresuid),
    Complete(149, "setresgid", kInt, Args(Id("rgid"), Id("egid"), Id("sgid")),
             Errors(kInval, kPerm), &SysSetresgid),
    Complete(150, "getresgid", kInt,
             Args(OutOf("rgid", kIdPointerType), OutOf("egid", kIdPointerType),
                  OutOf("sgid", kIdPointerType)),
             Errors(kFault), &SysGetresgid),
    Complete(151, "setfsuid", kInt, Args(Id("fsuid")), Errors(), &SysSetfsuid),
    Complete(152, "setfsgid", kInt, Args(Id("fsgid")), Errors(), &SysSetfsgid),
    Complete(153, "times", kInt, Args(OutOf("buf", kTmsType)), Errors(kFault), &SysTimes),
    Complete(154, "setpgid", kInt, Args(Int("pid"), Int("pgid")),
             Errors(kInval, kSrch, kPerm, kAcces), &SysSetpgid),
    Complete(155, "getpgid", kInt, Args(Int("pid")), Errors(kSrch), &SysGetpgid),
    Complete(156, "getsid", kInt, Args(Int("pid")), Errors(kSrch), &SysGetsid),
    Complete(157, "setsid", kInt, Args(), Errors(kPerm), &SysSetsid),
    Partial(158, "getgroups", kInt,
            Args(Int("size"), Sized(OutOf("list", kIdArrayType), kReturned)),
            Errors(kInval, kFault), &SysGetgroups, "there are no supplementary groups"),
    Partial(159, "setgroups", kInt, Args(Size("size"), Sized(Of("list", kIdArrayType), 0)),
            Errors(kPerm, kInval), &SysSetgroups, "EPERM but for root, which may have none"),
    Complete(160, "uname", kInt, Args(OutOf("buf", kUtsnameType)), Errors(kFault), &SysUname),
    Unsupported(161, "sethostname", Args(Bytes("name", 1), Size("len"))),
    Unsupported(162, "setdomainname", Args(Bytes("name", 1), Size("len"))),
    Complete(163, "getrlimit", kInt,
             Args(OneOf("resource", kResources), OutOf("rlim", kRlimitType)),
             Errors(kInval, kFault), &SysGetrlimit),
    Partial(164, "setrlimit", kInt, Args(OneOf("resource", kResources), Of("rlim", kRlimitType)),
            Errors(kFault, kInval, kPerm), &SysSetrlimit, "RTTIME is kept only"),
    Partial(165, "getrusage", kInt, Args(OneOf("who", kUsageWho), OutOf("usage", kRusageType)),
            Errors(kInval, kFault), &SysGetrusage,
            "user time, ru_minflt (of the whole process, by pages that were written first), and "
            "ru_maxrss but for children; the rest is 0"),
    Complete(166, "umask", kOctal, Args(Of("mask", kModeType)), Errors(), &SysUmask),
    Partial(167, "prctl", kInt,
            Args(OneOf("option", kPrctlOptions), InOutOf("arg2", kPrctlType),
                 Of("arg3", kPrctlType), Of("arg4", kPrctlType), Of("arg5", kPrctlType)),
            Errors(kInval, kFault, kPerm), &SysPrctl,
            "PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, "
            "PR_GET_CHILD_SUBREAPER, PR_GET_TID_ADDRESS, PR_GET_DUMPABLE, PR_SET_DUMPABLE, "
            "PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_KEEPCAPS, PR_GET_KEEPCAPS, "
            "PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, "
            "PR_CAP_AMBIENT, PR_SET_VMA, "
            "PR_GET_SECCOMP, PR_GET_TIMERSLACK, "
            "PR_POLLUX_EXPLORE (docs/exploring.md)"),
    Complete(168, "getcpu", kInt,
             Args(OutOf("cpu", kIntPointerType), OutOf("node", kIntPointerType), Address("unused")),
             Errors(kFault), &SysGetcpu),
    Complete(169, "gettimeofday", kInt, Args(OutOf("tv", kTimevalType), OutAddress("tz")),
             Errors(kFault), &SysGettimeofday),
    Unsupported(170, "settimeofday", Args(Of("tv", kTimevalType), Address("tz"))),
    Unsupported(171, "adjtimex", Args(Address("buf"))),
    Touches(&OwnThreadFootprint, Complete(172, "getpid", kInt, Args(), Errors(), &SysGetpid)),
    Touches(&OwnThreadFootprint, Complete(173, "getppid", kInt, Args(), Errors(), &SysGetppid)),
    Touches(&OwnThreadFootprint, Complete(174, "getuid", kInt, Args(), Errors(), &SysGetuid)),
    Touches(&OwnThreadFootprint, Complete(175, "geteuid", kInt, Args(), Errors(), &SysGeteuid)),
    Touches(&OwnThreadFootprint, Complete(176, "getgid", kInt, Args(), Errors(), &SysGetgid)),
    Touches(&OwnThreadFootprint, Complete(177, "getegid", kInt, Args(), Errors(), &SysGetegid)),
    Touches(&OwnThreadFootprint, Complete(178, "gettid", kInt, Args(), Errors(), &SysGettid)),
    Complete(179, "sysinfo", kInt, Args(OutOf("info", kSysinfoType)), Errors(kFault), &SysSysinfo),
    Unsupported(
        180, "mq_open",
        Args(Path("name"), Flags("oflag", kOpenFlags), Of("mode", kModeType), Address("attr"))),
    Unsupported(181, "mq_unlink", Args(Path("name"))),
    Unsupported(182, "mq_timedsend",
                Args(Fd("mqdes"), Bytes("msg_ptr", 2), Size("msg_len"), UInt("msg_prio"),
                     Of("abs_timeout", kTimespecType))),
    Unsupported(183, "mq_timedreceive",
                Args(Fd("mqdes"), OutBytes("msg_ptr"), Size("msg_len"), OutAddress("msg_prio"),
                     Of("abs_timeout", kTimespecType))),
    Unsupported(184, "mq_notify", Args(Fd("mqdes"), Address("sevp"))),
    Unsupported(185, "mq_getsetattr", Args(Fd("mqdes"), Address("newattr"), OutAddress("oldattr"))),
    Unsupported(186, "msgget", Args(Hex("key"), Hex("msgflg"))),
    Unsupported(187, "msgctl", Args(Int("msqid"), Int("cmd"), Address("buf"))),
    Unsupported(
        188, "msgrcv",
        Args(Int("msqid"), OutAddress("msgp"), Size("msgsz"), Long("msgtyp"), Hex("msgflg"))),
    Unsupported(189, "msgsnd", Args(Int("msqid"), Address("msgp"), Size("msgsz"), Hex("msgflg"))),
    Unsupported(190, "semget", Args(Hex("key"), Int("nsems"), Hex("semflg"))),
    Unsupported(191, "semctl", Args(Int("semid"), Int("semnum"), Int("cmd"), Hex("arg"))),
    Unsupported(192, "semtimedop",
                Args(Int("semid"), Address("sops"), Size("nsops"), Of("timeout", kTimespecType))),
    Unsupported(193, "semop", Args(Int("semid"), Address("sops"), Size("nsops"))),
    Unsupported(194, "shmget", Args(Hex("key"), Size("size"), Hex("shmflg"))),
    Unsupported(195, "shmctl", Args(Int("shmid"), Int("cmd"), Address("buf"))),
    Unsupported(196, "shmat", Args(Int("shmid"), Address("shmaddr"), Hex("shmflg"))),
    Unsupported(197, "shmdt", Args(Address("shmaddr"))),
    Touches(
        &NewFileFootprint,
        Meets(kMemory,
              Partial(
                  198, "socket",
                  kInt,
                  Args(OneOf("domain", kSocketFamilies), Flags("type", kSocketTypes),
                       Int("protocol")),
                  Errors(kInval, kAfNoSupport, kSockTNoSupport, kProtoNoSupport, kPerm, kNFile,
                         kMFile),
                  &SysSocket,
                  "of other address families than AF_UNIX only those of shims/socket_factory.cc"))),
    Meets(kMemory, Complete(199, "socketpair", kInt,
                            Args(OneOf("domain", kSocketFamilies), Flags("type", kSocketTypes),
                                 Int("protocol"), OutOf("sv", kFdPairType)),
                            Errors(kInval, kMFile, kFault, kAfNoSupport, kSockTNoSupport,
                                   kProtoNoSupport, kOpNotSupp, kNFile),
                            &SysSocketpair)),
    Complete(200, "bind", kInt,
             Args(Fd("sockfd"), Sized(Of("addr", kSockaddrType), 2), Int("addrlen")),
             Errors(kBadF, kNotSock, kInval, kFault, kAddrInUse, kAcces, kNoEnt, kNotDir, kLoop,
                    kNameTooLong, kRoFs, kNoSpc, kAddrNotAvail, kAfNoSupport),
             &SysBind),
    Touches(&FileFootprint,
            Complete(201, "listen", kInt, Args(Fd("sockfd"), Int("backlog")),
                     Errors(kBadF, kNotSock, kInval, kOpNotSupp, kAddrInUse), &SysListen)),
    Touches(
        &AcceptFootprint,
        MakesConnections(Meets(
            kMemory | kStop, Complete(202, "accept", kInt,
                                      Args(Fd("sockfd"), Sized(OutOf("addr", kSockaddrOutType), 2),
                                           OutOf("addrlen", kIntPointerType)),
                                      Errors(kBadF, kMFile, kNFile, kNotSock, kOpNotSupp, kInval,
                                             kAgain, kFault, kIntr, kConnAborted),
                                      &SysAccept)))),
    MakesConnections(
        Meets(kStop | kTcpEnd,
              Complete(203, "connect", kInt,
                       Args(Fd("sockfd"), Sized(Of("addr", kSockaddrType), 2), Int("addrlen")),
                       Errors(kBadF, kInval, kFault, kNotSock, kConnRefused, kProtoType, kAgain,
                              kIsConn, kPerm, kNoEnt, kAcces, kNotDir, kLoop, kIntr, kInProgress,
                              kAlready, kTimedOut, kConnReset, kNetUnreach, kAfNoSupport),
                       &SysConnect))),
    Complete(204, "getsockname", kInt,
             Args(Fd("sockfd"), Sized(OutOf("addr", kSockaddrOutType), 2),
                  OutOf("addrlen", kIntPointerType)),
             Errors(kBadF, kNotSock, kFault, kInval), &SysGetsockname),
    Complete(205, "getpeername", kInt,
             Args(Fd("sockfd"), Sized(OutOf("addr", kSockaddrOutType), 2),
                  OutOf("addrlen", kIntPointerType)),
             Errors(kBadF, kNotSock, kNotConn, kFault, kInval), &SysGetpeername),
    Touches(&SendFootprint,
            Meets(kMemory | kStop | kTcpWrite,
                  Complete(206, "sendto", kInt,
                           Args(Fd("sockfd"), Bytes("buf", 2), Size("len"),
                                Flags("flags", kMessageFlags),
                                Sized(Of("dest_addr", kSockaddrType), 5), Int("addrlen")),
                           Errors(kFault, kBadF, kNotSock, kInval, kAgain, kPipe, kNotConn, kIsConn,
                                  kOpNotSupp, kMsgSize, kConnRefused, kPerm, kNoBufs, kConnReset,
                                  kProtoType, kNoEnt, kAcces, kIntr, kDestAddrReq),
                           &SysSendto))),
    Touches(
        &ReceiveFootprint,
        Meets(kStop | kTcpRead, Complete(207, "recvfrom", kInt,
                                         Args(Fd("sockfd"), OutBytes("buf"), Size("len"),
                                              Flags("flags", kMessageFlags),
                                              Sized(OutOf("src_addr", kSockaddrOutType), 5),
                                              OutOf("addrlen", kIntPointerType)),
                                         Errors(kFault, kBadF, kNotSock, kAgain, kNotConn, kInval,
                                                kOpNotSupp, kConnReset, kIntr, kConnRefused),
                                         &SysRecvfrom))),
    Meets(kTcpEnd,
          Partial(
              208, "setsockopt", kInt,
              Args(Fd("sockfd"), OneOf("level", kSocketLevels), Of("optname", kSocketOptionType),
                   Sized(Of("optval", kSocketValueType), 4), Int("optlen")),
              Errors(kBadF, kNotSock, kInval, kFault, kNoProtoOpt, kOpNotSupp, kPerm, kAcces, kDom),
              &SysSetsockopt,
              "filters, time stamps of what was sent, pidfds and what only real networks have are "
              "refused")),
    Partial(209, "getsockopt", kInt,
            Args(Fd("sockfd"), OneOf("level", kSocketLevels), Of("optname", kSocketOptionType),
                 Sized(OutOf("optval", kSocketValueOutType), 4), OutOf("optlen", kIntPointerType)),
            Errors(kBadF, kNotSock, kFault, kInval, kNoProtoOpt, kOpNotSupp, kNotConn, kNoData),
            &SysGetsockopt, "as setsockopt"),
    Touches(&FileFootprint,
            Meets(kTcpEnd,
                  Complete(210, "shutdown", kInt, Args(Fd("sockfd"), OneOf("how", kShutdownHow)),
                           Errors(kBadF, kNotSock, kInval, kNotConn), &SysShutdown))),
    Meets(kMemory | kStop | kTcpWrite,
          Complete(211, "sendmsg", kInt,
                   Args(Fd("sockfd"), Of("msg", kMsghdrType), Flags("flags", kMessageFlags)),
                   Errors(kInval, kBadF, kNotSock, kFault, kMsgSize, kNoBufs, kPerm, kSrch, kAgain,
                          kPipe, kNotConn, kIsConn, kOpNotSupp, kTooManyRefs, kConnRefused,
                          kConnReset, kIntr, kProtoType),
                   &SysSendmsg)),
    Meets(kStop | kTcpRead,
          Complete(212, "recvmsg", kInt,
                   Args(Fd("sockfd"), OutOf("msg", kMsghdrType), Flags("flags", kMessageFlags)),
                   Errors(kInval, kBadF, kNotSock, kFault, kMsgSize, kAgain, kNotConn, kOpNotSupp,
                          kConnReset, kIntr),
                   &SysRecvmsg)),
    Complete(213, "readahead", kInt, Args(Fd(), Long("offset"), Size("count")),
             Errors(kBadF, kInval), &SysReadahead),
    Complete(214, "brk", kAddress, Args(Address("addr")), Errors(), &SysBrk),
    Touches(&UnmapFootprint, Complete(215, "munmap", kInt, Args(Address("addr"), Size("length")),
                                      Errors(kInval), &SysMunmap)),
    Complete(216, "mremap", kAddress,
             Args(Address("old_address"), Size("old_size"), Size("new_size"),
                  Flags("flags", kMremapFlags), Of("new_address", kMremapAddressType)),
             Errors(kInval, kFault, kNoMem, kAgain), &SysMremap),
    Unsupported(
        217, "add_key",
        Args(Path("type"), Path("description"), Address("payload"), Size("plen"), Int("keyring"))),
    Unsupported(218, "request_key",
                Args(Path("type"), Path("description"), Path("callout_info"), Int("dest_keyring"))),
    Unsupported(219, "keyctl",
                Args(Int("operation"), Hex("arg2"), Hex("arg3"), Hex("arg4"), Hex("arg5"))),
    Touches(
        &CloneFootprint,
        Meets(kMemory, Partial(220, "clone", kInt,
                               Args(Of("flags", kCloneFlagsType), Address("stack"),
                                    Address("parent_tid"), Address("tls"), Address("child_tid")),
                               Errors(kInval, kMFile, kFault, kAgain, kNoMem), &SysClone,
                               "no processes with CLONE_SIGHAND, no namespaces"))),
    Meets(kMemory,
          Complete(221, "execve", kInt, Args(Path(), Of("argv", kArgvType), Of("envp", kEnvpType)),
                   Errors(PATH_ERRORS, kPerm, k2Big, kNoExec, kInval, kIsDir, kTxtBsy, kNoMem),
                   &SysExecve)),
    Touches(
        &MapFootprint,
        Meets(
            kMemory,
            Partial(222, "mmap", kAddress,
                    Args(Address("addr"), Size("length"), Flags("prot", kProtFlags),
                         Flags("flags", kMapFlags), Fd(), Hex("offset")),
                    Errors(kInval, kBadF, kNoMem, kAcces, kNoDev, kExist, kPerm, kOverflow,
                           kOpNotSupp,
                           kNFile,
                           kAgain),
                    &SysMmap,
                    "MAP_HUGETLB and MAP_SYNC are refused; of a mounted file, what other programs "
                    "of the "
                    "host write is not seen in pages that were touched already, and what is stored "
                    "reaches the host by msync, fsync, read(2), or when the last mapping goes"))),
    Complete(223, "fadvise64", kInt, Args(Fd(), Long("offset"), Long("len"), Int("advice")),
             Errors(kBadF, kInval, kSPipe), &SysFadvise64),
    Unsupported(224, "swapon", Args(Path("path"), Hex("swapflags"))),
    Unsupported(225, "swapoff", Args(Path("path"))),
    Touches(&ProtectFootprint,
            Partial(226, "mprotect", kInt,
                    Args(Address("addr"), Size("len"), Flags("prot", kProtFlags)),
                    Errors(kInval, kNoMem, kAcces), &SysMprotect, "PROT_GROWSDOWN is refused")),
    Complete(227, "msync", kInt, Args(Address("addr"), Size("length"), Flags("flags", kMsyncFlags)),
             Errors(kInval, kNoMem, kBusy, kIo), &SysMsync),
    Complete(228, "mlock", kInt, Args(Address("addr"), Size("len")), Errors(kNoMem, kInval, kPerm),
             &SysMlock),
    Complete(229, "munlock", kInt, Args(Address("addr"), Size("len")), Errors(kNoMem, kInval),
             &SysMunlock),
    Complete(230, "mlockall", kInt, Args(Flags("flags", kMlockallFlags)),
             Errors(kInval, kNoMem, kPerm), &SysMlockall),
    Complete(231, "munlockall", kInt, Args(), Errors(), &SysMunlockall),
    Partial(
        232, "mincore", kInt, Args(Address("addr"), Size("length"), OutAddress("vec")),
        Errors(kInval, kFault, kNoMem), &SysMincore,
        "a private page that was only read, or given back by MADV_FREE, is not in core; pages of "
        "mounted files are"),
    Touches(
        &AdviseFootprint,
        Partial(
            233, "madvise", kInt,
            Args(Address("addr"), Size("length"), OneOf("advice", kMadviseAdvice)),
            Errors(kInval, kNoMem, kAcces, kAgain, kFault), &SysMadvise,
            "MADV_DONTNEED and MADV_FREE discard (the program's own data segment: EINVAL), "
            "MADV_REMOVE punches; MADV_DONTFORK and MADV_WIPEONFORK act at fork, "
            "MADV_DONTDUMP in core files; MADV_POPULATE_* populate; hints have no effect; "
            "MADV_GUARD_* and MADV_HWPOISON are "
            "refused")),
    Unsupported(234, "remap_file_pages",
                Args(Address("addr"), Size("size"), Hex("prot"), Size("pgoff"), Hex("flags"))),
    Unsupported(235, "mbind",
                Args(Address("addr"), Size("len"), Int("mode"), Address("nodemask"),
                     Size("maxnode"), Hex("flags"))),
    Unsupported(236, "get_mempolicy",
                Args(OutAddress("mode"), OutAddress("nodemask"), Size("maxnode"), Address("addr"),
                     Hex("flags"))),
    Unsupported(237, "set_mempolicy", Args(Int("mode"), Address("nodemask"), Size("maxnode"))),
    Unsupported(238, "migrate_pages",
                Args(Int("pid"), Size("maxnode"), Address("old_nodes"), Address("new_nodes"))),
    Unsupported(239, "move_pages",
                Args(Int("pid"), Size("count"), Address("pages"), Address("nodes"),
                     OutAddress("status"), Hex("flags"))),
    Complete(240, "rt_tgsigqueueinfo", kInt,
             Args(Int("tgid"), Int("tid"), SignalNumber(), Of("info", kSiginfoType)),
             Errors(kFault, kInval, kPerm, kSrch, kAgain), &SysRtTgsigqueueinfo),
    Unsupported(241, "perf_event_open",
                Args(Address("attr"), Int("pid"), Int("cpu"), Fd("group_fd"), Hex("flags"))),
    Touches(&AcceptFootprint,
            MakesConnections(Meets(
                kMemory | kStop,
                Complete(242, "accept4", kInt,
                         Args(Fd("sockfd"), Sized(OutOf("addr", kSockaddrOutType), 2),
                              OutOf("addrlen", kIntPointerType), Flags("flags", kSocketTypes)),
                         Errors(kBadF, kInval, kMFile, kNFile, kNotSock, kOpNotSupp, kAgain, kFault,
                                kIntr, kConnAborted),
                         &SysAccept4)))),
    Meets(kStop | kTcpRead,
          Complete(243, "recvmmsg", kInt,
                   Args(Fd("sockfd"), Sized(OutOf("msgvec", kMmsghdrArrayType), kReturned),
                        UInt("vlen"), Flags("flags", kMessageFlags), Of("timeout", kTimespecType)),
                   Errors(kInval, kFault, kBadF, kNotSock, kMsgSize, kAgain, kNotConn, kOpNotSupp,
                          kConnReset, kIntr),
                   &SysRecvmmsg)),
    Partial(258, "riscv_hwprobe", kInt,
            Args(Sized(OutOf("pairs", kHwprobeType), 1), Size("pair_count"), Size("cpusetsize"),
                 Sized(Of("cpus", kCpuSetType), 2), Hex("flags")),
            Errors(kInval, kFault), &SysRiscvHwprobe,
            "RV64GC: IMA with FD and C, misaligned accesses are fast; RISCV_HWPROBE_WHICH_CPUS is "
            "refused"),
    Complete(259, "riscv_flush_icache", kInt,
             Args(Address("start"), Address("end"), Flags("flags", kRiscvFlushFlags)),
             Errors(kInval), &SysRiscvFlushIcache),
    Complete(260, "wait4", kInt,
             Args(Int("pid"), OutOf("wstatus", kIntPointerType), Flags("options", kWaitOptions),
                  OutOf("rusage", kRusageType)),
             Errors(kInval, kSrch, kChild, kFault, kIntr), &SysWait4),
    Partial(261, "prlimit64", kInt,
            Args(Int("pid"), OneOf("resource", kResources), Of("new_limit", kRlimitType),
                 OutOf("old_limit", kRlimitType)),
            Errors(kInval, kFault, kSrch, kPerm), &SysPrlimit64, "as setrlimit"),
    Unsupported(262, "fanotify_init", Args(Hex("flags"), Flags("event_f_flags", kOpenFlags))),
    Unsupported(263, "fanotify_mark",
                Args(Fd("fanotify_fd"), Hex("flags"), Hex("mask"), DirFd(), Path())),
    Unsupported(264, "name_to_handle_at",
                Args(DirFd(), Path(), OutAddress("handle"), OutOf("mount_id", kIntPointerType),
                     Flags("flags", kAtFlags))),
    Unsupported(265, "open_by_handle_at",
                Args(Fd("mount_fd"), Address("handle"), Flags("flags", kOpenFlags))),
    Unsupported(266, "clock_adjtime", Args(OneOf("clk_id", kClockIds), Address("buf"))),
    Complete(267, "syncfs", kInt, Args(Fd()), Errors(kBadF), &SysSyncfs),
    Unsupported(268, "setns", Args(Fd(), Flags("nstype", kCloneFlags))),
    Meets(kMemory | kStop | kTcpWrite,
          Complete(269, "sendmmsg", kInt,
                   Args(Fd("sockfd"), Sized(Of("msgvec", kMmsghdrArrayType), 2), UInt("vlen"),
                        Flags("flags", kMessageFlags)),
                   Errors(kInval, kBadF, kNotSock, kFault, kMsgSize, kNoBufs, kPerm, kSrch, kAgain,
                          kPipe, kNotConn, kIsConn, kOpNotSupp, kTooManyRefs, kConnRefused,
                          kConnReset, kIntr, kProtoType),
                   &SysSendmmsg)),
    Unsupported(270, "process_vm_readv",
                Args(Int("pid"), OutVectors(2), Size("liovcnt"), Address("remote_iov"),
                     Size("riovcnt"), Hex("flags"))),
    Unsupported(271, "process_vm_writev",
                Args(Int("pid"), Vectors(2), Size("liovcnt"), Address("remote_iov"),
                     Size("riovcnt"), Hex("flags"))),
    Unsupported(272, "kcmp", Args(Int("pid1"), Int("pid2"), Int("type"), Hex("idx1"), Hex("idx2"))),
    Unsupported(273, "finit_module", Args(Fd(), Path("param_values"), Hex("flags"))),
    Unsupported(274, "sched_setattr", Args(Int("pid"), Address("attr"), Hex("flags"))),
    Unsupported(275, "sched_getattr",
                Args(Int("pid"), OutAddress("attr"), UInt("size"), Hex("flags"))),
    Complete(276, "renameat2", kInt,
             Args(DirFd("olddirfd"), Path("oldpath"), DirFd("newdirfd"), Path("newpath"),
                  Flags("flags", kRenameFlags)),
             Errors(kInval, CHANGE_ERRORS, kExist, kIsDir, kNotEmpty, kBusy, kXDev, kNoSpc),
             &SysRenameat2),
    Unsupported(277, "seccomp", Args(UInt("operation"), Hex("flags"), Address("args"))),
    Touches(&RandomFootprint, Complete(278, "getrandom", kInt,
                                       Args(Sized(OutOf("buf", kRandomBytesType), kReturned),
                                            Size("buflen"), Flags("flags", kGetrandomFlags)),
                                       Errors(kInval, kFault), &SysGetrandom)),
    Meets(
        kMemory,
        Partial(279, "memfd_create", kInt, Args(Path("name"), Flags("flags", kMemfdFlags)),
                Errors(kInval, kFault, kMFile, kNFile), &SysMemfdCreate, "MFD_HUGETLB is refused")),
    Unsupported(280, "bpf", Args(Int("cmd"), Address("attr"), UInt("size"))),
    Meets(kMemory,
          Partial(281, "execveat", kInt,
                  Args(DirFd(), Path(), Of("argv", kArgvType), Of("envp", kEnvpType),
                       Flags("flags", kAtFlags)),
                  Errors(kInval, PATH_ERRORS, kPerm, k2Big, kNoExec, kIsDir, kTxtBsy, kNoMem),
                  &SysExecveat, "AT_EXECVE_CHECK is refused")),
    Unsupported(282, "userfaultfd", Args(Hex("flags"))),
    Partial(283, "membarrier", kFlags,
            Args(OneOf("cmd", kMembarrierCommands), Flags("flags", kMembarrierFlags),
                 Of("cpu_id", kMembarrierCpuType)),
            Errors(kInval, kPerm), &SysMembarrier, "not the RSEQ commands", &kMembarrierMask),
    Complete(284, "mlock2", kInt, Args(Address("addr"), Size("len"), Flags("flags", kMlock2Flags)),
             Errors(kInval, kNoMem, kPerm), &SysMlock2),
    Partial(285, "copy_file_range", kInt,
            Args(Fd("fd_in"), InOutOf("off_in", kLongPointerType), Fd("fd_out"),
                 InOutOf("off_out", kLongPointerType), Size("len"), Hex("flags")),
            Errors(kBadF, kInval, kIsDir, kFault, kNoSpc, kFBig, kOverflow), &SysCopyFileRange,
            "regular files only, as on Linux; always a copy"),
    Partial(286, "preadv2", kInt,
            Args(Fd(), OutVectors(2), Size("iovcnt"), Long("pos"), Of("pos_h", kUnusedType),
                 Flags("flags", kRwfFlags)),
            Errors(kInval, kBadF, kSPipe, kFault, kOpNotSupp, kAgain), &SysPreadv2,
            "RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND, RWF_NOAPPEND; others are "
            "EOPNOTSUPP"),
    Partial(287, "pwritev2", kInt,
            Args(Fd(), Vectors(2), Size("iovcnt"), Long("pos"), Of("pos_h", kUnusedType),
                 Flags("flags", kRwfFlags)),
            Errors(kInval, kBadF, kSPipe, kFault, kOpNotSupp, kAgain), &SysPwritev2,
            "RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_APPEND, RWF_NOAPPEND; others are EOPNOTSUPP"),
    Unsupported(288, "pkey_mprotect",
                Args(Address("addr"), Size("len"), Flags("prot", kProtFlags), Int("pkey"))),
    Unsupported(289, "pkey_alloc", Args(Hex("flags"), Hex("access_rights"))),
    Unsupported(290, "pkey_free", Args(Int("pkey"))),
    Complete(291, "statx", kInt,
             Args(DirFd(), Path(), Flags("flags", kAtStatxFlags), Flags("mask", kStatxMask),
                  OutOf("statxbuf", kStatxType)),
             Errors(kInval, PATH_ERRORS), &SysStatx),
    Unsupported(292, "io_pgetevents",
                Args(Hex("ctx_id"), Long("min_nr"), Long("nr"), OutAddress("events"),
                     Of("timeout", kTimespecType), Address("sig"))),
    Touches(
        &OwnThreadFootprint,
        Refused(293, "rseq", Args(Address("rseq"), Hex("rseq_len"), Hex("flags"), Hex("sig")),
                "the C libraries probe for it; restartable sequences depend on the real time of "
                "preemption")),
    Unsupported(
        294, "kexec_file_load",
        Args(Fd("kernel_fd"), Fd("initrd_fd"), Size("cmdline_len"), Path("cmdline"), Hex("flags"))),
    Partial(424, "pidfd_send_signal", kInt,
            Args(Fd("pidfd"), SignalNumber(), Of("info", kSiginfoType),
                 Flags("flags", kPidfdSignalFlags)),
            Errors(kInval, kBadF, kFault, kPerm, kSrch, kAgain), &SysPidfdSendSignal,
            "not to directories of procfs"),
    Refused(425, "io_uring_setup", Args(UInt("entries"), Address("p")),
            "runtimes probe for it and fall back to epoll"),
    Refused(426, "io_uring_enter",
            Args(Fd(), UInt("to_submit"), UInt("min_complete"), Hex("flags"), Address("arg"),
                 Size("argsz")),
            "as io_uring_setup"),
    Refused(427, "io_uring_register", Args(Fd(), UInt("opcode"), Address("arg"), UInt("nr_args")),
            "as io_uring_setup"),
    Unsupported(428, "open_tree", Args(DirFd(), Path(), Hex("flags"))),
    Unsupported(429, "move_mount",
                Args(DirFd("from_dirfd"), Path("from_pathname"), DirFd("to_dirfd"),
                     Path("to_pathname"), Hex("flags"))),
    Unsupported(430, "fsopen", Args(Path("fs_name"), Hex("flags"))),
    Unsupported(431, "fsconfig",
                Args(Fd(), UInt("cmd"), Path("key"), Address("value"), Int("aux"))),
    Unsupported(432, "fsmount", Args(Fd(), Hex("flags"), Hex("attr_flags"))),
    Unsupported(433, "fspick", Args(DirFd(), Path(), Hex("flags"))),
    Meets(kMemory, Complete(434, "pidfd_open", kInt, Args(Int("pid"), Flags("flags", kPidfdFlags)),
                            Errors(kInval, kSrch, kNoEnt, kMFile, kNFile, kNoMem), &SysPidfdOpen)),
    Touches(&Clone3Footprint,
            Meets(kMemory,
                  Partial(435, "clone3", kInt, Args(Of("cl_args", kCloneArgsType), Size("size")),
                          Errors(kInval, k2Big, kFault, kPerm, kBadF, kMFile, kAgain, kNoMem),
                          &SysClone3, "as clone; set_tid and cgroup are refused"))),
    Meets(kTcpEnd, Complete(436, "close_range", kInt,
                            Args(UInt("first"), UInt("last"), Flags("flags", kCloseRangeFlags)),
                            Errors(kInval), &SysCloseRange)),
    Unsupported(437, "openat2", Args(DirFd(), Path(), Address("how"), Size("size"))),
    Complete(438, "pidfd_getfd", kInt, Args(Fd("pidfd"), Fd("targetfd"), Hex("flags")),
             Errors(kInval, kBadF, kSrch, kPerm, kMFile), &SysPidfdGetfd),
    Complete(439, "faccessat2", kInt,
             Args(DirFd(), Path(), Flags("mode", kAccessModes), Flags("flags", kAtAccessFlags)),
             Errors(kInval, PATH_ERRORS, kRoFs), &SysFaccessat2),
    Unsupported(
        440, "process_madvise",
        Args(Fd("pidfd"), Vectors(2), Size("vlen"), OneOf("advice", kMadviseAdvice), Hex("flags"))),
    Meets(kStop, Complete(441, "epoll_pwait2", kInt,
                          Args(Fd("epfd"), OutOf("events", kEpollEventArrayType), Int("maxevents"),
                               Of("timeout", kTimespecType), Of("sigmask", kSigsetType),
                               Size("sigsetsize")),
                          Errors(kInval, kFault, kBadF, kIntr), &SysEpollPwait2)),
    Unsupported(442, "mount_setattr",
                Args(DirFd(), Path(), Hex("flags"), Address("attr"), Size("size"))),
    Unsupported(443, "quotactl_fd", Args(Fd(), Hex("cmd"), Int("id"), Address("addr"))),
    Unsupported(444, "landlock_create_ruleset", Args(Address("attr"), Size("size"), Hex("flags"))),
    Unsupported(445, "landlock_add_rule",
                Args(Fd("ruleset_fd"), UInt("rule_type"), Address("rule_attr"), Hex("flags"))),
    Unsupported(446, "landlock_restrict_self", Args(Fd("ruleset_fd"), Hex("flags"))),
    Unsupported(447, "memfd_secret", Args(Hex("flags"))),
    Unsupported(448, "process_mrelease", Args(Fd("pidfd"), Hex("flags"))),
    Meets(kWakeUp,
          Partial(449, "futex_waitv", kInt,
                  Args(Sized(Of("waiters", kFutexWaitsType), 1), UInt("nr_futexes"), Hex("flags"),
                       Of("timeout", kTimespecType), OneOf("clockid", kClockIds)),
                  Errors(kInval, kFault, kAgain, kIntr, kTimedOut), &SysFutexWaitv,
                  "FUTEX2_NUMA and FUTEX2_MPOL are refused")),
    Unsupported(450, "set_mempolicy_home_node",
                Args(Address("start"), Size("len"), Size("home_node"), Hex("flags"))),
    Unsupported(451, "cachestat", Args(Fd(), Address("range"), OutAddress("cstat"), Hex("flags"))),
    Complete(452, "fchmodat2", kInt,
             Args(DirFd(), Path(), Of("mode", kModeType), Flags("flags", kAtFlags)),
             Errors(kInval, CHANGE_ERRORS), &SysFchmodat2),
    Unsupported(453, "map_shadow_stack", Args(Address("addr"), Size("size"), Hex("flags"))),
    Partial(454, "futex_wake", kInt,
            Args(Address("uaddr"), Hex("mask"), Int("nr"), Flags("flags", kFutex2Flags)),
            Errors(kInval, kFault), &SysFutexWake, "FUTEX2_NUMA and FUTEX2_MPOL are refused"),
    Meets(kWakeUp,
          Partial(455, "futex_wait", kInt,
                  Args(Address("uaddr"), Hex("val"), Hex("mask"), Flags("flags", kFutex2Flags),
                       Of("timeout", kTimespecType), OneOf("clockid", kClockIds)),
                  Errors(kInval, kFault, kAgain, kIntr, kTimedOut), &SysFutexWait,
                  "FUTEX2_NUMA and FUTEX2_MPOL are refused")),
    Partial(456, "futex_requeue", kInt,
            Args(Of("waiters", kFutexWaitsType), Hex("flags"), Int("nr_wake"), Int("nr_requeue")),
            Errors(kInval, kFault, kAgain), &SysFutexRequeue,
            "FUTEX2_NUMA and FUTEX2_MPOL are refused"),
    Unsupported(457, "statmount",
                Args(Address("req"), OutAddress("buf"), Size("bufsize"), Hex("flags"))),
    Unsupported(458, "listmount",
                Args(Address("req"), OutAddress("mnt_ids"), Size("nr_mnt_ids"), Hex("flags"))),
    Unsupported(459, "lsm_get_self_attr",
                Args(UInt("attr"), OutAddress("ctx"), Address("size"), Hex("flags"))),
    Unsupported(460, "lsm_set_self_attr",
                Args(UInt("attr"), Address("ctx"), UInt("size"), Hex("flags"))),
    Unsupported(461, "lsm_list_modules", Args(OutAddress("ids"), Address("size"), Hex("flags"))),
    Unsupported(462, "mseal", Args(Address("addr"), Size("len"), Hex("flags"))),
    Unsupported(
        463, "setxattrat",
        Args(DirFd(), Path(), Hex("at_flags"), Path("name"), Address("args"), Size("size"))),
    Unsupported(
        464, "getxattrat",
        Args(DirFd(), Path(), Hex("at_flags"), Path("name"), Address("args"), Size("size"))),
    Unsupported(465, "listxattrat",
                Args(DirFd(), Path(), Hex("at_flags"), OutAddress("list"), Size("size"))),
    Unsupported(466, "removexattrat", Args(DirFd(), Path(), Hex("at_flags"), Path("name"))),
    Unsupported(467, "open_tree_attr",
                Args(DirFd(), Path(), Hex("flags"), Address("attr"), Size("size"))),
    Unsupported(
        468, "file_getattr",
        Args(DirFd(), Path(), OutAddress("attr"), Size("size"), Flags("at_flags", kAtFlags))),
    Unsupported(469, "file_setattr",
                Args(DirFd(), Path(), Address("attr"), Size("size"), Flags("at_flags", kAtFlags))),
};

#undef PATH_ERRORS
#undef CHANGE_ERRORS

constexpr size_t kNumbers = kRows[ABSL_ARRAYSIZE(kRows) - 1].number + 1;

// By number; -1: no row.
constexpr std::array<int16_t, kNumbers> MakeIndex() {
  std::array<int16_t, kNumbers> index{};
  for (int16_t& slot : index) slot = -1;
  for (size_t i = 0; i < ABSL_ARRAYSIZE(kRows); ++i)
    index[kRows[i].number] = static_cast<int16_t>(i);
  return index;
}
constexpr std::array<int16_t, kNumbers> kIndex = MakeIndex();

}  // namespace

std::span<const SyscallRow> SyscallTable() { return kRows; }

const SyscallRow* FindSyscall(uint64_t number) {
  if (number >= kNumbers || kIndex[number] < 0) return nullptr;
  return &kRows[kIndex[number]];
}

const SyscallRow* FindSyscall(std::string_view name) {
  const auto row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const SyscallRow& r) { return r.name == name; });
  return row != std::end(kRows) ? row : nullptr;
}

std::string_view SupportName(Support support) {
  switch (support) {
    case Support::kComplete:
      return "complete";
    case Support::kPartial:
      return "partial";
    case Support::kRefused:
      return "refused";
    case Support::kUnsupported:
      return "unsupported";
  }
  return "";
}

}  // namespace pollux::shims
