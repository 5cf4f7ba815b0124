// What the files of /proc and /sys say. Formats: fs/proc/array.c, task_mmu.c, base.c, meminfo.c,
// arch/riscv/kernel/cpu.c.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "os_emu/task/locks_of_machine.h"
#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/proc_entries.h"

namespace pollux::os_emu {
namespace {

// What is told of the machine's memory where it has no limit.
constexpr uint64_t kUnlimitedBytes = uint64_t{4} << 30;

uint64_t TotalBytes(Kernel& kernel) {
  return std::min(kernel.budget().limit_bytes, uint64_t{1} << 46);
}

struct MemoryFigures {
  uint64_t total_kib;
  uint64_t free_kib;
};
MemoryFigures MemoryOf(Kernel& kernel) {
  const uint64_t limit =
      TotalBytes(kernel) == uint64_t{1} << 46 ? kUnlimitedBytes : TotalBytes(kernel);
  const uint64_t used = std::min(kernel.budget().used_bytes, limit);
  return {limit >> 10, (limit - used) >> 10};
}

std::string NameOf(const Thread& thread, const Process& process) {
  if (!thread.name.empty()) return thread.name;
  const size_t slash = process.executable.rfind('/');
  const std::string base =
      slash == std::string::npos ? process.executable : process.executable.substr(slash + 1);
  return base.substr(0, 15);  // TASK_COMM_LEN less the NUL.
}

// Each with its NUL.
std::string Joined(const std::vector<std::string>& strings) {
  std::string joined;
  for (const std::string& text : strings) {
    joined += text;
    joined += '\0';
  }
  return joined;
}

// proc_task_name() and mangle_path(): what would break lines is written in octal.
std::string Escaped(const std::string& text, const char* escaped) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(escaped).find(c) != std::string_view::npos) {
      absl::StrAppendFormat(&out, "\\%03o", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

struct SignalFigures {
  SignalSet ignored = 0;
  SignalSet caught = 0;
};
SignalFigures SignalsOf(const Process& process) {
  SignalFigures figures;
  for (int signal = 1; signal <= kSignals; ++signal) {
    const uint64_t handler = process.actions[static_cast<size_t>(signal)].handler;
    if (handler == kSigIgn) figures.ignored |= SignalBit(signal);
    if (handler != kSigIgn && handler != kSigDfl) figures.caught |= SignalBit(signal);
  }
  return figures;
}

struct SizeFigures {
  uint64_t virtual_bytes = 0, resident_bytes = 0, data_bytes = 0, stack_bytes = 0, code_bytes = 0;
  GuestAddr code_start, code_end, stack_start;
};
SizeFigures SizesOf(const Thread& thread) {
  const Process& process = thread.process();
  SizeFigures sizes;
  if (thread.ended()) return sizes;
  sizes.virtual_bytes = process.memory->mapped_bytes();
  sizes.resident_bytes = process.memory->resident_bytes();
  sizes.data_bytes = process.memory->data_bytes();
  for (const memory::Mapping& mapping : process.memory->Mappings()) {
    const uint64_t bytes = mapping.end - mapping.start;
    if (mapping.name == "[stack]") {
      sizes.stack_bytes += bytes;
      sizes.stack_start = {mapping.end};
    } else if ((mapping.prot & memory::kProtExec) != 0) {
      if (sizes.code_bytes == 0) {
        sizes.code_start = {mapping.start};
        sizes.code_end = {mapping.end};
      }
      sizes.code_bytes += bytes;
    }
  }
  return sizes;
}

char StateOf(const Thread& thread) {
  if (thread.ended()) return 'Z';
  if (thread.process().stopped()) return 'T';
  return thread.blocked() ? 'S' : 'R';
}

// get_nr_threads(): a leader that has ended counts until its process is gone.
size_t ThreadsOf(const Process& process) {
  return process.threads.size() + (process.ended_leader != nullptr ? 1 : 0);
}

int64_t TicksOf(Nanos time) { return time.value / kNanosPerTick; }

// Of no one in particular.
int64_t TicksUsed(Kernel& kernel) {
  return std::max<int64_t>(0, TicksOf(kernel.clock().Monotonic() - Clock::kBootNanos));
}

uint64_t CpuMask(Kernel& kernel) {
  const int cpus = kernel.options().cpus;
  return cpus >= 64 ? ~uint64_t{0} : (uint64_t{1} << cpus) - 1;
}

std::string CpuList(Kernel& kernel) {
  const int cpus = kernel.options().cpus;
  return cpus > 1 ? absl::StrCat("0-", cpus - 1) : "0";
}

std::string FlagsOf(const Super& super) {
  return super.read_only() ? "ro,relatime" : "rw,relatime";
}

// files_struct's table: a multiple of the bits of a word.
uint64_t DescriptorSlots(const Thread& thread) {
  if (thread.ended()) return 0;
  const std::vector<Fd> open = thread.fds().OpenNumbers();
  const uint64_t slots = open.empty() ? 0 : static_cast<uint64_t>(open.back()) + 1;
  return std::max<uint64_t>(64, (slots + 63) / 64 * 64);
}

// The lines of status that only who has memory has (task_mem()).
void AppendMemory(const Thread& thread, std::string* text) {
  const SizeFigures sizes = SizesOf(thread);
  const auto kib = [text](const char* name, uint64_t bytes) {
    absl::StrAppendFormat(text, "%s:\t%8d kB\n", name, bytes >> 10);
  };
  kib("VmPeak", sizes.virtual_bytes);
  kib("VmSize", sizes.virtual_bytes);
  kib("VmLck", thread.process().memory->locked_bytes());
  kib("VmPin", 0);
  kib("VmHWM", sizes.resident_bytes);
  kib("VmRSS", sizes.resident_bytes);
  kib("RssAnon", sizes.resident_bytes);
  kib("RssFile", 0);
  kib("RssShmem", 0);
  kib("VmData", sizes.data_bytes);
  kib("VmStk", sizes.stack_bytes);
  kib("VmExe", sizes.code_bytes);
  kib("VmLib", 0);
  kib("VmPTE", 0);
  kib("VmSwap", 0);
  absl::StrAppend(text, "CoreDumping:\t0\nTHP_enabled:\t0\n");
}

constexpr char kMountSpecials[] = " \t\n\\#";

}  // namespace

namespace proc_text {

Result<std::string> Fixed(const ProcSubject& subject) { return std::string(subject.text); }

Result<std::string> CommandLine(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Process* process, subject.FindProcess());
  return Joined(process->command_line);
}

Result<std::string> Environment(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Process* process, subject.FindProcess());
  return Joined(process->environment);
}

Result<std::string> AuxiliaryVector(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Process* process, subject.FindProcess());
  const std::vector<uint64_t>& words = process->auxiliary_vector;
  return std::string(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t));
}

