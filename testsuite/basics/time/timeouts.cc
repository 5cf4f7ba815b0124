// timeouts: calls that wait for readiness and time out wait at least as long as was asked for, and
// not at all where the time is zero; what they leave behind.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr int64_t kMillisecond = 1000000;
constexpr timespec kThree = {0, 3 * kMillisecond};

int64_t Now() {
  timespec now;
  Must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

template <typename Wait>
void AtLeast(const char* what, int64_t ns, Wait wait) {
  const int64_t before = Now();
  const int result = wait();
  const int64_t took = Now() - before;
  std::printf("%s: %s, %s\n", what, result >= 0 ? std::to_string(result).c_str() : ErrorName(errno),
              took < ns                          ? "too short"
              : took > ns + 20000 * kMillisecond ? "far too long"
                                                 : "long enough");
}

}  // namespace

int main() {
  const int epoll = epoll_create1(0), counter = eventfd(0, 0);
  epoll_event event = {};
  event.events = EPOLLIN;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
  pollfd watched = {counter, POLLIN, 0x7f};

  AtLeast("epoll_wait, 3 ms", 3 * kMillisecond, [&] { return epoll_wait(epoll, &event, 1, 3); });
  AtLeast("epoll_wait, 0", 0, [&] { return epoll_wait(epoll, &event, 1, 0); });
  AtLeast("epoll_pwait2, 3 ms", 3 * kMillisecond,
          [&] { return epoll_pwait2(epoll, &event, 1, &kThree, nullptr); });
  AtLeast("epoll_pwait2, 1 ns", 1, [&] {
    const timespec one = {0, 1};
    return epoll_pwait2(epoll, &event, 1, &one, nullptr);
  });
  AtLeast("poll, 3 ms", 3 * kMillisecond, [&] { return poll(&watched, 1, 3); });
  std::printf("revents %d\n", watched.revents);
  AtLeast("poll, 0", 0, [&] { return poll(&watched, 1, 0); });
  AtLeast("poll of nothing, 3 ms", 3 * kMillisecond, [&] { return poll(nullptr, 0, 3); });
  AtLeast("poll of a negative number, 3 ms", 3 * kMillisecond, [&] {
    pollfd none = {-1, POLLIN, 0x7f};
    const int result = poll(&none, 1, 3);
    return result + none.revents;
  });
  AtLeast("ppoll, 3 ms", 3 * kMillisecond, [&] { return ppoll(&watched, 1, &kThree, nullptr); });

  fd_set set;
  AtLeast("select, 3 ms", 3 * kMillisecond, [&] {
    FD_ZERO(&set);
    FD_SET(counter, &set);
    timeval time = {0, 3000};
    const int result = select(counter + 1, &set, nullptr, nullptr, &time);
    std::printf("left of the time: %lld s %lld us, in the set: %d\n",
                static_cast<long long>(time.tv_sec), static_cast<long long>(time.tv_usec),
                FD_ISSET(counter, &set));
    return result;
  });
  AtLeast("pselect of nothing, 3 ms", 3 * kMillisecond,
          [&] { return pselect(0, nullptr, nullptr, nullptr, &kThree, nullptr); });

  // What is ready is told at once, however long the time.
  const uint64_t number = 1;
  Must(write(counter, &number, sizeof number) == sizeof number, "write");
  AtLeast("epoll_wait, ready", 0, [&] { return epoll_wait(epoll, &event, 1, 1000000); });
  AtLeast("epoll_wait for ever, ready", 0, [&] { return epoll_wait(epoll, &event, 1, -1); });
  AtLeast("poll, ready", 0, [&] { return poll(&watched, 1, 1000000); });
  AtLeast("poll for ever, ready", 0, [&] { return poll(&watched, 1, -1); });

  const timespec too_many = {0, 1000000000}, negative = {-1, 0};
  Show("epoll_pwait2, too many nanoseconds", epoll_pwait2(epoll, &event, 1, &too_many, nullptr));
  Show("ppoll, negative", ppoll(&watched, 1, &negative, nullptr));
  Show("pselect, too many nanoseconds", pselect(0, nullptr, nullptr, nullptr, &too_many, nullptr));
  timeval negative_time = {-1, 0};
  Show("select, negative", select(0, nullptr, nullptr, nullptr, &negative_time));
  timeval large_part = {0, 1000001};
  Show("select, more than a second of microseconds",
       select(0, nullptr, nullptr, nullptr, &large_part));
  return 0;
}
