#include "machine/machine.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "machine/engine_table.h"
#include "machine/outside.h"
#include "machine/process_image.h"
#include "machine/scheduler.h"
#include "machine/sysroot.h"
#include "machine/thread_stacks.h"
#include "memory/arena.h"
#include "memory/snapshot.h"
#include "os_emu/host_poller/host_poller.h"
#include "os_emu/host_stream/host_stream.h"
#include "os_emu/tty/pty.h"
#include "os_emu/vfs/default_tree.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/proc_fs.h"
#include "os_emu/vfs/process_caller.h"
#include "re2/re2.h"
#include "shims/pipe_files.h"
#include "shims/shims.h"

namespace pollux::machine {
namespace {

using os_emu::Process;
using os_emu::Thread;

// The purposes that the seed's random stream is split for: none takes numbers from another.
enum Purpose : uint64_t { kWorld = 1, kLayout = 2, kSchedule = 3 };

// The frequency of the time CSR, as QEMU's and many boards' timebase: 10 MHz.
constexpr int64_t kNanosPerTick = 100;

// What the files that every machine starts with fit into.
constexpr uint64_t kLeastMemoryBytes = uint64_t{1} << 20;

// How many system calls may pass before the host's streams are looked at again while threads are
// running.
constexpr int kCallsBetweenHostLooks = 64;
// With the host's clock, how many instructions may pass before it is read: less than a millisecond.
constexpr uint64_t kStepsBetweenHostTimes = 100'000;

// What the machine keeps of a thread beside the kernel's.
struct Hart {
  interp::Cpu cpu;
  shims::Call call;
  memory::AddressSpace* memory = nullptr;
  interp::Engine* engine = nullptr;  // That of its memory.
};

constexpr std::string_view KindOfFault(memory::FaultKind kind) {
  switch (kind) {
    case memory::FaultKind::kNotMapped:
      return "nothing is mapped there";
    case memory::FaultKind::kProtection:
      return "the page does not allow it";
    case memory::FaultKind::kBeyondFile:
      return "it is past the end of the mapped file";
    case memory::FaultKind::kOutOfMemory:
      return "the machine's memory is used up (--max_memory)";
  }
  return "";
}

std::string DescribeStop(const interp::Stop& stop, uint64_t pc) {
  switch (stop.reason) {
    case interp::StopReason::kFault: {
      const char* what = stop.access == memory::Access::kLoad    ? "a load from"
                         : stop.access == memory::Access::kStore ? "a store to"
                                                                 : "executing";
      const std::string_view why = KindOfFault(stop.fault.kind);
      return absl::StrFormat("at pc %#x, %s %#x: %s", pc, what, stop.fault.addr.value,
                             absl::string_view(why.data(), why.size()));
    }
    case interp::StopReason::kMisaligned:
      return absl::StrFormat("at pc %#x, an atomic access to the misaligned address %#x", pc,
                             stop.fault.addr.value);
    case interp::StopReason::kIllegal:
      return absl::StrFormat("at pc %#x, illegal instruction %#x", pc, stop.bits);
    case interp::StopReason::kEbreak:
      return absl::StrFormat("at pc %#x, an ebreak", pc);
    default:
      return "";
  }
}

}  // namespace

class Machine::Impl final : private shims::Sink, private shims::TaskHost, private interp::Counters {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)),
        seed_(options_.seed),
        kernel_({.world_seed = seed_.Split(kWorld).Next(),
                 .budget = {.limit_bytes = options_.max_memory_bytes},
                 .cpus = options_.cpus}),
        layout_random_(seed_.Split(kLayout)),
        engines_(options_.engine, *this),
        scheduler_(
            MakeScheduler(options_.strategy, options_.preemption_rate, seed_.Split(kSchedule))) {}

  absl::Status SetUp();
  absl::Status Load(std::string_view file, std::string_view name,
                    const std::vector<std::string>& arguments);
  std::optional<Outcome> RunUntil(uint64_t instructions);
  uint64_t instructions() const { return retired_; }

  // ---- Of a machine that is put back.
  absl::Status MayBeSaved() const;
  std::unique_ptr<memory::Snapshot> SaveMemory();
  void EndSave() { engines_.Unkeep(); }
  void BeforeArena(memory::Snapshot& snapshot);
  void AfterArena(memory::Snapshot& snapshot);

 private:
  // ---- shims::Sink. What listens is outside of the machine.
  void Report(std::string_view line) override {
    const memory::OutsideArena outside;
    if (options_.warn) options_.warn(line.starts_with("pollux: ") ? line.substr(8) : line);
  }
  void Trace(Thread& thread, std::string_view line) override {
    if (!options_.trace) return;
    const memory::OutsideArena outside;
    // As strace -f does, once there is more than one.
    if (kernel_.has_cloned()) {
      options_.trace(absl::StrFormat("[pid %d] %s", static_cast<int>(thread.tid()), line));
    } else {
      options_.trace(line);
    }
  }

  // ---- shims::TaskHost
  void OnClone(Thread& parent, Thread& child, const interp::Cpu& cpu) override;
  Result<void> Exec(Thread& thread, shims::ExecRequest request) override;

  // ---- interp::Counters: the hart runs at one instruction a cycle; time is the machine's clock.
  uint64_t Cycle(const interp::Cpu& cpu) override { return cpu.retired; }
  uint64_t Instret(const interp::Cpu& cpu) override { return cpu.retired; }
  uint64_t Time(const interp::Cpu& cpu) override {
    if (outside_ != nullptr) {
      outside_->clock().Tell();
      return static_cast<uint64_t>(kernel_.clock().Monotonic().value / kNanosPerTick);
    }
    const int64_t since =
        static_cast<int64_t>(cpu.retired - slice_start_) * os_emu::Clock::kNanosPerInstruction;
    return static_cast<uint64_t>((kernel_.clock().Monotonic().value + since) / kNanosPerTick);
  }

  // Why a thread does not run on.
  enum class Turn {
    kPreempted,  // It could; its slice is spent, it has yielded, or the machine's steps are.
    kWaits,      // Or is stopped.
    kEnded,      // The thread is gone.
    kPaused,     // The machine is to stop here, and to go on with it.
  };

  Thread& ChooseThread();
  // Runs it until another one shall run.
  Turn RunThread(Thread& thread);
  // Instructions that it may run now, at least 1.
  uint64_t Budget(const Thread& thread);
  // The thread has retired so many instructions: brings the clocks up to date, and with the host's
  // clock looks at the host from time to time.
  void Account(Thread& thread, uint64_t retired);
  void ReleaseEnded();
  // The hart runs in its process's memory from now on.
  void Enter(Hart& hart, memory::AddressSpace& memory);
  void Leave(Hart& hart);
  // The thread's process goes on with another program.
  void Start(Thread& thread, ProcessImage image);
  // Everybody waits: waits for the host, or lets time pass. False: that would never end.
  bool Idle();
  bool IdleOnHostClock();
  void LookAtHost();
  // A signal has ended the thread's process, whose memory this was.
  void NoteDeath(Thread& thread, memory::AddressSpace& memory);
  Outcome Ended(const os_emu::ExitState& state);
  Outcome Hangs(Outcome::Kind kind);
  uint64_t StepsLeft() const;
  uint64_t StepsToNextDeadline(const Thread& thread);

  Options options_;
  os_emu::RandomStream seed_;
  os_emu::HostPoller host_poller_;
  os_emu::Kernel kernel_;
  std::unique_ptr<Outside> outside_;  // With --clock=host only.
  os_emu::RandomStream layout_random_;
  std::unique_ptr<shims::SyscallAbi> abi_;
  EngineTable engines_;
  std::unique_ptr<Scheduler> scheduler_;
  absl::flat_hash_map<const Thread*, std::unique_ptr<Hart>> harts_;  // Only looked up.
  Tid first_process_{0};
  const Thread* last_thread_ = nullptr;  // Who ran last; null: it is gone.
  bool leave_last_ = false;              // Another one shall run next.
  uint64_t slice_left_ = 0;              // Until the next preemption.
  uint64_t retired_ = 0;                 // By all harts.
  uint64_t pause_at_ = UINT64_MAX;       // Of them.
  Thread* paused_ = nullptr;             // In the midst of whose turn it stopped.
  uint64_t slice_start_ = 0;  // cpu.retired of the running hart when the clock was last right.
  int calls_since_host_look_ = 0;
  uint64_t steps_since_host_look_ = 0;
  // The first process's last fault, which a handler may have taken: where and when, and in words.
  struct FaultNote {
    const Thread* thread = nullptr;
    uint64_t retired = 0;  // The hart's.
    std::string text;
  };
  FaultNote last_fault_;
  std::optional<ThreadReport> death_;  // Of the first process, by a signal.
};

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
  abi_ = std::make_unique<shims::SyscallAbi>(
      shims::SyscallAbi::Options{.sink = this,
                                 .tasks = this,
                                 .trace = options_.trace != nullptr,
                                 .trace_filter = std::move(filter)});

  if (options_.clock == ClockSource::kHost) {
    outside_ = std::make_unique<Outside>(host_poller_, kernel_);
  } else if (!options_.publish.empty()) {
    return absl::InvalidArgumentError("--publish needs --clock=host");
  }
  auto files = std::make_shared<os_emu::FileSystem>(&kernel_.clock(), &kernel_.budget());
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
  process.credentials = {.uid = options_.uid,
                         .euid = options_.uid,
                         .suid = options_.uid,
                         .fsuid = options_.uid,
                         .gid = options_.gid,
                         .egid = options_.gid,
                         .sgid = options_.gid,
                         .fsgid = options_.gid};
  SetDefaultLimits(process);
  static constexpr const char* kStreamNames[] = {"stdin", "stdout", "stderr"};
  for (int fd = 0; fd < 3; ++fd) {
    absl::StatusOr<os_emu::DescriptionRef> stream =
        os_emu::OpenHostStream(host_poller_, fd, kStreamNames[fd]);
    if (!stream.ok()) continue;  // Closed on the host: closed for the guest too.
    POLLUX_CHECK(process.fds().InstallAt(os_emu::Fd{fd}, *std::move(stream), false).ok()) << fd;
  }

  // Where the guest finds its own file.
  constexpr size_t kNameMax = 255;
  const std::string path =
      "/bin/" + std::string(name.substr(name.rfind('/') + 1).substr(0, kNameMax));
  if (Result<void> made = kernel_.files().MakeFile(path, file, 0755); !made.ok()) {
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

// ---- Tasks

void Machine::Impl::OnClone(Thread&, Thread& child, const interp::Cpu& cpu) {
  auto hart = std::make_unique<Hart>();
  hart->cpu = cpu;
  Enter(*hart, *child.process().memory);
  harts_[&child] = std::move(hart);
}

void Machine::Impl::Enter(Hart& hart, memory::AddressSpace& memory) {
  hart.memory = &memory;
  hart.engine = &engines_.Use(memory);
}

void Machine::Impl::Leave(Hart& hart) {
  if (hart.memory != nullptr) engines_.Release(*hart.memory);
  hart.memory = nullptr;
  hart.engine = nullptr;
}

Result<void> Machine::Impl::Exec(Thread& thread, shims::ExecRequest request) {
  std::string why;  // The guest has its errno.
  POLLUX_ASSIGN_OR_RETURN(ProcessImage image, BuildImage(thread, request, layout_random_, &why));
  Start(thread, std::move(image));
  return {};
}

void Machine::Impl::Start(Thread& thread, ProcessImage image) {
  Hart& hart = *harts_.at(&thread);
  kernel_.Exec(thread, std::move(image.program));
  const uint64_t retired = hart.cpu.retired;
  hart.cpu = image.cpu;
  hart.cpu.retired = retired;
  Leave(hart);
  Enter(hart, *thread.process().memory);
}

void Machine::Impl::ReleaseEnded() {
  if (!kernel_.HasEnded()) return;
  kernel_.ReleaseEnded([this](Thread& thread) {
    const auto hart = harts_.find(&thread);
    if (hart != harts_.end()) {
      Leave(*hart->second);
      harts_.erase(hart);
    }
    if (last_thread_ == &thread) last_thread_ = nullptr;
  });
}

// ---- The loop

Thread& Machine::Impl::ChooseThread() {
  const std::span<Thread* const> runnable = kernel_.run_queue().threads();
  Thread& chosen = *runnable[scheduler_->Choose(runnable, last_thread_, leave_last_)];
  // Others have run since, and may have stored to what it has reserved.
  if (&chosen != last_thread_) harts_.at(&chosen)->cpu.reservation = {};
  last_thread_ = &chosen;
  leave_last_ = false;
  return chosen;
}

uint64_t Machine::Impl::StepsLeft() const {
  return options_.max_steps == 0 ? UINT64_MAX
                                 : options_.max_steps - std::min(options_.max_steps, retired_);
}

uint64_t Machine::Impl::StepsToNextDeadline(const Thread& thread) {
  const auto steps = [](Nanos left) {
    if (left == kNanosMax) return UINT64_MAX;
    return std::max<uint64_t>(1, static_cast<uint64_t>(std::max<int64_t>(left.value, 0)) /
                                     os_emu::Clock::kNanosPerInstruction);
  };
  const uint64_t by_own_time = steps(os_emu::Kernel::TimeToCpuDeadline(thread));
  if (outside_ != nullptr) return std::min(by_own_time, kStepsBetweenHostTimes);
  const Nanos deadline = kernel_.NextDeadline();
  if (deadline == kNanosMax) return by_own_time;
  return std::min(by_own_time, steps(deadline - kernel_.clock().Monotonic()));
}

uint64_t Machine::Impl::Budget(const Thread& thread) {
  // A timer expires at its instruction, also under a program that makes no call.
  uint64_t steps = std::min({StepsLeft(), StepsToNextDeadline(thread), pause_at_ - retired_});
  // Alone, a thread is not preempted, and nothing is spent.
  if (kernel_.run_queue().threads().size() > 1) {
    if (slice_left_ == 0) slice_left_ = scheduler_->NextSlice();
    steps = std::min(steps, slice_left_);
  }
  return steps;
}

void Machine::Impl::Account(Thread& thread, uint64_t retired) {
  retired_ += retired;
  const Nanos span{static_cast<int64_t>(retired) * os_emu::Clock::kNanosPerInstruction};
  kernel_.Compute(thread, span);
  if (outside_ == nullptr) {
    kernel_.clock().AdvanceBy(span);
    return;
  }
  outside_->clock().Tell();
  steps_since_host_look_ += retired;
  if (steps_since_host_look_ >= kStepsBetweenHostTimes) LookAtHost();
}

Machine::Impl::Turn Machine::Impl::RunThread(Thread& thread) {
  Hart& hart = *harts_.at(&thread);
  if (thread.blocked()) {
    // A signal that it may take is reason enough to look: rt_sigtimedwait takes it without a
    // handler.
    if (!abi_->Resume(thread, hart.cpu, &hart.call) && !thread.HasSignalToTake())
      return Turn::kWaits;
  }
  for (;;) {
    // Each handler's frame lies on the one before.
    while (thread.HasSignalToTake()) {
      // A process that ends lets go of it.
      const std::shared_ptr<memory::AddressSpace> memory = thread.process().memory;
      const auto signals = abi_->DeliverSignals(thread, hart.cpu, &hart.call);
      if (signals == shims::SyscallAbi::Signals::kProcessExited) {
        NoteDeath(thread, *memory);
        return Turn::kEnded;
      }
      if (!thread.runnable()) return Turn::kWaits;
      if (signals == shims::SyscallAbi::Signals::kHandler) hart.cpu.reservation = {};
    }
    if (StepsLeft() == 0) return Turn::kPreempted;
    if (retired_ >= pause_at_) return Turn::kPaused;
    const bool alone = kernel_.run_queue().threads().size() == 1;
    const uint64_t budget = Budget(thread);
    slice_start_ = hart.cpu.retired;
    const interp::Stop stop = hart.engine->Run(hart.cpu, budget);
    const uint64_t retired = hart.cpu.retired - slice_start_;
    Account(thread, retired);
    slice_start_ = hart.cpu.retired;
    if (!alone) slice_left_ -= retired;
    kernel_.ExpireTimers();
    switch (stop.reason) {
      case interp::StopReason::kBudget:
        break;
      case interp::StopReason::kEcall: {
        // A trap into the kernel breaks the reservation, as Linux does on its way back to the user.
        hart.cpu.reservation = {};
        if (++calls_since_host_look_ >= kCallsBetweenHostLooks) LookAtHost();
        switch (abi_->Enter(thread, hart.cpu, &hart.call)) {
          case shims::Next::kContinue:
            break;
          case shims::Next::kYield:
            return Turn::kPreempted;
          case shims::Next::kBlocked:
            return Turn::kWaits;
          case shims::Next::kThreadExited:
          case shims::Next::kProcessExited:
            return Turn::kEnded;
        }
        break;
      }
      default:
        hart.cpu.reservation = {};
        if (thread.process().pid() == first_process_)
          last_fault_ = {&thread, hart.cpu.retired, DescribeStop(stop, hart.cpu.pc)};
        abi_->RaiseFault(thread, stop, hart.cpu);
        break;
    }
    ReleaseEnded();  // Of an execve, and of children that nobody waits for.
    if (!thread.runnable()) return Turn::kWaits;  // A signal of its own making has stopped it.
    if (!alone && slice_left_ == 0) return Turn::kPreempted;
  }
}

void Machine::Impl::LookAtHost() {
  calls_since_host_look_ = 0;
  steps_since_host_look_ = 0;
  if (outside_ != nullptr) {
    outside_->clock().TellAndFollowSteps();
  } else if (!host_poller_.HasWaiters()) {
    return;
  }
  const absl::StatusOr<bool> looked = host_poller_.Wait({0});
  POLLUX_CHECK(looked.ok()) << looked.status();
}

bool Machine::Impl::Idle() {
  kernel_.SetCurrent(nullptr);
  if (outside_ != nullptr) return IdleOnHostClock();
  const Nanos deadline = kernel_.NextDeadline();
  if (host_poller_.HasWaiters()) {
    // Input may come: until then the machine's time passes with the host's.
    const Nanos wait = deadline == kNanosMax ? kNanosMax : deadline - kernel_.clock().Monotonic();
    const absl::StatusOr<bool> changed = host_poller_.Wait(wait);
    POLLUX_CHECK(changed.ok()) << changed.status();
    if (*changed) return true;
  }
  if (deadline == kNanosMax) return false;
  kernel_.clock().AdvanceTo(deadline);
  kernel_.ExpireTimers();
  return true;
}

bool Machine::Impl::IdleOnHostClock() {
  outside_->clock().TellAndFollowSteps();
  const Nanos deadline = kernel_.NextDeadline();
  if (deadline == kNanosMax && !host_poller_.HasWaiters()) return false;
  const Nanos wait =
      deadline == kNanosMax
          ? kNanosMax
          : Nanos{std::max<int64_t>(0, (deadline - kernel_.clock().Monotonic()).value)};
  const absl::StatusOr<bool> changed = host_poller_.Wait(wait);
  POLLUX_CHECK(changed.ok()) << changed.status();
  outside_->clock().TellAndFollowSteps();
  kernel_.ExpireTimers();
  return true;
}

void Machine::Impl::NoteDeath(Thread& thread, memory::AddressSpace& memory) {
  if (thread.process().pid() != first_process_) return;
  const interp::Cpu& cpu = harts_.at(&thread)->cpu;
  const int signal = thread.process().exit->signal;
  // A fault that a handler has taken is not what it died of.
  if (last_fault_.thread != &thread || last_fault_.retired != cpu.retired) last_fault_ = {};
  if (last_fault_.text.empty() && os_emu::DefaultActionOf(signal) != os_emu::DefaultAction::kCore)
    return;
  const StackSubject subject{&memory, &cpu};
  death_ = {.pid = static_cast<int>(first_process_),
            .tid = static_cast<int>(thread.tid()),
            .pc = cpu.pc,
            .state = absl::StrCat("killed by ", os_emu::SignalName(signal)),
            .stack = StacksOf(kernel_.files(), {&subject, 1}).front()};
}

Outcome Machine::Impl::Ended(const os_emu::ExitState& state) {
  Outcome outcome{.kind = state.signal != 0 ? Outcome::Kind::kKilled : Outcome::Kind::kExited,
                  .status = state.status,
                  .signal = state.signal,
                  .instructions = retired_,
                  .virtual_time = kernel_.clock().Monotonic() - os_emu::Clock::kBootNanos};
  if (state.signal != 0) {
    outcome.explanation = absl::StrCat("guest killed by ", os_emu::SignalName(state.signal),
                                       last_fault_.text.empty() ? "" : " ", last_fault_.text);
    if (death_.has_value()) {
      outcome.explanation += StackText(death_->stack);
      outcome.threads.push_back(*std::move(death_));
    }
  }
  return outcome;
}

Outcome Machine::Impl::Hangs(Outcome::Kind kind) {
  Outcome outcome{.kind = kind,
                  .instructions = retired_,
                  .virtual_time = kernel_.clock().Monotonic() - os_emu::Clock::kBootNanos};
  outcome.explanation =
      kind == Outcome::Kind::kDeadlock
          ? "deadlock: every thread waits, and nothing that could wake one is left"
          : absl::StrCat("the guest was stopped after ", retired_, " instructions (--max_steps)");
  std::vector<StackSubject> subjects;
  for (auto& [pid, process] : kernel_.processes()) {
    for (auto& [tid, thread] : process->threads) {
      const Hart& hart = *harts_.at(thread.get());
      subjects.push_back({process->memory.get(), &hart.cpu});
      outcome.threads.push_back({.pid = static_cast<int>(pid),
                                 .tid = static_cast<int>(tid),
                                 .pc = hart.cpu.pc,
                                 .state = process->stopped() ? "stopped"
                                          : thread->blocked()
                                              ? abi_->DescribeBlocked(*thread, hart.call)
                                              : "running"});
    }
  }
  std::vector<std::vector<Frame>> stacks = StacksOf(kernel_.files(), subjects);
  for (size_t i = 0; i < stacks.size(); ++i) {
    outcome.threads[i].stack = std::move(stacks[i]);
    outcome.explanation += ThreadText(outcome.threads[i]);
  }
  return outcome;
}

std::optional<Outcome> Machine::Impl::RunUntil(uint64_t instructions) {
  pause_at_ = instructions;
  for (;;) {
    ReleaseEnded();
    const Process* first = kernel_.FindProcess(first_process_);
    POLLUX_CHECK(first != nullptr) << "the first process is waited for by nobody";
    if (kernel_.living() == 0) {
      const Outcome outcome = Ended(*first->exit);
      if (outside_ != nullptr) outside_->Finish();
      return outcome;
    }
    if (StepsLeft() == 0) return Hangs(Outcome::Kind::kStepLimit);
    if (retired_ >= pause_at_) return std::nullopt;
    if (kernel_.run_queue().empty()) {
      if (Idle()) continue;
      if (!first->exit.has_value()) return Hangs(Outcome::Kind::kDeadlock);
      // What it has left behind would wait forever.
      Report(absl::StrFormat(
          "warning: the guest has ended; %d process(es) that it left behind wait for what cannot "
          "come, and were ended",
          kernel_.living()));
      return Ended(*first->exit);
    }
    Thread& thread = paused_ != nullptr ? *std::exchange(paused_, nullptr) : ChooseThread();
    const Turn turn = RunThread(thread);
    if (turn == Turn::kPaused) {
      paused_ = &thread;
      return std::nullopt;
    }
    leave_last_ = turn == Turn::kPreempted;
  }
}

// ---- Copies

absl::Status Machine::Impl::MayBeSaved() const {
  const auto refuse = [](std::string_view what) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a machine with ", absl::string_view(what.data(), what.size()), " cannot be put back"));
  };
  if (outside_ != nullptr) return refuse("the host's clock");
  if (!options_.mounts.empty() || !options_.root.empty()) return refuse("directories of the host");
  return absl::OkStatus();
}

