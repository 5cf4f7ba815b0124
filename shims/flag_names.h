// FlagSet: the names of the bits or values of one argument, for the tracer. The order is strace's.
#ifndef POLLUX_SHIMS_FLAG_NAMES_H_
#define POLLUX_SHIMS_FLAG_NAMES_H_

#include <cstdint>
#include <span>
#include <string>

namespace pollux::shims {

struct FlagName {
  uint64_t value;
  const char* name;
};

struct FlagSet {
  const char* unknown;  // "CLOCK_???": stands behind a value in which nothing is known.
  std::span<const FlagName> names;
  bool enumeration = false;  // One value, not bits.
  // Of bits: names for what is in `mask` come first, as a value (O_ACCMODE, MAP_TYPE).
  uint64_t mask = 0;
  std::span<const FlagName> masked = {};
};

// "O_RDWR|O_CLOEXEC", "EPOLLIN|0x40000", "0x9 /* EPOLL_CTL_??? */", "0".
std::string FlagText(const FlagSet& set, uint64_t value);
// The name of exactly this value; null if there is none.
const char* NameOf(const FlagSet& set, uint64_t value);

extern const FlagSet kAccessModes, kAtFlags, kAtAccessFlags, kAtStatxFlags, kClockIds, kCloneFlags,
    kCloseRangeFlags, kEpollCreateFlags, kEpollEvents, kEpollOps, kEventfdFlags, kFallocateModes,
    kFcntlCommands, kFdFlags, kFlockOps, kFutex2Flags, kFutexCommands, kGetrandomFlags,
    kInotifyInitFlags, kInotifyMask, kIoctlRequests, kItimerIds, kLockTypes, kMadviseAdvice,
    kMapFlags, kMembarrierCommands, kMembarrierMask, kMembarrierFlags, kMemfdFlags, kMlock2Flags,
    kMlockallFlags, kMremapFlags, kMsyncFlags, kOpenFlags, kSpliceFlags, kPipeFlags, kPollEvents,
    kPrctlOptions, kProtFlags, kRenameFlags, kResources, kRiscvFlushFlags, kRwfFlags, kSaFlags,
    kOwnerKinds, kSchedPolicies, kSeekWhence, kSigmaskHow, kSignalfdFlags, kSigstackFlags,
    kSocketFamilies, kSocketLevels, kSocketOptions, kSocketTypes, kMessageFlags, kShutdownHow,
    kStatxMask, kPidfdFlags, kPidfdSignalFlags, kSeals, kSigevNotify, kTimerFlags, kTimerfdFlags,
    kTimerfdSetFlags, kWaitIds, kUsageWho, kWaitOptions, kFileTypes, kHwprobeKeys, kSuidDump;

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_FLAG_NAMES_H_
