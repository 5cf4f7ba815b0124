// stopping: SIGSTOP stops all threads of a process, SIGCONT lets them go on; what is sent meanwhile
// waits; a read that waited goes on waiting, epoll_wait does not; SIGCONT continues even where it
// is blocked or ignored.
#include <sys/epoll.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<long>* shared;

void Note(int signal) { shared[1] = shared[1] * 100 + signal; }

std::atomic<bool> continued;

}  // namespace

int main() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Must(page != MAP_FAILED, "mmap");
  shared = static_cast<std::atomic<long>*>(page);
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Gate end;

  pid_t child = Fork([&] {
    for (int i = 0; i < 2; ++i) {
      std::thread([] {
        for (;;) ++shared[0];
      }).detach();
    }
    char byte = 0;
    Must(read(ends[0], &byte, 1) == 1, "read");
    end.Pass();
    return byte;
  });
  while (shared[0] == 0) sched_yield();
  Must(kill(child, SIGSTOP) == 0, "kill");
  std::printf("%s\n", StatusText(Wait(child, WUNTRACED)).c_str());
  const long before = shared[0];
  for (int i = 0; i < 1000; ++i) sched_yield();
  std::printf("all threads have stopped: %d\n", shared[0] == before);
  Must(write(ends[1], "\x09", 1) == 1, "write");
  for (int i = 0; i < 100; ++i) sched_yield();
  std::printf("what it waited for is there, but it is stopped: %d\n",
              waitpid(child, nullptr, WNOHANG));
  Must(kill(child, SIGCONT) == 0, "kill");
  std::printf("%s\n", StatusText(Wait(child, WCONTINUED)).c_str());
  end.Open();
  ShowEnd("the read", child);

  // Signals that come meanwhile wait; standard ones once.
  child = Fork([&] {
    Handle(SIGUSR1, Note);
    Handle(SIGUSR2, Note);
    raise(SIGSTOP);
    return shared[1] == 1012 ? 3 : shared[1] == 1210 ? 4 : 5;
  });
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  for (const int signal : {SIGUSR1, SIGUSR2, SIGUSR1}) Must(kill(child, signal) == 0, "kill");
  for (int i = 0; i < 100; ++i) sched_yield();
  std::printf("handled while it is stopped: %ld\n", shared[1].load());
  Must(kill(child, SIGCONT) == 0, "kill");
  // Both handlers begin before the first instruction; the last of the two begins first.
  ShowEnd("handled afterwards", child);

  // SIGCONT throws away stop signals that wait, and the other way round.
  child = Fork([] {
    Block({SIGTSTP, SIGCONT});
    raise(SIGTSTP);
    raise(SIGCONT);
    sigset_t pending;
    sigpending(&pending);
    const int first = sigismember(&pending, SIGTSTP) * 2 + sigismember(&pending, SIGCONT);
    raise(SIGTSTP);
    sigpending(&pending);
    return first * 10 + sigismember(&pending, SIGTSTP) * 2 + sigismember(&pending, SIGCONT);
  });
  ShowEnd("the one against the other", child);

  for (const bool ignored : {false, true}) {
    child = Fork([=] {
      if (ignored) Handle(SIGCONT, SIG_IGN);
      if (!ignored) Block({SIGCONT});
      raise(SIGSTOP);
      return 7;
    });
    Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
    Must(kill(child, SIGCONT) == 0, "kill");
    ShowEnd(ignored ? "continued, ignored" : "continued, blocked", child);
  }
  // A handler for SIGCONT runs when it goes on.
  child = Fork([] {
    Handle(SIGCONT, [](int) { continued = true; });
    raise(SIGSTOP);
    return continued ? 8 : 9;
  });
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  Must(kill(child, SIGCONT) == 0, "kill");
  ShowEnd("with a handler", child);
  // SIGKILL ends a stopped one; stopped twice is told once.
  child = Fork([] { return raise(SIGSTOP); });
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  Must(kill(child, SIGSTOP) == 0, "kill");
  std::printf("stopped twice: %d\n", waitpid(child, nullptr, WUNTRACED | WNOHANG));
  Must(kill(child, SIGKILL) == 0, "kill");
  ShowEnd("killed", child);
  // A sleep goes on until its time, however long it was stopped in between.
  child = Fork([&] {
    shared[2] = 1;
    const int64_t until = Now() + 20 * kMillisecond;
    const timespec time = Time(20 * kMillisecond);
    return nanosleep(&time, nullptr) == 0 && Now() >= until ? 10 : 11;
  });
  while (shared[2] == 0) sched_yield();
  Must(kill(child, SIGSTOP) == 0, "kill");
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  Must(kill(child, SIGCONT) == 0, "kill");
  ShowEnd("a sleep", child);
  // epoll_wait ends (signal(7)), and no handler's return brings the mask back that it had changed.
  child = Fork([] {
    Block({SIGUSR1});
    sigset_t none, all, before, after;
    sigemptyset(&none);
    sigfillset(&all);
    epoll_event event;
    const int result = epoll_pwait(epoll_create1(0), &event, 1, -1, &none);
    const bool interrupted = result == -1 && errno == EINTR;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    return 20 + interrupted + 2 * sigismember(&before, SIGUSR1) + 4 * sigismember(&after, SIGTERM);
  });
  UntilProcessAsleep(child);
  Must(kill(child, SIGSTOP) == 0, "kill");
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  Must(kill(child, SIGCONT) == 0, "kill");
  ShowEnd("epoll_pwait", child);
  return 0;
}
