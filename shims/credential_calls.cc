// Who a thread is and what it may do: ids (kernel/sys.c), capabilities (kernel/capability.c,
// security/commoncap.c) and prctl(2)'s options about them. All of it is the calling thread's alone.
#include <array>
#include <optional>

#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {

using os_emu::Capability;
using os_emu::Credentials;

// ---- Ids

CallResult SysGetuid(SyscallContext& context) {
  return int64_t{context.thread().credentials().uid};
}
CallResult SysGeteuid(SyscallContext& context) {
  return int64_t{context.thread().credentials().euid};
}
CallResult SysGetgid(SyscallContext& context) {
  return int64_t{context.thread().credentials().gid};
}
CallResult SysGetegid(SyscallContext& context) {
  return int64_t{context.thread().credentials().egid};
}

namespace {

// The four ids of a kind, so that uids and gids are one piece of code.
struct Ids {
  uint32_t& real;
  uint32_t& effective;
  uint32_t& saved;
  uint32_t& file;
};
enum class Kind { kUser, kGroup };
Ids IdsOf(Credentials& c, Kind kind) {
  if (kind == Kind::kUser) return {c.uid, c.euid, c.suid, c.fsuid};
  return {c.gid, c.egid, c.sgid, c.fsgid};
}
bool MaySet(const Credentials& c, Kind kind) {
  return c.Has(kind == Kind::kUser ? Capability::kSetUid : Capability::kSetGid);
}

// commit_creds()
void Commit(SyscallContext& context, const Credentials& made) {
  Credentials& own = context.thread().credentials();
  if (own.euid != made.euid || own.egid != made.egid || own.fsuid != made.fsuid ||
      own.fsgid != made.fsgid || (made.permitted & ~own.permitted) != 0) {
    context.process().dumpable = 0;
    context.thread().parent_death_signal = 0;
  }
  own = made;
}

constexpr uint32_t kKeep = UINT32_MAX;

// security_task_fix_setuid() and the end of the call.
CallResult Changed(SyscallContext& context, Credentials made, Kind kind) {
  if (kind == Kind::kUser) made.AfterChangeOfUser(context.thread().credentials());
  Commit(context, made);
  return 0;
}

CallResult SetId(SyscallContext& context, Kind kind) {
  const uint32_t id = context.UInt(0);
  if (id == kKeep) return Errno::kInval;
  Credentials made = context.thread().credentials();
  const Ids ids = IdsOf(made, kind);
  if (MaySet(made, kind)) {
    ids.real = ids.saved = id;
  } else if (id != ids.real && id != ids.saved) {
    return Errno::kPerm;
  }
  ids.effective = ids.file = id;
  return Changed(context, made, kind);
}

CallResult SetRealAndEffective(SyscallContext& context, Kind kind) {
  const uint32_t real = context.UInt(0), effective = context.UInt(1);
  Credentials made = context.thread().credentials();
  const Ids ids = IdsOf(made, kind);
  const bool privileged = MaySet(made, kind);
  const uint32_t old_real = ids.real;
  if (real != kKeep && real != ids.real && real != ids.effective && !privileged)
    return Errno::kPerm;
  if (effective != kKeep && effective != ids.real && effective != ids.effective &&
      effective != ids.saved && !privileged) {
    return Errno::kPerm;
  }
  if (real != kKeep) ids.real = real;
  if (effective != kKeep) ids.effective = effective;
  if (real != kKeep || (effective != kKeep && effective != old_real)) ids.saved = ids.effective;
  ids.file = ids.effective;
  return Changed(context, made, kind);
}

CallResult SetAll(SyscallContext& context, Kind kind) {
  Credentials made = context.thread().credentials();
  const Ids ids = IdsOf(made, kind);
  const bool privileged = MaySet(made, kind);
  const uint32_t wanted[3] = {context.UInt(0), context.UInt(1), context.UInt(2)};
  for (uint32_t id : wanted) {
    if (id != kKeep && id != ids.real && id != ids.effective && id != ids.saved && !privileged)
      return Errno::kPerm;
  }
  const bool nothing_new =
      (wanted[0] == kKeep || wanted[0] == ids.real) &&
      (wanted[1] == kKeep || (wanted[1] == ids.effective && wanted[1] == ids.file)) &&
      (wanted[2] == kKeep || wanted[2] == ids.saved);
  if (nothing_new) return 0;
  if (wanted[0] != kKeep) ids.real = wanted[0];
  if (wanted[1] != kKeep) ids.effective = wanted[1];
  if (wanted[2] != kKeep) ids.saved = wanted[2];
  ids.file = ids.effective;
  return Changed(context, made, kind);
}

CallResult GetAll(SyscallContext& context, Kind kind) {
  const Ids ids = IdsOf(context.thread().credentials(), kind);
  const uint32_t values[3] = {ids.real, ids.effective, ids.saved};
  for (int i = 0; i < 3; ++i) {
    Result<void> stored = context.Out(context.Addr(i), values[i]);
    if (!stored.ok()) return stored.error();
  }
  return 0;
}

// Answers the old id, whether or not it was changed.
CallResult SetFileId(SyscallContext& context, Kind kind) {
  const Credentials& own = context.thread().credentials();
  Credentials made = own;
  const Ids ids = IdsOf(made, kind);
  const uint32_t old = ids.file, id = context.UInt(0);
  if (id != kKeep && (id == ids.real || id == ids.effective || id == ids.saved || id == ids.file ||
                      MaySet(made, kind))) {
    ids.file = id;
    if (kind == Kind::kUser) made.AfterChangeOfFileUser(own);
    Commit(context, made);
  }
  return int64_t{old};
}

}  // namespace

