// What calls that make tasks and programs are given, as strace prints it.
#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "absl/strings/str_format.h"
#include "os_emu/task/clone.h"
#include "shims/arg_printing.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/linux_abi.h"

namespace pollux::shims {
namespace {

// ["ls", "-l"]: at most kTraceStringLimit of them.
bool PrintArgv(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  if (view.args[i] == 0) {
    *out += "NULL";
    return true;
  }
  std::string text = "[";
  for (uint64_t n = 0;; ++n) {
    const Result<uint64_t> string =
        view.memory().ReadObject<uint64_t>(GuestAddr{view.args[i]} + n * sizeof(uint64_t));
    if (!string.ok() && n == 0) {
      *out += PointerText(view.args[i]);
      return true;
    }
    if (string.ok() && *string == 0) break;
    if (n > 0) text += ", ";
    if (!string.ok() || n == kTraceStringLimit) {
      text += "...";
      break;
    }
    const Result<std::string> argument =
        view.memory().ReadString(GuestAddr{*string}, memory::kPageBytes);
    text += argument.ok() ? Quoted(*argument, kTraceStringLimit) : PointerText(*string);
  }
  *out += text + "]";
  return true;
}

// 0x3ff0 /* 12 vars */
bool PrintEnvp(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  *out += PointerText(view.args[i]);
  if (view.args[i] == 0) return true;
  constexpr uint64_t kMost = 1 << 16;
  uint64_t count = 0;
  bool cut = false;
  while (!cut) {
    const Result<uint64_t> string =
        view.memory().ReadObject<uint64_t>(GuestAddr{view.args[i]} + count * sizeof(uint64_t));
    if (!string.ok() && count == 0) return true;
    if (string.ok() && *string == 0) break;
    cut = !string.ok() || ++count == kMost;
  }
  absl::StrAppendFormat(out, " /* %u var%s%s */", count, count == 1 ? "" : "s",
                        cut ? ", unterminated" : "");
  return true;
}

// CLONE_VM|SIGCHLD: the low byte is a signal.
bool PrintCloneFlags(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  constexpr uint64_t kSignalBits = 0xff;
  const uint64_t flags = static_cast<uint32_t>(view.args[i]) & ~kSignalBits;
  const int signal = static_cast<int>(view.args[i] & kSignalBits);
  if (flags != 0 || signal == 0) *out += FlagText(kCloneFlags, flags);
  if (flags != 0 && signal != 0) *out += "|";
  if (signal != 0) *out += SignalText(signal);
  return true;
}

// Only the members that count.
bool PrintCloneArgs(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  GuestCloneArgs args = {};
  const uint64_t size = std::min<uint64_t>(view.args[i + 1], sizeof(args));
  const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(&args), size);
  if (size < kCloneArgsVersion0 || view.memory().Read(GuestAddr{view.args[i]}, bytes) != size) {
    *out += PointerText(view.args[i]);
    return true;
  }
  const uint64_t flags = args.flags;
  std::string text = "{flags=" + FlagText(kCloneFlags, flags);
  const auto add = [&text](const char* name, const std::string& value) {
    absl::StrAppendFormat(&text, ", %s=%s", name, value);
  };
  if ((flags & os_emu::kClonePidFd) != 0) add("pidfd", PointerText(args.pidfd));
  if ((flags & (os_emu::kCloneChildSetTid | os_emu::kCloneChildClearTid)) != 0)
    add("child_tid", PointerText(args.child_tid));
  if ((flags & os_emu::kCloneParentSetTid) != 0) add("parent_tid", PointerText(args.parent_tid));
  add("exit_signal",
      args.exit_signal == 0
          ? "0"
          : SignalText(static_cast<int>(std::min<uint64_t>(args.exit_signal, INT32_MAX))));
  add("stack", PointerText(args.stack));
  add("stack_size", args.stack_size == 0 ? "0" : absl::StrFormat("%#x", args.stack_size));
  if ((flags & os_emu::kCloneSetTls) != 0) add("tls", PointerText(args.tls));
  if (args.set_tid != 0 || args.set_tid_size != 0) {
    add("set_tid", PointerText(args.set_tid));
    add("set_tid_size", absl::StrFormat("%u", args.set_tid_size));
  }
  if ((flags & os_emu::kCloneIntoCgroup) != 0) add("cgroup", absl::StrFormat("%u", args.cgroup));
  *out += text + "}";
  return true;
}

// [{val=0x1, uaddr=0x10, flags=FUTEX2_SIZE_U32|FUTEX2_PRIVATE}, ...]
bool PrintFutexWaits(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  // futex_waitv(2) says how many; futex_requeue(2) takes two.
  const bool says = spec.length != ArgSpec::kNoLength;
  const uint64_t count = says ? static_cast<uint32_t>(view.args[spec.length]) : 2;
  if (view.args[i] == 0) {
    *out += "NULL";
    return true;
  }
  std::string text = "[";
  for (uint64_t n = 0; n < count; ++n) {
    const Result<GuestFutexWait> wait = view.memory().ReadObject<GuestFutexWait>(
        GuestAddr{view.args[i]} + n * sizeof(GuestFutexWait));
    if (!wait.ok() && n == 0) {
      *out += PointerText(view.args[i]);
      return true;
    }
    if (n > 0) text += ", ";
    if (!wait.ok() || n == kTraceStringLimit) {
      text += "...";
      break;
    }
    absl::StrAppendFormat(&text, "{val=%#x, uaddr=%s, flags=%s", wait->value,
                          PointerText(wait->address), FlagText(kFutex2Flags, wait->flags));
    if (wait->reserved != 0) absl::StrAppendFormat(&text, ", __reserved=%#x", wait->reserved);
    text += "}";
  }
  *out += text + "]";
  return true;
}

}  // namespace

const ArgType kArgvType{"char *[]", PrintArgv};
const ArgType kEnvpType{"char *[]", PrintEnvp};
const ArgType kCloneFlagsType{"clone flags", PrintCloneFlags, false, RecordNothing};
const ArgType kCloneArgsType{"struct clone_args", PrintCloneArgs};
const ArgType kFutexWaitsType{"struct futex_waitv[]", PrintFutexWaits};

}  // namespace pollux::shims
