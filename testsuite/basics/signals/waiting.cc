// waiting: calls that wait for a signal, or that a signal ends. The signal is already pending, so
// that nothing is left to chance: the call lets it through with its own mask, the handler runs, the
// mask is what it was, and the answer is EINTR.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <time.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

int handled;
void Handler(int) { ++handled; }

bool Blocked(int signal) {
  sigset_t mask;
  Must(sigprocmask(SIG_BLOCK, nullptr, &mask) == 0, "sigprocmask");
  return sigismember(&mask, signal) == 1;
}

// Prints how the call went, and what became of the pending signal.
template <typename Call>
void Try(const char* what, Call call) {
  handled = 0;
  Must(raise(SIGUSR1) == 0, "raise");
  const int result = call();
  const int error = errno;
  std::printf("%s: %s, handled %d, blocked again %d\n", what,
              result >= 0 ? std::to_string(result).c_str() : ErrorName(error), handled,
              Blocked(SIGUSR1));
  if (handled > 0) return;
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  Must(sigprocmask(SIG_UNBLOCK, &one, nullptr) == 0 && handled == 1,
       "the signal was still pending");
  Must(sigprocmask(SIG_BLOCK, &one, nullptr) == 0, "sigprocmask");
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_handler = Handler;
  action.sa_flags = SA_RESTART;  // None of these calls is ever restarted.
  Must(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  Must(sigprocmask(SIG_BLOCK, &blocked, nullptr) == 0, "sigprocmask");

  const int epoll = epoll_create1(0), counter = eventfd(0, 0);
  epoll_event event = {};
  event.events = EPOLLIN;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
  pollfd watched = {counter, POLLIN, 0};
  const timespec long_time = {1000, 0}, no_time = {};
  fd_set set;
  FD_ZERO(&set);

  Try("sigsuspend", [&] { return sigsuspend(&none); });
  Try("epoll_pwait", [&] { return epoll_pwait(epoll, &event, 1, -1, &none); });
  Try("epoll_pwait with a timeout", [&] { return epoll_pwait(epoll, &event, 1, 1000000, &none); });
  Try("epoll_pwait that does not wait", [&] { return epoll_pwait(epoll, &event, 1, 0, &none); });
  Try("epoll_pwait with the signal still blocked",
      [&] { return epoll_pwait(epoll, &event, 1, 10, &blocked); });
  Try("epoll_pwait2", [&] { return epoll_pwait2(epoll, &event, 1, &long_time, &none); });
  Try("ppoll", [&] { return ppoll(&watched, 1, nullptr, &none); });
  Try("ppoll of nothing", [&] { return ppoll(nullptr, 0, &long_time, &none); });
  Try("ppoll that does not wait", [&] { return ppoll(&watched, 1, &no_time, &none); });
  Try("ppoll with the signal still blocked",
      [&] { return ppoll(&watched, 1, &no_time, &blocked); });
  Try("pselect", [&] { return pselect(0, nullptr, nullptr, nullptr, nullptr, &none); });
  Try("pselect that does not wait",
      [&] { return pselect(0, nullptr, nullptr, nullptr, &no_time, &none); });

  // Something is ready: that is reported. Who asks first is the readiness, and the signal stays
  // where it is.
  const uint64_t one = 1;
  Must(write(counter, &one, sizeof one) == sizeof one, "write");
  Try("epoll_pwait, something is ready", [&] { return epoll_pwait(epoll, &event, 1, -1, &none); });
  Try("ppoll, something is ready", [&] { return ppoll(&watched, 1, nullptr, &none); });
  Try("pselect, something is ready", [&] {
    FD_SET(counter, &set);
    return pselect(counter + 1, &set, nullptr, nullptr, nullptr, &none);
  });
  return 0;
}
