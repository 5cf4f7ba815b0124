// Signals: the frame, the stack it is put on, masks, and what becomes of calls that are
// interrupted.
#include <string>
#include <vector>

#include "shims/signal_frame.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

class SignalTest : public SyscallTest {
 protected:
  static constexpr uint64_t kHandler = 0x123456, kTrampoline = 0x7770;
  using Signals = SyscallAbi::Signals;

  SignalTest() {
    process_.signal_trampoline = GuestAddr{kTrampoline};
    TraceAll();
    for (int i = 1; i < 32; ++i) {
      if (i != interp::kSp) cpu_.x[i] = 0x100 + i;
      cpu_.f[i] = 0x200 + i;
    }
    cpu_.f[0] = 0x200;
    cpu_.pc = 0x4000;
    cpu_.frm = 2;
    cpu_.fflags = 0x11;
  }

  void SetAction(int signal, uint64_t flags, os_emu::SignalSet mask = 0) {
    process_.actions[signal] = {kHandler, flags, mask};
  }
  void Raise(int signal) {
    os_emu::SignalInfo info;
    info.signal = signal;
    info.sender_pid = 7;
    info.sender_uid = 8;
    kernel_.RaiseSignal(process_, info);
  }
  Signals Deliver() { return abi_->DeliverSignals(thread(), cpu_, &call_); }
  // rt_sigreturn from the frame at sp.
  void Return() {
    cpu_.x[interp::kA7] = 139;
    cpu_.pc = kTrampoline + 8;
    abi_->Enter(thread(), cpu_, &call_);
  }
};

// Taken from the riscv64 cross compiler: offsetof in struct rt_sigframe { siginfo_t info;
// ucontext_t uc; }.
TEST(SignalFrame, LayoutIsTheCrossCompilers) {
  EXPECT_EQ(sizeof(GuestSignalFrame), 1088u);
  EXPECT_EQ(offsetof(GuestSignalFrame, ucontext), 128u);
  EXPECT_EQ(sizeof(GuestUcontext), 960u);
  EXPECT_EQ(offsetof(GuestUcontext, flags), 0u);
  EXPECT_EQ(offsetof(GuestUcontext, link), 8u);
  EXPECT_EQ(offsetof(GuestUcontext, stack), 16u);
  EXPECT_EQ(offsetof(GuestUcontext, mask), 40u);
  EXPECT_EQ(offsetof(GuestUcontext, context), 176u);
  EXPECT_EQ(offsetof(GuestSigcontext, f), 256u);
  EXPECT_EQ(offsetof(GuestSigcontext, fcsr), 512u);
  EXPECT_EQ(offsetof(GuestSiginfo, code), 8u);
  EXPECT_EQ(offsetof(GuestSiginfo, fault.address), 16u);
  EXPECT_EQ(offsetof(GuestSiginfo, sent.uid), 20u);
  EXPECT_EQ(offsetof(GuestSiginfo, sent.value), 24u);
}

TEST_F(SignalTest, AHandlerStartsWithItsArgumentsOnTheStack) {
  SetAction(os_emu::kSigUsr1, os_emu::kSaSigInfo, os_emu::SignalBit(os_emu::kSigTerm));
  thread().SetSignalMask(os_emu::SignalBit(os_emu::kSigInt));
  const uint64_t sp = cpu_.x[interp::kSp];
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(cpu_.pc, kHandler);
  const uint64_t frame = cpu_.x[interp::kSp];
  EXPECT_EQ(frame, (sp - 1088) & ~uint64_t{15});
  EXPECT_EQ(cpu_.x[interp::kA0], 10u);
  EXPECT_EQ(cpu_.x[interp::kA1], frame);
  EXPECT_EQ(cpu_.x[interp::kA2], frame + 128);
  EXPECT_EQ(cpu_.x[interp::kRa], kTrampoline);
  const GuestSignalFrame written = Peek<GuestSignalFrame>(frame);
  EXPECT_EQ(written.info.signal, 10);
  EXPECT_EQ(written.info.code, 0);
  EXPECT_EQ(written.info.sent.pid, 7);
  EXPECT_EQ(written.info.sent.uid, 8u);
  EXPECT_EQ(written.ucontext.mask, os_emu::SignalBit(os_emu::kSigInt));
  EXPECT_EQ(written.ucontext.stack.flags, kSsDisable);
  EXPECT_EQ(written.ucontext.context.pc, 0x4000u);
  EXPECT_EQ(written.ucontext.context.x[0], 0x101u);
  EXPECT_EQ(written.ucontext.context.x[1], sp);
  EXPECT_EQ(written.ucontext.context.f[31], 0x200u + 31);
  EXPECT_EQ(written.ucontext.context.fcsr, 0x51u);
  EXPECT_EQ(written.ucontext.context.end_magic, 0u);
  EXPECT_EQ(thread().signal_mask(), os_emu::SignalBit(os_emu::kSigInt) |
                                        os_emu::SignalBit(os_emu::kSigTerm) |
                                        os_emu::SignalBit(os_emu::kSigUsr1));
  EXPECT_EQ(Line(), "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=8} ---");
}

