// Structures and arrays of them, as strace prints them.
#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "memory/arena.h"
#include "shims/arg_printing.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/linux_abi.h"
#include "shims/signal_frame.h"

namespace pollux::shims {
std::string TimespecText(const GuestTimespec& time) {
  return absl::StrFormat("{tv_sec=%d, tv_nsec=%d}", time.seconds, time.nanoseconds);
}
std::string TimevalText(const GuestTimeval& time) {
  return absl::StrFormat("{tv_sec=%d, tv_usec=%d}", time.seconds, time.microseconds);
}

namespace {

// The printer of one structure: `Format` says its text.
template <typename T, std::string (*Format)(const T&)>
bool PrintStruct(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  Result<T> object = view.memory().ReadObject<T>(GuestAddr{view.args[i]});
  *out += object.ok() ? Format(*object) : PointerText(view.args[i]);
  return true;
}

// What nanosleep leaves: there only if a signal ended it.
bool PrintRemainingTime(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  Result<GuestTimespec> time = view.memory().ReadObject<GuestTimespec>(GuestAddr{view.args[i]});
  const bool interrupted = view.result == -static_cast<int64_t>(Errno::kIntr);
  *out += interrupted && time.ok() ? TimespecText(*time) : PointerText(view.args[i]);
  return true;
}

// The two times of utimensat.
bool PrintTimes(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  Result<std::array<GuestTimespec, 2>> times =
      view.memory().ReadObject<std::array<GuestTimespec, 2>>(GuestAddr{view.args[i]});
  if (!times.ok()) {
    *out += PointerText(view.args[i]);
    return true;
  }
  std::string text = "[";
  for (int n = 0; n < 2; ++n) {
    const GuestTimespec& time = (*times)[n];
    if (n > 0) text += ", ";
    if (time.nanoseconds == 0x3fffffff) {
      text += "UTIME_NOW";
    } else if (time.nanoseconds == 0x3ffffffe) {
      text += "UTIME_OMIT";
    } else {
      text += TimespecText(time);
      if (time.nanoseconds >= 0 && time.nanoseconds < 1'000'000'000) {
        const absl::Time at =
            absl::FromUnixSeconds(time.seconds) + absl::Nanoseconds(time.nanoseconds);
        // strace leaves the fraction out where it is 0.
        const char* format =
            time.nanoseconds != 0 ? " /* %Y-%m-%dT%H:%M:%E9S%z */" : " /* %Y-%m-%dT%H:%M:%S%z */";
        // It keeps time zones for all that come after.
        const memory::OutsideArena outside;
        const std::string date = absl::FormatTime(format, at, absl::UTCTimeZone());
        text += date;
      }
    }
  }
  *out += text + "]";
  return true;
}

// ---- Readiness

std::string EpollEventText(const GuestEpollEvent& event) {
  return absl::StrFormat("{events=%s, data=%#x}", FlagText(kEpollEvents, event.events), event.data);
}

bool PrintEpollEvents(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  std::string text = "[";
  for (int64_t n = 0; n < view.result; ++n) {
    if (n > 0) text += ", ";
    if (n == static_cast<int64_t>(kTraceStringLimit)) {
      text += "...";
      break;
    }
    Result<GuestEpollEvent> event = view.memory().ReadObject<GuestEpollEvent>(
        GuestAddr{view.args[i]} + n * sizeof(GuestEpollEvent));
    if (!event.ok()) {
      *out += PointerText(view.args[i]);
      return true;
    }
    text += EpollEventText(*event);
  }
  *out += text + "]";
  return true;
}

void RecordEpollEvents(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (!HasContent(view, spec, i)) return;
  RecordMemory(view, view.args[i], static_cast<uint64_t>(view.result) * sizeof(GuestEpollEvent),
               out);
}

// "[{fd=5, events=POLLIN}, ...]"; `ready`: only those with revents, and these.
std::string PollfdsText(const PrintView& view, uint64_t address, uint32_t count, bool ready) {
  std::string text = "[";
  uint32_t shown = 0;
  for (uint64_t n = 0; n < count; ++n) {
    Result<GuestPollfd> entry =
        view.memory().ReadObject<GuestPollfd>(GuestAddr{address} + n * sizeof(GuestPollfd));
    if (!entry.ok()) {
      if (n == 0) return PointerText(address);
      text += shown > 0 ? ", ..." : "...";
      break;
    }
    if (ready && entry->revents == 0) continue;
    if (shown > 0) text += ", ";
    if (shown++ == kTraceStringLimit) {
      text += "...";
      break;
    }
    if (entry->fd < 0) {
      absl::StrAppendFormat(&text, "{fd=%d}", entry->fd);
    } else {
      absl::StrAppendFormat(
          &text, "{fd=%d, %s=%s}", entry->fd, ready ? "revents" : "events",
          FlagText(kPollEvents, static_cast<uint16_t>(ready ? entry->revents : entry->events)));
    }
  }
  return text + "]";
}

bool PrintPollfds(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (view.args[i] == 0) {
    *out += "NULL";
    return true;
  }
  *out += PollfdsText(view, view.args[i], static_cast<uint32_t>(view.args[spec.length]), false);
  return true;
}

// "[3 5]"
std::string FdSetText(const PrintView& view, uint64_t address, int32_t bits) {
  if (bits < 0) return PointerText(address);
  std::string bytes;
  if (!ReadBytes(view, address, (std::min(bits, 65536) + 63) / 64 * 8, &bytes))
    return PointerText(address);
  std::string text = "[";
  for (int32_t n = 0; n < std::min(bits, 65536); ++n) {
    if ((static_cast<uint8_t>(bytes[n / 8]) >> (n % 8) & 1) == 0) continue;
    if (text.size() > 1) text += ' ';
    absl::StrAppendFormat(&text, "%d", n);
  }
  return text + "]";
}
bool PrintFdSet(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  *out += view.args[i] == 0
              ? "NULL"
              : FdSetText(view, view.args[i], static_cast<int32_t>(view.args[spec.length]));
  return true;
}

// ---- Signals

std::string SigsetFormat(const os_emu::SignalSet& set) { return SigsetText(set); }

bool PrintSelectMask(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  Result<GuestSelectMask> argument =
      view.memory().ReadObject<GuestSelectMask>(GuestAddr{view.args[i]});
  if (!argument.ok()) {
    *out += PointerText(view.args[i]);
    return true;
  }
  Result<os_emu::SignalSet> mask =
      view.memory().ReadObject<os_emu::SignalSet>(GuestAddr{argument->mask});
  absl::StrAppendFormat(out, "{sigmask=%s, sigsetsize=%u}",
                        mask.ok() ? SigsetText(*mask) : PointerText(argument->mask),
                        argument->size);
  return true;
}

std::string SigactionText(const GuestSigaction& action) {
  std::string handler = PointerText(action.handler);
  if (action.handler == os_emu::kSigDfl) handler = "SIG_DFL";
  if (action.handler == os_emu::kSigIgn) handler = "SIG_IGN";
  return absl::StrFormat("{sa_handler=%s, sa_mask=%s, sa_flags=%s}", handler,
                         SigsetText(action.mask), FlagText(kSaFlags, action.flags));
}

std::string SigstackText(const GuestSigstack& stack) {
  return absl::StrFormat("{ss_sp=%s, ss_flags=%s, ss_size=%u}", PointerText(stack.start),
                         FlagText(kSigstackFlags, static_cast<uint32_t>(stack.flags)), stack.bytes);
}

std::string GuestSiginfoText(const GuestSiginfo& info) {
  return SiginfoText(FromGuestSiginfo(info, info.signal));
}

// rt_sigreturn has no arguments; the mask that it brought back is worth more than its frame.
bool PrintSigframe(const PrintView& view, const ArgSpec&, int, std::string* out) {
  *out += "{mask=" + SigsetText(view.thread.signal_mask()) + "}";
  return true;
}

// ---- Files

std::string StatText(const GuestStat& status) {
  const uint32_t type = status.mode & 0170000;
  const std::string rest = type == 0020000 || type == 0060000
                               ? "st_rdev=" + DeviceText(status.rdev)
                               : absl::StrFormat("st_size=%d", status.size);
  return absl::StrFormat("{st_mode=%s, %s, ...}", ModeText(status.mode), rest);
}

std::string StatxText(const GuestStatx& status) {
  return absl::StrFormat("{stx_mask=%s, stx_attributes=%s, stx_mode=%s, stx_size=%u, ...}",
                         FlagText(kStatxMask, status.mask),
                         status.attributes == 0 ? "0" : absl::StrFormat("%#x", status.attributes),
                         ModeText(status.mode), status.size);
}

std::string StatfsText(const GuestStatfs& status) {
  static constexpr FlagName kTypes[] = {
      {0x01021994, "TMPFS_MAGIC"},         {0x9fa0, "PROC_SUPER_MAGIC"},
      {0x62656572, "SYSFS_MAGIC"},         {0x50495045, "PIPEFS_MAGIC"},
      {0x09041934, "ANON_INODE_FS_MAGIC"}, {0xef53, "EXT2_SUPER_MAGIC"}};
  static const FlagSet kTypeSet{"???_MAGIC", kTypes, true};
  static constexpr FlagName kFlagNames[] = {
      {0x20, "ST_VALID"}, {1, "ST_RDONLY"},      {2, "ST_NOSUID"},       {4, "ST_NODEV"},
      {8, "ST_NOEXEC"},   {0x400, "ST_NOATIME"}, {0x1000, "ST_RELATIME"}};
  static const FlagSet kFlagSet{"ST_???", kFlagNames};
  return absl::StrFormat(
      "{f_type=%s, f_bsize=%d, f_blocks=%d, f_bfree=%d, f_bavail=%d, f_files=%d, f_ffree=%d, "
      "f_fsid={val=[%#x, %#x]}, "
      "f_namelen=%d, f_frsize=%d, f_flags=%s}",
      FlagText(kTypeSet, status.type), status.bsize, status.blocks, status.bfree, status.bavail,
      status.files, status.ffree, status.fsid[0], status.fsid[1], status.namelen, status.frsize,
      FlagText(kFlagSet, status.flags));
}

bool PrintDirents(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  int entries = 0;
  for (uint64_t offset = 0; offset < static_cast<uint64_t>(view.result); ++entries) {
    Result<uint16_t> bytes =
        view.memory().ReadObject<uint16_t>(GuestAddr{view.args[i]} + offset + 16);
    if (!bytes.ok() || *bytes == 0) break;
    offset += *bytes;
  }
  absl::StrAppendFormat(out, "%#x /* %d entries */", view.args[i], entries);
  return true;
}

// ---- The rest

std::string LimitText(uint64_t limit) {
  if (limit == UINT64_MAX) return "RLIM64_INFINITY";
  if (limit > 1024 && limit % 1024 == 0) return absl::StrFormat("%u*1024", limit / 1024);
  return absl::StrFormat("%u", limit);
}
std::string RlimitText(const GuestRlimit& limit) {
  return absl::StrFormat("{rlim_cur=%s, rlim_max=%s}", LimitText(limit.soft),
                         LimitText(limit.hard));
}
std::string RusageText(const GuestRusage& usage) {
  return absl::StrFormat("{ru_utime=%s, ru_stime=%s, ...}", TimevalText(usage.utime),
                         TimevalText(usage.stime));
}
std::string TmsText(const GuestTms& times) {
  return absl::StrFormat("{tms_utime=%d, tms_stime=%d, tms_cutime=%d, tms_cstime=%d}", times.utime,
                         times.stime, times.cutime, times.cstime);
}
std::string UtsnameText(const GuestUtsname& name) {
  const auto text = [](const char(&field)[65]) {
    return std::string(field, std::find(field, field + 65, '\0'));
  };
  return absl::StrFormat("{sysname=%s, nodename=%s, ...}", Quoted(text(name.sysname), 65),
                         Quoted(text(name.nodename), 65));
}
std::string SysinfoText(const GuestSysinfo& info) {
  return absl::StrFormat(
      "{uptime=%d, loads=[%u, %u, %u], totalram=%u, freeram=%u, sharedram=%u, bufferram=%u, "
      "totalswap=%u, freeswap=%u, "
      "procs=%u, totalhigh=%u, freehigh=%u, mem_unit=%u}",
      info.uptime, info.loads[0], info.loads[1], info.loads[2], info.totalram, info.freeram,
      info.sharedram, info.bufferram, info.totalswap, info.freeswap, info.procs, info.totalhigh,
      info.freehigh, info.mem_unit);
}
bool PrintCpuSet(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  const uint64_t bytes =
      spec.length == ArgSpec::kLengthIsResult ? view.result : view.args[spec.length];
  *out += FdSetText(view, view.args[i], static_cast<int32_t>(std::min<uint64_t>(bytes, 1024) * 8));
  return true;
}

bool PrintHwprobe(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (view.args[i] == 0) {
    *out += "NULL";
    return true;
  }
  std::string text = "[";
  for (uint64_t n = 0; n < view.args[spec.length]; ++n) {
    if (n > 0) text += ", ";
    if (n == kTraceStringLimit) {
      text += "...";
      break;
    }
    Result<GuestHwprobe> pair =
        view.memory().ReadObject<GuestHwprobe>(GuestAddr{view.args[i]} + n * sizeof(GuestHwprobe));
    if (!pair.ok()) {
      *out += PointerText(view.args[i]);
      return true;
    }
    const std::string key = FlagText(kHwprobeKeys, static_cast<uint64_t>(pair->key));
    absl::StrAppendFormat(&text, "{key=%s, value=%s}",
                          pair->key < 0 ? absl::StrFormat("%d", pair->key) : key,
                          pair->value == 0 ? "0" : absl::StrFormat("%#x", pair->value));
  }
  *out += text + "]";
  return true;
}

}  // namespace

namespace {

// "SEGV_MAPERR"; null where it has no name here.
const char* SiginfoCodeName(const os_emu::SignalInfo& info) {
  using namespace os_emu;  // NOLINT: the signal numbers.
  switch (info.code) {
    case kSiUser:
      return "SI_USER";
    case kSiTkill:
      return "SI_TKILL";
    case kSiQueue:
      return "SI_QUEUE";
    case kSiTimer:
      return "SI_TIMER";
    case kSiMesgQ:
      return "SI_MESGQ";
    case kSiAsyncIo:
      return "SI_ASYNCIO";
    case kSiSigIo:
      return "SI_SIGIO";
    case kSiKernel:
      return "SI_KERNEL";
    default:
      break;
  }
  static constexpr const char* kChildCodes[] = {"CLD_EXITED",  "CLD_KILLED",  "CLD_DUMPED",
                                                "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"};
  switch (SiginfoLayoutOf(info.signal, info.code)) {
    case SiginfoLayout::kChild:
      return kChildCodes[info.code - 1];
    case SiginfoLayout::kFault:
      break;
    default:
      return nullptr;
  }
  switch (info.signal) {
    case kSigSegv:
      return info.code == kSegvMapErr   ? "SEGV_MAPERR"
             : info.code == kSegvAccErr ? "SEGV_ACCERR"
                                        : nullptr;
    case kSigBus:
      return info.code == kBusAdrAln   ? "BUS_ADRALN"
             : info.code == kBusAdrErr ? "BUS_ADRERR"
                                       : nullptr;
    case kSigIll:
      return info.code == kIllIllOpc ? "ILL_ILLOPC" : nullptr;
    case kSigTrap:
      return info.code == kTrapBrkpt ? "TRAP_BRKPT" : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

std::string SiginfoText(const os_emu::SignalInfo& info) {
  using os_emu::SiginfoLayout;
  const char* code = SiginfoCodeName(info);
  std::string text =
      absl::StrFormat("{si_signo=%s, si_code=%s", SignalText(info.signal),
                      code != nullptr ? std::string(code) : absl::StrFormat("%d", info.code));
  const std::string value = absl::StrFormat(
      ", si_int=%d, si_ptr=%s", static_cast<int32_t>(info.value), PointerText(info.value));
  const std::string sender =
      absl::StrFormat(", si_pid=%d, si_uid=%u", info.sender_pid, info.sender_uid);
  switch (os_emu::SiginfoLayoutOf(info.signal, info.code)) {
    case SiginfoLayout::kFault:
      text += ", si_addr=" + PointerText(info.fault_address.value);
      break;
    case SiginfoLayout::kTimer:
      absl::StrAppendFormat(&text, ", si_timerid=%d, si_overrun=%d", info.timer_id, info.overrun);
      text += value;
      break;
    case SiginfoLayout::kChild:
      text += sender;
      absl::StrAppendFormat(
          &text, ", si_status=%s, si_utime=%d, si_stime=%d",
          info.code == 1 ? absl::StrFormat("%d", info.status) : SignalText(info.status),
          info.user_time, info.system_time);
      break;
    case SiginfoLayout::kQueued:
      text += sender;
      if (info.code != os_emu::kSiTkill) text += value;
      break;
    case SiginfoLayout::kPoll:
      absl::StrAppendFormat(&text, ", si_band=%d, si_fd=%d", info.band(), info.fd());
      break;
    case SiginfoLayout::kKill:
      if (info.code == os_emu::kSiUser) text += sender;
      break;
    default:
      break;
  }
  return text + "}";
}

std::string ReadyText(const PrintView& view, const SyscallRow& row) {
  if (view.failed()) return "";
  if (view.result == 0) return " (Timeout)";
  std::string text;
  static constexpr const char* kSetNames[] = {"in", "out", "except"};
  int set = 0;
  for (int i = 0; i < row.arg_count(); ++i) {
    const ArgType* type = row.args[i].type;
    std::string part;
    if (type == &kPollfdArrayType) {
      part = PollfdsText(view, view.args[i], static_cast<uint32_t>(view.args[row.args[i].length]),
                         true);
    } else if (type == &kFdSetType) {
      const std::string members =
          view.args[i] == 0
              ? "[]"
              : FdSetText(view, view.args[i], static_cast<int32_t>(view.args[row.args[i].length]));
      if (members != "[]") part = absl::StrFormat("%s %s", kSetNames[set], members);
      ++set;
    } else if (type == &kTimespecType && view.args[i] != 0) {
      Result<GuestTimespec> left = view.memory().ReadObject<GuestTimespec>(GuestAddr{view.args[i]});
      if (left.ok()) part = "left " + TimespecText(*left);
    }
    if (part.empty()) continue;
    if (!text.empty()) text += ", ";
    text += part;
  }
  return " (" + text + ")";
}

const ArgType kEpollEventType{"struct epoll_event", PrintStruct<GuestEpollEvent, EpollEventText>,
                              false, RecordObject<GuestEpollEvent>};
const ArgType kEpollEventArrayType{"struct epoll_event[]", PrintEpollEvents, false,
                                   RecordEpollEvents};
const ArgType kPollfdArrayType{"struct pollfd[]", PrintPollfds};
const ArgType kFdSetType{"fd_set", PrintFdSet};
const ArgType kSelectMaskType{"sigset_t and size", PrintSelectMask};
const ArgType kTimespecType{"struct timespec", PrintStruct<GuestTimespec, TimespecText>, false,
                            RecordObject<GuestTimespec>};
const ArgType kRemainingTimeType{"struct timespec", PrintRemainingTime};
const ArgType kTimesType{"struct timespec[2]", PrintTimes};
const ArgType kTimevalType{"struct timeval", PrintStruct<GuestTimeval, TimevalText>, false,
                           RecordObject<GuestTimeval>};
const ArgType kSigsetType{"sigset_t", PrintStruct<os_emu::SignalSet, SigsetFormat>, false,
                          RecordObject<os_emu::SignalSet>};
const ArgType kSigactionType{"struct sigaction", PrintStruct<GuestSigaction, SigactionText>, false,
                             RecordObject<GuestSigaction>};
const ArgType kSigstackType{"stack_t", PrintStruct<GuestSigstack, SigstackText>, false,
                            RecordObject<GuestSigstack>};
const ArgType kSigframeType{"signal frame", PrintSigframe};
const ArgType kSiginfoType{"siginfo_t", PrintStruct<GuestSiginfo, GuestSiginfoText>, false,
                           RecordObject<GuestSiginfo>};
const ArgType kStatType{"struct stat", PrintStruct<GuestStat, StatText>, false,
                        RecordObject<GuestStat>};
const ArgType kStatxType{"struct statx", PrintStruct<GuestStatx, StatxText>, false,
                         RecordObject<GuestStatx>};
const ArgType kStatfsType{"struct statfs", PrintStruct<GuestStatfs, StatfsText>, false,
                          RecordObject<GuestStatfs>};
const ArgType kDirentsType{"struct linux_dirent64[]", PrintDirents};
const ArgType kRlimitType{"struct rlimit", PrintStruct<GuestRlimit, RlimitText>, false,
                          RecordObject<GuestRlimit>};
const ArgType kRusageType{"struct rusage", PrintStruct<GuestRusage, RusageText>, false,
                          RecordObject<GuestRusage>};
const ArgType kTmsType{"struct tms", PrintStruct<GuestTms, TmsText>, false, RecordObject<GuestTms>};
const ArgType kUtsnameType{"struct utsname", PrintStruct<GuestUtsname, UtsnameText>, false,
                           RecordObject<GuestUtsname>};
const ArgType kSysinfoType{"struct sysinfo", PrintStruct<GuestSysinfo, SysinfoText>, false,
                           RecordObject<GuestSysinfo>};
const ArgType kCpuSetType{"cpu_set_t", PrintCpuSet};
const ArgType kHwprobeType{"struct riscv_hwprobe[]", PrintHwprobe};

}  // namespace pollux::shims
