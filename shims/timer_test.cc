// The system calls of timers, signalfds and pidfds: their lines in the trace, and what only the ABI
// decides. The behaviour itself: os_emu/ and testsuite/basics/.
#include <cstring>

#include "gtest/gtest.h"
#include "os_emu/task/kernel.h"
#include "shims/linux_abi.h"
#include "shims/signal_frame.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

using os_emu::SignalBit;

class TimerCalls : public SyscallTest {
 protected:
  TimerCalls() { TraceAll(); }
  // The call's line in the trace.
  std::string Trace(std::string_view name, std::initializer_list<uint64_t> args) {
    Do(name, args);
    return Line();
  }
};

constexpr uint64_t kMonotonic = 1;

TEST_F(TimerCalls, TimerfdLines) {
  EXPECT_EQ(Trace("timerfd_create", {kMonotonic, 02004000}),
            "timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC|TFD_NONBLOCK) = 0");
  const GuestItimerspec setting{{0, 5}, {1, 2}};
  EXPECT_EQ(
      Trace("timerfd_settime", {0, 0, Put(kScratch, setting), kScratch + 0x100}),
      "timerfd_settime(0, 0, {it_interval={tv_sec=0, tv_nsec=5}, it_value={tv_sec=1, "
      "tv_nsec=2}}, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=0, tv_nsec=0}}) = 0");
  EXPECT_EQ(
      Trace("timerfd_settime", {0, 7, kScratch, 0}),
      "timerfd_settime(0, TFD_TIMER_ABSTIME|TFD_TIMER_CANCEL_ON_SET|0x4, "
      "{it_interval={tv_sec=0, tv_nsec=5}, it_value={tv_sec=1, tv_nsec=2}}, NULL) = -1 EINVAL "
      "(Invalid argument)");
  EXPECT_EQ(Trace("timerfd_gettime", {0, kScratch + 0x100}),
            "timerfd_gettime(0, {it_interval={tv_sec=0, tv_nsec=5}, it_value={tv_sec=1, "
            "tv_nsec=2}}) = 0");
  EXPECT_EQ(Trace("timerfd_gettime", {99, 0x1234}),
            "timerfd_gettime(99, 0x1234)             = -1 EBADF (Bad file descriptor)");
}

TEST_F(TimerCalls, SignalLines) {
  const uint64_t set = Put(kScratch, SignalBit(os_emu::kSigUsr1) | SignalBit(40));
  EXPECT_EQ(Trace("signalfd4", {static_cast<uint64_t>(-1), set, 8, 02004000}),
            "signalfd4(-1, [USR1 RT_8], 8, SFD_CLOEXEC|SFD_NONBLOCK) = 0");
  thread().SetSignalMask(SignalBit(40));
  os_emu::SignalInfo info;
  info.signal = 40;
  info.code = os_emu::kSiQueue;
  info.sender_pid = 1000;
  info.value = 9;
  kernel_.RaiseSignal(process_, info);
  const GuestTimespec no_time{};
  EXPECT_EQ(
      Trace("rt_sigtimedwait", {set, kScratch + 0x100, Put(kScratch + 0x200, no_time), 8}),
      "rt_sigtimedwait([USR1 RT_8], {si_signo=SIGRT_8, si_code=SI_QUEUE, si_pid=1000, si_uid=0, "
      "si_int=9, si_ptr=0x9}, {tv_sec=0, tv_nsec=0}, 8) = 40 (SIGRT_8)");
  EXPECT_EQ(Trace("rt_sigtimedwait", {set, 0, kScratch + 0x200, 8}),
            "rt_sigtimedwait([USR1 RT_8], NULL, {tv_sec=0, tv_nsec=0}, 8) = -1 EAGAIN (Resource "
            "temporarily unavailable)");
}

