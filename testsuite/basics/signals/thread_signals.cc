// thread_signals: which thread a signal goes to: one for a thread to that thread, one for the
// process to a thread that does not block it; who waits for it takes it; masks, pending signals and
// stacks for handlers are each thread's own, dispositions are everybody's.
#include <pthread.h>
#include <sys/signalfd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<pid_t> handled_by;
std::atomic<int> handled;

void Handler(int) {
  handled_by = Tid();
  ++handled;
}

// A thread that blocks all signals but `open`, and waits for its end.
class Bystander {
 public:
  explicit Bystander(std::initializer_list<int> open) {
    thread_ = std::thread([this, set = SetOf(open)] {
      pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      tid_ = Tid();
      while (!end_) sched_yield();
      sigset_t pending;
      sigpending(&pending);
      pending_ = sigismember(&pending, SIGUSR1) == 1;
    });
    while (tid_ == 0) sched_yield();
  }
  pid_t tid() const { return tid_; }
  pthread_t handle() { return thread_.native_handle(); }
  // Whether SIGUSR1 is pending for it at its end.
  bool End() {
    end_ = true;
    thread_.join();
    return pending_;
  }

 private:
  std::atomic<pid_t> tid_ = 0;
  std::atomic<bool> end_ = false;
  bool pending_ = false;
  std::thread thread_;
};

bool PendingHere(int signal) {
  sigset_t pending;
  Must(sigpending(&pending) == 0, "sigpending");
  return sigismember(&pending, signal) == 1;
}

}  // namespace

int main() {
  Handle(SIGUSR1, Handler);
  Block({SIGUSR1, SIGUSR2});
  {
    Bystander blocked({}), open({SIGUSR1});
    Must(kill(getpid(), SIGUSR1) == 0, "kill");
    while (handled < 1) sched_yield();
    std::printf("for the process: to the one that does not block it: %d\n",
                handled_by == open.tid());
    Must(pthread_kill(open.handle(), SIGUSR1) == 0, "pthread_kill");
    while (handled < 2) sched_yield();
    std::printf("for a thread: to that thread: %d\n", handled_by == open.tid());
    Must(pthread_kill(blocked.handle(), SIGUSR1) == 0, "pthread_kill");
    std::printf("pending here: %d\n", PendingHere(SIGUSR1));
    std::printf("pending there: %d\n", blocked.End());
    Must(!open.End() && handled == 2, "nobody else's");
  }
  // All block it: it waits for the process, and all see it pending; the first to unblock it has it.
  {
    Bystander one({}), two({});
    Must(kill(getpid(), SIGUSR1) == 0, "kill");
    std::printf("all block it: pending %d", PendingHere(SIGUSR1));
    std::printf(" %d %d\n", one.End(), two.End());
    Unblock({SIGUSR1});
    std::printf("handled when it is unblocked: %d here: %d\n", handled == 3, handled_by == Tid());
    Block({SIGUSR1});
  }
  // A new thread inherits the mask, and nothing that is pending for a thread.
  Must(pthread_kill(pthread_self(), SIGUSR1) == 0, "pthread_kill");
  std::thread([] {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    std::printf("a new thread: blocked %d, pending %d\n", sigismember(&mask, SIGUSR1),
                PendingHere(SIGUSR1));
    stack_t stack = {};
    sigaltstack(nullptr, &stack);
    std::printf("its stack for signals: %d\n", (stack.ss_flags & SS_DISABLE) == 0);
    Handle(SIGUSR2, SIG_IGN);
  }).join();
  struct sigaction action;
  Must(sigaction(SIGUSR2, nullptr, &action) == 0, "sigaction");
  std::printf("its disposition is mine: %d\n", action.sa_handler == SIG_IGN);
  int signal = 0;
  const sigset_t usr1 = SetOf({SIGUSR1});
  Must(sigwait(&usr1, &signal) == 0 && signal == SIGUSR1, "sigwait");

  // One thread takes what all others block: each that is sent to the process, and once.
  {
    constexpr int kSignals = 60;
    const int first = SIGRTMIN + 1;
    Block({first});
    std::atomic<int> sum = 0;
    std::thread taker([&] {
      const sigset_t set = SetOf({first});
      for (int i = 0; i < kSignals; ++i) {
        siginfo_t info;
        Must(sigwaitinfo(&set, &info) == first, "sigwaitinfo");
        sum += info.si_value.sival_int;
      }
    });
    std::vector<std::thread> senders;
    for (int i = 0; i < 3; ++i) {
      senders.emplace_back([=] {
        for (int k = 0; k < kSignals / 3; ++k) {
          Must(sigqueue(getpid(), first, sigval{i * 1000 + k}) == 0, "sigqueue");
        }
      });
    }
    for (std::thread& sender : senders) sender.join();
    taker.join();
    std::printf("taken by sigwaitinfo: sum %d\n", sum.load());
    // The same through a signalfd.
    const sigset_t set = SetOf({first});
    const int fd = signalfd(-1, &set, SFD_CLOEXEC);
    std::thread reader([&] {
      for (int i = 0; i < kSignals; ++i) {
        signalfd_siginfo info;
        Must(read(fd, &info, sizeof info) == sizeof info, "read");
        sum -= info.ssi_int;
      }
    });
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < kSignals / 3; ++k) {
        Must(sigqueue(getpid(), first, sigval{i * 1000 + k}) == 0, "sigqueue");
      }
    }
    reader.join();
    std::printf("taken by a signalfd: %d left\n", sum.load());
    // What is sent to a thread is in that thread's signalfd alone.
    Must(pthread_kill(pthread_self(), first) == 0, "pthread_kill");
    std::thread([&] {
      Must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
      signalfd_siginfo info;
      Show("another's signal through a signalfd", read(fd, &info, sizeof info));
    }).join();
    signalfd_siginfo info;
    ShowCount("one's own", read(fd, &info, sizeof info) == sizeof info ? 1 : -1);
  }

  // Handlers on stacks of their own, all at the same time.
  static thread_local char* stack_begin;
  static std::atomic<int> inside, on_stack;
  Handle(
      SIGUSR1,
      [](int) {
        char here;
        on_stack += &here >= stack_begin && &here < stack_begin + 65536;
        // Nobody leaves before all are in.
        ++inside;
        while (inside < 4) continue;
      },
      SA_ONSTACK);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      std::vector<char> bytes(65536);
      stack_begin = bytes.data();
      stack_t stack = {};
      stack.ss_sp = stack_begin;
      stack.ss_size = bytes.size();
      Must(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
      Unblock({SIGUSR1});
      raise(SIGUSR1);
      stack.ss_flags = SS_DISABLE;
      Must(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("on stacks of their own: %d\n", on_stack.load());

  // SIGPIPE is for the thread that writes.
  Handle(SIGPIPE, Handler);
  int ends[2];
  Must(pipe(ends) == 0 && close(ends[0]) == 0, "pipe");
  std::thread([&] {
    Show("write", write(ends[1], "x", 1));
    std::printf("SIGPIPE came here: %d\n", handled_by == Tid());
  }).join();
  return 0;
}
