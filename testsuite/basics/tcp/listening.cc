// listening: a listener's life: calls that it refuses, shutdown, what accepted sockets take over,
// and sockets that are not connected.
#include "testsuite/basics/net.h"

int main() {
  const int listener = Listener(5);
  ShowReceived("recv", listener, 1);
  ShowSent("send", listener, "x");
  Show("connect", Connect(listener, NameOf(listener)));
  Show("listen again", listen(listener, 7));
  int bytes;
  Show("FIONREAD", ioctl(listener, FIONREAD, &bytes));
  std::printf("accepts: %d\n", Option(listener, SOL_SOCKET, SO_ACCEPTCONN));
  struct tcp_info info;
  socklen_t length = sizeof info;
  Must(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
  std::printf("state %d\n", info.tcpi_state);

  SetOption(listener, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(listener, IPPROTO_TCP, TCP_KEEPIDLE, 11);
  SetOption(listener, SOL_SOCKET, SO_RCVLOWAT, 3);
  const int client = Tcp();
  Connect(client, NameOf(listener));
  Settle();
  const int server = accept(listener, nullptr, nullptr);
  std::printf("taken over: %d %d %d %d %d\n", Option(server, IPPROTO_TCP, TCP_NODELAY),
              Option(server, SOL_SOCKET, SO_KEEPALIVE), Option(server, IPPROTO_TCP, TCP_KEEPIDLE),
              Option(server, SOL_SOCKET, SO_RCVLOWAT), Option(server, SOL_SOCKET, SO_ACCEPTCONN));

  Watch watch({{'l', listener}});
  watch.Tell("listening");
  Show("shutdown for writing", shutdown(listener, SHUT_WR));
  watch.Tell("still");
  Show("shutdown for reading", shutdown(listener, SHUT_RD));
  watch.Tell("no more");
  Show("accept", accept(listener, nullptr, nullptr));
  Show("listen", listen(listener, 1));
  watch.Tell("again");

  const int fresh = Tcp();
  Watch fresh_watch({{'f', fresh}});
  fresh_watch.Tell("fresh");
  Show("accept", accept(fresh, nullptr, nullptr));
  ShowReceived("recv", fresh, 1);
  ShowSent("send", fresh, "x");
  std::printf("peer: %s, local: %s, port %d\n", PeerAddress(fresh).c_str(),
              LocalAddress(fresh).c_str(), PortOf(fresh));
  Show("shutdown", shutdown(fresh, SHUT_RDWR));
  fresh_watch.Tell("and yet");

  SetOption(fresh, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
  const int deferring = Tcp();
  SetOption(deferring, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
  Must(Bind(deferring, V4(INADDR_LOOPBACK)) == 0 && listen(deferring, 5) == 0, "listen");
  const int silent = Tcp();
  Connect(silent, NameOf(deferring));
  Watch defer_watch({{'d', deferring}, {'s', silent}});
  defer_watch.Tell("connected, but silent");
  ShowSent("send", silent, "x");
  defer_watch.Tell("it spoke");
  return 0;
}