TEST_F(TimerCalls, IntervalTimerLines) {
  const GuestItimerval setting{{0, 0}, {1, 5}};
  EXPECT_EQ(
      Trace("setitimer", {0, Put(kScratch, setting), kScratch + 0x100}),
      "setitimer(ITIMER_REAL, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=1, "
      "tv_usec=5}}, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=0, tv_usec=0}}) = 0");
  EXPECT_EQ(Trace("getitimer", {0, kScratch + 0x100}),
            "getitimer(ITIMER_REAL, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=1, "
            "tv_usec=5}}) = 0");
  // A tick more than was set, as Linux counts processor time.
  EXPECT_EQ(Do("setitimer", {2, kScratch, 0}), 0);
  EXPECT_EQ(Trace("getitimer", {2, kScratch + 0x100}),
            "getitimer(ITIMER_PROF, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=1, "
            "tv_usec=4005}}) = 0");
  EXPECT_EQ(Do("setitimer", {3, kScratch, 0}), Error(Errno::kInval));
}

TEST_F(TimerCalls, PosixTimerLines) {
  GuestSigevent event{};
  event.value = 5;
  event.signal = os_emu::kSigUsr1;
  EXPECT_EQ(Trace("timer_create", {kMonotonic, Put(kScratch, event), kScratch + 0x100}),
            "timer_create(CLOCK_MONOTONIC, {sigev_value={sival_int=5, sival_ptr=0x5}, "
            "sigev_signo=SIGUSR1, sigev_notify=SIGEV_SIGNAL}, [0]) = 0");
  event.notify = 4;
  event.thread = 1000;
  EXPECT_EQ(Trace("timer_create", {0, Put(kScratch, event), kScratch + 0x100}),
            "timer_create(CLOCK_REALTIME, {sigev_value={sival_int=5, sival_ptr=0x5}, "
            "sigev_signo=SIGUSR1, sigev_notify=SIGEV_THREAD_ID, sigev_notify_thread_id=1000}, [1]) "
            "= 0");
  event.notify = 9;
  EXPECT_EQ(Trace("timer_create", {0, Put(kScratch, event), 0x1234}),
            "timer_create(CLOCK_REALTIME, {sigev_value={sival_int=5, sival_ptr=0x5}, "
            "sigev_signo=10, sigev_notify=0x9 /* SIGEV_??? */}, 0x1234) = -1 EINVAL (Invalid "
            "argument)");
  const GuestItimerspec setting{{0, 0}, {0, 1000}};
  EXPECT_EQ(Trace("timer_settime", {0, 1, Put(kScratch, setting), 0}),
            "timer_settime(0, TIMER_ABSTIME, {it_interval={tv_sec=0, tv_nsec=0}, "
            "it_value={tv_sec=0, tv_nsec=1000}}, NULL) = 0");
  EXPECT_EQ(Trace("timer_getoverrun", {0}), "timer_getoverrun(0)                     = 0");
  // That time has passed: the signal is there when the call returns.
  EXPECT_EQ(process_.pending.set(), SignalBit(os_emu::kSigUsr1));
  EXPECT_EQ(Trace("timer_delete", {0}), "timer_delete(0)                         = 0");
}

TEST_F(TimerCalls, TimersAreLimited) {
  // What another one has queued counts, too.
  auto queued = kernel_.signal_counts().Take(process_.credentials.uid, UINT64_MAX);
  ASSERT_TRUE(queued.has_value());
  int64_t made = 0;
  TraceAll();
  Restart({});
  while (Do("timer_create", {kMonotonic, 0, kScratch}) == 0) ++made;
  EXPECT_EQ(Result(), Error(Errno::kAgain));
  EXPECT_GT(made, 1000);
  EXPECT_EQ(Do("timer_delete", {5}), 0);
  EXPECT_EQ(Do("timer_create", {kMonotonic, 0, kScratch}), 0);
  EXPECT_EQ(Peek<int32_t>(kScratch), made);  // Numbers are not used again soon.
  queued.reset();
  EXPECT_EQ(Do("timer_create", {kMonotonic, 0, kScratch}), 0);
}

