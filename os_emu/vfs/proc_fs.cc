#include "os_emu/vfs/proc_fs.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "os_emu/vfs/proc_entries.h"

namespace pollux::os_emu {
namespace {

constexpr uint64_t kProcMagic = 0x9fa0, kSysMagic = 0x62656572;

// Inode numbers of processes' entries: the tid, then the entry, above all numbers of fixed entries.
constexpr uint64_t EntryNumber(Tid tid, uint64_t entry) {
  return (static_cast<uint64_t>(tid) + 1) << 24 | entry;
}
constexpr uint64_t kFdEntries = 1 << 22, kFdInfoEntries = 2 << 22, kTaskEntry = 3 << 22;

// Decimal without sign or leading zeros, as names of processes and descriptors are.
std::optional<int32_t> ParseNumber(std::string_view name) {
  int32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) return std::nullopt;
  if (name.size() > 1 && name[0] == '0') return std::nullopt;
  return number;
}

Result<DescriptionRef> OpenDescription(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Thread* thread, subject.FindLivingTask());
  Result<DescriptionRef> description = thread->fds().Get(Fd{subject.number});
  if (!description.ok()) return Errno::kNoEnt;
  return description;
}

Result<DescriptionRef> WorkingDirectoryOf(const ProcSubject& subject) {
  POLLUX_ASSIGN_OR_RETURN(const Thread* thread, subject.FindLivingTask());
  return thread->fs().working_directory;
}

// /proc/PID/fd and fdinfo.
class FdDirectoryInode final : public ProcDirectoryInode {
 public:
  FdDirectoryInode(std::shared_ptr<ProcFs> fs, uint64_t number, uint32_t mode, Tid pid, Tid tid,
                   bool infos)
      : ProcDirectoryInode(std::move(fs), number, mode, pid), tid_(tid), infos_(infos) {}

 private:
  InodeRef FindMore(std::string_view name) override {
    const std::optional<int32_t> number = ParseNumber(name);
    const Thread* thread = fs().kernel().FindThread(tid_);
    if (!number || thread == nullptr) return nullptr;
    Result<DescriptionRef> description = thread->fds().Get(Fd{*number});
    if (!description.ok()) return nullptr;
    const ProcSubject subject{
        .kernel = fs().kernel(), .pid = pid(), .tid = tid_, .number = *number};
    const uint64_t entry =
        EntryNumber(tid_, (infos_ ? kFdInfoEntries : kFdEntries) + static_cast<uint64_t>(*number));
    if (infos_)
      return InodeRef(new ProcTextInode(shared_fs(), entry, 0444, proc_text::FdInfo, subject));
    // tid_fd_update_inode(): the mode says how the file is open.
    const uint32_t mode =
        0100 | ((*description)->readable() ? 0400 : 0) | ((*description)->writable() ? 0200 : 0);
    return InodeRef(new ProcMagicInode(shared_fs(), entry, mode, OpenDescription, subject));
  }
  void ListMore(std::vector<ListedEntry>& listing) override {
    const Thread* thread = fs().kernel().FindThread(tid_);
    if (thread == nullptr) return;
    for (const Fd fd : thread->fds().OpenNumbers()) {
      const auto number = static_cast<uint64_t>(fd);
      listing.push_back({EntryNumber(tid_, (infos_ ? kFdInfoEntries : kFdEntries) + number),
                         infos_ ? EntryType::kRegular : EntryType::kLink, std::to_string(number)});
    }
  }

  Tid tid_;
  bool infos_;
};

// /proc/PID/task.
class TaskDirectoryInode final : public ProcDirectoryInode {
 public:
  TaskDirectoryInode(std::shared_ptr<ProcFs> fs, uint64_t number, Tid pid)
      : ProcDirectoryInode(std::move(fs), number, 0555, pid) {}

 private:
  InodeRef FindMore(std::string_view name) override {
    const std::optional<int32_t> number = ParseNumber(name);
    const Thread* task = number ? fs().kernel().FindTask(Tid{*number}) : nullptr;
    if (task == nullptr || task->process().pid() != pid()) return nullptr;
    return MakeProcessDirectory(shared_fs(), pid(), Tid{*number}, /*of_task=*/true);
  }
  void ListMore(std::vector<ListedEntry>& listing) override {
    const Process* process = fs().kernel().FindProcess(pid());
    if (process == nullptr) return;
    const auto list = [&listing](Tid tid) {
      listing.push_back({EntryNumber(tid, kTaskEntry), EntryType::kDirectory,
                         std::to_string(static_cast<int32_t>(tid))});
    };
    if (process->ended_leader != nullptr) list(process->pid());
    for (const auto& [tid, thread] : process->threads) list(tid);
  }
};

