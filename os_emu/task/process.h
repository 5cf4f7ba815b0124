// Process: one thread group: memory, threads, its place in the family, its signal actions (Linux's
// signal_struct and sighand_struct).
//
// Owned by the Kernel. One that has ended stays as a zombie until its parent has waited for it.
#ifndef POLLUX_OS_EMU_TASK_PROCESS_H_
#define POLLUX_OS_EMU_TASK_PROCESS_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/types.h"
#include "memory/address_space.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/task/controlling_terminal.h"
#include "os_emu/task/cpu_clock.h"
#include "os_emu/task/cpu_limit.h"
#include "os_emu/task/credentials.h"
#include "os_emu/task/interval_timer.h"
#include "os_emu/task/pid_record.h"
#include "os_emu/task/posix_timer.h"
#include "os_emu/task/signal.h"
#include "os_emu/task/thread.h"

namespace pollux::os_emu {

class Kernel;

// RLIMIT_* of getrlimit(2): asm-generic/resource.h has 16.
inline constexpr int kRlimits = 16;
inline constexpr int kRlimitCpu = 0, kRlimitFileSize = 1, kRlimitData = 2, kRlimitStack = 3,
                     kRlimitCore = 4, kRlimitResidentSet = 5, kRlimitNumberOfProcesses = 6,
                     kRlimitNumberOfFiles = 7, kRlimitLockedMemory = 8, kRlimitAddressSpace = 9,
                     kRlimitPendingSignals = 11, kRlimitNice = 13, kRlimitRealTimePriority = 14,
                     kRlimitRealTime = 15;
struct Rlimit {
  uint64_t soft = UINT64_MAX;  // RLIM_INFINITY
  uint64_t hard = UINT64_MAX;
};

// Times of children are told in clock ticks of 10 ms (USER_HZ).
inline constexpr int64_t kNanosPerTick = 10'000'000;

// How a process ended: exit(2)'s status or the signal.
struct ExitState {
  int status = 0;  // Low 8 bits of exit_group's argument.
  int signal = 0;  // 0: exited.
  bool core_dumped = false;
};

// What fork(2) hands down, member by member as it is.
struct Inheritance {
  std::string executable;  // Absolute guest path: /proc/self/exe.
  // While it lives nobody may write the executable's file (mm_struct::exe_file).
  std::shared_ptr<void> executable_use;
  std::vector<std::string> command_line;
  std::vector<std::string> environment;
  std::vector<uint64_t> auxiliary_vector;  // As the program found it, with the AT_NULL pair.
  uint32_t dumpable = 1;                   // PR_SET_DUMPABLE
  uint32_t core_dump_filter = 0x33;        // /proc/PID/coredump_filter: bits of core(5)
  uint32_t membarrier_registered = 0;      // MEMBARRIER_CMD_REGISTER_* that were made.
  // The leader's, by which others know the process; those of a thread are Thread::credentials().
  Credentials credentials;
  std::array<Rlimit, kRlimits> rlimits;
  std::array<SignalAction, kSignals + 1> actions;  // By signal number.
  GuestAddr signal_trampoline;  // Code that calls rt_sigreturn: the return address of a handler.
  Tid group{0};                 // Process group: the pid of who made it.
  std::shared_ptr<PidRecord> group_record;  // Whose number it is: the same for all of a group.
  Tid session{0};
  std::shared_ptr<ControllingTerminal> terminal;  // Null: none.
};

class Process : public Inheritance {
 public:
  Process(Kernel& kernel, Tid pid);
  ~Process();

  Kernel& kernel() const { return kernel_; }
  Tid pid() const { return pid_; }

  // Null once the process has ended. Shared by tasks that were made with CLONE_VM.
  std::shared_ptr<memory::AddressSpace> memory;
  // The descriptors that others see of it: the leader's, or those of its oldest thread. It has not
  // ended.
  FdTable& fds() const;
  // The leader, or the oldest thread after its end. Null: the process has ended.
  Thread* first_thread() const { return threads.empty() ? nullptr : threads.begin()->second.get(); }