std::unique_ptr<memory::Snapshot> Machine::Impl::SaveMemory() {
  ReleaseEnded();
  std::vector<memory::AddressSpace*> spaces;
  for (const auto& [pid, process] : kernel_.processes()) {
    memory::AddressSpace* const space = process->memory.get();
    if (space != nullptr && std::find(spaces.begin(), spaces.end(), space) == spaces.end())
      spaces.push_back(space);
  }
  engines_.Keep();
  return memory::Snapshot::Take(&kernel_.budget(), spaces);
}

void Machine::Impl::BeforeArena(memory::Snapshot& snapshot) {
  ReleaseEnded();
  engines_.DropNewer();
  snapshot.RestoreHost();
}

void Machine::Impl::AfterArena(memory::Snapshot& snapshot) {
  engines_.AfterArena(snapshot.AfterArena());
  host_poller_.WatchAgain();
}

int Outcome::ExitCode() const {
  switch (kind) {
    case Kind::kExited:
      return status;
    case Kind::kKilled:
      return 128 + signal;
    case Kind::kDeadlock:
    case Kind::kStepLimit:
      return 124;
  }
  return 125;
}

// ---- Machine: everything behind it happens in the arena, and what is given back is outside.

namespace {

absl::Status CopyOf(const absl::Status& status) {
  const memory::OutsideArena outside;
  return status.ok() ? absl::OkStatus()
                     : absl::Status(status.code(), std::string(status.message()));
}

}  // namespace

