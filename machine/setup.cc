// How a machine begins: its kernel, its files, its first process.

#include <cstring>
#include <memory>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "machine/machine_impl.h"
#include "machine/sysroot.h"
#include "memory/arena.h"
#include "os_emu/host_stream/captured_stream.h"
#include "os_emu/host_stream/host_stream.h"
#include "os_emu/tty/pty.h"
#include "os_emu/vfs/default_tree.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/proc_fs.h"
#include "os_emu/vfs/process_caller.h"
#include "re2/re2.h"
#include "shims/pipe_files.h"

namespace pollux::machine {

using os_emu::Process;
using os_emu::Thread;

namespace {

// The purposes that the seed's random stream is split for: none takes numbers from another.
enum Purpose : uint64_t { kWorld = 1, kLayout = 2 };  // Strategies have 3.

// What the files that every machine starts with fit into.
constexpr uint64_t kLeastMemoryBytes = uint64_t{1} << 20;

}  // namespace

Machine::Impl::Impl(Options options)
    : options_(std::move(options)),
      max_steps_(options_.max_steps == 0 ? UINT64_MAX : options_.max_steps),
      seed_(options_.seed),
      kernel_({.world_seed = seed_.Split(kWorld).Next(),
               .budget = {.limit_bytes = options_.max_memory_bytes},
               .cpus = options_.cpus}),
      layout_random_(seed_.Split(kLayout)),
      engines_(options_.engine, *this),
      in_order_(MakeInOrder()),
      own_strategy_(
          WantsEvents(options_.strategy.kind)
              ? MakeInOrder()
              : MakeStrategy(options_.strategy, options_.schedule_seed.value_or(options_.seed))) {
  NoteWants();
}

// ---- shims::Sink

void Machine::Impl::Report(std::string_view line) {
  const memory::OutsideArena outside;
  if (options_.warn) options_.warn(line.starts_with("pollux: ") ? line.substr(8) : line);
}

void Machine::Impl::Trace(Thread& thread, std::string_view line) {
  if (historian_ != nullptr && options_.explain_texts) historian_->OnTraceLine(thread.tid(), line);
  if (!options_.trace) return;
  const memory::OutsideArena outside;
  // As strace -f does, once there is more than one.
  if (!options_.trace_records && kernel_.has_cloned()) {
    options_.trace(absl::StrFormat("[pid %d] %s", static_cast<int>(thread.tid()), line));
  } else {
    options_.trace(line);
  }
}

absl::Status Machine::Impl::SetUp() {
  if (options_.max_memory_bytes < kLeastMemoryBytes) {
    return absl::InvalidArgumentError(absl::StrCat("--max_memory=", options_.max_memory_bytes,
                                                   ": a machine needs at least ",
                                                   kLeastMemoryBytes));
  }
  std::shared_ptr<const re2::RE2> filter;
  if (!options_.trace_filter.empty()) {
    const memory::OutsideArena outside;
    auto pattern = std::make_shared<re2::RE2>(options_.trace_filter, re2::RE2::Quiet);
    if (!pattern->ok())
      return absl::InvalidArgumentError(absl::StrCat("trace filter: ", pattern->error()));
    filter = std::move(pattern);
  }
  shims::FaultSelection faults;
  if (!options_.faults.empty()) {
    const re2::RE2 names(options_.faults, re2::RE2::Quiet);
    if (!names.ok()) return absl::InvalidArgumentError(absl::StrCat("faults: ", names.error()));
    faults = shims::FaultSelection(names);
    if (faults.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--faults=", options_.faults,
                       ": names no system call that a fault may happen to, and no fault "
                       "(docs/syscalls.md)"));
    }
  }
  shims::TraceForm form = shims::TraceForm::kNothing;
  if (options_.trace != nullptr || options_.explain_texts) form = shims::TraceForm::kLines;
  if (options_.trace_records) {
    if (options_.explain_texts)
      return absl::InvalidArgumentError("a trace is remembered as lines, not as records");
    form = shims::TraceForm::kRecords;
  }
  abi_ = std::make_unique<shims::SyscallAbi>(
      shims::SyscallAbi::Options{.sink = this,
                                 .tasks = this,
                                 .trace = form,
                                 .trace_filter = std::move(filter),
                                 .fault_source = this,
                                 .faults = std::move(faults)});

  if (options_.strategy.wake_order == WakeOrder::kAny) kernel_.futexes().SetWakeChooser(this);

  if (options_.explain || options_.lints != 0) {
    const memory::OutsideArena outside;
    Historian::Clock& clock = *this;
    historian_ = std::make_unique<Historian>(clock);
    for (const FutexWord& word : options_.explain_words) historian_->Expect(word);
  }
  if (options_.clock == ClockSource::kHost) {
    outside_ = std::make_unique<Outside>(host_poller_, kernel_);
  } else if (!options_.publish.empty()) {
    return absl::InvalidArgumentError("--publish needs --clock=host");
  }
  auto files = std::make_shared<os_emu::FileSystem>(&kernel_.clock(), &kernel_.budget());
  files->SetSizeLimit(os_emu::SizeLimitOfCaller(kernel_));
  kernel_.SetFiles(files);
  const os_emu::TreeOptions tree{.uid = options_.uid,
                                 .gid = options_.gid,
                                 .hostname = kernel_.options().hostname,
                                 .random = &kernel_.world_random()};
  if (absl::Status built = os_emu::BuildDefaultTree(*files, tree); !built.ok()) return built;
  auto pipes = std::make_shared<shims::PipeFiles>(&kernel_.budget());
  files->Keep(pipes);
  files->SetFifoOpener(pipes.get());
  if (absl::Status installed = kernel_.Part<os_emu::PtyTable>().Install(); !installed.ok())
    return installed;
  return os_emu::MountProc(kernel_, pipes.get());
}