Result<std::string> CommandName(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(Thread * thread, subject.FindTask());
  return NameOf(*thread, thread->process()) + "\n";
}

Result<void> SetCommandName(const ProcSubject& subject, std::string_view name) {
  POLLUX_ASSIGN_OR_RETURN(Thread * thread, subject.FindTask());
  const Thread* current = subject.kernel.current();
  if (current != nullptr && &current->process() != &thread->process()) return Errno::kInval;
  name = name.substr(0, 15);
  // Up to the first NUL, as set_task_comm() copies it; a newline is kept.
  thread->name = name.substr(0, name.find('\0'));
  return {};
}

Result<std::string> CoreDumpFilter(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Process* process, subject.FindProcess());
  return absl::StrFormat("%08x\n", process->core_dump_filter);
}

// proc_coredump_filter_write(): a number as C writes them, and a newline at most.
Result<void> SetCoreDumpFilter(const ProcSubject& subject, std::string_view text) {
  constexpr uint32_t kKnown = 0x1ff;  // MMF_DUMP_FILTER_MASK
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const bool hexadecimal = text[1] == 'x' || text[1] == 'X';
    base = hexadecimal ? 16 : 8;
    text.remove_prefix(hexadecimal ? 2 : 1);
  }
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error == std::errc::result_out_of_range) return Errno::kRange;
  if (error != std::errc() || end != text.data() + text.size()) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(Process * process, subject.FindProcess());
  if (process->memory == nullptr) return Errno::kSrch;
  process->core_dump_filter = value & kKnown;
  return {};
}

