// SIGURG for an out-of-band byte goes to the owner of a socket, with or without O_ASYNC
// (sk_send_sigurg() of net/core/sock.c); with F_SETSIG that signal comes, too.
#include <vector>

#include "testsuite/basics/net.h"
#include "testsuite/basics/signals/io_signals.h"

static void Ask(int from, int to) {
  FileNames()[to] = "receiver";
  ShowSent("nobody owns it", from, "a", MSG_OOB);
  Tell("  told");
  Show("an owner", fcntl(to, F_SETOWN, getpid()));
  ShowSent("without O_ASYNC", from, "b", MSG_OOB);
  Tell("  told");
  ShowSent("ordinary bytes", from, "ordinary");
  Tell("  told");
  Must(AddFlags(to, O_ASYNC) == 0, "F_SETFL");
  ShowSent("with it", from, "c", MSG_OOB);
  Tell("  told");
  ShowSent("the last of several", from, "several", MSG_OOB);
  Tell("  told");
  Must(fcntl(to, F_SETSIG, kIoSignal) == 0, "F_SETSIG");
  ShowSent("with F_SETSIG", from, "d", MSG_OOB);
  Tell("  told");
  Must(fcntl(to, F_SETSIG, SIGUSR1) == 0, "F_SETSIG");
  ShowSent("of a signal that does not queue", from, "e", MSG_OOB);
  Tell("  told");
  Must(fcntl(to, F_SETSIG, kIoSignal) == 0, "F_SETSIG");
  Must(DropFlags(to, O_ASYNC) == 0, "F_SETFL");
  ShowSent("and without O_ASYNC", from, "f", MSG_OOB);
  Tell("  told");
  SetOption(to, SOL_SOCKET, SO_OOBINLINE, 1);
  ShowSent("in line", from, "g", MSG_OOB);
  Tell("  told");
  Show("nobody again", fcntl(to, F_SETOWN, 0));
  ShowSent("the byte", from, "h", MSG_OOB);
  Tell("  told");
}

int main() {
  BlockSignals();
  std::puts("- TCP");
  Pair pair = Connected();
  Ask(pair.client, pair.server);
  close(pair.client);
  close(pair.server);
  std::puts("- AF_UNIX");
  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
  Ask(ends[0], ends[1]);
  return 0;
}