CallResult SysSetuid(SyscallContext& context) { return SetId(context, Kind::kUser); }
CallResult SysSetgid(SyscallContext& context) { return SetId(context, Kind::kGroup); }
CallResult SysSetreuid(SyscallContext& context) {
  return SetRealAndEffective(context, Kind::kUser);
}
CallResult SysSetregid(SyscallContext& context) {
  return SetRealAndEffective(context, Kind::kGroup);
}
CallResult SysSetresuid(SyscallContext& context) { return SetAll(context, Kind::kUser); }
CallResult SysSetresgid(SyscallContext& context) { return SetAll(context, Kind::kGroup); }
CallResult SysGetresuid(SyscallContext& context) { return GetAll(context, Kind::kUser); }
CallResult SysGetresgid(SyscallContext& context) { return GetAll(context, Kind::kGroup); }
CallResult SysSetfsuid(SyscallContext& context) { return SetFileId(context, Kind::kUser); }
CallResult SysSetfsgid(SyscallContext& context) { return SetFileId(context, Kind::kGroup); }

CallResult SysGetgroups(SyscallContext& context) {
  return context.Int(0) < 0 ? CallResult(Errno::kInval) : CallResult(0);
}

// may_setgroups() comes first.
CallResult SysSetgroups(SyscallContext& context) {
  constexpr uint32_t kMaxGroups = 65536;  // NGROUPS_MAX
  if (!context.Has(Capability::kSetGid)) return Errno::kPerm;
  if (context.UInt(0) > kMaxGroups) return Errno::kInval;
  if (context.UInt(0) == 0) return 0;
  return context.Refuse(Errno::kPerm, "supplementary groups");
}

// ---- Capabilities

