// send_buffer: setting SO_SNDBUF wakes who waits for room, also where there was room all the time.
#include "testsuite/basics/net.h"

namespace {

void Ask(const char* what, int fd) {
  std::printf("%s\n", what);
  Watch watch({{'x', fd}});
  watch.Tell("at first");
  watch.Tell("again");
  SetOption(fd, SOL_SOCKET, SO_SNDBUF, 100000);
  watch.Tell("after SO_SNDBUF");
  SetOption(fd, SOL_SOCKET, SO_RCVBUF, 100000);
  watch.Tell("after SO_RCVBUF");
}

}  // namespace

int main() {
  const Pair pair = Connected();
  Ask("a connection", pair.client);
  Ask("a fresh socket", Tcp());
  Ask("a listener", Listener(1));
  const int listener = Listener(1);
  Must(shutdown(listener, SHUT_RD) == 0, "shutdown");
  Ask("a listener that was shut", listener);
  Ask("UDP", Udp());
  Ask("AF_UNIX", socket(AF_UNIX, SOCK_STREAM, 0));
  Ask("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
  return 0;
}