void Machine::Impl::OpenStreams(Thread& thread) {
  Process& process = thread.process();
  const std::shared_ptr<os_emu::SizeLimit> limit = os_emu::SizeLimitOfCaller(kernel_);
  for (int fd = 0; fd < 3; ++fd) {
    absl::StatusOr<os_emu::DescriptionRef> stream;
    if (!options_.output) {
      static constexpr const char* kNames[] = {"stdin", "stdout", "stderr"};
      stream = os_emu::OpenHostStream(host_poller_, fd, kNames[fd], limit);
    } else if (fd == 0) {
      stream = *kernel_.files().Open(os_emu::CallerOf(thread), {}, "/dev/null", os_emu::kORdOnly);
    } else {
      stream = os_emu::MakeDescription<os_emu::CapturedStream>(fd, &options_.output);
    }
    if (!stream.ok()) continue;  // Closed on the host: closed for the guest too.
    POLLUX_CHECK(process.fds().InstallAt(os_emu::Fd{fd}, *std::move(stream), false).ok()) << fd;
  }
}

std::string_view Machine::Impl::KeepProgram(std::string_view file) {
  if (file.empty()) return {};
  const memory::OutsideArena outside;
  program_ = std::make_unique<memory::HugePool>();
  char* const kept = program_->New<char>(file.size());
  std::memcpy(kept, file.data(), file.size());
  return {kept, file.size()};
}

absl::Status Machine::Impl::Load(std::string_view file, std::string_view name,
                                 const std::vector<std::string>& arguments) {
  const Result<Process*> created = kernel_.TryCreateProcess();
  if (!created.ok()) {
    return absl::ResourceExhaustedError(absl::StrCat("the host gives no ",
                                                     memory::kAddressSpaceBytes >> 30,
                                                     " GiB of address space (ulimit -v)"));
  }
  Process& process = **created;
  Thread& thread = *process.threads.begin()->second;
  first_process_ = process.pid();
  process.credentials = os_emu::Credentials::Of(options_.uid, options_.gid);
  SetDefaultLimits(process);
  OpenStreams(thread);

  // Where the guest finds its own file.
  constexpr size_t kNameMax = 255;
  const std::string path =
      "/bin/" + std::string(name.substr(name.rfind('/') + 1).substr(0, kNameMax));
  if (Result<void> made = kernel_.files().MakeLentFile(path, KeepProgram(file), 0755); !made.ok()) {
    return absl::FailedPreconditionError(absl::StrCat("the file does not fit into --max_memory: ",
                                                      std::string(ErrnoText(made.error()))));
  }
  // A mount over "/" may hide its name.
  Result<os_emu::DescriptionRef> opened = OpenProgram(thread, path);
  if (!opened.ok()) return absl::FailedPreconditionError(std::string(ErrnoText(opened.error())));
  if (!options_.root.empty()) {
    if (absl::Status shown =
            ShowSysroot(kernel_.files(), options_.root, options_.uid, options_.gid);
        !shown.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--root=", options_.root, ": ", shown.message()));
    }
  }
  // After the program's own file was put in its place, so that nothing is ever written to a host
  // directory unasked.
  for (const std::string& mount : options_.mounts) {
    if (absl::Status mounted = kernel_.files().MountFromFlag(mount, options_.uid, options_.gid);
        !mounted.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--dir=", mount, ": ", mounted.message()));
    }
  }
  if (Result<void> changed = os_emu::ChangeDirectory(thread, {}, options_.cwd); !changed.ok()) {
    const std::string_view why = ErrnoText(changed.error());
    return absl::InvalidArgumentError(
        absl::StrCat("--cwd=", options_.cwd, ": ", absl::string_view(why.data(), why.size())));
  }
  std::string why;
  const shims::ExecRequest request{.file = *std::move(opened),
                                   .bytes = file,
                                   .path = path,
                                   .arguments = arguments,
                                   .environment = options_.environment};
  Result<ProcessImage> image = BuildImage(thread, request, layout_random_, &why);
  if (!image.ok()) {
    if (why.empty()) why = std::string(ErrnoText(image.error()));
    return absl::FailedPreconditionError(why);
  }
  harts_[&thread] = std::make_unique<Hart>();
  Start(thread, *std::move(image));
  process.has_executed = false;
  ReleaseEnded();
  return outside_ == nullptr ? absl::OkStatus()
                             : outside_->Start(process, options_.publish, options_.warn);
}

}  // namespace pollux::machine
