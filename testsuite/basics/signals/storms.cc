// storms: many signals between threads and processes: real-time ones are counted and carry their
// values in order; of standard ones at least one arrives; computing is not disturbed.
#include <pthread.h>

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<long> count, sum, out_of_order;
std::atomic<int> standard;
int last[4];

// Signal SIGRTMIN+2+n carries growing values.
void Counted(int signal, siginfo_t* info, void*) {
  ++count;
  const int value = info->si_value.sival_int;
  sum += value;
  int& before = last[signal - SIGRTMIN - 2];
  if (value < before) ++out_of_order;
  before = value;
}

void Standard(int) { ++standard; }

// Computes with registers of all kinds; a handler that spoils one changes the result.
double Compute(int rounds) {
  double a = 1, b = 2, c = 3, d = 5;
  unsigned long x = 88172645463325252u;
  for (int i = 0; i < rounds; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    a = std::sqrt(a + b), b = c * 0.75 + static_cast<double>(x % 7), c = d - a * 0.5;
    d = (a + b + c) * 0.25 + 1;
  }
  return a + b + c + d;
}

void Spoil(int) {
  volatile double some = standard;
  for (int i = 1; i < 20; ++i) some = some * 1.5 + Compute(3);
  ++standard;
}

}  // namespace

int main() {
  // Four threads send, each its own signal, to the process; who handles them computes meanwhile.
  const int first = SIGRTMIN + 2;
  constexpr int kEach = 100;
  for (int i = 0; i < 4; ++i) Handle(first + i, Counted);
  Block({first, first + 1, first + 2, first + 3});
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([=] {
      for (int k = 1; k <= kEach; ++k) {
        while (sigqueue(getpid(), first + i, sigval{k}) != 0) Must(errno == EAGAIN, "sigqueue");
      }
    });
  }
  Unblock({first, first + 1, first + 2, first + 3});
  const double quiet = Compute(1000);
  int same = 0, tries = 0;
  while (count < 4 * kEach) same += Compute(1000) == quiet, ++tries;
  for (std::thread& sender : senders) sender.join();
  std::printf("counted %ld, sum %ld, out of order %ld, computed the same: %d\n", count.load(),
              sum.load(), out_of_order.load(), same == tries);

  // A thread is sent a standard signal again and again; its numbers stay right.
  Handle(SIGUSR1, Spoil);
  std::atomic<bool> end = false;
  std::thread worker([&] {
    while (!end) Must(Compute(200) == Compute(200), "the same numbers");
  });
  int sent = 0;
  while (standard < 50) {
    Must(pthread_kill(worker.native_handle(), SIGUSR1) == 0, "pthread_kill");
    ++sent;
    sched_yield();
  }
  end = true;
  worker.join();
  std::printf("no more than were sent: %d\n", standard <= sent);

  // Between processes: the child counts what its parent queues, and answers each.
  Handle(SIGUSR1, Standard);
  Handle(SIGUSR2, Standard);
  Block({first, SIGUSR1, SIGUSR2});
  const pid_t parent = getpid();
  const pid_t child = Fork([&] {
    const sigset_t set = SetOf({first});
    long got = 0;
    for (int i = 1; i <= kEach; ++i) {
      siginfo_t info;
      Must(sigwaitinfo(&set, &info) == first && info.si_pid == parent, "sigwaitinfo");
      Must(info.si_value.sival_int == i, "in order");
      got += info.si_value.sival_int;
      Must(sigqueue(parent, first, sigval{i * 2}) == 0, "sigqueue");
    }
    return static_cast<int>(got % 100);
  });
  for (int i = 1; i <= kEach; ++i) Must(sigqueue(child, first, sigval{i}) == 0, "sigqueue");
  const sigset_t set = SetOf({first});
  long answers = 0;
  for (int i = 1; i <= kEach; ++i) {
    siginfo_t info;
    Must(sigwaitinfo(&set, &info) == first && info.si_pid == child, "sigwaitinfo");
    answers += info.si_value.sival_int;
  }
  std::printf("answers %ld\n", answers);
  ShowEnd("the child", child);

  // Ping-pong with standard signals: each waits for the other's, so that none is lost.
  const pid_t player = Fork([&] {
    const sigset_t usr1 = SetOf({SIGUSR1});
    for (int i = 0; i < 50; ++i) {
      int signal;
      Must(sigwait(&usr1, &signal) == 0 && kill(parent, SIGUSR2) == 0, "sigwait, kill");
    }
    return 5;
  });
  const sigset_t usr2 = SetOf({SIGUSR2});
  for (int i = 0; i < 50; ++i) {
    int signal;
    Must(kill(player, SIGUSR1) == 0 && sigwait(&usr2, &signal) == 0, "kill, sigwait");
  }
  ShowEnd("fifty rounds", player);
  return 0;
}