TEST_F(SignalTest, ReturnBringsEverythingBack) {
  SetAction(os_emu::kSigUsr1, 0);
  thread().SetSignalMask(os_emu::SignalBit(os_emu::kSigInt));
  const interp::Cpu before = cpu_;
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  for (int i = 1; i < 32; ++i) {
    if (i != interp::kSp) cpu_.x[i] = i;
    cpu_.f[i] = i;
  }
  cpu_.frm = 0;
  cpu_.fflags = 0;
  Return();
  EXPECT_EQ(cpu_.x, before.x);
  EXPECT_EQ(cpu_.f, before.f);
  EXPECT_EQ(cpu_.pc, before.pc);
  EXPECT_EQ(cpu_.frm, before.frm);
  EXPECT_EQ(cpu_.fflags, before.fflags);
  EXPECT_EQ(thread().signal_mask(), os_emu::SignalBit(os_emu::kSigInt));
  EXPECT_EQ(Line(),
            "rt_sigreturn({mask=[INT]})              = " + std::to_string(before.x[interp::kA0]));
}

TEST_F(SignalTest, ReturnFromNoFrameIsASegfault) {
  cpu_.x[interp::kSp] = kUnmapped;
  Return();
  EXPECT_EQ(Deliver(), Signals::kProcessExited);
  EXPECT_EQ(process_.exit->signal, os_emu::kSigSegv);
  EXPECT_EQ(sink_.trace.back(), "+++ killed by SIGSEGV +++");
  EXPECT_EQ(sink_.trace[sink_.trace.size() - 2],
            "--- SIGSEGV {si_signo=SIGSEGV, si_code=SI_KERNEL} ---");
}

TEST_F(SignalTest, NoDeferLeavesTheSignalOpen) {
  SetAction(os_emu::kSigUsr1, os_emu::kSaNoDefer);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(thread().signal_mask(), 0u);
  EXPECT_EQ(process_.actions[os_emu::kSigUsr1].handler, kHandler);
}

TEST_F(SignalTest, ResetHandRunsOnce) {
  SetAction(os_emu::kSigUsr1, os_emu::kSaResetHand);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(process_.actions[os_emu::kSigUsr1].handler, os_emu::kSigDfl);
}

TEST_F(SignalTest, TheAlternateStackIsUsedOnce) {
  const GuestSigstack stack{kScratch, 0, 0, 8192};
  ASSERT_EQ(Do("sigaltstack", {Put(kScratch + 0x8000, stack), 0}), 0);
  SetAction(os_emu::kSigUsr1, os_emu::kSaOnStack | os_emu::kSaNoDefer);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(cpu_.x[interp::kSp], kScratch + 8192 - 1088);
  EXPECT_EQ(Do("sigaltstack", {kScratch + 0x8000, 0}), Error(Errno::kPerm));  // It is in use.
  EXPECT_EQ(Do("sigaltstack", {0, kScratch + 0x8000}), 0);
  EXPECT_EQ(Peek<GuestSigstack>(kScratch + 0x8000).flags, kSsOnStack);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(cpu_.x[interp::kSp], kScratch + 8192 - 2 * 1088);  // Goes on where it is.
}