Machine::Machine() : arena_(memory::Arena::Create()) {}

Machine::~Machine() {
  const memory::Arena::Scope scope(arena_.get());
  snapshot_.reset();
  impl_.reset();
}

absl::StatusOr<std::unique_ptr<Machine>> Machine::Create(Options options) {
  std::unique_ptr<Machine> machine(new Machine);
  {
    const memory::Arena::Scope scope(machine->arena_.get());
    machine->impl_ = std::make_unique<Impl>(Options(options));
    if (const absl::Status status = machine->impl_->SetUp(); !status.ok()) return CopyOf(status);
  }
  return machine;
}

absl::Status Machine::Load(std::string_view file, std::string_view name,
                           const std::vector<std::string>& arguments) {
  const memory::Arena::Scope scope(arena_.get());
  return CopyOf(impl_->Load(file, name, arguments));
}

Outcome Machine::Run() {
  std::optional<Outcome> outcome = RunUntil(UINT64_MAX);
  POLLUX_CHECK(outcome.has_value()) << "a run has an end";
  return *std::move(outcome);
}

std::optional<Outcome> Machine::RunUntil(uint64_t instructions) {
  const memory::Arena::Scope scope(arena_.get());
  const std::optional<Outcome> outcome = impl_->RunUntil(instructions);
  const memory::OutsideArena outside;
  return std::optional<Outcome>(outcome);
}

uint64_t Machine::instructions() const { return impl_->instructions(); }

absl::Status Machine::Save() {
  if (arena_ == nullptr)
    return absl::FailedPreconditionError("the host has no room for a machine that can be put back");
  const memory::Arena::Scope scope(arena_.get());
  if (const absl::Status may = impl_->MayBeSaved(); !may.ok()) return CopyOf(may);
  if (snapshot_ != nullptr) {
    snapshot_.reset();
    impl_->EndSave();
  }
  snapshot_ = impl_->SaveMemory();
  image_ = arena_->Save();
  return absl::OkStatus();
}

void Machine::Restore() {
  POLLUX_CHECK(image_ != nullptr) << "Restore() without Save()";
  const memory::Arena::Scope scope(arena_.get());
  impl_->BeforeArena(*snapshot_);
  arena_->Restore(*image_);
  impl_->AfterArena(*snapshot_);
}

}  // namespace pollux::machine
