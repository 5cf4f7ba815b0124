// Thread: one task of a process: what it waits for, which signals it takes, which descriptors it
// sees (Linux's task_struct).
//
// Registers are not here: they belong to the machine. Owned by its Process.
#ifndef POLLUX_OS_EMU_TASK_THREAD_H_
#define POLLUX_OS_EMU_TASK_THREAD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/types.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/cpu_clock.h"
#include "os_emu/task/credentials.h"
#include "os_emu/task/pid_record.h"
#include "os_emu/task/release_wait.h"
#include "os_emu/task/scheduling.h"
#include "os_emu/task/signal.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class Process;

// Where paths begin, and what new files may not have (Linux's fs_struct).
struct FsContext {
  std::string cwd = "/";  // Where the process starts: absolute, normalised.
  // The working directory, open, so that it follows renames; empty: the one that `cwd` names
  // (vfs/process_caller.h).
  DescriptionRef working_directory;
  uint32_t umask = 022;
};

class Thread {
 public:
  // `fds`, `fs`: shared with the tasks that were made with CLONE_FILES, CLONE_FS.
  Thread(Process& process, Tid tid, std::shared_ptr<FdTable> fds, std::shared_ptr<FsContext> fs);
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  Process& process() const { return process_; }
  Tid tid() const { return tid_; }
  // Whether it is the one whose tid is the process's pid.
  bool IsLeader() const;
  // Each thread has its own: system calls change the caller's alone, and it is the C library that
  // has all threads make them.
  Credentials& credentials();
  const Credentials& credentials() const { return const_cast<Thread&>(*this).credentials(); }

  FdTable& fds() const { return *fds_; }
  const std::shared_ptr<FdTable>& shared_fds() const { return fds_; }
  // unshare(CLONE_FILES), execve(2): a table of its own, with the same descriptions.
  void UnshareFds();
  FsContext& fs() const { return *fs_; }
  const std::shared_ptr<FsContext>& shared_fs() const { return fs_; }
  // unshare(CLONE_FS)
  void UnshareFs();

  // ---- Blocking. A thread can run unless its process is stopped or it has a blocked call that
  // nothing has woken yet; then it is in the kernel's RunQueue.
  bool runnable() const { return runnable_; }
  bool blocked() const { return blocked_ != nullptr; }
  BlockedCall* blocked_call() { return blocked_.get(); }
  bool woken() const { return woken_; }
  void Wake();
  // Its blocked call is tried again, and what wakes it from now on is another wake-up. Whether it
  // can run is not decided before UpdateRunnable() or Unblock().
  void BeginResume() { woken_ = false; }
  // Parks the thread in `call`.
  void Block(std::unique_ptr<BlockedCall> call);
  // The blocked call's deadline may be another one (task/calls.cc, limit_restarts).
  void ArmDeadline();
  // Ends the wait: leaves all queues and returns the record (the caller lets it go after use).
  std::unique_ptr<BlockedCall> Unblock();
  // Its process was stopped or goes on, or the thread is to end: in or out of the RunQueue.
  void UpdateRunnable();
  // Out of the RunQueue for good: it has ended.
  void Retire();
  bool ended() const { return retired_; }

  // What its call has to wait for before it returns (AwaitBeforeReturn()).
  std::vector<std::unique_ptr<ReleaseWait>> release_waits;

  // What a handler has interrupted and restart_syscall(2) goes on with, until a handler returns or
  // another sleep begins; null: nothing.
  std::unique_ptr<BlockedCall> restart_block;

  // ---- Signals.
  SignalSet signal_mask() const { return signal_mask_; }
  // set_current_blocked(): what pends at the process and is blocked here now goes to another
  // thread. SIGKILL and SIGSTOP are never blocked.
  void SetSignalMask(SignalSet mask);
  // TIF_SIGPENDING: the thread is to look for signals before it goes on, as it was chosen to take
  // one, or found one when its mask changed. A call that only a fatal signal may interrupt hides
  // others.
  bool HasSignalToTake() const { return signal_pending_ && TakesSignalNow(); }
  // signal_wake_up(): a signal is for this thread; ends its wait.
  void NoteSignal();
  // recalc_sigpending()
  void RecalculateSignals();
  // Whether a signal is pending, here or at the process, that the mask lets through.
  bool AnySignalPends() const;

  // While rt_sigtimedwait(2) has opened the mask: the mask that is to come back. What is in it is
  // kept even where its action ignores it (task_struct::real_blocked).
  SignalSet real_blocked = 0;
  // Of pwait-like calls; restored when the call ends without a handler.
  std::optional<SignalSet> saved_mask;
  PendingSignals pending;  // Directed at this thread.
  AltStack alt_stack;
  // The process was stopped and went on while this thread was in a call that a signal ends
  // (OnSignal::kEintr), or that begins again then (kRestart).
  bool interrupted_by_stop = false;

  // ---- What its end must do, and what others see.
  GuestAddr clear_child_tid;                  // set_tid_address(2)
  GuestAddr robust_list_head;                 // set_robust_list(2)
  Scheduling scheduling;                      // sched_setscheduler(2), setpriority(2)
  std::string name;                           // PR_SET_NAME, at most 15 bytes.
  const std::shared_ptr<CpuClock> cpu_clock;  // CLOCK_THREAD_CPUTIME_ID
  Nanos began{0};                             // In CLOCK_BOOTTIME (task_struct::start_boottime).
  uint64_t affinity =
      ~uint64_t{0};             // sched_setaffinity(2): a bit a processor; kept, without effect.
  int parent_death_signal = 0;  // PR_SET_PDEATHSIG
  std::shared_ptr<PidRecord> pid_record;  // Null until a pidfd asks: Kernel::RecordOf().

 private:
  friend class Kernel;

  // Wakes the thread at its blocked call's deadline.
  class DeadlineTimer final : public Timer {
   public:
    DeadlineTimer(TimerQueue& queue, Thread& thread) : Timer(queue), thread_(thread) {}

   private:
    void OnExpire() override { thread_.Wake(); }
    Thread& thread_;
  };

  // Of one that has a signal pending.
  bool TakesSignalNow() const;

  Process& process_;
  Tid tid_;  // Changes where another thread than the leader executes a program.
  std::shared_ptr<FdTable> fds_;
  std::shared_ptr<FsContext> fs_;
  Credentials own_credentials_;  // The leader's are its process's.
  std::unique_ptr<BlockedCall> blocked_;
  DeadlineTimer deadline_timer_;
  SignalSet signal_mask_ = 0;
  bool signal_pending_ = false;
  bool woken_ = false;
  bool runnable_ = false;
  bool retired_ = false;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_THREAD_H_
