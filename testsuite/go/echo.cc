// Go's netpoller at work: a listener, its connections and their clients, all of them goroutines
// that park until epoll has news (src/runtime/netpoll_epoll.go: netpollopen, netpoll;
// src/net/fd_unix.go: netFD.connect, netFD.accept).
//
// Buffers are small and messages large, so that readers and writers of one connection park and are
// readied again and again, and each edge counts: IN and OUT of one socket may come in one event or
// in two, and a wake-up that nobody waited for stays in rg or wg until somebody does.
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/net.h"
#include "testsuite/go/runtime.h"

namespace {

constexpr int kClients = 3;
constexpr size_t kBytes = 50000;

void MakeSmall(int fd) {
  SetOption(fd, SOL_SOCKET, SO_SNDBUF, 4096);
  SetOption(fd, SOL_SOCKET, SO_RCVBUF, 4096);
}

// The goroutine of one connection.
void Serve(Runtime& runtime, int number) {
  MakeSmall(number);
  Fd connection(runtime, number);
  char bytes[3000];
  ssize_t count;
  while ((count = connection.Read(bytes, sizeof bytes)) > 0) {
    Must(connection.Write(bytes, count) == count, "echoing");
  }
  Must(count == 0, "the client ends the stream");
  connection.Close();
}

// connect(2) comes first, and only what is under way is given to the poller.
void RunClient(Runtime& runtime, const sockaddr_in& server, int index) {
  const int number = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  MakeSmall(number);
  Must(Connect(number, server) == 0 || errno == EINPROGRESS, "connect");
  Fd connection(runtime, number);
  Must(connection.WaitConnected() == 0, "the connection is there");

  std::string sent(kBytes, '\0'), received;
  for (size_t i = 0; i < kBytes; ++i) sent[i] = static_cast<char>('a' + (i * 7 + index) % 26);
  std::thread writer([&] {
    Must(connection.Write(sent.data(), sent.size()) == static_cast<ssize_t>(kBytes), "sending");
    Must(shutdown(number, SHUT_WR) == 0, "shutdown");
  });
  char bytes[2000];
  ssize_t count;
  while ((count = connection.Read(bytes, sizeof bytes)) > 0) received.append(bytes, count);
  writer.join();
  Must(count == 0 && received == sent, "everything came back");
  connection.Close();
}

}  // namespace

int main() {
  Runtime runtime;
  const int number = Listener(kClients);
  const sockaddr_in server = NameOf(number);
  Fd listener(runtime, number);

  std::thread acceptor([&] {
    std::vector<std::thread> connections;
    ssize_t accepted;
    while ((accepted = listener.Accept()) >= 0) {
      connections.emplace_back([&runtime, accepted] { Serve(runtime, accepted); });
    }
    Must(accepted == Fd::kClosing, "accept ends when the listener is closed");
    for (std::thread& connection : connections) connection.join();
    std::printf("connections served: %zu\n", connections.size());
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] { RunClient(runtime, server, i); });
  }
  for (std::thread& client : clients) client.join();
  std::printf("bytes echoed: %zu\n", kClients * kBytes);
  listener.Close();
  acceptor.join();
  return 0;
}
