// room_signals: who finds no room, does not wait and has O_ASYNC is sent a signal when there is
// room again. It is remembered while O_ASYNC is off, whatever is tried then.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "testsuite/basics/check.h"

namespace {

int ends[2];

void Async(bool on) {
  Must(fcntl(ends[0], F_SETFL, O_NONBLOCK | (on ? O_ASYNC : 0)) == 0, "F_SETFL");
}

void Fill() {
  static char bytes[4096];
  while (write(ends[0], bytes, sizeof bytes) > 0) {
  }
  std::printf("full: %s\n", ErrorName(errno));
}

void Drain() {
  static char bytes[4096];
  while (read(ends[1], bytes, sizeof bytes) > 0) {
  }
}

void Tell(const char* what) {
  sigset_t io;
  sigemptyset(&io);
  sigaddset(&io, SIGIO);
  const timespec at_once = {};
  int count = 0;
  while (sigtimedwait(&io, nullptr, &at_once) == SIGIO) ++count;
  std::printf("%s: %d\n", what, count);
}

}  // namespace

int main() {
  sigset_t io;
  sigemptyset(&io);
  sigaddset(&io, SIGIO);
  Must(sigprocmask(SIG_BLOCK, &io, nullptr) == 0, "sigprocmask");
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    std::printf("type %d\n", type);
    Must(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    Must(fcntl(ends[0], F_SETOWN, getpid()) == 0, "F_SETOWN");
    Fill();
    Async(true);
    Drain();
    Tell("found no room without O_ASYNC");
    Fill();
    Drain();
    Tell("found no room");
    Fill();
    Drain();
    Fill();
    Async(false);
    Tell("twice");
    Fill();
    Drain();
    Tell("not while it is off");
    Fill();
    Async(true);
    Drain();
    Tell("remembered");
    Drain();
    Tell("once");
    close(ends[0]);
    close(ends[1]);
  }
  return 0;
}
