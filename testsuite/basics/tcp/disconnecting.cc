// disconnecting: connect(2) with AF_UNSPEC, connecting to oneself, and using a socket again.
#include "testsuite/basics/net.h"

int main() {
  {
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}, {'s', pair.server}});
    watch.Tell("connected");
    Show("disconnect", Disconnect(pair.client));
    watch.Tell("disconnected");
    std::printf("client's error: %s\n", PendingError(pair.client));
    std::printf("server's error: %s\n", PendingError(pair.server));
    watch.Tell("the errors were taken");
    std::printf("client: local %s, peer %s\n", LocalAddress(pair.client).c_str(),
                PeerAddress(pair.client).c_str());
    const int listener = Listener(1);
    Show("connect anew", Connect(pair.client, NameOf(listener)));
    watch.Tell("connected anew");
    const int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    ShowSent("send", pair.client, "hello");
    Settle();
    ShowReceived("recv", server, 10);
  }
  {
    const int bound = Tcp();
    Must(Bind(bound, V4(INADDR_LOOPBACK)) == 0, "bind");
    Show("disconnect what is not connected", Disconnect(bound));
    std::printf("it keeps its port: %d\n", PortOf(bound) != 0);
    Show("and cannot have another", Bind(bound, V4(INADDR_LOOPBACK)));
    Show("an empty address", connect(bound, nullptr, 0));
  }
  {
    std::printf("an error that nobody took\n");
    const Pair pair = Connected();
    Show("disconnect", Disconnect(pair.client));
    const int listener = Listener(1);
    Show("connect anew", Connect(pair.client, NameOf(listener)));
    std::printf("error: %s\n", PendingError(pair.client));
  }
  {
    std::printf("what was never sent (SIOCOUTQ)\n");
    const int fd = Tcp();
    const auto tell = [&](const char* what) {
      int waiting = -1;
      Must(ioctl(fd, TIOCOUTQ, &waiting) == 0, "TIOCOUTQ");
      std::printf("%s: %d\n", what, waiting);
    };
    tell("fresh");
    Show("disconnect", Disconnect(fd));
    tell("disconnected");
    Must(listen(fd, 1) == 0, "listen");
    Show("disconnect", Disconnect(fd));
    tell("disconnected again");
    Show("connect", Connect(fd, ClosedPort()));
    tell("refused");
    Show("disconnect", Disconnect(fd));
    tell("disconnected");
  }
  {
    std::printf("connected to itself\n");
    const int self = socket(AF_INET, SOCK_STREAM, 0);
    Must(Bind(self, V4(INADDR_LOOPBACK)) == 0, "bind");
    Show("connect", Connect(self, NameOf(self)));
    Block(self, false);
    Watch watch({{'s', self}});
    watch.Tell("connected");
    ShowSent("send", self, "echo");
    watch.Tell("sent");
    ShowReceived("recv", self, 10);
    Show("shutdown", shutdown(self, SHUT_WR));
    watch.Tell("shut");
  }
  return 0;
}