namespace {

// _LINUX_CAPABILITY_VERSION_1 and its successors; the last is the one to take.
constexpr uint32_t kVersion1 = 0x19980330, kVersion2 = 0x20071026, kVersion3 = 0x20080522;

// struct __user_cap_data_struct
struct GuestCapabilities {
  uint32_t effective;
  uint32_t permitted;
  uint32_t inheritable;
};
using CapabilityWords = std::array<GuestCapabilities, 2>;
constexpr uint64_t kPidOffset = 4;  // In struct __user_cap_header_struct.

// cap_validate_magic(): how many words of each set follow. kInval: the version that there is was
// written there. kFault.
Result<size_t> WordsOfVersion(SyscallContext& context) {
  POLLUX_ASSIGN_OR_RETURN(const uint32_t version, context.In<uint32_t>(context.Addr(0)));
  if (version == kVersion1) return size_t{1};
  if (version == kVersion2 || version == kVersion3) return size_t{2};
  POLLUX_RETURN_IF_ERROR(context.Out(context.Addr(0), kVersion3));
  return Errno::kInval;
}

uint64_t SetOf(const CapabilityWords& words, uint32_t GuestCapabilities::*set) {
  return (words[0].*set | uint64_t{words[1].*set} << 32) & os_emu::kAllCapabilities;
}

}  // namespace

CallResult SysCapget(SyscallContext& context) {
  const Result<size_t> words = WordsOfVersion(context);
  const bool tells_version = !words.ok() && words.error() == Errno::kInval;
  if (context.Addr(1).IsNull()) return words.ok() || tells_version ? CallResult(0) : words.error();
  if (!words.ok()) return words.error();
  const Result<int32_t> pid = context.In<int32_t>(context.Addr(0) + kPidOffset);
  if (!pid.ok()) return pid.error();
  if (*pid < 0) return Errno::kInval;
  const os_emu::Thread* const thread =
      *pid == 0 ? &context.thread() : context.kernel().FindTask(Tid{*pid});
  if (thread == nullptr) return Errno::kSrch;
  const Credentials& theirs = thread->credentials();
  for (size_t i = 0; i < *words; ++i) {
    const auto word = [i](uint64_t set) { return static_cast<uint32_t>(set >> (32 * i)); };
    const GuestCapabilities told = {word(theirs.effective), word(theirs.permitted),
                                    word(theirs.inheritable)};
    const Result<void> stored = context.Out(context.Addr(1) + i * sizeof(told), told);
    if (!stored.ok()) return stored.error();
  }
  return 0;
}

CallResult SysCapset(SyscallContext& context) {
  const Result<size_t> count = WordsOfVersion(context);
  if (!count.ok()) return count.error();
  const Result<int32_t> pid = context.In<int32_t>(context.Addr(0) + kPidOffset);
  if (!pid.ok()) return pid.error();
  if (*pid != 0 && Tid{*pid} != context.thread().tid()) return Errno::kPerm;
  CapabilityWords words{};
  for (size_t i = 0; i < *count; ++i) {
    const Result<GuestCapabilities> word =
        context.In<GuestCapabilities>(context.Addr(1) + i * sizeof(GuestCapabilities));
    if (!word.ok()) return word.error();
    words[i] = *word;
  }
  // cap_capset()
  Credentials made = context.thread().credentials();
  const uint64_t inheritable = SetOf(words, &GuestCapabilities::inheritable),
                 permitted = SetOf(words, &GuestCapabilities::permitted),
                 effective = SetOf(words, &GuestCapabilities::effective);
  const auto within = [](uint64_t set, uint64_t other) { return (set & ~other) == 0; };
  if (!made.Has(Capability::kSetPcap) && !within(inheritable, made.inheritable | made.permitted))
    return Errno::kPerm;
  if (!within(inheritable, made.inheritable | made.bounding)) return Errno::kPerm;
  if (!within(permitted, made.permitted)) return Errno::kPerm;
  if (!within(effective, permitted)) return Errno::kPerm;
  made.inheritable = inheritable;
  made.permitted = permitted;
  made.effective = effective;
  made.ambient &= permitted & inheritable;
  Commit(context, made);
  return 0;
}

// ---- prctl(2)

