// SyscallAbi: the riscv64 Linux system-call ABI of one machine: what an ecall does, how a blocked
// call ends, how a signal reaches a handler, and the trace of all of it. The machine owns one and
// calls it from its loop:
//
//   engine stops with kEcall:           switch (abi.Enter(thread, cpu, &call)) ...
//   thread woken or deadline passed:    if (abi.Resume(thread, cpu, &call)) the thread runs on
//   before a thread runs, and where a blocked one HasSignalToTake():
//                                       abi.DeliverSignals(thread, cpu, &call)
//   engine stops with a fault:          abi.RaiseFault(thread, stop, cpu), then DeliverSignals
//
// `call` is what the machine keeps beside the registers of each thread; plain state, so that a
// machine can be cloned. Single-threaded. Must not outlive its Sink.
#ifndef POLLUX_SHIMS_SHIMS_H_
#define POLLUX_SHIMS_SHIMS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "abi/check.h"
#include "interp/engine/cpu.h"
#include "interp/engine/engine.h"
#include "os_emu/socket/inet/inet.h"
#include "os_emu/task/kernel.h"
#include "re2/re2.h"
#include "shims/faults.h"
#include "shims/syscall_table.h"
#include "shims/task_host.h"

namespace pollux::shims {

// Where text for humans goes; implemented by the machine's owner.
class Sink {
 public:
  virtual ~Sink() = default;
  // One line for stderr, without newline: "pollux: warning: unsupported system call fanotify_init
  // (262) returns ENOSYS".
  virtual void Report(std::string_view line) = 0;
  // One line of the trace, without newline and without "[pid N] "; or one record (TraceForm). Only
  // called if tracing is on.
  virtual void Trace(os_emu::Thread& thread, std::string_view line) = 0;
};

// What tracing gives.
enum class TraceForm : uint8_t {
  kNothing,
  kLines,  // As strace, for people.
  // Bytes, for a hash: no two that differ where lines would not. When a call enters, its thread,
  // its number, its arguments, and the contents of those that it reads, of buffers up to 64 KiB
  // where lines show 32 bytes; when it begins to wait, that; when it ends, its result and the
  // contents of what it fills. Signals and exits as their lines.
  kRecords,
};

// One argument in a line of the trace.
struct TracedArg {
  enum State {
    kText,
    kOmitted,
    kAtEnd
  };  // kAtEnd: the call fills it, so it is read when the call has ended.
  State state = kText;
  std::string text;
};

// A system call of one thread, from its ecall until its result is in a0.
struct Call {
  uint64_t number = 0;
  std::array<uint64_t, kMaxArgs> args{};
  uint64_t ecall_pc = 0;               // To begin it again (SA_RESTART).
  bool restarts = false;               // It has answered kRestartSys: see there.
  bool traced = false;                 // Its line is still to be printed.
  std::vector<TracedArg> traced_args;  // What the tracer saw when the call entered.
  // The line's beginning was printed when the call began to wait, with so many arguments.
  bool unfinished = false;
  size_t args_shown = 0;
  bool injected = false;  // A fault happened to it: as strace marks it.

  // As at first, for the next one.
  void Clear() {
    restarts = traced = unfinished = injected = false;
    traced_args.clear();
    args_shown = 0;
  }
};

enum class Next {
  kContinue,       // a0 holds the result, or rt_sigreturn replaced the registers.
  kYield,          // As kContinue, but another thread should have its turn (sched_yield).
  kBlocked,        // The thread is parked; Resume() goes on.
  kThreadExited,   // The Thread is gone from its process, which lives on.
  kProcessExited,  // process.exit says how. Thread and memory are valid until
                   // Kernel::ReleaseEnded().
};

class SyscallAbi final : private os_emu::TcpFaultSource {
 public:
  struct Options {
    Sink* sink = nullptr;       // Not owned; null: nobody listens.
    TaskHost* tasks = nullptr;  // Not owned; null only where no task is made or replaced.
    TraceForm trace = TraceForm::kNothing;
    // Which system calls are traced: those whose whole name it matches. Null: all. Signals and
    // exits are always traced.
    std::shared_ptr<const re2::RE2> trace_filter;
    // Not owned; null: no faults.
    FaultSource* fault_source = nullptr;
    FaultSelection faults;
  };
  explicit SyscallAbi(Options options) : options_(std::move(options)) {}
  SyscallAbi(const SyscallAbi&) = delete;
  SyscallAbi& operator=(const SyscallAbi&) = delete;

