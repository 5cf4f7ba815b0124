// Kernel: one machine's emulated Linux. Process and Thread: its tasks.
//
// The Kernel owns processes, the file system, the clock and the world's random stream. It knows
// nothing of instructions: the registers of a thread belong to the machine, which finds them by
// Thread::tid().
//
// The machine's loop over one thread:
//   a call answers a CallResult; where it is blocked, thread.Block(record);
//   where thread.blocked() and thread.woken() (a deadline that has passed wakes, too):
//   kernel.ResumeBlocked(thread); where a thread that stays blocked HasSignalToTake():
//   kernel.TakeSignal() and, if a handler runs, record->Interrupt().
#ifndef POLLUX_OS_EMU_TASK_KERNEL_H_
#define POLLUX_OS_EMU_TASK_KERNEL_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "abi/types.h"
#include "absl/status/statusor.h"
#include "memory/address_space.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/file/quota.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/interval_timer.h"
#include "os_emu/task/pid_record.h"
#include "os_emu/task/posix_timer.h"
#include "os_emu/task/random.h"
#include "os_emu/task/signal.h"
#include "os_emu/time/clock.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class Kernel;
class Process;
class FileSystem;  // os_emu/vfs/file_system.h

// RLIMIT_* of getrlimit(2): asm-generic/resource.h has 16.
inline constexpr int kRlimits = 16;
struct Rlimit {
  uint64_t soft = UINT64_MAX;  // RLIM_INFINITY
  uint64_t hard = UINT64_MAX;
};

struct Credentials {
  uint32_t uid = 1000, euid = 1000, suid = 1000, fsuid = 1000;
  uint32_t gid = 1000, egid = 1000, sgid = 1000, fsgid = 1000;
};

// How a process ended: exit(2)'s status or the signal.
struct ExitState {
  int status = 0;  // Low 8 bits of exit_group's argument.
  int signal = 0;  // 0: exited.
};

class Thread {
 public:
  Thread(Process& process, Tid tid);
  ~Thread();

  Process& process() { return process_; }
  Tid tid() const { return tid_; }

  // ---- Blocking. A thread is runnable unless it has a blocked call that nothing has woken yet.
  bool blocked() const { return blocked_ != nullptr; }
  BlockedCall* blocked_call() { return blocked_.get(); }
  bool woken() const { return woken_; }
  void Wake() { woken_ = true; }
  void ClearWoken() { woken_ = false; }
  // Parks the thread in `call`.
  void Block(std::unique_ptr<BlockedCall> call);
  // The blocked call's deadline may be another one (task/calls.cc, limit_restarts).
  void ArmDeadline();
  // Ends the wait: leaves all queues and returns the record (the caller lets it go after use).
  std::unique_ptr<BlockedCall> Unblock();
  // A signal is pending here or at the process and signal_mask lets it through (signal_pending()).
  bool HasSignalToTake() const;

  // ---- Signals and what exit must do.
  SignalSet signal_mask = 0;
  // While rt_sigtimedwait(2) has opened the mask: the mask that is to come back. What is in it is
  // kept even where its action ignores it (task_struct::real_blocked).
  SignalSet real_blocked = 0;
  std::optional<SignalSet>
      saved_mask;          // Of pwait-like calls; restored when the call ends without a handler.
  PendingSignals pending;  // Directed at this thread.
  AltStack alt_stack;
  GuestAddr clear_child_tid;   // set_tid_address(2)
  GuestAddr robust_list_head;  // set_robust_list(2)
  uint64_t robust_list_length = 0;
  std::string name;                       // PR_SET_NAME, at most 15 bytes.
  std::shared_ptr<PidRecord> pid_record;  // Null until a pidfd asks: Kernel::RecordOf().

 private:
  // Wakes the thread at its blocked call's deadline.
  class DeadlineTimer final : public Timer {
   public:
    DeadlineTimer(TimerQueue& queue, Thread& thread) : Timer(queue), thread_(thread) {}

   private:
    void OnExpire() override { thread_.Wake(); }
    Thread& thread_;
  };

  Process& process_;
  Tid tid_;
  std::unique_ptr<BlockedCall> blocked_;
  DeadlineTimer deadline_timer_;
  bool woken_ = false;
};

class Process {
 public:
  Process(Kernel& kernel, Tid pid);
  ~Process();

  Kernel& kernel() { return kernel_; }
  Tid pid() const { return pid_; }

  std::unique_ptr<memory::AddressSpace> memory;
  FdTable fds;
  std::string cwd = "/";  // Where the process starts: absolute, normalised.
  // The working directory, open, so that it follows renames; empty: the one that `cwd` names
  // (vfs/process_caller.h).
  DescriptionRef working_directory;
  std::string executable;  // Absolute guest path: /proc/self/exe.
  std::vector<std::string> command_line;
  std::vector<std::string> environment;
  std::vector<uint64_t> auxiliary_vector;  // As the program found it, with the AT_NULL pair.
  uint32_t umask = 022;
  uint32_t dumpable = 1;               // PR_SET_DUMPABLE
  bool no_new_privs = false;           // PR_SET_NO_NEW_PRIVS
  uint32_t membarrier_registered = 0;  // MEMBARRIER_CMD_REGISTER_* that were made.
  Credentials credentials;
  std::array<Rlimit, kRlimits> rlimits;
  std::array<SignalAction, kSignals + 1> actions;  // By signal number.
  PendingSignals pending;                          // Directed at the process.
  // Notified with 0 whenever a signal becomes pending here or at a thread, blocked or not: where
  // signalfd(2) waits (sighand_struct::signalfd_wqh).
  WaitQueue signal_queue;
  IntervalTimer real_timer;                               // ITIMER_REAL
  std::map<int32_t, std::shared_ptr<PosixTimer>> timers;  // timer_create(2), by id.
  int32_t next_timer_id = 0;
  Tid parent{0};
  GuestAddr signal_trampoline;  // Code that calls rt_sigreturn: the return address of a handler.
  std::map<Tid, std::unique_ptr<Thread>> threads;  // Ascending tids.
  std::optional<ExitState> exit;                   // Set once the process has ended.
  std::shared_ptr<PidRecord> pid_record;           // Never null.