TEST_F(SignalTest, AutodisarmTakesTheStackAwayUntilTheHandlerReturns) {
  const GuestSigstack stack{kScratch, static_cast<int32_t>(kSsAutoDisarm), 0, 8192};
  ASSERT_EQ(Do("sigaltstack", {Put(kScratch + 0x8000, stack), 0}), 0);
  SetAction(os_emu::kSigUsr1, os_emu::kSaOnStack);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(thread().alt_stack.bytes, 0u);
  EXPECT_EQ(thread().alt_stack.flags, kSsDisable);
  Return();
  EXPECT_EQ(thread().alt_stack.bytes, 8192u);
  EXPECT_EQ(static_cast<uint32_t>(thread().alt_stack.flags), kSsAutoDisarm);
}

TEST_F(SignalTest, SigaltstackErrors) {
  EXPECT_EQ(Do("sigaltstack", {Put(kScratch, GuestSigstack{kScratch, 4, 0, 8192}), 0}),
            Error(Errno::kInval));
  EXPECT_EQ(Do("sigaltstack", {Put(kScratch, GuestSigstack{kScratch, 0, 0, 2047}), 0}),
            Error(Errno::kNoMem));
  EXPECT_EQ(Do("sigaltstack", {kUnmapped, 0}), Error(Errno::kFault));
}

TEST_F(SignalTest, AFrameThatDoesNotFitKillsWithSigsegv) {
  SetAction(os_emu::kSigUsr1, 0);
  cpu_.x[interp::kSp] = kReadOnly + 0x800;
  Raise(os_emu::kSigUsr1);
  EXPECT_EQ(Deliver(), Signals::kProcessExited);
  EXPECT_EQ(process_.exit->signal, os_emu::kSigSegv);
}

TEST_F(SignalTest, TheSegfaultOfABadFrameCanBeHandledOnAnotherStack) {
  ASSERT_EQ(Do("sigaltstack", {Put(kScratch + 0x8000, GuestSigstack{kScratch, 0, 0, 8192}), 0}), 0);
  SetAction(os_emu::kSigUsr1, 0);
  SetAction(os_emu::kSigSegv, os_emu::kSaOnStack);
  cpu_.x[interp::kSp] = kUnmapped + 0x10000;
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(cpu_.x[interp::kA0], 11u);
}

TEST_F(SignalTest, FaultsHaveAddressesAndCodes) {
  interp::Stop stop;
  stop.reason = interp::StopReason::kFault;
  stop.fault = {GuestAddr{0x10}, memory::FaultKind::kNotMapped};
  SetAction(os_emu::kSigSegv, 0);
  abi_->RaiseFault(thread(), stop, cpu_);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  const GuestSiginfo info = Peek<GuestSiginfo>(cpu_.x[interp::kA1]);
  EXPECT_EQ(info.signal, 11);
  EXPECT_EQ(info.code, 1);
  EXPECT_EQ(info.fault.address, 0x10u);
  EXPECT_EQ(Line(), "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} ---");
  // Again in the handler, where it is blocked: the end.
  stop.fault.kind = memory::FaultKind::kProtection;
  abi_->RaiseFault(thread(), stop, cpu_);
  EXPECT_EQ(Deliver(), Signals::kProcessExited);
  EXPECT_EQ(sink_.trace[sink_.trace.size() - 2],
            "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_ACCERR, si_addr=0x10} ---");
}

TEST_F(SignalTest, AnIllegalInstructionIsAtItsPc) {
  interp::Stop stop;
  stop.reason = interp::StopReason::kIllegal;
  abi_->RaiseFault(thread(), stop, cpu_);
  EXPECT_EQ(Deliver(), Signals::kProcessExited);
  EXPECT_EQ(process_.exit->signal, os_emu::kSigIll);
  EXPECT_EQ(sink_.trace[0], "--- SIGILL {si_signo=SIGILL, si_code=ILL_ILLOPC, si_addr=0x4000} ---");
}

// ---- Interrupted calls

TEST_F(SignalTest, AReadGivesEINTRWithoutSaRestart) {
  Do("pipe2", {kScratch, 0});
  ASSERT_EQ(Enter("read", {0, kScratch + 64, 10}), Next::kBlocked);
  SetAction(os_emu::kSigUsr1, 0);
  Raise(os_emu::kSigUsr1);
  sink_.trace.clear();
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_FALSE(thread().blocked());
  const GuestSignalFrame frame = Peek<GuestSignalFrame>(cpu_.x[interp::kSp]);
  EXPECT_EQ(static_cast<int64_t>(frame.ucontext.context.x[interp::kA0 - 1]), Error(Errno::kIntr));
  EXPECT_EQ(frame.ucontext.context.pc, call_.ecall_pc + 4);
  EXPECT_EQ(sink_.trace[0],
            "read(0, 0x20040, 10)                    = ? ERESTARTSYS (To be restarted if "
            "SA_RESTART is set)");
}

