// interrupted_calls: a timer's signal ends a call that waits: which calls begin again with
// SA_RESTART, which never do, and what they have done until then.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

int ends[2], alarms;
bool feeds, ends_at_second;

// The second alarm gives the reader something, so that a call that was begun again ends.
void Handler(int) {
  ++alarms;
  if (alarms == 2 && feeds) Must(write(ends[1], "x", 1) == 1, "write");
}

void SetAlarms(long micros, long interval) {
  const itimerval setting = {{0, interval}, {0, micros}};
  Must(setitimer(ITIMER_REAL, &setting, nullptr) == 0, "setitimer");
}

// What is left over from a try that came to nothing.
void Drain() {
  pollfd rest = {ends[0], POLLIN, 0};
  char byte;
  while (poll(&rest, 1, 0) == 1) Must(read(ends[0], &byte, 1) == 1, "read");
}

// The call waits without end: the alarm that comes again ends one that begins again. On a busy
// machine the first alarm may come before the call, or the second before it is told; a call that
// begins again is interrupted twice at every attempt.
template <typename Call>
void Try(const char* what, Call call) {
  for (const int flags : {0, SA_RESTART}) {
    struct sigaction action = {};
    action.sa_handler = Handler;
    action.sa_flags = flags;
    Must(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
    long result = 0;
    int error = 0;
    for (int attempt = 0; attempt < 10; ++attempt) {
      alarms = 0;
      SetAlarms(2000, 20000);
      errno = 0;
      result = call();
      error = errno;
      SetAlarms(0, 0);
      if (alarms <= (result >= 0 && ends_at_second ? 2 : 1)) break;
      Drain();
    }
    std::printf("%s%s: %s after %d\n", what, flags != 0 ? ", SA_RESTART" : "",
                result >= 0 ? std::to_string(result).c_str() : ErrorName(error), alarms);
  }
}

}  // namespace

int main() {
  Must(pipe(ends) == 0, "pipe");
  const int epoll = epoll_create1(0), counter = eventfd(0, 0);
  const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  epoll_event event = {};
  event.events = EPOLLIN;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
  pollfd watched = {ends[0], POLLIN, 0};
  const timespec long_time = {1000, 0};
  char byte;

  Try("epoll_wait", [&] { return epoll_wait(epoll, &event, 1, -1); });
  Try("epoll_wait with a timeout", [&] { return epoll_wait(epoll, &event, 1, 100000); });
  Try("epoll_pwait2", [&] { return epoll_pwait2(epoll, &event, 1, &long_time, nullptr); });
  Try("poll", [&] { return poll(&watched, 1, -1); });
  Try("poll with a timeout", [&] { return poll(&watched, 1, 100000); });
  Try("poll of nothing", [&] { return poll(nullptr, 0, -1); });
  Try("ppoll", [&] { return ppoll(&watched, 1, &long_time, nullptr); });
  Try("select", [&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    const int result = select(ends[0] + 1, &set, nullptr, nullptr, nullptr);
    Must(FD_ISSET(ends[0], &set), "an interrupted select leaves the sets alone");
    return result;
  });
  Try("select with a timeout", [&] {
    timeval time = {1000, 0};
    const int result = select(0, nullptr, nullptr, nullptr, &time);
    const int error = errno;
    Must(time.tv_sec == 999, "what is left of the timeout");
    errno = error;
    return result;
  });
  Try("nanosleep", [&] {
    timespec left = {};
    const int result = nanosleep(&long_time, &left);
    Must(left.tv_sec == 999, "what is left of the sleep");
    return result;
  });
  Try("clock_nanosleep until", [&] {
    timespec then;
    Must(clock_gettime(CLOCK_REALTIME, &then) == 0, "clock_gettime");
    then.tv_sec += 1000;
    errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, nullptr);
    return errno == 0 ? 0 : -1;
  });
  Try("pause", [&] { return pause(); });
  sigset_t other;
  sigemptyset(&other);
  sigaddset(&other, SIGUSR1);
  Must(sigprocmask(SIG_BLOCK, &other, nullptr) == 0, "sigprocmask");
  Try("sigtimedwait", [&] { return sigtimedwait(&other, nullptr, &long_time); });
  Try("sigwaitinfo", [&] { return sigwaitinfo(&other, nullptr); });

  // These begin again.
  feeds = ends_at_second = true;
  Try("read of a pipe", [&] {
    const long result = read(ends[0], &byte, 1);
    if (result < 0) return result;
    return result;
  });
  feeds = ends_at_second = false;
  Try("read of an eventfd", [&] {
    if (alarms == 0) {
      struct sigaction action;
      Must(sigaction(SIGALRM, nullptr, &action) == 0, "sigaction");
      if ((action.sa_flags & SA_RESTART) != 0) return -1L;  // Would wait for ever.
    }
    uint64_t value;
    return static_cast<long>(read(counter, &value, sizeof value));
  });
  // One that has moved something answers what it has moved.
  const int size = fcntl(ends[1], F_GETPIPE_SZ);
  Must(size > 0, "F_GETPIPE_SZ");
  std::string many(static_cast<size_t>(size) + 100, 'y');
  Try("write of more than fits", [&] {
    const long result = write(ends[1], many.data(), many.size());
    std::string drained(many.size(), ' ');
    Must(read(ends[0], drained.data(), drained.size()) == result, "read");
    return result == size ? 1L : result;
  });
  // The deadline of what begins again is not put off.
  ends_at_second = true;
  Try("read of a timerfd", [&] {
    const itimerspec once = {{0, 0}, {0, 50000000}};
    Must(timerfd_settime(timer, 0, &once, nullptr) == 0, "timerfd_settime");
    uint64_t value = 0;
    const long result = read(timer, &value, sizeof value);
    if (result == 8) {
      Must(alarms >= 2, "interrupted before");
      alarms = 2;
    }
    return result;
  });
  ends_at_second = false;
  const int signals = signalfd(-1, &other, 0);
  Try("read of a signalfd", [&] {
    const timespec no_time = {};
    struct sigaction action;
    Must(sigaction(SIGALRM, nullptr, &action) == 0, "sigaction");
    if ((action.sa_flags & SA_RESTART) != 0) raise(SIGUSR1);
    signalfd_siginfo info;
    const long result = read(signals, &info, sizeof info);
    const int error = errno;
    sigtimedwait(&other, nullptr, &no_time);
    errno = error;
    return result;
  });
  return 0;
}