  // What happens to `signal` if it is delivered now: false for SIG_IGN and for a default action
  // that ignores it.
  bool WouldAct(int signal) const;

 private:
  Kernel& kernel_;
  Tid pid_;
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
  // Timers of timer_create(2) in all processes.
  Quota& posix_timers() { return posix_timers_; }
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
  FutexTable& futexes() { return futexes_; }
  // Interests in epoll instances: fs.epoll.max_user_watches.
  Quota& epoll_watches() { return epoll_watches_; }
  // fs.inotify.max_user_instances and fs.inotify.max_user_watches.
  Quota& inotify_instances() { return inotify_instances_; }
  Quota& inotify_watches() { return inotify_watches_; }
  memory::MemoryBudget& budget() { return options_.budget; }
  const Options& options() const { return options_; }

  // A new process with one thread (its leader) and an empty address space. Fails where the host
  // refuses the memory.
  absl::StatusOr<Process*> TryCreateProcess();
  Process& CreateProcess();  // CHECK-fails instead.
  // One more thread of `process`, runnable, with an empty signal mask.
  Thread& CreateThread(Process& process);
  std::map<Tid, std::unique_ptr<Process>>& processes() { return processes_; }
  Process* FindProcess(Tid pid);
  Thread* FindThread(Tid tid);
  // What the thread's id means, for longer than it lives.
  std::shared_ptr<PidRecord> RecordOf(Thread& thread);
  // Inode numbers of anonymous objects (pipes, sockets), counted from 1.
  uint64_t NextInode() { return ++last_inode_; }

  // exit(2) of one thread: clears and wakes clear_child_tid. The last one ends the process with
  // `status`.
  void EndThread(Thread& thread, int status);
  // exit_group(2) or death by a signal: ends waits, closes descriptors, drops threads and memory,
  // keeps the ExitState. The Thread objects and the AddressSpace live on, out of reach, until
  // ReleaseEnded(): a handler may be using them.
  void EndProcess(Process& process, ExitState state);
  // Frees what ended processes and threads left. For the machine, between calls.
  void ReleaseEnded() {
    if (!ended_.empty()) current_ = nullptr;
    ended_.clear();
  }

  // ---- Blocked calls.
  // Tries the thread's blocked call again and clears woken(). kAgain: it goes on waiting. Otherwise
  // the call has ended, the record is gone, and the value is the guest's.
  Result<int64_t> ResumeBlocked(Thread& thread);
  // The earliest deadline of all blocked calls and timers; kNanosMax: none. Wakes nobody. O(1).
  Nanos NextDeadline() const { return timers_.NextDeadline(); }

  // ---- Signals (kernel/signal.c).
  // Makes `info` pending unless it would be ignored, and wakes the thread that shall take it. A
  // process-wide one goes to the leader if that lets it through, else to the thread with the lowest
  // tid that does. False: the queue is full (real-time signals only, EAGAIN of rt_sigqueueinfo).
  bool RaiseSignal(Process& process, const SignalInfo& info);
  bool RaiseSignal(Thread& thread, const SignalInfo& info);
  // The signal of a timer. False: it was ignored.
  bool RaiseTimerSignal(Process& process, const SignalInfo& info);
  bool RaiseTimerSignal(Thread& thread, const SignalInfo& info);
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

 private:
  struct Ended {
    std::vector<std::unique_ptr<Thread>> threads;
    std::unique_ptr<memory::AddressSpace> memory;
  };
  // What became of a signal; kPending: `pending` has it.
  enum class Raised { kIgnored, kPending, kQueueFull };
  // Forgets what pends of `signals`.
  static void Forget(Process& process, SignalSet signals);
  Raised Pend(Process& process, PendingSignals& pending, SignalSet mask, const SignalInfo& info);
  Raised Raise(Process& process, const SignalInfo& info);
  Raised Raise(Thread& thread, const SignalInfo& info);

  Options options_;
  Clock clock_;
  TimerQueue timers_{&clock_};
  WaitQueue clock_changes_;
  RandomStream world_random_;
  Quota epoll_watches_;
  Quota inotify_instances_;
  Quota inotify_watches_;
  Quota posix_timers_;
  FutexTable futexes_;
  std::shared_ptr<FileSystem> files_;
  std::map<const void*, std::shared_ptr<void>> parts_;  // Looked up only, never walked.
  Thread* current_ = nullptr;
  std::vector<Ended> ended_;
  std::map<Tid, std::unique_ptr<Process>> processes_;
  int32_t last_tid_ = 999;  // The first process is 1000.
  uint64_t last_inode_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_KERNEL_H_
