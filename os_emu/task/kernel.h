// Kernel: one machine's emulated Linux.
//
// The Kernel owns processes, the file system, the clock and the world's random stream. It knows
// nothing of instructions: the registers of a thread belong to the machine.
//
// The machine's loop: a strategy chooses one of run_queue().threads();
//   a call answers a CallResult; where it is blocked, thread.Block(record);
//   where thread.blocked(): it was woken, so kernel.ResumeBlocked(thread); where a thread that
//   stays blocked HasSignalToTake(): kernel.TakeSignal() and, if a handler runs,
//   record->Interrupt(); ReleaseEnded() between calls.
//
// Behaviour follows kernel/fork.c (clone.cc), kernel/exit.c (exit.cc), fs/exec.c (exec.cc) and
// kernel/signal.c (signals.cc).
#ifndef POLLUX_OS_EMU_TASK_KERNEL_H_
#define POLLUX_OS_EMU_TASK_KERNEL_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "abi/types.h"
#include "memory/address_space.h"
#include "os_emu/file/quota.h"
#include "os_emu/task/clone.h"
#include "os_emu/task/process.h"
#include "os_emu/task/random.h"
#include "os_emu/task/run_queue.h"
#include "os_emu/task/signal.h"
#include "os_emu/task/thread.h"
#include "os_emu/time/clock.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class FileSystem;  // os_emu/vfs/file_system.h
class FutexTable;  // os_emu/task/futex.h

// What execve(2) has made of a file: what replaces the caller's program. Memory is complete.
struct NewProgram {
  std::shared_ptr<memory::AddressSpace> memory;
  std::string executable;  // Absolute guest path.
  std::string name;        // At most 15 bytes: the thread's.
  std::vector<std::string> command_line;
  std::vector<std::string> environment;
  std::vector<uint64_t> auxiliary_vector;
  GuestAddr signal_trampoline;
  std::shared_ptr<void> executable_use;  // Process::executable_use
};

class Kernel {
 public:
  struct Options {
    uint64_t world_seed = 0;      // Of the world's random stream.
    memory::MemoryBudget budget;  // Shared by all processes.
    int cpus = 4;
    std::string hostname = "pollux";
  };
  explicit Kernel(Options options);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  Clock& clock() { return clock_; }
  TimerQueue& timers() { return timers_; }
  // Lets the timers that are due happen. For the machine, wherever it has let time pass, and before
  // a system call returns. O(1) where none is due.
  void ExpireTimers() { timers_.Expire(); }
  // clock_settime(CLOCK_REALTIME): a discontinuous change, that timers are told of.
  void SetRealtime(Nanos now);
  // Notified after CLOCK_REALTIME was set.
  WaitQueue& clock_changes() { return clock_changes_; }
  // Queued signals, and timers of timer_create(2), in all processes.
  SignalCounts& signal_counts() { return signal_counts_; }
  RandomStream& world_random() { return world_random_; }
  // The machine gives the file system once, before the first process: vfs/ is built upon this
  // folder.
  void SetFiles(std::shared_ptr<FileSystem> files) { files_ = std::move(files); }
  FileSystem& files() {
    POLLUX_CHECK(files_ != nullptr) << "SetFiles() comes first";
    return *files_;
  }
  // The thread whose system call runs: Linux's `current`. Null between calls and in tests that make
  // none.
  Thread* current() const { return current_; }
  void SetCurrent(Thread* thread) { current_ = thread; }
  // What a kind of description keeps once a machine and this folder need not know (the names of
  // AF_UNIX, the loopback network): a T(Kernel&), made on first use; outlives all processes.
  template <typename T>
  T& Part() {
    static const char kKey = 0;
    std::shared_ptr<void>& part = parts_[&kKey];
    if (part == nullptr) part = std::make_shared<T>(*this);
    return *static_cast<T*>(part.get());
  }
  FutexTable& futexes() { return *futexes_; }
  // Interests in epoll instances: fs.epoll.max_user_watches.
  Quota& epoll_watches() { return epoll_watches_; }
  // fs.inotify.max_user_instances and fs.inotify.max_user_watches.
  Quota& inotify_instances() { return inotify_instances_; }
  Quota& inotify_watches() { return inotify_watches_; }
  memory::MemoryBudget& budget() { return options_.budget; }
  const Options& options() const { return options_; }

