#include "shims/signal_frame.h"

#include <cstring>

namespace pollux::shims {
namespace {

using os_emu::SiginfoLayout;
using os_emu::SignalSet;

GuestSigcontext MakeSigcontext(const interp::Cpu& cpu) {
  GuestSigcontext context;
  std::memset(&context, 0, sizeof(context));
  context.pc = cpu.pc;
  for (int i = 1; i < 32; ++i) context.x[i - 1] = cpu.x[i];
  for (int i = 0; i < 32; ++i) context.f[i] = cpu.f[i];
  context.fcsr = uint32_t{cpu.frm} << 5 | cpu.fflags;
  return context;
}

}  // namespace

GuestSiginfo ToGuestSiginfo(const os_emu::SignalInfo& info) {
  GuestSiginfo result;
  std::memset(&result, 0, sizeof(result));
  result.signal = info.signal;
  result.error = info.error;
  result.code = info.code;
  switch (os_emu::SiginfoLayoutOf(info.signal, info.code)) {
    case SiginfoLayout::kFault:
      result.fault.address = info.fault_address.value;
      break;
    case SiginfoLayout::kTimer:
      result.timer.id = info.timer_id;
      result.timer.overrun = info.overrun;
      result.timer.value = info.value;
      break;
    case SiginfoLayout::kChild:
    case SiginfoLayout::kPoll:  // SignalInfo::SetPoll()
      result.child.pid = info.sender_pid;
      result.child.uid = info.sender_uid;
      result.child.status = info.status;
      result.child.user_time = info.user_time;
      result.child.system_time = info.system_time;
      break;
    case SiginfoLayout::kQueued:
      result.sent.value = info.value;
      [[fallthrough]];
    case SiginfoLayout::kKill:
    case SiginfoLayout::kSystemCall:
      result.sent.pid = info.sender_pid;
      result.sent.uid = info.sender_uid;
      break;
  }
  return result;
}

os_emu::SignalInfo FromGuestSiginfo(const GuestSiginfo& given, int signal) {
  os_emu::SignalInfo info;
  info.signal = signal;
  info.error = given.error;
  info.code = given.code;
  if (signal < 1 || signal > os_emu::kSignals) return info;
  switch (os_emu::SiginfoLayoutOf(signal, given.code)) {
    case SiginfoLayout::kFault:
      info.fault_address = GuestAddr{given.fault.address};
      break;
    case SiginfoLayout::kTimer:
      info.timer_id = given.timer.id;
      info.overrun = given.timer.overrun;
      info.value = given.timer.value;
      break;
    case SiginfoLayout::kChild:
      info.sender_pid = given.child.pid;
      info.sender_uid = given.child.uid;
      info.status = given.child.status;
      info.user_time = given.child.user_time;
      info.system_time = given.child.system_time;
      break;
    case SiginfoLayout::kPoll:
      info.sender_pid = given.child.pid;
      info.sender_uid = given.child.uid;
      info.status = given.child.status;
      break;
    case SiginfoLayout::kQueued:
      info.value = given.sent.value;
      [[fallthrough]];
    case SiginfoLayout::kKill:
    case SiginfoLayout::kSystemCall:
      info.sender_pid = given.sent.pid;
      info.sender_uid = given.sent.uid;
      break;
  }
  return info;
}

bool OnAltStack(const os_emu::AltStack& stack, uint64_t sp) {
  if ((static_cast<uint32_t>(stack.flags) & kSsAutoDisarm) != 0) return false;
  return sp > stack.start.value && sp - stack.start.value <= stack.bytes;
}

int32_t AltStackState(const os_emu::AltStack& stack, uint64_t sp) {
  if (stack.bytes == 0) return kSsDisable;
  return OnAltStack(stack, sp) ? kSsOnStack : 0;
}

bool DeliverSignal(os_emu::Thread& thread, interp::Cpu& cpu, const os_emu::SignalInfo& info,
                   const os_emu::SignalAction& action) {
  const uint64_t sp = cpu.x[interp::kSp];
  // A handler that runs on the alternate stack must not run off its end: get_sigframe().
  if (OnAltStack(thread.alt_stack, sp) &&
      !OnAltStack(thread.alt_stack, sp - sizeof(GuestSignalFrame)))
    return false;
  uint64_t top = sp;
  if ((action.flags & os_emu::kSaOnStack) != 0 && AltStackState(thread.alt_stack, sp) == 0) {
    top = thread.alt_stack.start.value + thread.alt_stack.bytes;
  }
  const GuestAddr frame_address{(top - sizeof(GuestSignalFrame)) & ~uint64_t{15}};

  GuestSignalFrame frame;
  std::memset(&frame, 0, sizeof(frame));
  frame.info = ToGuestSiginfo(info);
  frame.ucontext.stack.start = thread.alt_stack.start.value;
  frame.ucontext.stack.flags = thread.alt_stack.flags;
  frame.ucontext.stack.bytes = thread.alt_stack.bytes;
  frame.ucontext.mask = thread.saved_mask.value_or(thread.signal_mask());
  frame.ucontext.context = MakeSigcontext(cpu);
  if (!thread.process().memory->WriteObject(frame_address, frame).ok()) return false;

  cpu.x[interp::kRa] = thread.process().signal_trampoline.value;
  cpu.x[interp::kSp] = frame_address.value;
  cpu.x[interp::kA0] = static_cast<uint64_t>(info.signal);
  cpu.x[interp::kA1] = frame_address.value + offsetof(GuestSignalFrame, info);
  cpu.x[interp::kA2] = frame_address.value + offsetof(GuestSignalFrame, ucontext);
  cpu.pc = action.handler;

  // signal_delivered()
  thread.saved_mask.reset();
  SignalSet mask = thread.signal_mask() | action.mask;
  if ((action.flags & os_emu::kSaNoDefer) == 0) mask |= os_emu::SignalBit(info.signal);
  thread.SetSignalMask(mask & ~os_emu::kUnblockable);
  if ((static_cast<uint32_t>(thread.alt_stack.flags) & kSsAutoDisarm) != 0)
    thread.alt_stack = os_emu::AltStack{};
  return true;
}

Result<void> ReturnFromSignal(os_emu::Thread& thread, interp::Cpu& cpu) {
  const GuestAddr frame_address{cpu.x[interp::kSp]};
  POLLUX_ASSIGN_OR_RETURN(const GuestSignalFrame frame,
                          thread.process().memory->ReadObject<GuestSignalFrame>(frame_address));
  const GuestSigcontext& context = frame.ucontext.context;
  // restore_sigcontext(): no extension may follow, and what is reserved is zero.
  if (context.reserved != 0 || context.end_magic != 0 || context.end_bytes != 0)
    return Errno::kFault;

  thread.SetSignalMask(frame.ucontext.mask & ~os_emu::kUnblockable);
  cpu.pc = context.pc;
  for (int i = 1; i < 32; ++i) cpu.x[i] = context.x[i - 1];
  for (int i = 0; i < 32; ++i) cpu.f[i] = context.f[i];
  // fcsr has 8 bits; the others are written as zero.
  cpu.fflags = context.fcsr & 0x1f;
  cpu.frm = context.fcsr >> 5 & 7;
  // restore_altstack(): the frame's may be refused (the thread is on it again); that is no error.
  (void)ChangeAltStack(thread, cpu.x[interp::kSp], &frame.ucontext.stack).ok();
  return {};
}

Result<GuestSigstack> ChangeAltStack(os_emu::Thread& thread, uint64_t sp,
                                     const GuestSigstack* wanted) {
  os_emu::AltStack& stack = thread.alt_stack;
  GuestSigstack old{};
  old.start = stack.start.value;
  old.bytes = stack.bytes;
  old.flags = static_cast<int32_t>(static_cast<uint32_t>(AltStackState(stack, sp)) |
                                   (static_cast<uint32_t>(stack.flags) & kSsAutoDisarm));
  if (wanted == nullptr) return old;

  if (OnAltStack(stack, sp)) return Errno::kPerm;
  const uint32_t mode = static_cast<uint32_t>(wanted->flags) & ~kSsAutoDisarm;
  if (mode != kSsDisable && mode != kSsOnStack && mode != 0) return Errno::kInval;
  // The stack that it has already needs no other look.
  if (stack.start.value == wanted->start && stack.bytes == wanted->bytes &&
      stack.flags == wanted->flags)
    return old;
  if (mode == kSsDisable) {
    stack.start = GuestAddr{};
    stack.bytes = 0;
  } else {
    if (wanted->bytes < kMinSigStackBytes) return Errno::kNoMem;
    stack.start = GuestAddr{wanted->start};
    stack.bytes = wanted->bytes;
  }
  stack.flags = wanted->flags;
  return old;
}

}  // namespace pollux::shims
