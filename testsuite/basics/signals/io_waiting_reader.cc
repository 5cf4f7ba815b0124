// A call that waits for the data of a TCP connection stands for its signal: what wakes it is not
// signalled (SOCKWQ_ASYNC_WAITDATA of include/linux/net.h). One that waits for a datagram or for a
// pipe does not. Once a call has been interrupted, or has had enough of waiting, signals come
// again.
#include <sys/time.h>

#include "testsuite/basics/net.h"
#include "testsuite/basics/signals/io_signals.h"
#include "testsuite/basics/tasks.h"

static void Interrupt(int) {}

// A child writes as soon as this process waits.
static void Ask(const char* kind, int reader, int writer) {
  std::printf("- %s\n", kind);
  SendSignals(reader, "reader");
  Must(DropFlags(reader, O_NONBLOCK) == 0, "F_SETFL");
  const pid_t parent = getpid();
  pid_t child = Fork([&] {
    UntilProcessAsleep(parent);
    return write(writer, "x", 1) == 1 ? 0 : 1;
  });
  char byte;
  ShowCount("read", read(reader, &byte, 1));
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  Wait(child);
  Must(sigwaitinfo(&children, nullptr) == SIGCHLD, "SIGCHLD");
  Tell("  told");
  child = Fork([&] {
    UntilProcessAsleep(parent);
    return kill(parent, SIGALRM);
  });
  ShowCount("read that is interrupted", read(reader, &byte, 1));
  Wait(child);
  Must(write(writer, "x", 1) == 1, "write");
  Must(sigwaitinfo(&children, nullptr) == SIGCHLD, "SIGCHLD");
  Tell("  told of a byte after that");
  ShowCount("read of it", read(reader, &byte, 1));
}

int main() {
  BlockSignals();
  struct sigaction action = {};
  action.sa_handler = Interrupt;
  Must(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Ask("a pipe", ends[0], ends[1]);
  const int receiver = Udp(), sender = Udp();
  Must(Bind(receiver, V4(INADDR_LOOPBACK)) == 0, "bind");
  Must(Connect(sender, NameOf(receiver)) == 0, "connect");
  Ask("UDP", receiver, sender);
  const Pair pair = Connected();
  Ask("TCP", pair.client, pair.server);
  std::puts("- TCP with a timeout");
  const timeval short_time = {0, 10000};
  Must(setsockopt(pair.client, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time) == 0,
       "SO_RCVTIMEO");
  ShowReceived("receive", pair.client, 1);
  ShowSent("send", pair.server, "x");
  Tell("  told");
  return 0;
}