namespace {

// PR_CAP_AMBIENT
CallResult Ambient(SyscallContext& context, Credentials& own) {
  constexpr uint64_t kIsSet = 1, kRaise = 2, kLower = 3, kClearAll = 4;
  const uint64_t what = context.Arg(1), capability = context.Arg(2);
  const bool more = (context.Arg(3) | context.Arg(4)) != 0;
  if (what == kClearAll) {
    if (capability != 0 || more) return Errno::kInval;
    own.ambient = 0;
    return 0;
  }
  if (capability > os_emu::kLastCapability || more) return Errno::kInval;
  const uint64_t bit = uint64_t{1} << capability;
  if (what == kIsSet) return (own.ambient & bit) != 0 ? 1 : 0;
  if (what != kRaise && what != kLower) return Errno::kInval;
  if (what == kRaise) {
    if ((own.permitted & own.inheritable & bit) == 0) return Errno::kPerm;
    if ((own.secure_bits & os_emu::kNoAmbientRaise) != 0) return Errno::kPerm;
    own.ambient |= bit;
  } else {
    own.ambient &= ~bit;
  }
  return 0;
}

// PR_SET_SECUREBITS (cap_prctl_securebits()): all that may be refused comes first, and what needs
// no privilege is what programs only tell themselves, SECBIT_EXEC_*.
CallResult SetSecureBits(uint64_t wanted, Credentials& own) {
  constexpr uint64_t kBits = 0x555, kLocks = kBits << 1, kUnprivileged = 0xf00;
  const uint64_t changed = own.secure_bits ^ wanted;
  if ((((own.secure_bits & kLocks) >> 1) & changed) != 0) return Errno::kPerm;
  if ((own.secure_bits & kLocks & ~wanted) != 0) return Errno::kPerm;
  if ((wanted & ~(kBits | kLocks)) != 0) return Errno::kPerm;
  if (!own.Has(Capability::kSetPcap) && (changed == 0 || (changed & ~kUnprivileged) != 0))
    return Errno::kPerm;
  own.secure_bits = static_cast<uint32_t>(wanted);
  return 0;
}

}  // namespace

std::optional<CallResult> CredentialPrctl(SyscallContext& context) {
  enum Option : uint32_t {
    kGetKeepCapabilities = 7,
    kSetKeepCapabilities = 8,
    kReadBounding = 23,
    kDropBounding = 24,
    kGetSecureBits = 27,
    kSetSecureBits = 28,
    kSetNoNewPrivs = 38,
    kGetNoNewPrivs = 39,
    kAmbient = 47,
  };
  Credentials& own = context.thread().credentials();
  const auto any_from = [&context](int i) {
    for (; i < 5; ++i) {
      if (context.Arg(i) != 0) return true;
    }
    return false;
  };
  switch (context.UInt(0)) {
    case kGetKeepCapabilities:
      return (own.secure_bits & os_emu::kKeepCapabilities) != 0 ? 1 : 0;
    case kSetKeepCapabilities:
      if (context.Arg(1) > 1) return Errno::kInval;
      if ((own.secure_bits & os_emu::kKeepCapabilities << 1) != 0) return Errno::kPerm;
      own.secure_bits &= ~os_emu::kKeepCapabilities;
      if (context.Arg(1) != 0) own.secure_bits |= os_emu::kKeepCapabilities;
      return 0;
    case kReadBounding:
      if (context.Arg(1) > os_emu::kLastCapability) return Errno::kInval;
      return (own.bounding >> context.Arg(1)) & 1 ? 1 : 0;
    case kDropBounding:
      if (!own.Has(Capability::kSetPcap)) return Errno::kPerm;
      if (context.Arg(1) > os_emu::kLastCapability) return Errno::kInval;
      own.bounding &= ~(uint64_t{1} << context.Arg(1));
      return 0;
    case kGetSecureBits:
      return int64_t{own.secure_bits};
    case kSetSecureBits:
      return SetSecureBits(context.Arg(1), own);
    case kSetNoNewPrivs:
      if (context.Arg(1) != 1 || any_from(2)) return Errno::kInval;
      own.no_new_privs = true;
      return 0;
    case kGetNoNewPrivs:
      if (any_from(1)) return Errno::kInval;
      return own.no_new_privs ? 1 : 0;
    case kAmbient:
      return Ambient(context, own);
    default:
      return std::nullopt;
  }
}

}  // namespace pollux::shims
