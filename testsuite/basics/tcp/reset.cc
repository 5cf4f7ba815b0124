// reset: connections that end with a RST: close with unread data, SO_LINGER without time, data for
// one who has closed or shut both ways; in which order the errors come.
#include <poll.h>
#include <signal.h>

#include <string>
#include <thread>

#include "testsuite/basics/net.h"

namespace {

// close(2) with a RST.
void Reset(int fd) {
  const linger now = {1, 0};
  Must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "SO_LINGER");
  close(fd);
}

// What nobody has acknowledged.
int Unsent(int fd) {
  int bytes = -1;
  Must(ioctl(fd, TIOCOUTQ, &bytes) == 0, "SIOCOUTQ");
  return bytes;
}

// What every call says of a connection that a RST has ended.
void ShowLost(const Pair& pair) {
  ShowReceived("recv", pair.client, 10);
  ShowSent("send", pair.client, "x");
  ShowReceived("recv", pair.client, 10);
  ShowSent("send", pair.client, "x");
  Show("shutdown", shutdown(pair.client, SHUT_RDWR));
  std::printf("error: %s, peer %s\n", PendingError(pair.client), PeerAddress(pair.client).c_str());
}

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
    std::printf("unsent: %d\n", Unsent(pair.client));
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
    std::printf("unsent: %d and %d\n", Unsent(pair.client), Unsent(pair.server));
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
  {
    std::printf("reset behind the peer's end\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}});
    ShowSent("server send", pair.server, "hello");
    shutdown(pair.server, SHUT_WR);
    watch.Tell("server SHUT_WR");
    Reset(pair.server);
    watch.Tell("server reset");
    ShowReceived("what had come", pair.client, 10, MSG_PEEK);
    ShowReceived("what had come", pair.client, 2);
    ShowReceived("what had come", pair.client, 10);
    ShowLost(pair);
    watch.Tell("lost");
  }
  {
    std::printf("reset behind one's own end\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}});
    shutdown(pair.client, SHUT_WR);
    watch.Tell("client SHUT_WR");
    Reset(pair.server);
    watch.Tell("server reset");
    ShowLost(pair);
    watch.Tell("lost");
  }
  {
    std::printf("reset with a full send buffer\n");
    const Pair pair = Connected();
    const std::string many(1 << 16, 'x');
    while (send(pair.client, many.data(), many.size(), MSG_NOSIGNAL) > 0) continue;
    Settle();
    while (send(pair.client, many.data(), many.size(), MSG_NOSIGNAL) > 0) continue;
    Must(errno == EAGAIN, "it is full");
    Watch watch({{'c', pair.client}});
    watch.Tell("full");
    const int unsent = Unsent(pair.client);
    Reset(pair.server);
    watch.Tell("server reset");
    ShowSent("send takes the error", pair.client, "x");
    ShowLost(pair);
    std::printf("as much is unsent: %d\n", Unsent(pair.client) == unsent);
    watch.Tell("lost");
  }
  {
    std::printf("threads that wait\n");
    for (const bool sends : {false, true}) {
      const Pair pair = Connected();
      const std::string many(1 << 20, 'x');
      Block(pair.client, true);
      std::thread reset([&] {
        Settle();
        Reset(pair.server);
      });
      ssize_t got;
      do {
        char byte;
        got = sends ? send(pair.client, many.data(), many.size(), MSG_NOSIGNAL)
                    : recv(pair.client, &byte, 1, 0);
      } while (got > 0);
      std::printf("%s: %s\n", sends ? "send" : "recv", ErrorName(errno));
      reset.join();
      ShowLost(pair);
    }
  }
  {
    std::printf("poll\n");
    const Pair pair = Connected();
    Reset(pair.server);
    Settle();
    for (int i = 0; i < 2; ++i) {
      pollfd ready = {pair.client, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
      Show("poll", poll(&ready, 1, 0));
      std::printf("%#x; error: %s\n", static_cast<unsigned>(ready.revents),
                  PendingError(pair.client));
    }
    Show("connect again", Connect(pair.client, ClosedPort()));
    std::printf("error: %s\n", ErrorName(errno));
  }
  return 0;
}
