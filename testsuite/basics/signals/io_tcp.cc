// When TCP sockets send signals (net/ipv4/tcp_input.c, tcp.c, net/core/stream.c): connections,
// data, room after a write found none, ends and errors.
#include <vector>

#include "testsuite/basics/net.h"
#include "testsuite/basics/signals/io_signals.h"

static void Forget() {
  usleep(3000);
  siginfo_t info;
  while (Take(&info) != 0) {
  }
}

static Pair SignallingPair() {
  const Pair pair = Connected();
  SendSignals(pair.client, "client");
  SendSignals(pair.server, "server");
  return pair;
}

static void CloseBoth(const Pair& pair) {
  close(pair.client);
  close(pair.server);
  Forget();
}

// Writes until nothing fits any more.
static size_t Fill(int fd) {
  std::vector<char> buffer(65536);
  size_t bytes = 0;
  for (ssize_t count; (count = write(fd, buffer.data(), buffer.size())) > 0;) bytes += count;
  return bytes;
}

static void ReadAll(int fd, size_t bytes) {
  std::vector<char> buffer(65536);
  while (bytes > 0) {
    const ssize_t count = read(fd, buffer.data(), std::min(bytes, buffer.size()));
    if (count > 0) bytes -= count;
    if (count < 0) usleep(1000);
  }
}

// How often there was a signal for room: some or none.
static void TellOfRoom(const char* what, int fd) {
  usleep(3000);
  siginfo_t info;
  int count = 0;
  while (Take(&info) != 0) count += info.si_code == POLL_OUT && info.si_fd == fd;
  std::printf("%s: %s\n", what, count > 0 ? "POLL_OUT" : "no POLL_OUT");
}

int main() {
  BlockSignals();
  std::puts("- connections");
  const int listener = Listener(4);
  SendSignals(listener, "listener");
  int client = Tcp();
  SendSignals(client, "client");
  Show("connect", Connect(client, NameOf(listener)));
  Tell("  told");
  int server = accept(listener, nullptr, nullptr);
  std::printf("the accepted one has O_ASYNC: %d, an owner: %d\n",
              (fcntl(server, F_GETFL) & O_ASYNC) != 0, fcntl(server, F_GETOWN) != 0);
  Tell("accept");
  close(client);
  close(server);
  client = Tcp();
  SendSignals(client, "client");
  Show("connect to a closed port", Connect(client, ClosedPort()));
  Tell("  told");
  close(client);
  client = Tcp();
  SendSignals(client, "client");
  Must(Bind(client, V4(INADDR_LOOPBACK)) == 0, "bind");
  Show("connect to itself", Connect(client, NameOf(client)));
  Tell("  told");
  close(client);
  Tell("closed");
  close(listener);
  Tell("the listener closes");

  std::puts("- data");
  Pair pair = SignallingPair();
  ShowCount("write", write(pair.client, "abc", 3));
  Tell("  told");
  ShowCount("write again", write(pair.client, "abc", 3));
  Tell("  told");
  ShowReceived("read", pair.server, 4);
  Tell("  told");
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 4);
  Forget();
  ShowCount("one more, the low water is 4", write(pair.client, "x", 1));
  Tell("  told");
  ShowCount("and one more", write(pair.client, "x", 1));
  Tell("  told");
  CloseBoth(pair);

  std::puts("- room");
  pair = SignallingPair();
  size_t bytes = Fill(pair.client);
  Forget();
  ReadAll(pair.server, bytes);
  TellOfRoom("after a write that found none", pair.client);
  ShowCount("write", write(pair.client, "abc", 3));
  ReadAll(pair.server, 3);
  TellOfRoom("after one that found some", pair.client);
  Must(DropFlags(pair.client, O_ASYNC) == 0, "F_SETFL");
  bytes = Fill(pair.client);
  Must(AddFlags(pair.client, O_ASYNC) == 0, "F_SETFL");
  Forget();
  ReadAll(pair.server, bytes);
  TellOfRoom("the flag came after the write", pair.client);
  CloseBoth(pair);

  std::puts("- ends");
  pair = SignallingPair();
  Show("shutdown for writing", shutdown(pair.client, SHUT_WR));
  Tell("  told");
  Show("the other, too", shutdown(pair.server, SHUT_WR));
  Tell("  told");
  CloseBoth(pair);
  pair = SignallingPair();
  Show("shutdown for reading", shutdown(pair.client, SHUT_RD));
  Tell("  told");
  CloseBoth(pair);
  pair = SignallingPair();
  close(pair.client);
  Tell("closed");
  ShowSent("send", pair.server, "x");
  Tell("  told");
  close(pair.server);
  Tell("the other, too");
  pair = SignallingPair();
  ShowCount("something unread", write(pair.server, "x", 1));
  Forget();
  close(pair.client);
  Tell("closed with it");
  close(pair.server);
  pair = SignallingPair();
  const linger none = {1, 0};
  Must(setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0, "SO_LINGER");
  close(pair.client);
  Tell("aborted");
  close(pair.server);
  pair = SignallingPair();
  Show("disconnected", Disconnect(pair.client));
  Tell("  told");
  CloseBoth(pair);
  return 0;
}
