// A signal between check and wait: its handler has run, the flag is set, and poll sleeps all the
// same.
//
// Perl runs signal handlers at safe points: the C handler sets a flag, which the interpreter looks
// at between two operations. A signal that comes after the last look and before select(2) is
// handled when select returns, which may be never (Perl/perl5#11458, "potential race condition when
// mixing signals and select()"). QubesOS/qubes-issues#241 tells the same of qrexec and SIGCHLD. The
// signal has to stay blocked from the check on, and only the waiting call may let it in: ppoll,
// pselect, epoll_pwait (or the handler writes to a pipe that is watched).
#include <poll.h>

#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/museum/museum.h"

namespace {

constexpr int kSignals = 8;

volatile sig_atomic_t caught = 0;

// Waits until as many signals were caught, or there is something to read, which there never is.
void AwaitSignal(int count, int fd, const sigset_t* mask) {
  while (caught < count) {
    pollfd readable = {fd, POLLIN, 0};
    Must(ppoll(&readable, 1, nullptr, mask) == -1 && errno == EINTR, "only a signal ends the wait");
  }
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  Handle(SIGUSR1, [](int) { caught = caught + 1; });
  const SocketPair silent;
  const pthread_t waiter = pthread_self();
  const sigset_t none = SetOf({});
  Gate next;
  std::thread sender([&] {
    for (int i = 0; i < kSignals; ++i) {
      next.Pass();
      Must(pthread_kill(waiter, SIGUSR1) == 0, "pthread_kill");
    }
  });
  if (fixed) Block({SIGUSR1});  // <== the fix: none but ppoll lets it in
  for (int i = 1; i <= kSignals; ++i) {
    next.Open();
    AwaitSignal(i, silent.server, &none);
  }
  sender.join();
  return Ok();
}
