// Arguments whose meaning depends on another one: fcntl, ioctl, futex, prctl, epoll_ctl.
#include <cstdint>

#include "absl/strings/str_format.h"
#include "shims/arg_printing.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/futex_commands.h"
#include "shims/linux_abi.h"

namespace pollux::shims {
namespace {

// ---- fcntl

std::string FlockText(const GuestFlock& lock, bool with_pid) {
  const std::string pid = with_pid ? absl::StrFormat(", l_pid=%d", lock.pid) : "";
  return absl::StrFormat("{l_type=%s, l_whence=%s, l_start=%d, l_len=%d%s}",
                         FlagText(kLockTypes, static_cast<uint16_t>(lock.type)),
                         FlagText(kSeekWhence, static_cast<uint16_t>(lock.whence)), lock.start,
                         lock.length, pid);
}

bool PrintFcntl(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint64_t argument = view.args[i];
  switch (static_cast<uint32_t>(view.args[i - 1])) {
    case 1:
    case 3:
    case 9:
    case 11:
    case 1025:
    case 1032:
    case 1034:  // The GET commands that take nothing.
      return false;
    case 2:
      *out += FlagText(kFdFlags, static_cast<uint32_t>(argument));
      return true;
    case 4:
      *out += FlagText(kOpenFlags, static_cast<uint32_t>(argument));
      return true;
    case 1033:
      *out += FlagText(kSeals, static_cast<uint32_t>(argument));
      return true;
    case 0:
    case 8:
    case 1027:
    case 1030:
    case 1031:
      absl::StrAppendFormat(out, "%d", static_cast<int32_t>(argument));
      return true;
    case 10:
      *out += SignalText(static_cast<int32_t>(argument));
      return true;
    case 15:
    case 16: {
      const auto owner = view.memory().ReadObject<std::array<int32_t, 2>>(GuestAddr{argument});
      if (owner.ok() && !view.failed()) {
        absl::StrAppendFormat(out, "{type=%s, pid=%d}",
                              FlagText(kOwnerKinds, static_cast<uint32_t>((*owner)[0])),
                              (*owner)[1]);
      } else {
        *out += PointerText(argument);
      }
      return true;
    }
    case 5:
    case 6:
    case 7:
    case 36:
    case 37:
    case 38: {
      const bool gets = view.args[i - 1] == 5 || view.args[i - 1] == 36;
      Result<GuestFlock> lock = view.memory().ReadObject<GuestFlock>(GuestAddr{argument});
      *out +=
          lock.ok() && !(gets && view.failed()) ? FlockText(*lock, gets) : PointerText(argument);
      return true;
    }
    default:
      *out += argument == 0 ? "0" : absl::StrFormat("%#x", argument);
      return true;
  }
}

// ---- ioctl

constexpr uint32_t kTcGets = 0x5401, kTioCGPgrp = 0x540f, kTioCSPgrp = 0x5410, kTioCOutQ = 0x5411,
                   kTioCGWinSz = 0x5413, kFioNRead = 0x541b, kFioNBio = 0x5421, kFioNClEx = 0x5450,
                   kFioClEx = 0x5451, kFioAsync = 0x5452, kFioSetOwn = 0x8901, kSiocSPgrp = 0x8902,
                   kFioGetOwn = 0x8903, kSiocGPgrp = 0x8904;

bool PrintIoctlRequest(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint32_t request = static_cast<uint32_t>(view.args[i]);
  if (const char* name = NameOf(kIoctlRequests, request)) {
    *out += name;
    return true;
  }
  static constexpr const char* kDirections[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
                                                "_IOC_READ|_IOC_WRITE"};
  const auto hex = [](uint32_t value) {
    return value == 0 ? std::string("0") : absl::StrFormat("%#x", value);
  };
  absl::StrAppendFormat(out, "_IOC(%s, %s, %s, %s)", kDirections[request >> 30],
                        hex(request >> 8 & 0xff), hex(request & 0xff), hex(request >> 16 & 0x3fff));
  return true;
}

struct Termios {
  uint32_t iflag, oflag, cflag, lflag;
};
std::string TermiosText(const Termios& termios) {
  const uint32_t baud = termios.cflag & 0x100f;
  const char* speed = baud == 15       ? "B38400"
                      : baud == 13     ? "B9600"
                      : baud == 0x1002 ? "B115200"
                                       : nullptr;
  const auto sign = [](uint32_t set) { return set != 0 ? "" : "-"; };
  return absl::StrFormat("{%s %sopost %sisig %sicanon %secho ...}",
                         speed ? speed : absl::StrFormat("%#x", baud), sign(termios.oflag & 1),
                         sign(termios.lflag & 1), sign(termios.lflag & 2), sign(termios.lflag & 8));
}

bool PrintIoctl(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const GuestAddr address{view.args[i]};
  switch (static_cast<uint32_t>(view.args[i - 1])) {
    case kFioClEx:
    case kFioNClEx:
      return false;
    case kFioNRead:
    case kTioCOutQ:
    case kTioCGPgrp:
    case kFioNBio:
    case kFioAsync:
    case kFioSetOwn:
    case kSiocSPgrp:
    case kFioGetOwn:
    case kSiocGPgrp:
    case kTioCSPgrp: {
      Result<int32_t> value = view.memory().ReadObject<int32_t>(address);
      if (value.ok() && !view.failed()) {
        absl::StrAppendFormat(out, "[%d]", *value);
        return true;
      }
      break;
    }
    case kTioCGWinSz: {
      Result<std::array<uint16_t, 4>> size =
          view.memory().ReadObject<std::array<uint16_t, 4>>(address);
      if (size.ok() && !view.failed()) {
        absl::StrAppendFormat(out, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", (*size)[0],
                              (*size)[1], (*size)[2], (*size)[3]);
        return true;
      }
      break;
    }
    case kTcGets: {
      Result<Termios> termios = view.memory().ReadObject<Termios>(address);
      if (termios.ok() && !view.failed()) {
        *out += TermiosText(*termios);
        return true;
      }
      break;
    }
    default:
      *out += view.args[i] == 0 ? "0" : absl::StrFormat("%#x", view.args[i]);
      return true;
  }
  *out += PointerText(view.args[i]);
  return true;
}

// ---- futex

using namespace futex;  // NOLINT: its names are the commands.
uint32_t FutexOpOf(const PrintView& view) {
  return static_cast<uint32_t>(view.args[1]) & ~(kPrivate | kClockRealtime);
}

bool PrintFutexCommand(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint32_t command = static_cast<uint32_t>(view.args[i]);
  const char* name = NameOf(kFutexCommands, FutexOpOf(view));
  if (name == nullptr) {
    absl::StrAppendFormat(out, "%#x /* FUTEX_??? */", command);
    return true;
  }
  *out += name;
  if ((command & kPrivate) != 0) *out += "_PRIVATE";
  if ((command & kClockRealtime) != 0) *out += "|FUTEX_CLOCK_REALTIME";
  return true;
}

bool PrintFutexValue(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint32_t op = FutexOpOf(view);
  if (op == kLockPi || op == kUnlockPi || op == kTryLockPi || op == kLockPi2) return false;
  absl::StrAppendFormat(out, "%u", static_cast<uint32_t>(view.args[i]));
  return true;
}

bool PrintFutexTime(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  switch (FutexOpOf(view)) {
    case kWait:
    case kWaitBitset:
    case kWaitRequeuePi:
    case kLockPi:
    case kLockPi2:
      return kTimespecType.print(view, spec, i, out);
    case kRequeue:
    case kCmpRequeue:
    case kCmpRequeuePi:
    case kWakeOp:
      absl::StrAppendFormat(out, "%u", static_cast<uint32_t>(view.args[i]));
      return true;
    case kWake:
    case kWakeBitset:
    case kUnlockPi:
    case kTryLockPi:
      return false;
    default:
      return PrintPointer(view, spec, i, out);
  }
}

bool PrintFutexSecond(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  switch (FutexOpOf(view)) {
    case kWait:
    case kWake:
    case kWaitBitset:
    case kWakeBitset:
    case kLockPi:
    case kUnlockPi:
    case kTryLockPi:
    case kLockPi2:
      return false;
    default:
      return PrintPointer(view, spec, i, out);
  }
}

bool PrintFutexThird(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  static constexpr const char* kOps[] = {"SET", "ADD", "OR", "ANDN", "XOR"};
  static constexpr const char* kComparisons[] = {"EQ", "NE", "LT", "LE", "GT", "GE"};
  const uint32_t value = static_cast<uint32_t>(view.args[i]);
  const auto hex = [](uint32_t number) {
    return number == 0 ? std::string("0") : absl::StrFormat("%#x", number);
  };
  switch (FutexOpOf(view)) {
    case kWaitBitset:
    case kWakeBitset:
      *out += value == UINT32_MAX ? "FUTEX_BITSET_MATCH_ANY" : hex(value);
      return true;
    case kCmpRequeue:
    case kCmpRequeuePi:
      absl::StrAppendFormat(out, "%u", value);
      return true;
    case kWakeOp: {
      const uint32_t op = value >> 28 & 7, comparison = value >> 24 & 15;
      if ((value >> 31) != 0) *out += "FUTEX_OP_OPARG_SHIFT<<28|";
      absl::StrAppendFormat(out, "FUTEX_OP_%s<<28|%s<<12|FUTEX_OP_CMP_%s<<24|%s",
                            op < 5 ? kOps[op] : hex(op).c_str(), hex(value >> 12 & 0xfff),
                            comparison < 6 ? kComparisons[comparison] : hex(comparison).c_str(),
                            hex(value & 0xfff));
      return true;
    }
    case kWait:
    case kWake:
    case kRequeue:
    case kLockPi:
    case kUnlockPi:
    case kTryLockPi:
    case kWaitRequeuePi:
    case kLockPi2:
      return false;
    default:
      *out += hex(value);
      return true;
  }
}

// ---- prctl

bool PrintPrctl(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  constexpr uint64_t kNameBytes = 16;
  switch (static_cast<uint32_t>(view.args[0])) {
    case 15:
    case 16: {  // PR_SET_NAME, PR_GET_NAME
      if (i != 1) return false;
      Result<std::string> name = view.memory().ReadString(GuestAddr{view.args[i]}, kNameBytes);
      std::string start;
      if (name.ok()) {
        *out += Quoted(*name, kNameBytes);
      } else if (name.error() == Errno::kNameTooLong &&
                 ReadBytes(view, view.args[i], kNameBytes, &start)) {
        *out += Quoted(start, kNameBytes - 1);
      } else {
        *out += PointerText(view.args[i]);
      }
      return true;
    }
    case 3:
    case 7:
    case 21:
    case 30:
    case 37:  // PR_GET_*, which take nothing or are not looked at.
      return false;
    case 39:
    case 66:  // PR_GET_NO_NEW_PRIVS, PR_GET_MDWE: the zeros count.
    case 38:
    case 65:
      absl::StrAppendFormat(out, "%u", view.args[i]);
      return true;
    case 4:
      if (i != 1) return false;
      *out += FlagText(kSuidDump, view.args[i]);
      return true;
    case 1:
      if (i != 1) return false;
      *out += SignalText(static_cast<int32_t>(view.args[i]));
      return true;
    default:
      *out += view.args[i] == 0 ? "0" : absl::StrFormat("%#x", view.args[i]);
      return true;
  }
}

// ---- The rest

bool PrintEpollCtlEvent(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (static_cast<int32_t>(view.args[1]) == 2)
    return PrintPointer(view, spec, i, out);  // EPOLL_CTL_DEL
  return kEpollEventType.print(view, spec, i, out);
}

bool PrintMremapAddress(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  constexpr uint64_t kFixed = 2, kDontUnmap = 4;
  if ((view.args[i - 1] & (kFixed | kDontUnmap)) == 0) return false;
  return PrintPointer(view, spec, i, out);
}

bool PrintMembarrierCpu(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  if (view.args[i - 1] == 0) return false;
  absl::StrAppendFormat(out, "%d", static_cast<int32_t>(view.args[i]));
  return true;
}

}  // namespace

const ArgType kFcntlType{"by command", PrintFcntl, true};
const ArgType kIoctlRequestType{"request", PrintIoctlRequest, false, RecordNothing};
const ArgType kIoctlType{"by request", PrintIoctl, true};
const ArgType kFutexCommandType{"flags", PrintFutexCommand, false, RecordNothing};
const ArgType kFutexValueType{"uint32_t", PrintFutexValue, false, RecordNothing};
const ArgType kFutexTimeType{"struct timespec", PrintFutexTime};
const ArgType kFutexSecondType{"uint32_t *", PrintFutexSecond, false, RecordNothing};
const ArgType kFutexThirdType{"uint32_t", PrintFutexThird, false, RecordNothing};
const ArgType kPrctlType{"by option", PrintPrctl, true};
const ArgType kEpollCtlEventType{"struct epoll_event", PrintEpollCtlEvent};
const ArgType kMremapAddressType{"void *", PrintMremapAddress, false, RecordNothing};
const ArgType kMembarrierCpuType{"int", PrintMembarrierCpu, false, RecordNothing};

}  // namespace pollux::shims
