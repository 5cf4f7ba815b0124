// ArgType: what an argument of a system call is: its name in the documentation and its form in the
// trace (strace's).
#ifndef POLLUX_SHIMS_ARG_TYPES_H_
#define POLLUX_SHIMS_ARG_TYPES_H_

#include <array>
#include <cstdint>
#include <string>

#include "os_emu/task/kernel.h"
#include "shims/linux_abi.h"
#include "shims/syscall_table.h"

namespace pollux::shims {

// A call as the tracer sees it. Output arguments are printed when it has ended.
struct PrintView {
  os_emu::Thread& thread;
  const std::array<uint64_t, kMaxArgs>& args;
  int64_t result = 0;  // Once it has ended.

  memory::AddressSpace& memory() const { return *thread.process().memory; }
  bool failed() const { return result < 0 && result >= -4095; }
};

struct ArgType {
  const char* name;
  // Appends argument `index`. False: it is not shown (openat's mode without O_CREAT).
  bool (*print)(const PrintView& view, const ArgSpec& spec, int index, std::string* out);
  // Printed when the call has ended, as output arguments are.
  bool at_end = false;
  // Appends to a record (shims.h TraceForm) what the argument points to, so that it tells apart
  // what the text does, and more cheaply. The register itself is in the record already. Null: the
  // text.
  void (*record)(const PrintView& view, const ArgSpec& spec, int index, std::string* out) = nullptr;
};

// Numbers.
extern const ArgType kIntType, kUIntType, kLongType, kSizeType, kHexType, kFdType, kDirFdType,
    kModeType, kOpenModeType, kFileModeType, kDeviceType, kIdType, kSignalType, kFlagsType,
    kPointerType, kUnusedType, kOpcodeType;
// Text and bytes.
extern const ArgType kPathType, kBytesType, kRandomBytesType, kTextOutType, kIovecType;
// Pointers to numbers: "[3]".
extern const ArgType kIntPointerType, kLongPointerType, kIdPointerType, kFdPairType, kIdArrayType;
// Structures.
extern const ArgType kEpollEventType, kEpollEventArrayType, kPollfdArrayType, kFdSetType,
    kSelectMaskType, kTimespecType, kRemainingTimeType, kTimesType, kTimevalType, kSigsetType,
    kSigactionType, kSigstackType, kSigframeType, kSiginfoType, kStatType, kStatxType, kStatfsType,
    kDirentsType, kRlimitType, kRusageType, kTmsType, kUtsnameType, kSysinfoType, kCpuSetType,
    kHwprobeType, kItimerspecType, kItimervalType, kSigeventType;
// Of tasks (task_types.cc).
extern const ArgType kArgvType, kEnvpType, kCloneFlagsType, kCloneArgsType, kFutexWaitsType;
// Of sockets (socket_types.cc).
extern const ArgType kSockaddrType, kSockaddrOutType, kMsghdrType, kMmsghdrArrayType,
    kSocketOptionType, kSocketValueType, kSocketValueOutType;
// What their meaning depends on another argument.
extern const ArgType kFcntlType, kIoctlType, kIoctlRequestType, kFutexCommandType, kFutexValueType,
    kFutexTimeType, kFutexSecondType, kFutexThirdType, kPrctlType, kEpollCtlEventType,
    kMremapAddressType, kMembarrierCpuType;

// ---- What printers are made of.
// "\"abc\\n\"...": at most `limit` bytes, in C's escapes as strace writes them; all as \x.. if
// `hex`.
std::string Quoted(const std::string& bytes, size_t limit, bool hex = false);
// "NULL" or hexadecimal.
std::string PointerText(uint64_t address);
// "[INT USR1]", "~[KILL STOP]".
std::string SigsetText(os_emu::SignalSet set);
// "SIGINT", "SIGRTMIN", "SIGRT_1"; the number where there is no such signal.
std::string SignalText(int signal);
// "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10}"
std::string SiginfoText(const os_emu::SignalInfo& info);
std::string TimespecText(const GuestTimespec& time);
std::string TimevalText(const GuestTimeval& time);
// " (in [3], left {tv_sec=0, tv_nsec=5})" of ppoll and pselect6 after a positive result; ""
// otherwise.
std::string ReadyText(const PrintView& view, const SyscallRow& row);

inline constexpr size_t kTraceStringLimit = 32;

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_ARG_TYPES_H_