  // ---- The family (kernel/fork.c, kernel/exit.c).
  // Null: the world outside, which takes in orphans and forgets them when they end.
  Process* parent = nullptr;
  Tid forked_by{0};  // The thread of the parent that made it; 0: the parent is another one now.
  // Started by the world outside, which wants to know how it ended.
  bool awaited_outside = false;
  std::vector<Process*> children;         // In the order in which they came.
  int exit_signal = kSigChld;             // What the parent gets at its end; 0: nothing.
  bool is_child_subreaper = false;        // PR_SET_CHILD_SUBREAPER
  bool has_executed = false;              // Since fork(2): setpgid(2) of the parent is too late.
  WaitQueue child_events;                 // Notified with 0 where wait4(2) should look again.
  WaitQueue memory_released;              // Notified when it ended or executed: vfork(2)'s parent.
  bool shares_memory_until_exec = false;  // Made with CLONE_VFORK, and still in that memory.
  bool LeadsSession() const { return session == pid_; }
  // setpgid(2), setsid(2): a group of its own, or that of `member`.
  void LeadGroup() {
    group = pid_;
    group_record = pid_record;
  }
  void JoinGroup(const Process& member) {
    group = member.group;
    group_record = member.group_record;
  }
  // Of a leader whose terminal has hung up: who was in front, and hears of the leader's end
  // (signal_struct::tty_old_pgrp).
  Tid former_foreground{0};
  // The signal that stopped it; 0: it is not stopped.
  int stop_signal = 0;
  // What wait4(2) has still to be told.
  bool stop_unreported = false;
  bool continue_unreported = false;

  // ---- Signals and timers.
  PendingSignals pending;  // Directed at the process.
  // Notified with 0 whenever a signal becomes pending here or at a thread, blocked or not: where
  // signalfd(2) waits (sighand_struct::signalfd_wqh).
  WaitQueue signal_queue;
  // Of all its threads, ended ones too: CLOCK_PROCESS_CPUTIME_ID.
  const std::shared_ptr<CpuClock> cpu_clock;
  IntervalTimer real_timer;                               // ITIMER_REAL
  CpuIntervalTimer virtual_timer, profiling_timer;        // ITIMER_VIRTUAL, ITIMER_PROF
  CpuLimit cpu_limit;                                     // RLIMIT_CPU
  std::map<int32_t, std::shared_ptr<PosixTimer>> timers;  // timer_create(2), by id.
  int32_t next_timer_id = 0;

  // ---- Threads and the end.
  std::map<Tid, std::unique_ptr<Thread>> threads;  // Ascending tids.
  std::optional<ExitState> exit;                   // Set once the process has ended.
  // The leader after its end: a zombie, in no list, until the process is gone.
  std::unique_ptr<Thread> ended_leader;
  std::shared_ptr<PidRecord> pid_record;  // Never null.
  Nanos children_cpu_time{0};             // Of children that were waited for.
  // Minor faults (ru_minflt): those of its memory since it came to it, and of what it had before.
  uint64_t minor_faults() const;
  uint64_t children_minor_faults = 0;  // Of children that were waited for.

  bool stopped() const { return stop_signal != 0; }
  // getppid(2): init's 1 where that is outside.
  Tid parent_pid() const { return parent != nullptr ? parent->pid() : Tid{1}; }
  // What happens to `signal` if it is delivered now: false for SIG_IGN and for a default action
  // that ignores it.
  bool WouldAct(int signal) const;
  // sig_fatal(): delivering it now ends the process.
  bool IsFatal(int signal) const;

 private:
  friend class Kernel;
  Kernel& kernel_;
  Tid pid_;
  Tid last_signalled_{0};  // signal_struct::curr_target
  uint64_t earlier_minor_faults_ = 0;
  uint64_t brought_in_before_ = 0;  // memory->pages_brought_in() when it came to that.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_PROCESS_H_
