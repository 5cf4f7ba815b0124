// Errno: the error numbers of the Linux system-call interface (asm-generic/errno*.h, which riscv64 uses).
//
// A guest's mistake is an Errno value and travels in a Result<T>; it never becomes an absl::Status, which is for
// failures of the host.
#ifndef POLLUX_ABI_ERRNO_H_
#define POLLUX_ABI_ERRNO_H_

#include <cstdint>
#include <string_view>

namespace pollux {

// X(enumerator, symbol, number): one row an error.
#define POLLUX_ERRNO_ROWS(X)                     \
  X(kPerm, EPERM, 1)                             \
  X(kNoEnt, ENOENT, 2)                           \
  X(kSrch, ESRCH, 3)                             \
  X(kIntr, EINTR, 4)                             \
  X(kIo, EIO, 5)                                 \
  X(kNxio, ENXIO, 6)                             \
  X(k2Big, E2BIG, 7)                             \
  X(kNoExec, ENOEXEC, 8)                         \
  X(kBadF, EBADF, 9)                             \
  X(kChild, ECHILD, 10)                          \
  X(kAgain, EAGAIN, 11)                          \
  X(kNoMem, ENOMEM, 12)                          \
  X(kAcces, EACCES, 13)                          \
  X(kFault, EFAULT, 14)                          \
  X(kNotBlk, ENOTBLK, 15)                        \
  X(kBusy, EBUSY, 16)                            \
  X(kExist, EEXIST, 17)                          \
  X(kXDev, EXDEV, 18)                            \
  X(kNoDev, ENODEV, 19)                          \
  X(kNotDir, ENOTDIR, 20)                        \
  X(kIsDir, EISDIR, 21)                          \
  X(kInval, EINVAL, 22)                          \
  X(kNFile, ENFILE, 23)                          \
  X(kMFile, EMFILE, 24)                          \
  X(kNotTy, ENOTTY, 25)                          \
  X(kTxtBsy, ETXTBSY, 26)                        \
  X(kFBig, EFBIG, 27)                            \
  X(kNoSpc, ENOSPC, 28)                          \
  X(kSPipe, ESPIPE, 29)                          \
  X(kRoFs, EROFS, 30)                            \
  X(kMLink, EMLINK, 31)                          \
  X(kPipe, EPIPE, 32)                            \
  X(kDom, EDOM, 33)                              \
  X(kRange, ERANGE, 34)                          \
  X(kDeadLk, EDEADLK, 35)                        \
  X(kNameTooLong, ENAMETOOLONG, 36)              \
  X(kNoLck, ENOLCK, 37)                          \
  X(kNoSys, ENOSYS, 38)                          \
  X(kNotEmpty, ENOTEMPTY, 39)                    \
  X(kLoop, ELOOP, 40)                            \
  X(kNoMsg, ENOMSG, 42)                          \
  X(kNoData, ENODATA, 61)                        \
  X(kTime, ETIME, 62)                            \
  X(kProto, EPROTO, 71)                          \
  X(kBadMsg, EBADMSG, 74)                        \
  X(kOverflow, EOVERFLOW, 75)                    \
  X(kIlSeq, EILSEQ, 84)                          \
  X(kUsers, EUSERS, 87)                          \
  X(kNotSock, ENOTSOCK, 88)                      \
  X(kDestAddrReq, EDESTADDRREQ, 89)              \
  X(kMsgSize, EMSGSIZE, 90)                      \
  X(kProtoType, EPROTOTYPE, 91)                  \
  X(kNoProtoOpt, ENOPROTOOPT, 92)                \
  X(kProtoNoSupport, EPROTONOSUPPORT, 93)        \
  X(kSockTNoSupport, ESOCKTNOSUPPORT, 94)        \
  X(kOpNotSupp, EOPNOTSUPP, 95)                  \
  X(kPfNoSupport, EPFNOSUPPORT, 96)              \
  X(kAfNoSupport, EAFNOSUPPORT, 97)              \
  X(kAddrInUse, EADDRINUSE, 98)                  \
  X(kAddrNotAvail, EADDRNOTAVAIL, 99)            \
  X(kNetDown, ENETDOWN, 100)                     \
  X(kNetUnreach, ENETUNREACH, 101)               \
  X(kNetReset, ENETRESET, 102)                   \
  X(kConnAborted, ECONNABORTED, 103)             \
  X(kConnReset, ECONNRESET, 104)                 \
  X(kNoBufs, ENOBUFS, 105)                       \
  X(kIsConn, EISCONN, 106)                       \
  X(kNotConn, ENOTCONN, 107)                     \
  X(kShutdown, ESHUTDOWN, 108)                   \
  X(kTooManyRefs, ETOOMANYREFS, 109)             \
  X(kTimedOut, ETIMEDOUT, 110)                   \
  X(kConnRefused, ECONNREFUSED, 111)             \
  X(kHostDown, EHOSTDOWN, 112)                   \
  X(kHostUnreach, EHOSTUNREACH, 113)             \
  X(kAlready, EALREADY, 114)                     \
  X(kInProgress, EINPROGRESS, 115)               \
  X(kStale, ESTALE, 116)                         \
  X(kDQuot, EDQUOT, 122)                         \
  X(kCanceled, ECANCELED, 125)                   \
  X(kOwnerDead, EOWNERDEAD, 130)                 \
  X(kNotRecoverable, ENOTRECOVERABLE, 131)

enum class Errno : int {
#define POLLUX_X(enumerator, symbol, number) enumerator = number,
  POLLUX_ERRNO_ROWS(POLLUX_X)
#undef POLLUX_X
};

// The symbol ("EAGAIN"); "E?" for a number that is in no row.
std::string_view ErrnoName(Errno error);

// The text that strace prints beside the symbol ("Resource temporarily unavailable").
std::string_view ErrnoText(Errno error);

// The Errno of a host errno number. The numbers are the same on x86-64 and arm64 Linux; an unknown one becomes EIO.
Errno ErrnoFromHost(int host_errno);

}  // namespace pollux

#endif  // POLLUX_ABI_ERRNO_H_
