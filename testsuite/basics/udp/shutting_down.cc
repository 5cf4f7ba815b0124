// shutting_down: shutdown(2) of a datagram socket.
#include <signal.h>

#include "testsuite/basics/net.h"

int main() {
  signal(SIGPIPE, SIG_DFL);
  const int a = Udp(), b = Udp();
  Must(Bind(a, V4(INADDR_LOOPBACK)) == 0 && Bind(b, V4(INADDR_LOOPBACK)) == 0, "bind");
  Watch watch({{'a', a}});
  watch.Tell("bound");
  Must(Connect(a, NameOf(b)) == 0, "connect");
  Show("for writing", shutdown(a, SHUT_WR));
  watch.Tell("shut for writing");
  ShowCount("send", send(a, "x", 1, 0));
  const sockaddr_in to = NameOf(a);
  ShowCount("one more comes",
            sendto(b, "y", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  Show("for reading", shutdown(a, SHUT_RD));
  watch.Tell("shut both ways");
  ShowReceived("what was there", a, 10);
  ShowReceived("then nothing", a, 10);
  Block(a, true);
  ShowReceived("and blocking the end", a, 10);

  const int c = Udp();
  Watch fresh({{'c', c}});
  Show("not connected", shutdown(c, SHUT_RDWR));
  fresh.Tell("and yet");
  Show("no such way", shutdown(c, 3));
  const int d = Udp();
  Must(Connect(d, V4(INADDR_LOOPBACK, 0)) == 0, "connect");
  Show("connected to port 0", shutdown(d, SHUT_RD));
  return 0;
}