TEST_F(SignalTest, AReadIsBegunAgainWithSaRestart) {
  Do("pipe2", {kScratch, 0});
  ASSERT_EQ(Enter("read", {0, kScratch + 64, 10}), Next::kBlocked);
  SetAction(os_emu::kSigUsr1, os_emu::kSaRestart);
  Raise(os_emu::kSigUsr1);
  const uint64_t ecall_pc = call_.ecall_pc;
  ASSERT_EQ(Deliver(), Signals::kHandler);
  Return();
  EXPECT_EQ(cpu_.pc, ecall_pc);
  EXPECT_EQ(cpu_.x[interp::kA0], 0u);
  EXPECT_EQ(cpu_.x[interp::kA1], kScratch + 64);
  EXPECT_EQ(cpu_.x[interp::kA7], 63u);
}

// ERESTARTNOINTR
TEST_F(SignalTest, ALockPiIsBegunAgainWithoutSaRestart) {
  os_emu::Thread& owner = kernel_.CreateThread(process_);
  Put(kScratch, static_cast<uint32_t>(owner.tid()));
  ASSERT_EQ(Enter("futex", {kScratch, 6, 0, 0}), Next::kBlocked);
  SetAction(os_emu::kSigUsr1, 0);
  Raise(os_emu::kSigUsr1);
  const uint64_t ecall_pc = call_.ecall_pc;
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_NE(sink_.trace[0].find("? ERESTARTNOINTR (To be restarted)"), std::string::npos);
  Return();
  EXPECT_EQ(cpu_.pc, ecall_pc);
  EXPECT_EQ(cpu_.x[interp::kA0], kScratch);
}

TEST_F(SignalTest, EpollWaitIsNeverBegunAgain) {
  Do("epoll_create1", {0});
  ASSERT_EQ(Enter("epoll_pwait", {0, kScratch + 64, 10, kScratchBytes, 0, 8}), Next::kBlocked);
  const uint64_t pc = cpu_.pc;
  SetAction(os_emu::kSigUsr1, os_emu::kSaRestart);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  Return();
  EXPECT_EQ(cpu_.pc, pc);
  EXPECT_EQ(Result(), Error(Errno::kIntr));
}

TEST_F(SignalTest, AnIgnoredSignalInterruptsNothing) {
  Do("pipe2", {kScratch, 0});
  ASSERT_EQ(Enter("read", {0, kScratch + 64, 10}), Next::kBlocked);
  process_.actions[os_emu::kSigUsr1].handler = os_emu::kSigIgn;
  Raise(os_emu::kSigUsr1);
  Raise(os_emu::kSigChld);  // Ignored by default.
  EXPECT_EQ(Deliver(), Signals::kNone);
  EXPECT_TRUE(thread().blocked());
}

TEST_F(SignalTest, TheMaskOfSigsuspendLastsUntilTheHandlerReturns) {
  thread().SetSignalMask(os_emu::SignalBit(os_emu::kSigUsr1));
  SetAction(os_emu::kSigUsr1, 0);
  Put(kScratch, os_emu::SignalBit(os_emu::kSigTerm));
  ASSERT_EQ(Enter("rt_sigsuspend", {kScratch, 8}), Next::kBlocked);
  EXPECT_EQ(thread().signal_mask(), os_emu::SignalBit(os_emu::kSigTerm));
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(thread().signal_mask(),
            os_emu::SignalBit(os_emu::kSigTerm) | os_emu::SignalBit(os_emu::kSigUsr1));
  Return();
  EXPECT_EQ(thread().signal_mask(), os_emu::SignalBit(os_emu::kSigUsr1));
  EXPECT_EQ(Result(), Error(Errno::kIntr));
}