  // ---- System calls.
  // The thread executed an ecall: cpu.pc is behind it, the number in a7, the arguments in a0 to a5.
  Next Enter(os_emu::Thread& thread, interp::Cpu& cpu, Call* call);
  // The thread is blocked in `call` and was woken, or the deadline has passed. False: it goes on
  // waiting. True: a0 holds the result.
  bool Resume(os_emu::Thread& thread, interp::Cpu& cpu, Call* call);

  // ---- Signals.
  enum class Signals {
    kNone,           // Nothing changed; a blocked call goes on waiting.
    kHandler,        // The registers are those of a handler's start; a blocked call has ended.
    kStopped,        // The process is stopped: none of its threads can run.
    kProcessExited,  // As Next::kProcessExited.
  };
  // Acts on what is pending (kernel/signal.c get_signal(), arch/riscv/kernel/signal.c): until a
  // handler is to run or nothing is left. `call`: the thread's last call, looked at only if
  // thread.blocked().
  Signals DeliverSignals(os_emu::Thread& thread, interp::Cpu& cpu, Call* call);
  // The engine stopped with a fault, ebreak or illegal instruction: makes its signal pending,
  // delivered even if blocked.
  void RaiseFault(os_emu::Thread& thread, const interp::Stop& stop, const interp::Cpu& cpu);

  // The line of a process's end, for ends that the machine decides on: "+++ exited with 0 +++",
  // "+++ killed by SIGKILL +++".
  void TraceExit(os_emu::Thread& thread, const os_emu::ExitState& state);
  // The line of a call that is still blocked when tracing ends: "read(3,  <unfinished ...>". Also
  // for deadlock reports.
  std::string DescribeBlocked(os_emu::Thread& thread, const Call& call) const;

  // Whether the call with that number may be the first that a fault happens in.
  bool MayFail(uint64_t number) const { return options_.faults.MayBegin(number); }
  bool MayLoseReservation() const { return options_.faults.loses_reservations(); }

  // ---- For handlers.
  TaskHost& tasks() {
    POLLUX_CHECK(options_.tasks != nullptr) << "this machine makes no tasks";
    return *options_.tasks;
  }
  // Prints a line once: "pollux: warning: " + text.
  void WarnOnce(const std::string& text);
  // The registers were replaced (rt_sigreturn), or another thread should run.
  void ReplaceRegisters() { registers_replaced_ = true; }
  void Yield() { yield_ = true; }

 private:
  void Finish(os_emu::Thread& thread, interp::Cpu& cpu, Call* call, int64_t value);
  bool FaultHappens(os_emu::Thread& thread, const Call& call, FaultKind kind);
  // Of the call under way, each at most once.
  bool Happens(os_emu::TcpFault fault) override;
  os_emu::CallResult DispatchWithFaults(SyscallContext& context, os_emu::Thread& thread,
                                        Call* call);
  // `thread` has begun to wait.
  void MayEndWait(os_emu::Thread& thread, Call* call);
  void TraceEnter(os_emu::Thread& thread, Call* call);
  void TraceResult(os_emu::Thread& thread, Call* call, int64_t value);
  void TraceUnfinished(os_emu::Thread& thread, Call* call);
  void TraceInterrupted(os_emu::Thread& thread, Call* call, os_emu::OnSignal how);
  void TraceLine(os_emu::Thread& thread, std::string_view line);
  // Parts of a record: its beginning, arguments, and that it is whole.
  void BeginRecord(char what, os_emu::Thread& thread);
  void RecordArgs(const Call& call, int64_t result, bool at_end, os_emu::Thread& thread);
  void EndRecord(os_emu::Thread& thread);
  void InterruptBlocked(os_emu::Thread& thread, interp::Cpu& cpu, Call* call,
                        const os_emu::SignalAction& action);

  Options options_;
  std::set<std::string> warned_;
  // The call that TCP's faults may happen in, and those that were asked for. Null: in none.
  os_emu::Thread* tcp_thread_ = nullptr;
  Call* tcp_call_ = nullptr;
  FaultSet tcp_asked_ = 0;
  bool registers_replaced_ = false;  // By the call under way.
  bool yield_ = false;
  std::string record_;  // Under way; kept for its memory.
};

// Calls the row's handler, or the one for numbers without a row. The machine uses
// SyscallAbi::Enter.
os_emu::CallResult Dispatch(SyscallContext& context);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SHIMS_H_
