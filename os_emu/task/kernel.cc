#include "os_emu/task/kernel.h"

#include <algorithm>
#include <utility>

#include "memory/reservation.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/robust_list.h"

namespace pollux::os_emu {
namespace {

// fs.epoll.max_user_watches of a machine with about 16 GiB, and what one interest costs the host
// here.
constexpr uint64_t kMaxEpollWatches = 3'500'000;
constexpr uint64_t kEpollWatchBytes = 256;
// As /proc/sys/fs/inotify says (vfs/proc_texts.cc).
constexpr uint64_t kMaxInotifyInstances = 128, kInotifyInstanceBytes = 512;
constexpr uint64_t kMaxInotifyWatches = 65536, kInotifyWatchBytes = 256;

// A task costs the host its objects and its place in tables; its memory is charged by itself. The
// number is what threads-max is on a small machine.
constexpr uint64_t kMaxTasks = 32768, kTaskBytes = 4096;

}  // namespace

// ---- Process.

Process::Process(Kernel& kernel, Tid pid)
    : cpu_clock(std::make_shared<CpuClock>()),
      real_timer(kernel.timers(), *this),
      virtual_timer(cpu_clock->timers(), *this, kSigVtAlrm),
      profiling_timer(cpu_clock->timers(), *this, kSigProf),
      cpu_limit(cpu_clock->timers(), *this),
      pid_record(std::make_shared<PidRecord>()),
      kernel_(kernel),
      pid_(pid) {
  pid_record->process = this;
  pid_record->number = pid;
}

Process::~Process() {
  pid_record->process = nullptr;
  pid_record->ended.NotifyAll(0);
}

FdTable& Process::fds() const {
  POLLUX_CHECK(!threads.empty()) << "the process has ended";
  return threads.begin()->second->fds();
}

uint64_t Process::minor_faults() const {
  if (memory == nullptr) return earlier_minor_faults_;
  return earlier_minor_faults_ + memory->pages_brought_in() - brought_in_before_;
}

bool Process::IsFatal(int signal) const {
  if (signal == kSigKill) return true;
  if (signal == kSigStop || actions[signal].handler != kSigDfl) return false;
  const DefaultAction act = DefaultActionOf(signal);
  return act == DefaultAction::kTerminate || act == DefaultAction::kCore;
}

bool Process::WouldAct(int signal) const {
  const SignalAction& action = actions[signal];
  if (signal == kSigKill || signal == kSigStop) return true;
  if (action.handler == kSigIgn) return false;
  if (action.handler != kSigDfl) return true;
  const DefaultAction act = DefaultActionOf(signal);
  return act != DefaultAction::kIgnore && act != DefaultAction::kContinue;
}

// ---- Kernel: processes.

Kernel::Kernel(Options options)
    : options_(std::move(options)),
      world_random_(options_.world_seed),
      epoll_watches_(kMaxEpollWatches, Errno::kNoSpc, kEpollWatchBytes, &options_.budget),
      inotify_instances_(kMaxInotifyInstances, Errno::kMFile, kInotifyInstanceBytes,
                         &options_.budget),
      inotify_watches_(kMaxInotifyWatches, Errno::kNoSpc, kInotifyWatchBytes, &options_.budget),
      signal_counts_(&options_.budget),
      futexes_(std::make_unique<FutexTable>()),
      tasks_(kMaxTasks, Errno::kAgain, kTaskBytes, &options_.budget) {}

Kernel::~Kernel() {
  memory::ReservationPool::Of(&options_.budget).Close();
  std::vector<Process*> living;
  for (auto& [pid, process] : processes_) {
    if (!process->exit.has_value()) living.push_back(process.get());
  }
  for (Process* process : living) EndProcess(*process, ExitState());
  ReleaseEnded();
}

Result<Process*> Kernel::TryCreateProcess() {
  POLLUX_ASSIGN_OR_RETURN(std::unique_ptr<memory::AddressSpace> memory,
                          memory::AddressSpace::Create(&options_.budget));
  POLLUX_ASSIGN_OR_RETURN(const Tid pid, NewTid());
  auto process = std::make_unique<Process>(*this, pid);
  process->memory = std::move(memory);
  process->session = pid;
  process->LeadGroup();
  process->awaited_outside = true;
  process->rlimits[kRlimitStack].soft = 8 << 20;
  process->rlimits[kRlimitCore].soft = 0;
  process->rlimits[kRlimitLockedMemory] = {8 << 20, 8 << 20};  // MLOCK_LIMIT
  process->rlimits[kRlimitNice] = process->rlimits[kRlimitRealTimePriority] = {0, 0};
  process->rlimits[kRlimitNumberOfFiles] = {1024, FdTable::kMaxOpen};
  process->rlimits[kRlimitPendingSignals] = {PendingSignals::kMaxQueued,
                                             PendingSignals::kMaxQueued};
  Process* created = process.get();
  processes_.emplace(pid, std::move(process));
  ++living_;
  AddThread(*created, pid, std::make_shared<FdTable>(), std::make_shared<FsContext>())
      .fds()
      .set_limit(1024);
  return created;
}

Process& Kernel::CreateProcess() {
  const Result<Process*> process = TryCreateProcess();
  POLLUX_CHECK(process.ok()) << ErrnoName(process.error());
  return **process;
}

Thread& Kernel::CreateThread(Process& process) {
  POLLUX_CHECK(!process.exit.has_value()) << "the process has ended";
  const Result<Tid> tid = NewTid();
  POLLUX_CHECK(tid.ok()) << "too many tasks";
  const Thread& first = *process.first_thread();
  return AddThread(process, *tid, first.shared_fds(), first.shared_fs());
}

Thread& Kernel::AddThread(Process& process, Tid tid, std::shared_ptr<FdTable> fds,
                          std::shared_ptr<FsContext> fs) {
  auto thread = std::make_unique<Thread>(process, tid, std::move(fds), std::move(fs));
  thread->began = clock().Monotonic();
  Thread& added = *process.threads.emplace(tid, std::move(thread)).first->second;
  threads_[tid] = &added;
  added.UpdateRunnable();
  return added;
}

// alloc_pid(): numbers go up, and begin again at RESERVED_PIDS. One is free when no task, group or
// session has it.
Result<Tid> Kernel::NewTid() {
  constexpr int32_t kMaxPid = 4194304, kReservedPids = 300;
  POLLUX_RETURN_IF_ERROR(tasks_.Charge());
  const auto taken = [this](Tid tid) {
    if (threads_.contains(tid) || processes_.contains(tid)) return true;
    for (const auto& [pid, process] : processes_) {
      if (process->group == tid || process->session == tid) return true;
    }
    return false;
  };
  do {
    last_tid_ = last_tid_ + 1 < kMaxPid ? last_tid_ + 1 : kReservedPids;
  } while (taken(Tid{last_tid_}));
  return Tid{last_tid_};
}

Process* Kernel::FindProcess(Tid pid) {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : found->second.get();
}

Thread* Kernel::FindThread(Tid tid) {
  const auto found = threads_.find(tid);
  return found == threads_.end() ? nullptr : found->second;
}

Thread* Kernel::FindTask(Tid tid) {
  if (Thread* thread = FindThread(tid)) return thread;
  const Process* process = FindProcess(tid);
  return process == nullptr ? nullptr : process->ended_leader.get();
}

std::shared_ptr<PidRecord> Kernel::RecordOf(Thread& thread) {
  if (thread.pid_record == nullptr) {
    thread.pid_record = std::make_shared<PidRecord>();
    thread.pid_record->process = &thread.process();
    thread.pid_record->thread = &thread;
    thread.pid_record->group = thread.process().pid_record;
    thread.pid_record->number = thread.tid();
  }
  return thread.pid_record;
}

void Kernel::SetRealtime(Nanos now) {
  clock_.SetRealtime(now);
  timers_.ClockWasSet();
  clock_changes_.NotifyAll(0);
  ExpireTimers();
}

// ---- Kernel: blocked calls.

Result<int64_t> Kernel::ResumeBlocked(Thread& thread) {
  POLLUX_CHECK(thread.blocked()) << "the thread does not wait";
  current_ = &thread;
  thread.BeginResume();
  const bool timed_out = clock_.Monotonic() >= thread.blocked_call()->deadline();
  const Result<int64_t> result = thread.blocked_call()->Resume(thread, timed_out);
  if (!timed_out && !result.ok() && result.error() == Errno::kAgain) {
    thread.ArmDeadline();
    thread.UpdateRunnable();
    return result;
  }
  thread.Unblock();
  return result;
}

}  // namespace pollux::os_emu