TEST_F(TimerCalls, PidfdLines) {
  EXPECT_EQ(Trace("pidfd_open", {1000, 04000}), "pidfd_open(1000, PIDFD_NONBLOCK)        = 0");
  EXPECT_EQ(Trace("pidfd_send_signal", {0, 0, 0, 0}),
            "pidfd_send_signal(0, 0, NULL, 0)        = 0");
  GuestSiginfo info;
  std::memset(&info, 0, sizeof(info));
  info.signal = os_emu::kSigUsr1;
  info.code = os_emu::kSiQueue;
  info.sent.value = 5;
  thread().SetSignalMask(~os_emu::SignalSet{0});
  EXPECT_EQ(
      Trace("pidfd_send_signal", {0, os_emu::kSigUsr1, Put(kScratch, info), 1}),
      "pidfd_send_signal(0, SIGUSR1, {si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=0, si_uid=0, "
      "si_int=5, si_ptr=0x5}, PIDFD_SIGNAL_THREAD) = 0");
  EXPECT_EQ(Trace("pidfd_getfd", {0, 0, 0}), "pidfd_getfd(0, 0, 0)                    = 1");
  EXPECT_EQ(Trace("waitid", {3, 0, kScratch, 5, 0}),
            "waitid(P_PIDFD, 0, 0x20000, WNOHANG|WEXITED, NULL) = -1 ECHILD (No child processes)");
}

TEST_F(TimerCalls, ThroughAPidfdOfAnotherProcess) {
  os_emu::Process& other = kernel_.CreateProcess();
  const uint64_t pid = static_cast<uint64_t>(static_cast<int32_t>(other.pid()));
  ASSERT_EQ(Do("eventfd2", {3, 0}), 0);
  ASSERT_TRUE(other.fds().Install(*process_.fds().Get(os_emu::Fd{0}), false, 7).ok());
  ASSERT_EQ(Do("pidfd_open", {pid, 0}), 1);
  process_.credentials = other.credentials;  // One user.
  EXPECT_EQ(Do("pidfd_getfd", {1, 7, 0}), 2);
  EXPECT_EQ(*process_.fds().Get(os_emu::Fd{2}), *other.fds().Get(os_emu::Fd{7}));
  EXPECT_EQ(Do("pidfd_getfd", {1, 6, 0}), Error(Errno::kBadF));
  // Signals that pretend to be the kernel's are for oneself only.
  GuestSiginfo info;
  std::memset(&info, 0, sizeof(info));
  info.signal = os_emu::kSigUsr1;
  EXPECT_EQ(Do("pidfd_send_signal", {1, 10, Put(kScratch, info), 0}), Error(Errno::kPerm));
  info.code = os_emu::kSiQueue;
  EXPECT_EQ(Do("pidfd_send_signal", {1, 10, Put(kScratch, info), 0}), 0);
  EXPECT_EQ(other.pending.set(), SignalBit(os_emu::kSigUsr1));
  EXPECT_EQ(Do("pidfd_send_signal", {1, 12, 0, 1}), 0);
  EXPECT_EQ(other.threads.begin()->second->pending.set(), SignalBit(os_emu::kSigUsr2));
  // Another user's.
  other.credentials = {.uid = 5, .euid = 5, .suid = 5, .fsuid = 5};
  process_.credentials = {.uid = 6, .euid = 6, .suid = 6, .fsuid = 6};
  EXPECT_EQ(Do("pidfd_getfd", {1, 7, 0}), Error(Errno::kPerm));
  EXPECT_EQ(Do("pidfd_send_signal", {1, 0, 0, 0}), Error(Errno::kPerm));
  other.credentials = process_.credentials;
  // One that has ended, and one that is gone.
  kernel_.EndProcess(other, {});
  EXPECT_EQ(Do("pidfd_send_signal", {1, 0, 0, 0}), 0);
  EXPECT_EQ(Do("pidfd_getfd", {1, 7, 0}), Error(Errno::kSrch));
  kernel_.ReleaseEnded();
  kernel_.processes().erase(other.pid());
  EXPECT_EQ(Do("pidfd_send_signal", {1, 0, 0, 0}), Error(Errno::kSrch));
  EXPECT_EQ(Do("pidfd_getfd", {1, 7, 0}), Error(Errno::kSrch));
}

TEST_F(TimerCalls, SealLines) {
  ASSERT_EQ(Do("memfd_create", {Text(kScratch, "x"), 3}), 0);
  EXPECT_EQ(Trace("fcntl", {0, 1033, 3}), "fcntl(0, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_SHRINK) = 0");
  EXPECT_EQ(Trace("fcntl", {0, 1034}),
            "fcntl(0, F_GET_SEALS)                   = 0x3 (seals F_SEAL_SEAL|F_SEAL_SHRINK)");
}

}  // namespace
}  // namespace pollux::shims
