// edges: a signalfd in epoll instances, edge- and level-triggered: any signal that becomes pending
// is looked at, blocked or not; and what dup and close in any order leave.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "testsuite/basics/check.h"

namespace {

int level, edge, once;

int MakeInstance(int number, uint32_t events) {
  const int instance = epoll_create1(0);
  Must(instance >= 0, "epoll_create1");
  epoll_event event = {};
  event.events = events;
  Must(epoll_ctl(instance, EPOLL_CTL_ADD, number, &event) == 0, "epoll_ctl");
  return instance;
}

void Wait(const char* name, int instance) {
  epoll_event event = {};
  const int count = epoll_wait(instance, &event, 1, 0);
  Must(count >= 0, "epoll_wait");
  std::printf(" %s %x", name, count == 0 ? 0 : event.events);
}

void WaitAll(const char* what) {
  std::printf("%s:", what);
  Wait("level", level);
  Wait("edge", edge);
  Wait("once", once);
  std::printf("\n");
}

void Read(int number, int expected) {
  signalfd_siginfo info;
  Must(read(number, &info, sizeof info) == sizeof info, "read");
  Must(static_cast<int>(info.ssi_signo) == expected, "the signal");
}

}  // namespace

int main() {
  sigset_t set, both;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  both = set;
  sigaddset(&both, SIGUSR2);
  Must(sigprocmask(SIG_BLOCK, &both, nullptr) == 0, "sigprocmask");
  int number = signalfd(-1, &set, SFD_NONBLOCK);
  Must(number >= 0, "signalfd");
  level = MakeInstance(number, EPOLLIN | EPOLLOUT);
  edge = MakeInstance(number, EPOLLIN | EPOLLOUT | EPOLLET);
  once = MakeInstance(number, EPOLLIN | EPOLLONESHOT);
  WaitAll("nothing pends");
  raise(SIGUSR2);
  WaitAll("another pends");
  raise(SIGUSR1);
  WaitAll("it pends");
  WaitAll("still");
  // A second one is not queued, so nothing happens.
  raise(SIGUSR1);
  WaitAll("raised again");
  // One that is queued at the process is an edge, although it says nothing new.
  kill(getpid(), SIGUSR1);
  WaitAll("raised at the process");
  // So is another signal, if it becomes pending.
  kill(getpid(), SIGUSR2);
  WaitAll("another at the process");
  Read(number, SIGUSR1);
  WaitAll("one read");
  Read(number, SIGUSR1);
  WaitAll("both read");
  // A change of the mask wakes, too.
  Must(signalfd(number, &both, 0) == number, "signalfd");
  WaitAll("new mask");
  Read(number, SIGUSR2);
  Read(number, SIGUSR2);
  WaitAll("all read");
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLONESHOT;
  Must(epoll_ctl(once, EPOLL_CTL_MOD, number, &event) == 0, "MOD");
  raise(SIGUSR2);
  WaitAll("once again");
  // Taken by sigwait: nobody is told, but nobody is ready.
  int taken = 0;
  Must(sigwait(&both, &taken) == 0 && taken == SIGUSR2, "sigwait");
  WaitAll("taken otherwise");

  const int other = dup(number);
  close(number);
  raise(SIGUSR1);
  WaitAll("the number is closed");
  close(other);
  WaitAll("all numbers are closed");
  number = signalfd(-1, &set, SFD_NONBLOCK);
  const int watcher = MakeInstance(number, EPOLLIN | EPOLLET);
  std::printf("added while it pends:");
  Wait("edge", watcher);
  Wait("edge", watcher);
  std::printf("\n");
  close(watcher);
  raise(SIGUSR2);
  Read(number, SIGUSR1);
  return 0;
}