class ProcRootInode final : public ProcDirectoryInode {
 public:
  using ProcDirectoryInode::ProcDirectoryInode;

 private:
  InodeRef FindMore(std::string_view name) override {
    const std::optional<int32_t> number = ParseNumber(name);
    // A thread's directory can be entered, though it is not listed.
    Thread* thread = number ? fs().kernel().FindTask(Tid{*number}) : nullptr;
    if (thread == nullptr) return nullptr;
    return MakeProcessDirectory(shared_fs(), thread->process().pid(), thread->tid(),
                                /*of_task=*/false);
  }
  void ListMore(std::vector<ListedEntry>& listing) override {
    for (const auto& [pid, process] : fs().kernel().processes()) {
      listing.push_back(
          {EntryNumber(pid, 0), EntryType::kDirectory, std::to_string(static_cast<int32_t>(pid))});
    }
  }
};

Result<std::string> SelfTarget(const ProcSubject&, const Caller& caller) {
  if (caller.pid == Tid{0}) return Errno::kNoEnt;
  return std::to_string(static_cast<int32_t>(caller.pid));
}

Result<std::string> ThreadSelfTarget(const ProcSubject&, const Caller& caller) {
  if (caller.pid == Tid{0}) return Errno::kNoEnt;
  return absl::StrCat(static_cast<int32_t>(caller.pid), "/task/", static_cast<int32_t>(caller.tid));
}

Result<std::string> RootTarget(const ProcSubject& subject, const Caller&) {
  POLLUX_RETURN_IF_ERROR(subject.FindLivingTask());
  return std::string("/");
}

// subject.text
Result<std::string> FixedTarget(const ProcSubject& subject, const Caller&) {
  return std::string(subject.text);
}

Result<std::string> ExecutableTarget(const ProcSubject& subject, const Caller&) {
  POLLUX_ASSIGN_OR_RETURN(const Thread* thread, subject.FindLivingTask());
  const std::string& executable = thread->process().executable;
  if (executable.empty()) return Errno::kNoEnt;
  return executable;
}

struct ProcessText {
  const char* name;
  uint32_t mode;
  ProcText text;
  const char* fixed = "";
  ProcWriter writer = nullptr;
  ProcNeeds needs = ProcNeeds::kNothing;
  bool of_process = false;  // Not below task/.
};
constexpr ProcessText kProcessTexts[] = {
    {"auxv", 0400, proc_text::AuxiliaryVector, "", nullptr, ProcNeeds::kMemoryToOpen},
    {"cgroup", 0444, proc_text::Fixed, "0::/\n"},
    {"cmdline", 0444, proc_text::CommandLine, "", nullptr, ProcNeeds::kMemory},
    {"coredump_filter", 0644, proc_text::CoreDumpFilter, "", proc_text::SetCoreDumpFilter,
     ProcNeeds::kMemory, true},
    {"cpuset", 0444, proc_text::Fixed, "/\n"},
    {"gid_map", 0444, proc_text::Fixed, "         0          0 4294967295\n"},
    {"comm", 0644, proc_text::CommandName, "", proc_text::SetCommandName},
    {"environ", 0400, proc_text::Environment, "", nullptr, ProcNeeds::kMemoryToOpen},
    {"limits", 0444, proc_text::Limits},
    {"loginuid", 0444, proc_text::Fixed, "4294967295"},
    {"maps", 0444, proc_text::Maps, "", nullptr, ProcNeeds::kMemory},
    {"mountinfo", 0444, proc_text::MountInfo, "", nullptr, ProcNeeds::kMountsToOpen},
    {"mounts", 0444, proc_text::Mounts, "", nullptr, ProcNeeds::kMountsToOpen},
    {"oom_score", 0444, proc_text::Fixed, "0\n"},
    {"oom_score_adj", 0444, proc_text::Fixed, "0\n"},
    {"personality", 0400, proc_text::Fixed, "00000000\n"},
    {"schedstat", 0444, proc_text::Fixed, "0 0 1\n"},
    {"setgroups", 0444, proc_text::Fixed, "allow\n"},
    {"sessionid", 0444, proc_text::Fixed, "4294967295"},
    {"stat", 0444, proc_text::Stat},
    {"statm", 0444, proc_text::StatM},
    {"status", 0444, proc_text::Status},
    {"timerslack_ns", 0444, proc_text::Fixed, "50000\n", nullptr, ProcNeeds::kNothing, true},
    {"uid_map", 0444, proc_text::Fixed, "         0          0 4294967295\n"},
    {"wchan", 0444, proc_text::Fixed, "0"},
};

}  // namespace