TEST_F(SignalTest, AMaskOfACallThatEndsIsTakenBack) {
  Do("epoll_create1", {0});
  Put(kScratch, os_emu::SignalBit(os_emu::kSigTerm));
  thread().SetSignalMask(os_emu::SignalBit(os_emu::kSigInt));
  EXPECT_EQ(Do("epoll_pwait", {0, kScratch + 64, 1, 0, kScratch, 8}), 0);
  EXPECT_EQ(thread().signal_mask(), os_emu::SignalBit(os_emu::kSigInt));
  EXPECT_EQ(Do("epoll_pwait", {0, kScratch + 64, 0, 0, kScratch, 8}), Error(Errno::kInval));
  EXPECT_EQ(thread().signal_mask(), os_emu::SignalBit(os_emu::kSigInt));
}

TEST_F(SignalTest, SleepTellsWhatIsLeft) {
  Put(kScratch, GuestTimespec{10, 0});
  ASSERT_EQ(Enter("nanosleep", {kScratch, kScratch + 64}), Next::kBlocked);
  kernel_.clock().AdvanceBy(Nanos{4'000'000'000});
  SetAction(os_emu::kSigUsr1, os_emu::kSaRestart);
  Raise(os_emu::kSigUsr1);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(Peek<GuestTimespec>(kScratch + 64).seconds, 6);
}

// ---- Calls

TEST_F(SignalTest, KillErrors) {
  EXPECT_EQ(Do("kill", {99999, 99}), Error(Errno::kSrch));  // The process is looked for first.
  EXPECT_EQ(Do("kill", {1000, 99}), Error(Errno::kInval));
  EXPECT_EQ(Do("kill", {1000, 0}), 0);
  EXPECT_EQ(Do("tgkill", {0, 1000, 99}), Error(Errno::kInval));
  EXPECT_EQ(Do("tgkill", {1001, 1000, 10}), Error(Errno::kSrch));
  EXPECT_EQ(Do("tkill", {static_cast<uint64_t>(-1), 10}), Error(Errno::kInval));
  EXPECT_EQ(thread().pending.set() | process_.pending.set(), 0u);
}

TEST_F(SignalTest, TgkillIsDirectedAtTheThread) {
  SetAction(os_emu::kSigUsr1, 0);
  EXPECT_EQ(Do("tgkill", {1000, 1000, 10}), 0);
  EXPECT_EQ(thread().pending.set(), os_emu::SignalBit(os_emu::kSigUsr1));
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(Line(),
            "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=1000, si_uid=1000} ---");
}

TEST_F(SignalTest, QueuedSignalsCarryAValue) {
  GuestSiginfo info;
  std::memset(&info, 0, sizeof(info));
  info.signal = os_emu::kSigUsr1;
  info.code = os_emu::kSiQueue;
  info.sent.pid = 5;
  info.sent.uid = 6;
  info.sent.value = 0x123456789;
  Put(kScratch, info);
  SetAction(40, 0);
  EXPECT_EQ(Do("rt_sigqueueinfo", {1000, 40, kScratch}), 0);
  ASSERT_EQ(Deliver(), Signals::kHandler);
  const GuestSiginfo arrived = Peek<GuestSiginfo>(cpu_.x[interp::kA1]);
  EXPECT_EQ(arrived.signal, 40);  // The argument, not what the structure says.
  EXPECT_EQ(arrived.code, os_emu::kSiQueue);
  EXPECT_EQ(arrived.sent.pid, 5);
  EXPECT_EQ(arrived.sent.value, 0x123456789u);
  EXPECT_EQ(
      Line(),
      "--- SIGRT_8 {si_signo=SIGRT_8, si_code=SI_QUEUE, si_pid=5, si_uid=6, si_int=591751049, "
      "si_ptr=0x123456789} ---");
  EXPECT_EQ(Do("rt_sigqueueinfo", {99999, 99, kUnmapped}), Error(Errno::kFault));
  EXPECT_EQ(Do("rt_sigqueueinfo", {99999, 99, kScratch}), Error(Errno::kSrch));
  EXPECT_EQ(Do("rt_sigqueueinfo", {1000, 99, kScratch}), Error(Errno::kInval));
  EXPECT_EQ(Do("rt_tgsigqueueinfo", {0, 1000, 40, kScratch}), Error(Errno::kInval));
  info.code = os_emu::kSiUser;
  Put(kScratch, info);
  EXPECT_EQ(Do("rt_sigqueueinfo", {99999, 40, kScratch}), Error(Errno::kPerm));
}

TEST_F(SignalTest, AMisalignedAtomicIsReportedAtItsPc) {
  interp::Stop stop;
  stop.reason = interp::StopReason::kMisaligned;
  stop.fault.addr = GuestAddr{0x20001};
  abi_->RaiseFault(thread(), stop, cpu_);
  EXPECT_EQ(Deliver(), Signals::kProcessExited);
  EXPECT_EQ(sink_.trace[0], "--- SIGBUS {si_signo=SIGBUS, si_code=BUS_ADRALN, si_addr=0x4000} ---");
}

TEST_F(SignalTest, APollThatFindsNothingTellsOfTheSignalThatItsMaskLetIn) {
  thread().SetSignalMask(os_emu::SignalBit(os_emu::kSigUsr1));
  SetAction(os_emu::kSigUsr1, 0);
  Raise(os_emu::kSigUsr1);
  Put(kScratch, GuestTimespec{0, 0});
  Put(kScratch + 64, os_emu::SignalSet{0});
  EXPECT_EQ(Do("ppoll", {0, 0, kScratch, kScratch + 64, 8}), Error(Errno::kIntr));
  ASSERT_EQ(Deliver(), Signals::kHandler);
  EXPECT_EQ(Peek<GuestSignalFrame>(cpu_.x[interp::kSp]).ucontext.mask,
            os_emu::SignalBit(os_emu::kSigUsr1));
}

TEST_F(SignalTest, SigactionErrorsAndFlags) {
  EXPECT_EQ(Do("rt_sigaction", {99, kUnmapped, 0, 4}), Error(Errno::kInval));
  EXPECT_EQ(Do("rt_sigaction", {99, kUnmapped, 0, 8}), Error(Errno::kFault));
  EXPECT_EQ(Do("rt_sigaction", {9, 0, kScratch, 8}), 0);  // Asking is allowed.
  Put(kScratch, GuestSigaction{kHandler, 0xffffffffffffffff, ~os_emu::SignalSet{0}});
  EXPECT_EQ(Do("rt_sigaction", {9, kScratch, 0, 8}), Error(Errno::kInval));
  EXPECT_EQ(Do("rt_sigaction", {10, kScratch, 0, 8}), 0);
  EXPECT_EQ(Do("rt_sigaction", {10, 0, kScratch, 8}), 0);
  EXPECT_EQ(Peek<GuestSigaction>(kScratch).flags, 0xd8000807u);  // What the kernel knows.
  EXPECT_EQ(Peek<GuestSigaction>(kScratch).mask, ~os_emu::kUnblockable);
}

TEST_F(SignalTest, IgnoringASignalDropsWhatIsPending) {
  thread().SetSignalMask(os_emu::SignalBit(os_emu::kSigUsr1));
  SetAction(os_emu::kSigUsr1, 0);
  Raise(os_emu::kSigUsr1);
  EXPECT_EQ(Do("rt_sigpending", {kScratch, 8}), 0);
  EXPECT_EQ(Peek<os_emu::SignalSet>(kScratch), os_emu::SignalBit(os_emu::kSigUsr1));
  Put(kScratch, GuestSigaction{os_emu::kSigIgn, 0, 0});
  EXPECT_EQ(Do("rt_sigaction", {10, kScratch, 0, 8}), 0);
  EXPECT_EQ(Do("rt_sigpending", {kScratch, 8}), 0);
  EXPECT_EQ(Peek<os_emu::SignalSet>(kScratch), 0u);
}

TEST_F(SignalTest, KilledWhileBlocked) {
  Do("pipe2", {kScratch, 0});
  ASSERT_EQ(Enter("read", {0, kScratch + 64, 10}), Next::kBlocked);
  sink_.trace.clear();
  Raise(os_emu::kSigTerm);
  ASSERT_EQ(Deliver(), Signals::kProcessExited);
  EXPECT_EQ(process_.exit->signal, os_emu::kSigTerm);
  EXPECT_EQ(sink_.trace,
            (std::vector<std::string>{
                "read(0, 0x20040, 10)                    = ? ERESTARTSYS (To be restarted if "
                "SA_RESTART is set)",
                "--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=7, si_uid=8} ---",
                "+++ killed by SIGTERM +++"}));
}

}  // namespace
}  // namespace pollux::shims
