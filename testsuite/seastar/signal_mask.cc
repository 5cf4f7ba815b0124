// Signals and the sleep of a Seastar core (src/core/reactor.cc: signal_pollfn and reactor::signals;
// reactor_backend_epoll's enable_timer). A handler only sets a bit that the loop polls, so a signal
// that comes after the last look and before epoll_pwait would be slept over. The core blocks all
// signals, looks once more, and hands the old mask to epoll_pwait, which unblocks them for exactly
// as long as it sleeps.
//
// A timer's signal (SIGEV_THREAD_ID) starts each round on core 0; core 1 answers with SIGUSR1 to
// the process, which core 0 alone does not block. Whichever is lost, the round never ends.
#include <signal.h>

#include "testsuite/seastar/reactor.h"

int main() {
  constexpr int kRounds = 25;
  Smp smp(2);
  int rounds = 0, timers = 0;
  Task start_round;
  smp.Run([&] {
    Reactor& core = Reactor::Current();
    start_round = [&] {
      // Sometimes in the past already: the signal comes before the call returns.
      core.ArmTimer(Now() + (rounds % 3) * kMillisecond / 10, [&] {
        ++timers;
        core.SubmitTo(1, [] { Must(kill(getpid(), SIGUSR1) == 0, "kill"); });
      });
    };
    core.HandleSignal(SIGUSR1, [&] {
      if (++rounds < kRounds) return start_round();
      std::printf("rounds: %d, timers: %d\n", rounds, timers);
      smp.Stop();
    });
    start_round();
  });

  // What the mask of epoll_pwait does, alone: a pending signal ends a wait for nothing at once,
  // though it is blocked before and after.
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  Handle(SIGUSR2, [](int) {});
  Block({SIGUSR2});
  Must(kill(getpid(), SIGUSR2) == 0, "kill");
  epoll_event event;
  sigset_t none;
  sigemptyset(&none);
  const int blocked = epoll_pwait(epoll, &event, 1, 0, nullptr);
  std::printf("with the signal blocked: %d\n", blocked);
  ShowCount("with the signal let through", epoll_pwait(epoll, &event, 1, -1, &none));
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  std::printf("blocked again: %s\n", sigismember(&now, SIGUSR2) ? "yes" : "no");
  close(epoll);
  return 0;
}
