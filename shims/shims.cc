#include "shims/shims.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "memory/arena.h"
#include "os_emu/task/release_wait.h"
#include "shims/arg_printing.h"
#include "shims/arg_types.h"
#include "shims/context.h"
#include "shims/core_dump.h"
#include "shims/flag_names.h"
#include "shims/handlers.h"
#include "shims/signal_frame.h"

namespace pollux::shims {
namespace {

// strace's default: the result stands in column 40 or where the call ends.
constexpr size_t kResultColumn = 40;

constexpr int64_t ErrorValue(Errno error) { return -static_cast<int64_t>(error); }
constexpr bool IsError(int64_t value) { return value < 0 && value >= -4095; }

std::string ErrorText(int64_t value) {
  const Errno error = static_cast<Errno>(-value);
  return absl::StrFormat("-1 %s (%s)", std::string(ErrnoName(error)),
                         std::string(ErrnoText(error)));
}

std::string ResultText(const SyscallRow* row, const PrintView& view) {
  const int64_t value = view.result;
  if (row == nullptr) return IsError(value) ? ErrorText(value) : absl::StrFormat("%d", value);
  if (row->returns == ReturnType::kNever) return "?";
  // brk(2) never fails, whatever the number looks like; rt_sigreturn gives back what was in a0.
  if (IsError(value) && row->number != 214) return ErrorText(value);
  switch (row->returns) {
    case ReturnType::kAddress:
      return value == 0 ? "0" : absl::StrFormat("%#x", value);
    case ReturnType::kOctal:
      return value == 0 ? "000" : absl::StrFormat("%#03o", value);
    case ReturnType::kTimeout:
      return absl::StrFormat("%d%s", value, ReadyText(view, *row));
    case ReturnType::kFcntl:
      switch (static_cast<uint32_t>(view.args[1])) {
        case 1:
          return value == 0 ? "0"
                            : absl::StrFormat("%#x (flags %s)", value, FlagText(kFdFlags, value));
        case 3:
          return absl::StrFormat("%s (flags %s)", value == 0 ? "0" : absl::StrFormat("%#x", value),
                                 FlagText(kOpenFlags, value));
        case 1034:
          return value == 0 ? "0"
                            : absl::StrFormat("%#x (seals %s)", value, FlagText(kSeals, value));
        default:
          return absl::StrFormat("%d", value);
      }
    case ReturnType::kFlags:
      if (view.args[0] != 0 || value == 0) return absl::StrFormat("%d", value);
      return absl::StrFormat("%#x (%s)", value, FlagText(*row->return_flags, value));
    case ReturnType::kSignal:
      return value == 0 ? "0"
                        : absl::StrFormat("%d (%s)", value, SignalText(static_cast<int>(value)));
    case ReturnType::kEnum:
      return absl::StrFormat("%d (%s)", value, FlagText(*row->return_flags, value));
    case ReturnType::kInt:
    case ReturnType::kNever:
      break;
  }
  return absl::StrFormat("%d", value);
}

// The line up to and including the parenthesis. Where its beginning was printed when the call
// began to wait, only the rest.
std::string CallText(const Call& call, bool closed) {
  std::vector<std::string> shown;
  for (size_t i = closed ? call.args_shown : 0; i < call.traced_args.size(); ++i) {
    const TracedArg& arg = call.traced_args[i];
    if (arg.state == TracedArg::kText) shown.push_back(arg.text);
    if (arg.state == TracedArg::kAtEnd && !closed) {
      shown.emplace_back();  // From here on it is not known yet.
      break;
    }
  }
  const std::string begin = closed && call.unfinished
                                ? "<... " + SyscallName(call.number) + " resumed>"
                                : SyscallName(call.number) + "(";
  return begin + absl::StrJoin(shown, ", ") + (closed ? ")" : "");
}

// How many arguments a line shows that ends before the first that the call fills.
size_t ArgsBefore(const Call& call) {
  size_t count = 0;
  while (count < call.traced_args.size() && call.traced_args[count].state != TracedArg::kAtEnd)
    ++count;
  return count;
}

// "read(3, "x", 1)    = 1": the result stands in its column or behind the call.
std::string WithResult(std::string call, const std::string& result) {
  call += ' ';
  if (call.size() < kResultColumn) call.resize(kResultColumn, ' ');
  return call + "= " + result;
}

// What TCP may meet in a call.
constexpr FaultSet kTcpFaults = FaultBit(FaultKind::kLateArrival) |
                                FaultBit(FaultKind::kSplitArrival) |
                                FaultBit(FaultKind::kSmallWindow) | FaultBit(FaultKind::kReset);

FaultKind KindOf(os_emu::TcpFault fault) {
  switch (fault) {
    case os_emu::TcpFault::kLateArrival:
      return FaultKind::kLateArrival;
    case os_emu::TcpFault::kSplitArrival:
      return FaultKind::kSplitArrival;
    case os_emu::TcpFault::kSmallWindow:
      return FaultKind::kSmallWindow;
    case os_emu::TcpFault::kReset:
      return FaultKind::kReset;
  }
  POLLUX_CHECK(false) << "no fault of TCP";
  return FaultKind::kReset;
}

// restore_saved_sigmask(): of a call with a mask of its own.
void RestoreSignalMask(os_emu::Thread& thread) {
  if (!thread.saved_mask.has_value()) return;
  thread.SetSignalMask(*thread.saved_mask);
  thread.saved_mask.reset();
}

}  // namespace

// ---- Dispatch

os_emu::CallResult Dispatch(SyscallContext& context) {
  const SyscallRow* row = FindSyscall(context.call().number);
  return row != nullptr ? row->handler(context) : SysUnsupported(context);
}

os_emu::CallResult SysUnsupported(SyscallContext& context) {
  const uint64_t number = context.call().number;
  context.abi().WarnOnce(absl::StrFormat("unsupported system call %s (%u) returns ENOSYS",
                                         SyscallName(number), number));
  return Errno::kNoSys;
}

os_emu::CallResult SysRefused(SyscallContext&) { return Errno::kNoSys; }

void SyscallAbi::WarnOnce(const std::string& text) {
  if (options_.sink == nullptr) return;
  // A hostile guest can make many different lines, with call numbers of its own making.
  constexpr size_t kMaxWarnings = 1000;
  if (warned_.size() >= kMaxWarnings || !warned_.insert(text).second) return;
  options_.sink->Report("pollux: warning: " + text);
}

Next SyscallAbi::Enter(os_emu::Thread& thread, interp::Cpu& cpu, Call* call) {
  thread.process().kernel().SetCurrent(&thread);
  call->Clear();
  call->number = cpu.x[interp::kA7];
  for (int i = 0; i < kMaxArgs; ++i) call->args[i] = cpu.x[interp::kA0 + i];
  call->ecall_pc = cpu.pc - 4;  // ecall has no compressed form.
  registers_replaced_ = false;
  yield_ = false;
  if (options_.trace != TraceForm::kNothing) TraceEnter(thread, call);

  SyscallContext context(*this, thread, cpu, *call);
  os_emu::CallResult result =
      options_.faults.empty() ? Dispatch(context) : DispatchWithFaults(context, thread, call);
  os_emu::Process& process = thread.process();
  if (process.exit.has_value()) {
    TraceResult(thread, call, 0);
    TraceExit(thread, *process.exit);
    return Next::kProcessExited;
  }
  if (thread.ended()) {
    TraceResult(thread, call, 0);
    TraceExit(thread, os_emu::ExitState{static_cast<int>(call->args[0] & 0xff), 0});
    return Next::kThreadExited;
  }
  if (!result.blocked() && !thread.release_waits.empty()) {
    if (auto wait = os_emu::NextReleaseWait(thread, result.value())) {
      result = std::move(wait);
    }
  }
  // What was armed for a time that has passed happens before the call returns, as on Linux.
  if (result.blocked()) {
    thread.Block(result.TakeBlocked());
    process.kernel().ExpireTimers();
    if (call->traced) TraceUnfinished(thread, call);
    if (!options_.faults.empty()) MayEndWait(thread, call);
    return Next::kBlocked;
  }
  process.kernel().ExpireTimers();
  Finish(thread, cpu, call, result.value());
  return yield_ ? Next::kYield : Next::kContinue;
}

// ---- Faults

bool SyscallAbi::FaultHappens(os_emu::Thread& thread, const Call& call, FaultKind kind) {
  return (options_.faults.Of(call.number) & FaultBit(kind)) != 0 &&
         options_.fault_source->Happens(thread, kind);
}

os_emu::CallResult SyscallAbi::DispatchWithFaults(SyscallContext& context, os_emu::Thread& thread,
                                                  Call* call) {
  memory::MemoryBudget& budget = context.kernel().budget();
  budget.short_for_kernel = FaultHappens(thread, *call, FaultKind::kShortMemory);
  budget.objects_refused = false;
  const bool network = (options_.faults.Of(call->number) & kTcpFaults) != 0;
  if (network) {
    tcp_thread_ = &thread;
    tcp_call_ = call;
    tcp_asked_ = 0;
    os_emu::SetTcpFaultSource(context.kernel(), this);
  }
  os_emu::CallResult result = Dispatch(context);
  if (network) os_emu::SetTcpFaultSource(context.kernel(), nullptr);
  call->injected |= budget.objects_refused;
  budget.short_for_kernel = false;
  return result;
}

bool SyscallAbi::Happens(os_emu::TcpFault fault) {
  const FaultKind kind = KindOf(fault);
  if ((tcp_asked_ & FaultBit(kind)) != 0) return false;
  tcp_asked_ |= FaultBit(kind);
  const bool happens = FaultHappens(*tcp_thread_, *tcp_call_, kind);
  tcp_call_->injected |= happens;
  return happens;
}

void SyscallAbi::MayEndWait(os_emu::Thread& thread, Call* call) {
  os_emu::BlockedCall& waiting = *thread.blocked_call();
  if (waiting.on_signal() == os_emu::OnSignal::kEintr &&
      FaultHappens(thread, *call, FaultKind::kInterruption)) {
    // As Kernel::StopProcess() and ContinueProcess() do to it.
    thread.interrupted_by_stop = true;
    thread.Wake();
    call->injected = true;
  } else if (FaultHappens(thread, *call, FaultKind::kVainWakeUp)) {
    call->injected = waiting.WakeInVain(thread);
  }
}

bool SyscallAbi::Resume(os_emu::Thread& thread, interp::Cpu& cpu, Call* call) {
  thread.process().kernel().SetCurrent(&thread);
  registers_replaced_ = false;
  if (thread.interrupted_by_stop) {
    const bool restarts = thread.blocked_call()->on_signal() == os_emu::OnSignal::kRestart;
    Result<int64_t> interrupted = thread.Unblock()->Interrupt();
    thread.release_waits.clear();
    if (restarts && !interrupted.ok() && interrupted.error() == Errno::kIntr)
      interrupted = os_emu::kRestartSys;
    Finish(thread, cpu, call, interrupted.ok() ? *interrupted : ErrorValue(interrupted.error()));
    // EINTR, and no handler that would bring back the mask from before the call.
    if (!thread.HasSignalToTake()) RestoreSignalMask(thread);
    return true;
  }
  Result<int64_t> result = thread.process().kernel().ResumeBlocked(thread);
  if (!result.ok() && thread.blocked()) return false;
  const int64_t value = result.ok() ? *result : ErrorValue(result.error());
  if (!thread.release_waits.empty()) {
    if (auto wait = os_emu::NextReleaseWait(thread, value)) {
      thread.Block(std::move(wait));
      return false;
    }
  }
  Finish(thread, cpu, call, value);
  return true;
}

void SyscallAbi::Finish(os_emu::Thread& thread, interp::Cpu& cpu, Call* call, int64_t value) {
  // restore_saved_sigmask_unless(EINTR): a handler that runs now is to bring back the mask from
  // before the call.
  if (value != ErrorValue(Errno::kIntr)) RestoreSignalMask(thread);
  if (value == ErrorValue(os_emu::kRestartSys)) {
    cpu.pc = call->ecall_pc;
    cpu.x[interp::kA0] = call->args[0];
    call->restarts = true;
    TraceInterrupted(thread, call, os_emu::OnSignal::kRestart);
    return;
  }
  if (!registers_replaced_) cpu.x[interp::kA0] = static_cast<uint64_t>(value);
  if (call->traced) TraceResult(thread, call, value);
}

// ---- Signals

void SyscallAbi::InterruptBlocked(os_emu::Thread& thread, interp::Cpu& cpu, Call* call,
                                  const os_emu::SignalAction& action) {
  std::unique_ptr<os_emu::BlockedCall> record = thread.Unblock();
  const Result<int64_t> result = record->Interrupt();
  const bool untouched = !result.ok() && result.error() == Errno::kIntr;
  const os_emu::OnSignal how = record->on_signal();
  if (untouched && how == os_emu::OnSignal::kRestartBlock) {
    thread.restart_block = std::move(record);
  } else {
    record.reset();
  }
  thread.release_waits.clear();  // With a signal nobody lingers.
  const bool always = how == os_emu::OnSignal::kNoIntr;
  if (untouched && (always || how == os_emu::OnSignal::kRestart)) {
    const bool restart = always || (action.flags & os_emu::kSaRestart) != 0;
    // The ecall is executed again when the handler returns.
    if (restart) cpu.pc = call->ecall_pc;
    cpu.x[interp::kA0] = restart ? call->args[0] : static_cast<uint64_t>(ErrorValue(Errno::kIntr));
    TraceInterrupted(thread, call, how);
    return;
  }
  // A call with a mask of its own keeps it until the handler's frame has the old one.
  cpu.x[interp::kA0] = static_cast<uint64_t>(result.ok() ? *result : ErrorValue(result.error()));
  if (untouched) {
    TraceInterrupted(thread, call, how);
  } else {
    TraceResult(thread, call, result.ok() ? *result : ErrorValue(result.error()));
  }
}

SyscallAbi::Signals SyscallAbi::DeliverSignals(os_emu::Thread& thread, interp::Cpu& cpu,
                                               Call* call) {
  os_emu::Process& process = thread.process();
  os_emu::Kernel& kernel = process.kernel();
  kernel.SetCurrent(&thread);
  while (std::optional<os_emu::SignalInfo> info = kernel.TakeSignal(thread)) {
    os_emu::SignalAction& slot = process.actions[info->signal];
    const os_emu::SignalAction action = slot;
    const os_emu::DefaultAction by_default = os_emu::DefaultActionOf(info->signal);
    const std::string line =
        absl::StrFormat("--- %s %s ---", SignalText(info->signal), SiginfoText(*info));
    if (action.handler == os_emu::kSigIgn ||
        (action.handler == os_emu::kSigDfl && (by_default == os_emu::DefaultAction::kIgnore ||
                                               by_default == os_emu::DefaultAction::kContinue))) {
      TraceLine(thread, line);
      continue;
    }
    if (action.handler == os_emu::kSigDfl) {
      if (by_default == os_emu::DefaultAction::kStop) {
        TraceLine(thread, line);
        // A group that nobody could continue does not stop at a terminal's wish.
        if (info->signal != os_emu::kSigStop && kernel.IsOrphanedGroup(process.group)) continue;
        TraceLine(thread, absl::StrFormat("--- stopped by %s ---", SignalText(info->signal)));
        kernel.StopProcess(process, info->signal);
        return Signals::kStopped;
      }
      if (call != nullptr && thread.blocked()) {
        TraceInterrupted(thread, call, thread.blocked_call()->on_signal());
      }
      TraceLine(thread, line);
      os_emu::ExitState state{.signal = info->signal};
      if (by_default == os_emu::DefaultAction::kCore) {
        std::vector<DumpedThread> threads = {{&thread, &cpu}};
        for (const auto& [tid, other] : process.threads) {
          if (other.get() != &thread)
            threads.push_back({other.get(), &tasks().RegistersOf(*other)});
        }
        state.core_dumped = DumpCore(thread, *info, threads);
      }
      TraceExit(thread, state);
      kernel.EndProcess(process, state);
      return Signals::kProcessExited;
    }
    if ((action.flags & os_emu::kSaResetHand) != 0) slot.handler = os_emu::kSigDfl;
    if (call != nullptr && std::exchange(call->restarts, false) &&
        (action.flags & os_emu::kSaRestart) == 0) {
      cpu.pc = call->ecall_pc + 4;
      cpu.x[interp::kA0] = static_cast<uint64_t>(ErrorValue(Errno::kIntr));
    }
    if (thread.blocked() && call != nullptr) InterruptBlocked(thread, cpu, call, action);
    TraceLine(thread, line);
    if (DeliverSignal(thread, cpu, *info, action)) return Signals::kHandler;
    // force_sigsegv(): no second try for a handler of SIGSEGV itself.
    if (info->signal == os_emu::kSigSegv)
      process.actions[os_emu::kSigSegv].handler = os_emu::kSigDfl;
    os_emu::SignalInfo fault;
    fault.signal = os_emu::kSigSegv;
    fault.code = os_emu::kSiKernel;
    kernel.ForceSignal(thread, fault);
  }
  // Nothing took the mask of a call such as ppoll that was interrupted (restore_saved_sigmask()).
  if (!thread.blocked()) RestoreSignalMask(thread);
  return Signals::kNone;
}

void SyscallAbi::RaiseFault(os_emu::Thread& thread, const interp::Stop& stop,
                            const interp::Cpu& cpu) {
  os_emu::SignalInfo info;
  info.fault_address = GuestAddr{cpu.pc};
  switch (stop.reason) {
    case interp::StopReason::kIllegal:
      info.signal = os_emu::kSigIll;
      info.code = os_emu::kIllIllOpc;
      break;
    case interp::StopReason::kEbreak:
      info.signal = os_emu::kSigTrap;
      info.code = os_emu::kTrapBrkpt;
      break;
    case interp::StopReason::kMisaligned:
      info.signal = os_emu::kSigBus;
      // si_addr is the pc: arch/riscv/kernel/traps.c passes regs->epc.
      info.code = os_emu::kBusAdrAln;
      break;
    case interp::StopReason::kFault:
      info.fault_address = stop.fault.addr;
      info.signal = os_emu::kSigSegv;
      info.code = os_emu::kSegvMapErr;
      if (stop.fault.kind == memory::FaultKind::kProtection) info.code = os_emu::kSegvAccErr;
      if (stop.fault.kind == memory::FaultKind::kBeyondFile) {
        info.signal = os_emu::kSigBus;
        info.code = os_emu::kBusAdrErr;
      }
      if (stop.fault.kind == memory::FaultKind::kOutOfMemory) {
        WarnOnce("out of memory (--max_memory): the guest is killed");
        info.signal = os_emu::kSigKill;
        info.code = os_emu::kSiKernel;
      }
      break;
    case interp::StopReason::kBudget:
    case interp::StopReason::kEcall:
      POLLUX_CHECK(false) << "not a fault";
  }
  thread.process().kernel().ForceSignal(thread, info);
}

// ---- Trace

void SyscallAbi::TraceLine(os_emu::Thread& thread, std::string_view line) {
  if (options_.trace == TraceForm::kNothing || options_.sink == nullptr) return;
  if (options_.trace == TraceForm::kRecords) {
    BeginRecord('l', thread);
    record_ += line;
    return EndRecord(thread);
  }
  options_.sink->Trace(thread, line);
}

void SyscallAbi::BeginRecord(char what, os_emu::Thread& thread) {
  record_.clear();
  RecordWord(static_cast<uint64_t>(what) << 32 | static_cast<uint32_t>(thread.tid()), &record_);
}

void SyscallAbi::EndRecord(os_emu::Thread& thread) {
  if (options_.sink != nullptr) options_.sink->Trace(thread, record_);
}

void SyscallAbi::RecordArgs(const Call& call, int64_t result, bool at_end, os_emu::Thread& thread) {
  const SyscallRow* row = FindSyscall(call.number);
  const PrintView view{thread, call.args, result};
  for (int i = 0; row != nullptr && i < row->arg_count(); ++i) {
    const ArgSpec& spec = row->args[i];
    if ((spec.direction == Direction::kOut || spec.type->at_end) != at_end) continue;
    if (spec.type->record != nullptr) {
      spec.type->record(view, spec, i, &record_);
      continue;
    }
    const size_t start = record_.size();
    spec.type->print(view, spec, i, &record_);
    RecordWord(record_.size() - start, &record_);
  }
}

void SyscallAbi::TraceEnter(os_emu::Thread& thread, Call* call) {
  call->traced = true;
  if (options_.trace_filter != nullptr) {
    // A pattern learns as it matches, and is nothing of the machine's.
    const memory::OutsideArena outside;
    call->traced = re2::RE2::FullMatch(SyscallName(call->number), *options_.trace_filter);
  }
  if (!call->traced) return;
  if (options_.trace == TraceForm::kRecords) {
    BeginRecord('c', thread);
    RecordWord(call->number, &record_);
    for (const uint64_t arg : call->args) RecordWord(arg, &record_);
    RecordArgs(*call, 0, false, thread);
    return EndRecord(thread);
  }
  const SyscallRow* row = FindSyscall(call->number);
  const PrintView view{thread, call->args};
  if (row == nullptr) {
    for (uint64_t arg : call->args) {
      call->traced_args.push_back({TracedArg::kText, arg == 0 ? "0" : absl::StrFormat("%#x", arg)});
    }
    return;
  }
  for (int i = 0; i < row->arg_count(); ++i) {
    const ArgSpec& spec = row->args[i];
    TracedArg arg;
    if (spec.direction == Direction::kOut || spec.type->at_end) {
      arg.state = TracedArg::kAtEnd;
    } else if (!spec.type->print(view, spec, i, &arg.text)) {
      arg.state = TracedArg::kOmitted;
    }
    call->traced_args.push_back(std::move(arg));
  }
}

namespace {

// Prints what the call has filled.
void FillAtEnd(const PrintView& view, Call* call) {
  const SyscallRow* row = FindSyscall(call->number);
  for (size_t i = 0; i < call->traced_args.size(); ++i) {
    TracedArg& arg = call->traced_args[i];
    if (arg.state != TracedArg::kAtEnd) continue;
    const bool shown = row->args[i].type->print(view, row->args[i], static_cast<int>(i), &arg.text);
    arg.state = shown ? TracedArg::kText : TracedArg::kOmitted;
  }
}

}  // namespace

void SyscallAbi::TraceResult(os_emu::Thread& thread, Call* call, int64_t value) {
  if (!call->traced) return;
  call->traced = false;
  const SyscallRow* row = FindSyscall(call->number);
  const PrintView view{thread, call->args, value};
  if (options_.trace == TraceForm::kRecords) {
    BeginRecord(call->injected ? 'f' : 'r', thread);
    RecordWord(static_cast<uint64_t>(value), &record_);
    RecordArgs(*call, value, true, thread);
    // What became ready.
    if (row != nullptr && row->returns == ReturnType::kTimeout) record_ += ResultText(row, view);
    return EndRecord(thread);
  }
  FillAtEnd(view, call);
  TraceLine(thread, WithResult(CallText(*call, true),
                               ResultText(row, view) + (call->injected ? " (INJECTED)" : "")));
}

void SyscallAbi::TraceUnfinished(os_emu::Thread& thread, Call* call) {
  // A single thread's line can wait until it is whole.
  if (!thread.process().kernel().has_cloned()) return;
  if (options_.trace == TraceForm::kRecords) {
    BeginRecord('w', thread);
    return EndRecord(thread);
  }
  TraceLine(thread, CallText(*call, false) + " <unfinished ...>");
  call->args_shown = ArgsBefore(*call);
  call->unfinished = true;
}

void SyscallAbi::TraceInterrupted(os_emu::Thread& thread, Call* call, os_emu::OnSignal how) {
  if (!call->traced) return;
  call->traced = false;
  const int64_t error = ErrorValue(Errno::kIntr);
  if (options_.trace == TraceForm::kRecords) {
    BeginRecord('i', thread);
    RecordWord(static_cast<uint64_t>(how), &record_);
    RecordArgs(*call, error, true, thread);
    return EndRecord(thread);
  }
  FillAtEnd(PrintView{thread, call->args, error}, call);
  std::string result;
  switch (how) {
    case os_emu::OnSignal::kRestart:
      result = "? ERESTARTSYS (To be restarted if SA_RESTART is set)";
      break;
    case os_emu::OnSignal::kNoIntr:
      result = "? ERESTARTNOINTR (To be restarted)";
      break;
    case os_emu::OnSignal::kNoHandler:
      result = "? ERESTARTNOHAND (To be restarted if no handler)";
      break;
    case os_emu::OnSignal::kRestartBlock:
      result = "? ERESTART_RESTARTBLOCK (Interrupted by signal)";
      break;
    case os_emu::OnSignal::kEintr:
      result = ErrorText(error);
      break;
  }
  TraceLine(thread, WithResult(CallText(*call, true), result));
}

void SyscallAbi::TraceExit(os_emu::Thread& thread, const os_emu::ExitState& state) {
  TraceLine(thread, state.signal != 0
                        ? absl::StrFormat("+++ killed by %s%s +++", SignalText(state.signal),
                                          state.core_dumped ? " (core dumped)" : "")
                        : absl::StrFormat("+++ exited with %d +++", state.status));
}

std::string SyscallAbi::DescribeBlocked(os_emu::Thread& thread, const Call& call) const {
  Call copy = call;
  if (copy.traced_args.empty()) {
    // Nothing was kept when it entered: the arguments as they are now.
    const SyscallRow* row = FindSyscall(call.number);
    const PrintView view{thread, call.args};
    for (int i = 0; row != nullptr && i < row->arg_count(); ++i) {
      TracedArg arg;
      const ArgSpec& spec = row->args[i];
      if (spec.direction == Direction::kOut || spec.type->at_end) {
        arg.state = TracedArg::kAtEnd;
      } else if (!spec.type->print(view, spec, i, &arg.text)) {
        arg.state = TracedArg::kOmitted;
      }
      copy.traced_args.push_back(std::move(arg));
    }
  }
  return CallText(copy, false) + " <unfinished ...>";
}

}  // namespace pollux::shims