Result<std::string> FdInfo(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Thread* thread, subject.FindLivingTask());
  Result<DescriptionRef> description = thread->fds().Get(Fd{subject.number});
  if (!description.ok()) return Errno::kNoEnt;
  const Result<bool> close_on_exec = thread->fds().CloseOnExec(Fd{subject.number});
  const Result<uint64_t> position = (*description)->Seek(0, Whence::kCurrent);
  FileStatus status;
  POLLUX_RETURN_IF_ERROR((*description)->Stat(&status));
  uint32_t flags = (*description)->status_flags();
  if (close_on_exec.ok() && *close_on_exec) flags |= kOCloExec;
  FileLocks& locks = subject.kernel.Part<LocksOfMachine>().locks;
  return absl::StrFormat("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n%s%s",
                         position.ok() ? *position : 0, flags, status.dev, status.ino,
                         locks.Lines(**description, thread->fds()), (*description)->FdInfo());
}

Result<std::string> Limits(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Process* process, subject.FindProcess());
  struct Row {
    const char* name;
    const char* unit;
  };
  static constexpr Row kRows[kRlimits] = {
      {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
      {"Max data size", "bytes"},      {"Max stack size", "bytes"},
      {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
      {"Max processes", "processes"},  {"Max open files", "files"},
      {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
      {"Max file locks", "locks"},     {"Max pending signals", "signals"},
      {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
      {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
  };
  auto show = [](uint64_t value) {
    return value == UINT64_MAX ? std::string("unlimited") : std::to_string(value);
  };
  std::string text =
      "Limit                     Soft Limit           Hard Limit           Units     \n";
  for (int i = 0; i < kRlimits; ++i) {
    const Rlimit& limit = process->rlimits[static_cast<size_t>(i)];
    absl::StrAppendFormat(&text, "%-25s %-20s %-20s %-10s\n", kRows[i].name, show(limit.soft),
                          show(limit.hard), kRows[i].unit);
  }
  return text;
}

Result<std::string> Maps(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Process* process, subject.FindProcess());
  std::string text;
  for (const memory::Mapping& mapping : process->memory->Mappings()) {
    const size_t line = text.size();
    absl::StrAppendFormat(&text, "%08x-%08x %c%c%c%c %08x 00:00 %d ", mapping.start, mapping.end,
                          (mapping.prot & memory::kProtRead) != 0 ? 'r' : '-',
                          (mapping.prot & memory::kProtWrite) != 0 ? 'w' : '-',
                          (mapping.prot & memory::kProtExec) != 0 ? 'x' : '-',
                          mapping.shared ? 's' : 'p', mapping.file_offset, mapping.inode);
    if (!mapping.name.empty()) {
      // seq_pad(): names begin in one column.
      if (text.size() - line < 73) text.append(73 - (text.size() - line), ' ');
      text += Escaped(mapping.name, "\n");
    }
    text += '\n';
  }
  return text;
}

Result<std::string> Mounts(const ProcSubject& subject) {
  std::string text;
  for (const FileSystem::MountInfo& mount : subject.kernel.files().Mounts()) {
    absl::StrAppendFormat(&text, "%s %s %s %s 0 0\n", mount.super->TypeName(),
                          Escaped(mount.path, kMountSpecials), mount.super->TypeName(),
                          FlagsOf(*mount.super));
  }
  return text;
}

Result<std::string> MountInfo(const ProcSubject& subject) {
  std::string text;
  int id = 20;
  for (const FileSystem::MountInfo& mount : subject.kernel.files().Mounts()) {
    ++id;
    absl::StrAppendFormat(&text, "%d %d 0:%d / %s %s - %s %s %s\n", id, mount.path == "/" ? 1 : 21,
                          mount.super->device() & 0xff, Escaped(mount.path, kMountSpecials),
                          FlagsOf(*mount.super), mount.super->TypeName(), mount.super->TypeName(),
                          mount.super->read_only() ? "ro" : "rw");
  }
  return text;
}

// do_task_stat()
Result<std::string> Stat(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(Thread * thread, subject.FindTask());
  Process& process = thread->process();
  const SizeFigures sizes = SizesOf(*thread);
  const SignalFigures signals = SignalsOf(process);
  // proc(5), /proc/pid/stat, fields 1 to 52.
  std::string text = absl::StrFormat(
      "%d (%s) %c %d %d %d %d %d 4194304", static_cast<int>(thread->tid()),
      Escaped(NameOf(*thread, process), "\n\\"), StateOf(*thread),
      static_cast<int>(process.parent_pid()), static_cast<int>(process.group),
      static_cast<int>(process.session),
      process.terminal != nullptr ? process.terminal->device() : 0,
      process.terminal != nullptr ? static_cast<int>(process.terminal->foreground()) : -1);
  const Nanos used = subject.of_task ? thread->cpu_clock->now() : process.cpu_clock->now();
  const Scheduling& scheduling = thread->scheduling;
  absl::StrAppendFormat(&text, " %d %d 0 0 %d 0 %d 0", process.minor_faults(),
                        process.children_minor_faults, TicksOf(used),
                        TicksOf(process.children_cpu_time));
  absl::StrAppendFormat(&text, " %d %d %d 0 %d",
                        scheduling.is_real_time() ? -1 - scheduling.priority : 20 + scheduling.nice,
                        scheduling.nice, ThreadsOf(process), TicksOf(thread->began));
  absl::StrAppendFormat(&text, " %d %d %d", sizes.virtual_bytes,
                        sizes.resident_bytes / memory::kPageBytes,
                        process.rlimits[kRlimitResidentSet].soft);
  absl::StrAppendFormat(&text, " %d %d %d 0 0", sizes.code_start.value, sizes.code_end.value,
                        sizes.stack_start.value);
  absl::StrAppendFormat(&text, " %d %d %d %d 0 0 0", thread->pending.set() & 0x7fffffff,
                        thread->signal_mask() & 0x7fffffff, signals.ignored & 0x7fffffff,
                        signals.caught & 0x7fffffff);
  absl::StrAppendFormat(&text, " %d 0 %d %d 0 0 0", thread->IsLeader() ? process.exit_signal : -1,
                        scheduling.priority, static_cast<int>(scheduling.policy));
  absl::StrAppend(&text, " 0 0 0 0 0 0 0 0\n");
  return text;
}

Result<std::string> StatM(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Thread* thread, subject.FindTask());
  const SizeFigures sizes = SizesOf(*thread);
  const auto pages = [](uint64_t bytes) { return bytes / memory::kPageBytes; };
  return absl::StrFormat("%d %d 0 %d 0 %d 0\n", pages(sizes.virtual_bytes),
                         pages(sizes.resident_bytes), pages(sizes.code_bytes),
                         pages(sizes.data_bytes + sizes.stack_bytes));
}

Result<std::string> Status(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(Thread * thread, subject.FindTask());
  Process& process = thread->process();
  const Credentials& ids = thread->credentials();
  const SignalFigures signals = SignalsOf(process);
  const char state = StateOf(*thread);
  std::string text = absl::StrFormat("Name:\t%s\n", Escaped(NameOf(*thread, process), "\n\\"));
  if (!thread->ended()) absl::StrAppendFormat(&text, "Umask:\t%04o\n", thread->fs().umask);
  absl::StrAppendFormat(&text,
                        "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
                        state == 'S'   ? "S (sleeping)"
                        : state == 'T' ? "T (stopped)"
                        : state == 'Z' ? "Z (zombie)"
                                       : "R (running)",
                        static_cast<int>(process.pid()), static_cast<int>(thread->tid()),
                        static_cast<int>(process.parent_pid()));
  absl::StrAppendFormat(&text, "Uid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n", ids.uid, ids.euid,
                        ids.suid, ids.fsuid, ids.gid, ids.egid, ids.sgid, ids.fsgid);
  absl::StrAppendFormat(&text, "FDSize:\t%d\nGroups:\t \n", DescriptorSlots(*thread));
  absl::StrAppendFormat(&text, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n",
                        static_cast<int>(process.pid()), static_cast<int>(thread->tid()),
                        static_cast<int>(process.group), static_cast<int>(process.session));
  if (!thread->ended()) AppendMemory(*thread, &text);
  absl::StrAppendFormat(&text, "Threads:\t%d\nSigQ:\t%d/%d\nSigPnd:\t%016x\nShdPnd:\t%016x\n",
                        ThreadsOf(process), subject.kernel.signal_counts().Of(ids.uid),
                        process.rlimits[kRlimitPendingSignals].soft, thread->pending.set(),
                        process.pending.set());
  absl::StrAppendFormat(&text, "SigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n",
                        thread->signal_mask(), signals.ignored, signals.caught);
  absl::StrAppendFormat(
      &text, "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n",
      ids.inheritable, ids.permitted, ids.effective, ids.bounding, ids.ambient);
  absl::StrAppendFormat(&text, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
                        ids.no_new_privs ? 1 : 0);
  absl::StrAppendFormat(
      &text, "Cpus_allowed:\t%x\nCpus_allowed_list:\t%s\nMems_allowed:\t1\nMems_allowed_list:\t0\n",
      CpuMask(subject.kernel), CpuList(subject.kernel));
  absl::StrAppend(&text, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
  return text;
}

}  // namespace proc_text

namespace {

// ---- Of the machine.

Result<std::string> CpuInfo(const ProcSubject& subject) {
  constexpr char kIsa[] = "rv64imafdc_zicntr_zicsr_zifencei";
  std::string text;
  for (int cpu = 0; cpu < subject.kernel.options().cpus; ++cpu) {
    absl::StrAppendFormat(
        &text,
        "processor\t: %d\nhart\t\t: %d\nisa\t\t: %s\nmmu\t\t: sv39\nmvendorid\t: 0x0\n"
        "marchid\t\t: 0x0\nmimpid\t\t: 0x0\nhart isa\t: %s\n\n",
        cpu, cpu, kIsa, kIsa);
  }
  return text;
}

Result<std::string> MemInfo(const ProcSubject& subject) {
  const MemoryFigures memory = MemoryOf(subject.kernel);
  std::string text;
  const auto kib = [&](const char* name, uint64_t value) {
    absl::StrAppendFormat(&text, "%-16s%8d kB\n", absl::StrCat(name, ":"), value);
  };
  kib("MemTotal", memory.total_kib);
  kib("MemFree", memory.free_kib);
  kib("MemAvailable", memory.free_kib);
  for (const char* name : {"Buffers", "Cached", "SwapCached", "Active", "Inactive", "SwapTotal",
                           "SwapFree", "Dirty", "Writeback"}) {
    kib(name, 0);
  }
  kib("AnonPages", memory.total_kib - memory.free_kib);
  for (const char* name : {"Mapped", "Shmem", "Slab", "SReclaimable", "SUnreclaim", "PageTables"})
    kib(name, 0);
  kib("CommitLimit", memory.total_kib / 2);
  kib("Committed_AS", memory.total_kib - memory.free_kib);
  kib("VmallocTotal", 67108863);
  kib("VmallocUsed", 0);
  absl::StrAppend(&text,
                  "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n",
                  "HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
  return text;
}

Result<std::string> MachineStat(const ProcSubject& subject) {
  Kernel& kernel = subject.kernel;
  const int64_t ticks = TicksUsed(kernel);
  std::string text = absl::StrFormat("cpu  %d 0 0 0 0 0 0 0 0 0\n", ticks);
  for (int cpu = 0; cpu < kernel.options().cpus; ++cpu) {
    absl::StrAppendFormat(&text, "cpu%d %d 0 0 0 0 0 0 0 0 0\n", cpu, cpu == 0 ? ticks : 0);
  }
  const int64_t boot =
      (kernel.clock().Realtime() - kernel.clock().Monotonic()).value / kNanosPerSecond;
  absl::StrAppendFormat(
      &text,
      "intr 0\nctxt 0\nbtime %d\nprocesses %d\nprocs_running 1\nprocs_blocked 0\nsoftirq 0\n", boot,
      kernel.processes().size());
  return text;
}

Result<std::string> Uptime(const ProcSubject& subject) {
  const int64_t hundredths = subject.kernel.clock().Monotonic().value / (kNanosPerSecond / 100);
  return absl::StrFormat("%d.%02d 0.00\n", hundredths / 100, hundredths % 100);
}

Result<std::string> LoadAverage(const ProcSubject& subject) {
  size_t threads = 0;
  int last = 0;
  for (const auto& [pid, process] : subject.kernel.processes()) {
    threads += process->threads.size();
    for (const auto& [tid, thread] : process->threads) last = std::max(last, static_cast<int>(tid));
  }
  return absl::StrFormat("0.00 0.00 0.00 1/%d %d\n", threads, last);
}

Result<std::string> Version(const ProcSubject&) {
  return absl::StrCat("Linux version ", kKernelRelease, " (pollux@pollux) (pollux) ",
                      kKernelVersion, "\n");
}

Result<std::string> Hostname(const ProcSubject& subject) {
  return subject.kernel.options().hostname + "\n";
}

// A version 4 UUID.
std::string UuidText(RandomStream& stream) {
  const uint64_t high = stream.Next(), low = stream.Next();
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x\n", high >> 32, (high >> 16) & 0xffff,
                         high & 0xfff, 0x8000 | ((low >> 48) & 0x3fff), low & 0xffffffffffff);
}

// From the seed, the same over the machine's life.
Result<std::string> BootId(const ProcSubject& subject) {
  RandomStream stream =
      RandomStream(subject.kernel.options().world_seed).Split(/*purpose=*/0x626f6f74);
  return UuidText(stream);
}

// Another one at each reading.
Result<std::string> RandomUuid(const ProcSubject& subject) {
  return UuidText(subject.kernel.world_random());
}

Result<std::string> CpuRange(const ProcSubject& subject) { return CpuList(subject.kernel) + "\n"; }

Result<std::string> OsRelease(const ProcSubject&) { return std::string(kKernelRelease) + "\n"; }
Result<std::string> OsVersion(const ProcSubject&) { return std::string(kKernelVersion) + "\n"; }

struct TextRow {
  const char* path;
  ProcText text;
  const char* fixed = "";
};
constexpr TextRow kProcRows[] = {
    {"cpuinfo", CpuInfo},
    {"filesystems", proc_text::Fixed, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\t9p\n"},
    {"loadavg", LoadAverage},
    {"meminfo", MemInfo},
    {"stat", MachineStat},
    {"uptime", Uptime},
    {"version", Version},
    {"sys/fs/aio-max-nr", proc_text::Fixed, "65536\n"},
    {"sys/fs/epoll/max_user_watches", proc_text::Fixed, "3500000\n"},
    {"sys/fs/file-max", proc_text::Fixed, "9223372036854775807\n"},
    {"sys/fs/file-nr", proc_text::Fixed, "0\t0\t9223372036854775807\n"},
    {"sys/fs/inotify/max_queued_events", proc_text::Fixed, "16384\n"},
    {"sys/fs/inotify/max_user_instances", proc_text::Fixed, "128\n"},
    {"sys/fs/inotify/max_user_watches", proc_text::Fixed, "65536\n"},
    {"sys/fs/nr_open", proc_text::Fixed, "1048576\n"},
    {"sys/fs/overflowgid", proc_text::Fixed, "65534\n"},
    {"sys/fs/overflowuid", proc_text::Fixed, "65534\n"},
    {"sys/fs/pipe-max-size", proc_text::Fixed, "1048576\n"},
    {"sys/fs/pipe-user-pages-hard", proc_text::Fixed, "0\n"},
    {"sys/fs/pipe-user-pages-soft", proc_text::Fixed, "16384\n"},
    {"sys/fs/protected_fifos", proc_text::Fixed, "0\n"},
    {"sys/fs/protected_hardlinks", proc_text::Fixed, "1\n"},
    {"sys/fs/protected_regular", proc_text::Fixed, "0\n"},
    {"sys/fs/protected_symlinks", proc_text::Fixed, "0\n"},
    {"sys/kernel/arch", proc_text::Fixed, "riscv64\n"},
    {"sys/kernel/cap_last_cap", proc_text::Fixed, "40\n"},
    {"sys/kernel/core_pattern", proc_text::Fixed, "core\n"},
    {"sys/kernel/core_uses_pid", proc_text::Fixed, "0\n"},
    {"sys/kernel/domainname", proc_text::Fixed, "(none)\n"},
    {"sys/kernel/hostname", Hostname},
    {"sys/kernel/io_uring_disabled", proc_text::Fixed, "2\n"},  // It is refused.
    {"sys/kernel/msgmax", proc_text::Fixed, "8192\n"},
    {"sys/kernel/ngroups_max", proc_text::Fixed, "65536\n"},
    {"sys/kernel/osrelease", OsRelease},
    {"sys/kernel/ostype", proc_text::Fixed, "Linux\n"},
    {"sys/kernel/overflowgid", proc_text::Fixed, "65534\n"},
    {"sys/kernel/overflowuid", proc_text::Fixed, "65534\n"},
    {"sys/kernel/perf_event_paranoid", proc_text::Fixed, "2\n"},
    {"sys/kernel/pid_max", proc_text::Fixed, "4194304\n"},
    {"sys/kernel/pty/max", proc_text::Fixed, "4096\n"},
    {"sys/kernel/random/boot_id", BootId},
    {"sys/kernel/random/entropy_avail", proc_text::Fixed, "256\n"},
    {"sys/kernel/random/poolsize", proc_text::Fixed, "256\n"},
    {"sys/kernel/random/uuid", RandomUuid},
    {"sys/kernel/randomize_va_space", proc_text::Fixed, "2\n"},
    {"sys/kernel/sched_child_runs_first", proc_text::Fixed, "0\n"},
    {"sys/kernel/shmmax", proc_text::Fixed, "18446744073692774399\n"},
    {"sys/kernel/tainted", proc_text::Fixed, "0\n"},
    {"sys/kernel/threads-max", proc_text::Fixed, "32768\n"},
    {"sys/kernel/version", OsVersion},
    {"sys/net/core/rmem_default", proc_text::Fixed, "212992\n"},
    {"sys/net/core/rmem_max", proc_text::Fixed, "212992\n"},
    {"sys/net/core/somaxconn", proc_text::Fixed, "4096\n"},
    {"sys/net/core/wmem_default", proc_text::Fixed, "212992\n"},
    {"sys/net/core/wmem_max", proc_text::Fixed, "212992\n"},
    {"sys/net/ipv4/ip_local_port_range", proc_text::Fixed, "32768\t60999\n"},
    {"sys/net/ipv4/tcp_rmem", proc_text::Fixed, "4096\t131072\t6291456\n"},
    {"sys/net/ipv4/tcp_wmem", proc_text::Fixed, "4096\t16384\t4194304\n"},
    {"sys/net/unix/max_dgram_qlen", proc_text::Fixed, "10\n"},
    {"sys/vm/legacy_va_layout", proc_text::Fixed, "0\n"},
    {"sys/vm/max_map_count", proc_text::Fixed, "65530\n"},
    {"sys/vm/mmap_min_addr", proc_text::Fixed, "65536\n"},
    {"sys/vm/nr_hugepages", proc_text::Fixed, "0\n"},
    {"sys/vm/overcommit_kbytes", proc_text::Fixed, "0\n"},
    {"sys/vm/overcommit_memory", proc_text::Fixed, "0\n"},
    {"sys/vm/overcommit_ratio", proc_text::Fixed, "50\n"},
    {"sys/vm/swappiness", proc_text::Fixed, "60\n"},
};
constexpr TextRow kSysRows[] = {
    {"devices/system/cpu/kernel_max", proc_text::Fixed, "63\n"},
    {"devices/system/cpu/offline", proc_text::Fixed, "\n"},
    {"devices/system/cpu/online", CpuRange},
    {"devices/system/cpu/possible", CpuRange},
    {"devices/system/cpu/present", CpuRange},
    {"devices/system/node/online", proc_text::Fixed, "0\n"},
    {"kernel/mm/transparent_hugepage/defrag", proc_text::Fixed,
     "always defer defer+madvise madvise [never]\n"},
    {"kernel/mm/transparent_hugepage/enabled", proc_text::Fixed, "always madvise [never]\n"},
    {"kernel/mm/transparent_hugepage/hpage_pmd_size", proc_text::Fixed, "2097152\n"},
    {"kernel/mm/transparent_hugepage/shmem_enabled", proc_text::Fixed,
     "always within_size advise [never] deny force\n"},
    {"kernel/mm/transparent_hugepage/use_zero_page", proc_text::Fixed, "1\n"},
};

ProcDirectoryInode& DirectoryFor(const std::shared_ptr<ProcFs>& fs, ProcDirectoryInode& parent,
                                 std::string_view name) {
  if (ProcDirectoryInode* known = parent.FindDirectory(name)) return *known;
  auto* made = new ProcDirectoryInode(fs, fs->NextNumber());
  parent.Add(std::string(name), InodeRef(made));
  return *made;
}

void AddRow(const std::shared_ptr<ProcFs>& fs, ProcDirectoryInode& root, const TextRow& row) {
  ProcDirectoryInode* at = &root;
  std::string_view rest = row.path;
  for (size_t slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    at = &DirectoryFor(fs, *at, rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
  }
  const ProcSubject subject{.kernel = fs->kernel(), .text = row.fixed};
  at->Add(std::string(rest),
          InodeRef(new ProcTextInode(fs, fs->NextNumber(), 0444, row.text, subject)));
}

}  // namespace

void AddProcTexts(const std::shared_ptr<ProcFs>& fs, ProcDirectoryInode& root) {
  for (const TextRow& row : kProcRows) AddRow(fs, root, row);
}

void AddSysTexts(const std::shared_ptr<ProcFs>& fs, ProcDirectoryInode& root) {
  for (const TextRow& row : kSysRows) AddRow(fs, root, row);
  ProcDirectoryInode& cpus =
      *root.FindDirectory("devices")->FindDirectory("system")->FindDirectory("cpu");
  for (int cpu = 0; cpu < fs->kernel().options().cpus; ++cpu)
    DirectoryFor(fs, cpus, absl::StrCat("cpu", cpu));
}

}  // namespace pollux::os_emu