  // ---- Tasks.
  RunQueue& run_queue() { return run_queue_; }
  // A process that the world outside has started, with one thread (its leader) and an empty address
  // space; it leads a session and a group. kAgain: too many tasks; kNoMem:
  // AddressSpace::Create()'s.
  Result<Process*> TryCreateProcess();
  Process& CreateProcess();  // CHECK-fails instead.
  // One more thread of `process`, runnable, with an empty signal mask and its descriptors.
  Thread& CreateThread(Process& process);
  // clone(2): a thread or a process, which can run; its registers are the caller's to make. Errors,
  // in Linux's order: kInval (flags that contradict each other), kAgain (too many tasks), kNoMem.
  Result<Thread*> Clone(Thread& caller, const CloneRequest& request);
  // begin_new_exec(), setup_new_exec(): ends the caller's other threads, makes it the leader, and
  // replaces memory, actions and names. The old memory lives until ReleaseEnded().
  void Exec(Thread& thread, NewProgram program);
  // Zombies are among them.
  std::map<Tid, std::unique_ptr<Process>>& processes() { return processes_; }
  Process* FindProcess(Tid pid);
  Thread* FindThread(Tid tid);
  // Finds a leader that has ended, too, whose process has not been waited for: a zombie.
  Thread* FindTask(Tid tid);
  // How many processes have not ended.
  size_t living() const { return living_; }
  // Calls visit(process) for all that have not been waited for, in the order of pids.
  template <typename Visit>
  void ForEachInGroup(Tid group, Visit visit) {
    for (auto& [pid, process] : processes_) {
      if (process->group == group) visit(*process);
    }
  }
  // will_become_orphaned_pgrp(): nobody in the session, outside the group, is a parent in it.
  // `without`: as if that process were gone.
  bool IsOrphanedGroup(Tid group, const Process* without = nullptr);
  // What the thread's id means, for longer than it lives.
  std::shared_ptr<PidRecord> RecordOf(Thread& thread);
  // Inode numbers of anonymous objects (pipes, sockets), counted from 1.
  uint64_t NextInode() { return ++last_inode_; }

  // exit(2) of one thread: clears and wakes clear_child_tid. The last one ends the process.
  void EndThread(Thread& thread, int status);
  // exit_group(2) or death by a signal: ends waits, closes descriptors, drops threads and memory,
  // tells the parent, and hands the children on. A zombie keeps the ExitState. The Thread objects
  // and the AddressSpace live on, out of reach, until ReleaseEnded(): a handler may be using them.
  void EndProcess(Process& process, ExitState state);
  // release_task(): the zombie has been waited for, and is gone at the next ReleaseEnded().
  void Reap(Process& process);
  // Frees what ended tasks left. For the machine, between calls. `on_thread` sees each thread that
  // goes (for its registers), before the memory that it ran in goes.
  void ReleaseEnded(const std::function<void(Thread&)>& on_thread = nullptr);
  bool HasEnded() const { return !ended_.empty(); }
  // Whether there has ever been more than one task.
  bool has_cloned() const { return has_cloned_; }
  // The thread has computed for so long, by the clocks of its processor time; lets timers on them
  // happen. The machine's clock is the caller's to advance.
  void Compute(Thread& thread, Nanos span) {
    // Of the timers that expire meanwhile, too, the thread is the one that runs.
    current_ = &thread;
    thread.cpu_clock->Compute(span);
    thread.process().cpu_clock->Compute(span);
  }
  // How long the thread may compute until a timer on these clocks expires; kNanosMax: none will.
  static Nanos TimeToCpuDeadline(const Thread& thread) {
    return std::min(thread.cpu_clock->TimeToNextDeadline(),
                    thread.process().cpu_clock->TimeToNextDeadline());
  }

  // ---- Blocked calls.
  // Tries the thread's blocked call again and clears woken(). kAgain: it goes on waiting. Otherwise
  // the call has ended, the record is gone, and the value is the guest's.
  Result<int64_t> ResumeBlocked(Thread& thread);
  // The earliest deadline of all blocked calls and timers; kNanosMax: none. Wakes nobody. O(1).
  Nanos NextDeadline() const { return timers_.NextDeadline(); }

