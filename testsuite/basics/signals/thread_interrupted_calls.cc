// thread_interrupted_calls: a thread waits in a call, another sends it a signal: which calls end
// with EINTR, which begin again with SA_RESTART, which never do. The handler runs on the thread
// that waits.
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/waiter.h"

namespace {

std::atomic<int> handled;
std::atomic<pid_t> handled_by;

void Handler(int) {
  handled_by = Tid();
  ++handled;
}

// `release` lets the call go on in the end, where it begins again; else it is empty.
void Try(const char* what, std::function<long()> call, std::function<void()> release) {
  for (const int flags : {0, SA_RESTART}) {
    Handle(SIGUSR1, Handler, flags);
    handled = 0;
    Waiter waiter(call);
    for (int i = 1; i <= 3; ++i) {
      // It may have returned after the first: then the rest are for nobody.
      if (i > 1 && (flags == 0 || !release)) break;
      if (pthread_kill(waiter.handle(), SIGUSR1) != 0) break;
      while (handled < i) sched_yield();
      if (flags != 0 && release) UntilThreadAsleep(waiter.tid());
    }
    Must(handled_by == waiter.tid(), "the handler runs where the signal was sent");
    if (flags != 0 && release) release();
    waiter.Join(flags != 0 ? (std::string(what) + ", SA_RESTART").c_str() : what);
  }
}

}  // namespace

int main() {
  // The waiters alone take it.
  int ends[2], full[2], pair[2], sending[2];
  Must(pipe(ends) == 0 && pipe2(full, O_NONBLOCK) == 0, "pipe");
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  Must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sending) == 0, "socketpair");
  const std::string many(1 << 16, 'x');
  while (write(full[1], many.data(), 4096) > 0) continue;
  Must(fcntl(full[1], F_SETFL, 0) == 0, "F_SETFL");
  while (send(sending[0], "y", 1, MSG_DONTWAIT) > 0) continue;
  const int counter = eventfd(0, 0), epoll = epoll_create1(0);
  const timespec long_time = {100000, 0};
  char byte;
  uint64_t value;

  Try(
      "read", [&] { return read(ends[0], &byte, 1); }, [&] { (void)!write(ends[1], "x", 1); });
  Try(
      "write", [&] { return write(full[1], many.data(), 1); },
      [&] {
        std::string some(4096, ' ');
        (void)!read(full[0], some.data(), some.size());
      });
  Try(
      "read of an eventfd", [&] { return read(counter, &value, 8); },
      [&] {
        const uint64_t one = 1;
        (void)!write(counter, &one, 8);
      });
  Try(
      "recv", [&] { return recv(pair[0], &byte, 1, 0); }, [&] { send(pair[1], "x", 1, 0); });
  Try(
      "send", [&] { return send(sending[0], "y", 1, 0); },
      [&] {
        // Until it is nearly empty nobody is woken.
        while (recv(sending[1], &byte, 1, MSG_DONTWAIT) > 0) continue;
      });
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path + 1, 40, "thread_interrupted_calls.%d", getpid());
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  Must(bind(listener, name, sizeof address) == 0 && listen(listener, 5) == 0, "listen");
  Try(
      "accept", [&] { return accept(listener, nullptr, nullptr) >= 0 ? 1 : -1; },
      [&] {
        Must(connect(socket(AF_UNIX, SOCK_STREAM, 0), name, sizeof address) == 0, "connect");
      });
  sem_t semaphore;
  Must(sem_init(&semaphore, 0, 0) == 0, "sem_init");
  Try(
      "sem_wait", [&] { return sem_wait(&semaphore); }, [&] { sem_post(&semaphore); });
  std::atomic<int> word = 0;
  Try(
      "futex",
      [&] { return word == 0 ? syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr) : 0; },
      [&] {
        word = 1;
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
      });
  word = 0;
  // The system call itself begins again after a time, with the rest of it: SA_RESTART or not.
  // These never begin again.
  const std::function<void()> never;
  Try(
      "futex for a time",
      [&] { return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &long_time); }, never);
  Try(
      "epoll_wait",
      [&] {
        epoll_event event;
        return epoll_wait(epoll, &event, 1, -1);
      },
      never);
  Try(
      "poll", [&] { return poll(nullptr, 0, -1); }, never);
  Try(
      "select", [&] { return select(0, nullptr, nullptr, nullptr, nullptr); }, never);
  Try(
      "nanosleep", [&] { return nanosleep(&long_time, nullptr); }, never);
  Try(
      "pause", [] { return pause(); }, never);
  Try(
      "sigsuspend",
      [] {
        const sigset_t none = SetOf({});
        return sigsuspend(&none);
      },
      never);
  Try(
      "sigtimedwait",
      [&] {
        const sigset_t other = SetOf({SIGUSR2});
        return sigtimedwait(&other, nullptr, &long_time);
      },
      never);
  timeval limit = {100000, 0};
  Must(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
  Try(
      "recv with SO_RCVTIMEO", [&] { return recv(pair[0], &byte, 1, 0); }, never);
  return 0;
}
