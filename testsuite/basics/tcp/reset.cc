// reset: connections that end with a RST: close with unread data, SO_LINGER without time, data for
// one who has closed or shut both ways; in which order the errors come.
#include <signal.h>

#include "testsuite/basics/net.h"

namespace {

volatile sig_atomic_t signals = 0;
void Count(int) { signals = signals + 1; }

}  // namespace

int main() {
  signal(SIGPIPE, Count);
  {
    std::printf("close with unread data\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}});
    ShowSent("server send", pair.server, "hello");
    ShowSent("client send", pair.client, "abc");
    watch.Tell("sent");
    close(pair.server);
    watch.Tell("server closed");
    ShowReceived("what had come stays", pair.client, 10);
    ShowReceived("then the error", pair.client, 10);
    ShowReceived("then the end", pair.client, 10);
    watch.Tell("the error was taken");
    ShowSent("send", pair.client, "x");
    std::printf("peer: %s\n", PeerAddress(pair.client).c_str());
  }
  {
    std::printf("send takes the error\n");
    const Pair pair = Connected();
    ShowSent("client send", pair.client, "abc");
    Settle();
    close(pair.server);
    Settle();
    ShowCount("send", send(pair.client, "x", 1, 0));
    std::printf("signals %d\n", signals);
    ShowCount("send", send(pair.client, "x", 1, 0));
    std::printf("signals %d\n", signals);
    ShowReceived("recv", pair.client, 10);
  }
  {
    std::printf("SO_LINGER without time\n");
    const Pair pair = Connected();
    const linger now = {1, 0};
    Must(setsockopt(pair.server, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "SO_LINGER");
    Watch watch({{'c', pair.client}});
    watch.Tell("connected");
    close(pair.server);
    watch.Tell("server closed");
    std::printf("error: %s\n", PendingError(pair.client));
    watch.Tell("the error was taken");
  }
  {
    std::printf("writing to one who has closed\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}});
    close(pair.server);
    watch.Tell("server closed");
    ShowCount("write", write(pair.client, "x", 1));
    watch.Tell("written");
    signals = 0;
    ShowCount("write", write(pair.client, "x", 1));
    std::printf("signals %d\n", signals);
    watch.Tell("written again");
    std::printf("error: %s\n", PendingError(pair.client));
    ShowSent("MSG_NOSIGNAL", pair.client, "x");
    std::printf("signals %d\n", signals);
  }
  {
    std::printf("data for one who has shut both ways\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}, {'s', pair.server}});
    shutdown(pair.client, SHUT_RDWR);
    watch.Tell("client SHUT_RDWR");
    ShowSent("server send", pair.server, "zz");
    watch.Tell("server sent");
    std::printf("client's error: %s\n", PendingError(pair.client));
    std::printf("server's error: %s\n", PendingError(pair.server));
  }
  {
    std::printf("a listener closes with somebody in its queue\n");
    const int listener = Listener(1), client = Tcp();
    Connect(client, NameOf(listener));
    Watch watch({{'c', client}});
    watch.Tell("connected");
    close(listener);
    watch.Tell("listener closed");
    std::printf("error: %s\n", PendingError(client));
  }
  {
    std::printf("reset while it waits to be accepted\n");
    const int listener = Listener(1), client = Tcp();
    Connect(client, NameOf(listener));
    Settle();
    const linger now = {1, 0};
    Must(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "SO_LINGER");
    close(client);
    Settle();
    const int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    Show("accept", server);
    ShowReceived("recv", server, 10);
    ShowReceived("recv", server, 10);
  }
  return 0;
}
