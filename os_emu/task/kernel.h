// Kernel: one machine's emulated Linux. Process and Thread: its tasks.
//
// The Kernel owns processes, the file system, the clock and the world's random stream. It knows
// nothing of instructions: the registers of a thread belong to the machine, which finds them by
// Thread::tid().
//
// The machine's loop over one thread:
//   a call answers a CallResult; where it is blocked, thread.Block(record);
//   where thread.blocked() and (thread.woken() or its deadline has passed):
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
#include "os_emu/task/random.h"
#include "os_emu/task/signal.h"
#include "os_emu/time/clock.h"

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
  Thread(Process& process, Tid tid) : process_(process), tid_(tid) {}

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
  // Ends the wait: leaves all queues and returns the record (the caller lets it go after use).
  std::unique_ptr<BlockedCall> Unblock();
  // A signal is pending here or at the process and signal_mask lets it through (signal_pending()).
  bool HasSignalToTake() const;

  // ---- Signals and what exit must do.
  SignalSet signal_mask = 0;
  std::optional<SignalSet>
      saved_mask;          // Of pwait-like calls; restored when the call ends without a handler.
  PendingSignals pending;  // Directed at this thread.
  AltStack alt_stack;
  GuestAddr clear_child_tid;   // set_tid_address(2)
  GuestAddr robust_list_head;  // set_robust_list(2)
  uint64_t robust_list_length = 0;
  std::string name;  // PR_SET_NAME, at most 15 bytes.

 private:
  Process& process_;
  Tid tid_;
  std::unique_ptr<BlockedCall> blocked_;
  bool woken_ = false;
};

class Process {
 public:
  Process(Kernel& kernel, Tid pid) : kernel_(kernel), pid_(pid) {}

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
  uint32_t umask = 022;
  uint32_t dumpable = 1;               // PR_SET_DUMPABLE
  bool no_new_privs = false;           // PR_SET_NO_NEW_PRIVS
  uint32_t membarrier_registered = 0;  // MEMBARRIER_CMD_REGISTER_* that were made.
  Credentials credentials;
  std::array<Rlimit, kRlimits> rlimits;
  std::array<SignalAction, kSignals + 1> actions;  // By signal number.
  PendingSignals pending;                          // Directed at the process.
  Tid parent{0};
  GuestAddr signal_trampoline;  // Code that calls rt_sigreturn: the return address of a handler.
  std::map<Tid, std::unique_ptr<Thread>> threads;  // Ascending tids.
  std::optional<ExitState> exit;                   // Set once the process has ended.

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
  RandomStream& world_random() { return world_random_; }
  // The machine gives the file system once, before the first process: vfs/ is built upon this
  // folder.
  void SetFiles(std::shared_ptr<FileSystem> files) { files_ = std::move(files); }
  FileSystem& files() {
    POLLUX_CHECK(files_ != nullptr) << "SetFiles() comes first";
    return *files_;
  }
  FutexTable& futexes() { return futexes_; }
  // Interests in epoll instances: fs.epoll.max_user_watches.
  Quota& epoll_watches() { return epoll_watches_; }
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
  void ReleaseEnded() { ended_.clear(); }

  // ---- Blocked calls.
  // Tries the thread's blocked call again and clears woken(). kAgain: it goes on waiting. Otherwise
  // the call has ended, the record is gone, and the value is the guest's.
  Result<int64_t> ResumeBlocked(Thread& thread);
  // The earliest deadline of all blocked calls; kNanosMax: none. Wakes nobody.
  Nanos NextDeadline() const;

  // ---- Signals (kernel/signal.c).
  // Makes `info` pending unless it would be ignored, and wakes the thread that shall take it. A
  // process-wide one goes to the leader if that lets it through, else to the thread with the lowest
  // tid that does. False: the queue is full (real-time signals only, EAGAIN of rt_sigqueueinfo).
  bool RaiseSignal(Process& process, const SignalInfo& info);
  bool RaiseSignal(Thread& thread, const SignalInfo& info);
  // A fault of the thread's own making: delivered even if blocked or ignored (force_sig_info: the
  // action becomes default).
  void ForceSignal(Thread& thread, const SignalInfo& info);
  // The next signal that the thread must act on, taken from what is pending: the thread's own
  // before the process's.
  std::optional<SignalInfo> TakeSignal(Thread& thread);

 private:
  struct Ended {
    std::vector<std::unique_ptr<Thread>> threads;
    std::unique_ptr<memory::AddressSpace> memory;
  };
  // Whether the signal pends; then `pending` has it.
  enum class Raised { kIgnored, kPending, kQueueFull };
  Raised Pend(Process& process, PendingSignals& pending, SignalSet mask, const SignalInfo& info);

  Options options_;
  Clock clock_;
  RandomStream world_random_;
  Quota epoll_watches_;
  FutexTable futexes_;
  std::shared_ptr<FileSystem> files_;
  std::vector<Ended> ended_;
  std::map<Tid, std::unique_ptr<Process>> processes_;
  int32_t last_tid_ = 999;  // The first process is 1000.
  uint64_t last_inode_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_KERNEL_H_
