// When AF_UNIX sockets send signals (net/unix/af_unix.c, net/core/sock.c): data, connections, room
// after a write found none, and ends.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

#include "testsuite/basics/signals/io_signals.h"

static sockaddr_un Abstract(const char* name, socklen_t* length) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string text = name + std::to_string(getpid());
  memcpy(address.sun_path + 1, text.data(), text.size());
  *length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return address;
}

static void Pair(int type, int ends[2]) {
  Must(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
  SendSignals(ends[0], "first");
  SendSignals(ends[1], "second");
}

static void Drain(int fd, int messages) {
  std::vector<char> buffer(1 << 16);
  for (int i = 0; i < messages; ++i) {
    if (read(fd, buffer.data(), buffer.size()) <= 0) return;
  }
}

// Fills the first one's send buffer and empties it again.
static void Room(int ends[2], size_t bytes, bool polls) {
  std::vector<char> buffer(bytes);
  int count = 0;
  while (write(ends[0], buffer.data(), buffer.size()) == static_cast<ssize_t>(bytes)) ++count;
  std::printf("more than ten fit: %d\n", count > 10);
  siginfo_t info;
  while (Take(&info) != 0) {
  }
  if (polls) {
    pollfd asks = {ends[0], POLLOUT, 0};
    ShowCount("poll for room", poll(&asks, 1, 0));
  }
  Drain(ends[1], 1);
  Tell("one is read");
  Drain(ends[1], 1 << 20);
  Tell("all are read");
  ShowCount("write", write(ends[0], buffer.data(), 1));
  Drain(ends[1], 1);
  Tell("and one that found room");
}

int main() {
  BlockSignals();
  int ends[2];
  std::puts("- a stream");
  Pair(SOCK_STREAM, ends);
  ShowCount("write", write(ends[0], "abc", 3));
  Tell("  told");
  ShowCount("write again", write(ends[0], "abc", 3));
  Tell("  told");
  char buffer[64];
  ShowCount("read", read(ends[1], buffer, sizeof buffer));
  Tell("  told");
  ShowCount("read of nothing", read(ends[1], buffer, sizeof buffer));
  Tell("  told");
  std::puts("- room of a stream");
  Room(ends, 16384, false);
  std::puts("- shutdown of a stream");
  Show("for writing", shutdown(ends[0], SHUT_WR));
  Tell("  told");
  Show("for reading", shutdown(ends[0], SHUT_RD));
  Tell("  told");
  Show("both of the other", shutdown(ends[1], SHUT_RDWR));
  Tell("  told");
  close(ends[0]);
  Tell("closed");
  close(ends[1]);
  Pair(SOCK_STREAM, ends);
  ShowCount("something unread", write(ends[1], "x", 1));
  close(ends[0]);
  Tell("closed with it");
  close(ends[1]);

  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    std::puts(type == SOCK_DGRAM ? "- datagrams" : "- packets");
    Pair(type, ends);
    ShowCount("write", write(ends[0], "abc", 3));
    Tell("  told");
    Drain(ends[1], 1);
    Tell("read");
    Room(ends, 4096, false);
    Room(ends, 4096, true);
    Show("shutdown", shutdown(ends[0], SHUT_RDWR));
    Tell("  told");
    close(ends[0]);
    Tell("closed");
    close(ends[1]);
  }

  std::puts("- connections");
  socklen_t length;
  const sockaddr_un name = Abstract("io_unix", &length);
  const sockaddr* address = reinterpret_cast<const sockaddr*>(&name);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  Must(bind(listener, address, length) == 0 && listen(listener, 4) == 0, "a listener");
  SendSignals(listener, "listener");
  const int client = socket(AF_UNIX, SOCK_STREAM, 0);
  SendSignals(client, "client");
  Show("connect", connect(client, address, length));
  Tell("  told");
  ShowCount("write before it is accepted", write(client, "x", 1));
  Tell("  told");
  const int server = accept(listener, nullptr, nullptr);
  std::printf("the accepted one has O_ASYNC: %d, an owner: %d\n",
              (fcntl(server, F_GETFL) & O_ASYNC) != 0, fcntl(server, F_GETOWN) != 0);
  Tell("accept");
  const int late = socket(AF_UNIX, SOCK_STREAM, 0);
  SendSignals(late, "late client");
  Show("another one connects", connect(late, address, length));
  Tell("  told");
  close(listener);
  Tell("the listener closes");
  close(server);
  Tell("the accepted one closes");
  // The one that was opened last goes first: a client is told of its listener's end, or has gone.
  for (const bool listener_first : {false, true}) {
    const int ends[2] = {100, 101};
    for (const int end : ends) {
      const int made = socket(AF_UNIX, SOCK_STREAM, 0);
      Must(dup2(made, end) == end && close(made) == 0, "dup2");
    }
    const int waiting = ends[listener_first ? 0 : 1], other = ends[listener_first ? 1 : 0];
    const sockaddr_un where = Abstract("io_unix_together", &length);
    Must(bind(waiting, reinterpret_cast<const sockaddr*>(&where), length) == 0, "bind");
    Must(listen(waiting, 4) == 0, "listen");
    Must(connect(other, reinterpret_cast<const sockaddr*>(&where), length) == 0, "connect");
    SendSignals(other, "client");
    Show("both close together", close_range(ends[0], ends[1], 0));
    Tell("  told");
  }

  std::puts("- datagrams that are lost");
  const int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  const sockaddr_un place = Abstract("io_unix_dgram", &length);
  Must(bind(receiver, reinterpret_cast<const sockaddr*>(&place), length) == 0, "bind");
  Must(connect(sender, reinterpret_cast<const sockaddr*>(&place), length) == 0, "connect");
  SendSignals(sender, "sender");
  SendSignals(receiver, "receiver");
  for (const short wanted : {0, POLLIN, POLLOUT}) {
    int count = 0;
    while (write(sender, "x", 1) == 1) ++count;
    std::printf("more than five fit: %d\n", count > 5);
    siginfo_t info;
    while (Take(&info) != 0) {
    }
    if (wanted != 0) {
      pollfd asks = {sender, wanted, 0};
      ShowCount(wanted == POLLIN ? "poll for data" : "poll for room", poll(&asks, 1, 0));
    }
    Drain(receiver, 1 << 20);
    Tell("all are read");
  }
  close(receiver);
  Tell("the receiver closes");
  ShowCount("write", write(sender, "x", 1));
  Tell("  told");
  return 0;
}
