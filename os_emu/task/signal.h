// Signals: numbers, actions, masks and what is pending (signal(7); asm-generic/signal.h, which
// riscv64 uses). Delivery to a guest handler is the machine's: the frame is part of the system-call
// ABI.
#ifndef POLLUX_OS_EMU_TASK_SIGNAL_H_
#define POLLUX_OS_EMU_TASK_SIGNAL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "abi/types.h"
#include "os_emu/task/signal_counts.h"

namespace pollux::os_emu {

inline constexpr int kSignals = 64;
enum Signal : int {
  kSigHup = 1,
  kSigInt = 2,
  kSigQuit = 3,
  kSigIll = 4,
  kSigTrap = 5,
  kSigAbrt = 6,
  kSigBus = 7,
  kSigFpe = 8,
  kSigKill = 9,
  kSigUsr1 = 10,
  kSigSegv = 11,
  kSigUsr2 = 12,
  kSigPipe = 13,
  kSigAlrm = 14,
  kSigTerm = 15,
  kSigStkFlt = 16,
  kSigChld = 17,
  kSigCont = 18,
  kSigStop = 19,
  kSigTstp = 20,
  kSigTtin = 21,
  kSigTtou = 22,
  kSigUrg = 23,
  kSigXcpu = 24,
  kSigXfsz = 25,
  kSigVtAlrm = 26,
  kSigProf = 27,
  kSigWinch = 28,
  kSigIo = 29,
  kSigPwr = 30,
  kSigSys = 31,
  kSigRtMin = 32,
};

// Bit n-1 stands for signal n.
using SignalSet = uint64_t;
constexpr SignalSet SignalBit(int signal) { return SignalSet{1} << (signal - 1); }
inline constexpr SignalSet kUnblockable = SignalBit(kSigKill) | SignalBit(kSigStop);

// si_code values that we raise.
inline constexpr int kSiUser = 0, kSiTkill = -6, kSiQueue = -1, kSiTimer = -2, kSiMesgQ = -3,
                     kSiAsyncIo = -4, kSiSigIo = -5, kSiKernel = 0x80;
inline constexpr int kSegvMapErr = 1, kSegvAccErr = 2, kIllIllOpc = 1, kBusAdrAln = 1,
                     kBusAdrErr = 2, kTrapBrkpt = 1;

class PosixTimer;  // os_emu/task/posix_timer.h

// siginfo_t. Which fields count depends on signal and code: SiginfoLayoutOf().
struct SignalInfo {
  int signal = 0;
  int code = 0;
  int error = 0;
  GuestAddr fault_address;  // kFault
  int32_t sender_pid = 0;   // kKill, kQueued, kChild
  uint32_t sender_uid = 0;
  uint64_t value = 0;    // sigqueue's sigval: kQueued, kTimer
  int32_t timer_id = 0;  // kTimer
  int32_t overrun = 0;
  int32_t status = 0;  // kChild: the exit status or the signal, and the times in clock ticks.
  int64_t user_time = 0;
  int64_t system_time = 0;
  // What timer_create(2) made, if that sent it: asked at delivery.
  std::shared_ptr<PosixTimer> timer;

  // kPoll: si_band and si_fd lie where si_pid, si_uid and si_status do, which the end of a child
  // that sends another signal than SIGCHLD has.
  void SetPoll(int64_t band, int32_t fd) {
    sender_pid = static_cast<int32_t>(band);
    sender_uid = static_cast<uint32_t>(static_cast<uint64_t>(band) >> 32);
    status = fd;
  }
  int64_t band() const {
    return static_cast<int64_t>(uint64_t{sender_uid} << 32 | static_cast<uint32_t>(sender_pid));
  }
  int32_t fd() const { return status; }
};

// siginfo_layout() of kernel/signal.c: which part of the union a siginfo_t has.
enum class SiginfoLayout { kKill, kTimer, kPoll, kFault, kChild, kQueued, kSystemCall };
SiginfoLayout SiginfoLayoutOf(int signal, int code);

// struct sigaction as the kernel keeps it.
inline constexpr uint64_t kSigDfl = 0, kSigIgn = 1;
inline constexpr uint64_t kSaNoCldStop = 1, kSaNoCldWait = 2, kSaSigInfo = 4,
                          kSaOnStack = 0x08000000, kSaRestart = 0x10000000, kSaNoDefer = 0x40000000,
                          kSaResetHand = 0x80000000;
struct SignalAction {
  uint64_t handler = kSigDfl;
  uint64_t flags = 0;
  SignalSet mask = 0;
};

enum class DefaultAction { kTerminate, kCore, kIgnore, kStop, kContinue };
DefaultAction DefaultActionOf(int signal);

struct AltStack {
  GuestAddr start;
  uint64_t bytes = 0;
  int32_t flags = 2;  // SS_DISABLE
};

// Standard signals pend once; real-time ones queue in order.
class PendingSignals {
 public:
  // RLIMIT_SIGPENDING's usual order of magnitude.
  static constexpr size_t kMaxQueued = 16384;

  // Whom what is queued counts for, and how many may: the real user and RLIMIT_SIGPENDING of whom
  // the signal is for.
  struct Account {
    SignalCounts& counts;
    uint32_t uid = 0;
    uint64_t limit = kMaxQueued;
  };
  enum class Added { kYes, kPendsAlready, kQueueFull };
  // __send_signal_locked(). Where there is no room, a standard signal, and kill(2)'s of any number,
  // pends all the same, and nobody knows who sent it; other real-time ones are kQueueFull. What the
  // kernel or kill(2) sends as a standard signal always has room. So has one of a timer, which
  // counts by itself, even where its number pends already (posixtimer_send_sigqueue()).
  Added Add(const SignalInfo& info, const Account& account);
  // Forgets all that are in `signals` (a stop signal takes back SIGCONT and the other way round).
  // Returns the timers whose signals these were.
  std::vector<std::shared_ptr<PosixTimer>> Remove(SignalSet signals);
  // The next one outside `blocked`: synchronous ones first (SIGSEGV, SIGBUS, SIGILL, SIGTRAP,
  // SIGFPE, SIGSYS), then the lowest number (kernel/signal.c next_signal()). One that found no room
  // comes as kill(2)'s from process 0.
  std::optional<SignalInfo> Take(SignalSet blocked);
  SignalSet set() const { return set_; }

 private:
  struct Queued {
    SignalInfo info;
    SignalCounts::Share share;
  };
  std::deque<Queued> queue_;
  SignalSet set_ = 0;
};

// "SIGSEGV"; real-time ones as "SIGRT_n", counted from 32 as strace does.
const char* SignalName(int signal);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_SIGNAL_H_