InodeRef MakeProcessDirectory(const std::shared_ptr<ProcFs>& fs, Tid pid, Tid tid, bool of_task) {
  // A thread's entries are the same files, whether it is reached by /proc/TID or by task/TID.
  const uint64_t own_entry = EntryNumber(tid, of_task ? kTaskEntry : 0);
  Ref<ProcDirectoryInode> directory(new ProcDirectoryInode(fs, own_entry, 0555, pid));
  uint64_t entry = 0;
  for (const ProcessText& text : kProcessTexts) {
    ++entry;
    if (of_task && text.of_process) continue;
    const ProcSubject subject{
        .kernel = fs->kernel(), .pid = pid, .tid = tid, .of_task = of_task, .text = text.fixed};
    directory->Add(text.name,
                   InodeRef(new ProcTextInode(fs, EntryNumber(tid, entry), text.mode, text.text,
                                              subject, text.writer, text.needs)));
  }
  const ProcSubject subject{.kernel = fs->kernel(), .pid = pid, .tid = tid};
  directory->Add("cwd", InodeRef(new ProcMagicInode(fs, EntryNumber(tid, ++entry), 0777,
                                                    WorkingDirectoryOf, subject)));
  directory->Add(
      "exe", InodeRef(new ProcLinkInode(fs, EntryNumber(tid, ++entry), ExecutableTarget, subject)));
  directory->Add("root",
                 InodeRef(new ProcLinkInode(fs, EntryNumber(tid, ++entry), RootTarget, subject)));
  directory->Add(
      "fd", InodeRef(new FdDirectoryInode(fs, EntryNumber(tid, ++entry), 0500, pid, tid, false)));
  directory->Add("fdinfo", InodeRef(new FdDirectoryInode(fs, EntryNumber(tid, ++entry), 0555, pid,
                                                         tid, true)));
  if (!of_task) {
    directory->Add("task", InodeRef(new TaskDirectoryInode(fs, EntryNumber(tid, ++entry), pid)));
  }
  return InodeRef(directory.get());
}

absl::Status MountProc(Kernel& kernel, DescriptionReopener* reopener) {
  FileSystem& files = kernel.files();
  auto proc = std::make_shared<ProcFs>(kernel, files.NextDevice(), "proc", kProcMagic, reopener);
  Ref<ProcRootInode> root(new ProcRootInode(proc, proc->NextNumber()));
  const ProcSubject nobody{.kernel = kernel};
  root->Add("self", InodeRef(new ProcLinkInode(proc, proc->NextNumber(), SelfTarget, nobody)));
  root->Add("thread-self",
            InodeRef(new ProcLinkInode(proc, proc->NextNumber(), ThreadSelfTarget, nobody)));
  const ProcSubject mounts{.kernel = kernel, .text = "self/mounts"};
  root->Add("mounts", InodeRef(new ProcLinkInode(proc, proc->NextNumber(), FixedTarget, mounts)));
  AddProcTexts(proc, *root);
  absl::Status mounted = files.Mount("/proc", InodeRef(root.get()));
  if (!mounted.ok()) return mounted;

  auto sys = std::make_shared<ProcFs>(kernel, files.NextDevice(), "sysfs", kSysMagic, reopener);
  Ref<ProcDirectoryInode> sys_root(new ProcDirectoryInode(sys, sys->NextNumber()));
  AddSysTexts(sys, *sys_root);
  return files.Mount("/sys", InodeRef(sys_root.get()));
}

}  // namespace pollux::os_emu