  // ---- Signals (kernel/signal.c).
  // Makes `info` pending unless it would be ignored, and wakes the thread that shall take it. A
  // process-wide one goes to the leader if that wants it, else to the next thread that does
  // (complete_signal()). SIGCONT lets a stopped process go on, whatever else it does. False: the
  // queue is full (real-time signals but kill(2)'s: EAGAIN).
  bool RaiseSignal(Process& process, const SignalInfo& info);
  bool RaiseSignal(Thread& thread, const SignalInfo& info);
  // The signal of a timer; one for a process goes to the thread that runs, if it is of that process
  // and wants it (posixtimer_get_target()). False: it was ignored.
  bool RaiseTimerSignal(Process& process, const SignalInfo& info);
  bool RaiseTimerSignal(Thread& thread, const SignalInfo& info);
  // kill_pgrp(): to all of a group, from the kernel itself.
  void SignalGroup(Tid group, int signal);
  // A fault of the thread's own making: delivered even if blocked or ignored (force_sig_info: the
  // action becomes default).
  void ForceSignal(Thread& thread, const SignalInfo& info);
  // The next signal that the thread must act on, taken from what is pending: the thread's own
  // before the process's.
  std::optional<SignalInfo> TakeSignal(Thread& thread);
  // dequeue_signal(): the next one outside `blocked`, whatever its action is. Timers whose signal
  // this is run again.
  std::optional<SignalInfo> DequeueSignal(Thread& thread, SignalSet blocked);
  // sigaction(2) has changed what `signal` does.
  void OnActionChanged(Process& process, int signal);
  // do_signal_stop(): the process stops, all of its threads, and its parent is told.
  void StopProcess(Process& process, int signal);

 private:
  friend class Thread;
  struct Ended {
    std::vector<std::unique_ptr<Thread>> threads;
    std::vector<Thread*> leaders;  // Those that stay as zombies.
    std::shared_ptr<memory::AddressSpace> memory;
    std::unique_ptr<Process> process;
  };
  // A free number for a task.
  Result<Tid> NewTid();
  Thread& AddThread(Process& process, Tid tid, std::shared_ptr<FdTable> fds,
                    std::shared_ptr<FsContext> fs);
  Result<Process*> CopyProcess(Thread& caller, const CloneRequest& request, Tid pid);
  // mm_release(), and what else a thread leaves behind.
  void LeaveMemory(Thread& thread);
  // It has ended; goes into `ended`, or stays as a zombie if it is the leader and not `replaced` by
  // one that executes.
  void RemoveThread(Thread& thread, Ended& ended, bool replaced = false);
  // exit_files(), exit_fs()
  void LeaveFiles(Thread& thread);
  // exit_notify(), do_notify_parent(): the parent is told of the end; nobody may want to know.
  void TellParentOfEnd(Process& process);
  // do_notify_parent_cldstop()
  void TellParentOfStop(Process& process, int code);
  // disassociate_ctty(), of a process that ends.
  void LeaveTerminal(Process& process);
  void Adopt(Process* parent, Process& child);
  void HandChildrenOn(Process& process);
  // kill_orphaned_pgrp(): a group with stopped processes that nobody could continue is hung up.
  void HangUpIfOrphaned(Process& process, Process* former_parent);
  void ContinueProcess(Process& process);
  // complete_signal(): for `first`, or if that does not want it and `or_another`, for another one.
  void ChooseAndWake(Thread& first, bool or_another, int signal);
  // retarget_shared_pending(): `which` of what pends at the process is not for `thread` any more.
  void Retarget(Thread& thread, SignalSet which);
  // What became of a signal; kPending: `pending` has it.
  enum class Raised { kIgnored, kPending, kQueueFull };
  // Forgets what pends of `signals`.
  static void Forget(Process& process, SignalSet signals);
  Raised Pend(Process& process, PendingSignals& pending, SignalSet mask, const SignalInfo& info);
  // `first`: of the process; who is asked first.
  Raised Raise(Process& process, Thread* first, const SignalInfo& info);
  Raised Raise(Thread& thread, const SignalInfo& info);

  Options options_;
  Clock clock_;
  TimerQueue timers_{&clock_};
  WaitQueue clock_changes_;
  RandomStream world_random_;
  Quota epoll_watches_;
  Quota inotify_instances_;
  Quota inotify_watches_;
  SignalCounts signal_counts_;
  std::unique_ptr<FutexTable> futexes_;
  std::shared_ptr<FileSystem> files_;
  std::map<const void*, std::shared_ptr<void>> parts_;  // Looked up only, never walked.
  Thread* current_ = nullptr;
  std::vector<Ended> ended_;
  std::map<Tid, std::unique_ptr<Process>> processes_;
  std::map<Tid, Thread*> threads_;
  RunQueue run_queue_;
  Quota tasks_;
  size_t living_ = 0;
  bool has_cloned_ = false;
  int32_t last_tid_ = 999;  // The first process is 1000.
  uint64_t last_inode_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_KERNEL_H_
