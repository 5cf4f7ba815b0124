// An echo server and its clients, all of them coroutines of one thread: awaitable accept, read and
// write on epoll, as cppcoro's io_service and libunifex's epoll context offer them. Buffers are
// smaller than messages, so that readers and writers are suspended in the middle of both.
#include <string>

#include "testsuite/basics/net.h"
#include "testsuite/coroutines/executor.h"

namespace {

constexpr int kClients = 4;
constexpr size_t kBytes = 40000;

Task<void> Serve(Executor& executor, int fd) {
  Socket connection(executor, fd);
  SetOption(fd, SOL_SOCKET, SO_SNDBUF, 4096);
  char bytes[3000];
  ssize_t count;
  while ((count = co_await connection.Read(bytes, sizeof bytes)) > 0) {
    const ssize_t written = co_await connection.Write(bytes, count);
    Must(written == count, "echoing");
  }
  Must(count == 0, "the client ends the stream");
}

Task<void> AcceptAll(Executor& executor, Socket& listener, Scope& connections) {
  for (int i = 0; i < kClients; ++i) {
    const ssize_t fd = co_await listener.Accept();
    Must(fd >= 0, "accept");
    connections.Spawn(Serve(executor, fd));
  }
}

Task<void> Send(Socket& socket, const std::string& text) {
  const ssize_t written = co_await socket.Write(text.data(), text.size());
  Must(written == static_cast<ssize_t>(text.size()), "sending");
  Must(shutdown(socket.fd(), SHUT_WR) == 0, "shutdown");
}

Task<void> RunClient(Executor& executor, sockaddr_in server, int index, size_t* total) {
  const int fd = Tcp();
  SetOption(fd, SOL_SOCKET, SO_RCVBUF, 4096);
  Must(Connect(fd, server) == 0 || errno == EINPROGRESS, "connect");
  Socket socket(executor, fd);
  const Outcome connected = co_await WaitFor(executor, fd, kWrite, std::stop_token());
  Must(connected == Outcome::kReady && Option(fd, SOL_SOCKET, SO_ERROR) == 0, "connected");

  std::string sent(kBytes, '\0'), received;
  for (size_t i = 0; i < kBytes; ++i) sent[i] = static_cast<char>('a' + (i * 3 + index) % 26);
  Scope sender(executor);
  sender.Spawn(Send(socket, sent));
  char bytes[2500];
  ssize_t count;
  while ((count = co_await socket.Read(bytes, sizeof bytes)) > 0) received.append(bytes, count);
  co_await sender.Join();
  Must(count == 0 && received == sent, "everything came back");
  *total += received.size();
}

Task<void> WaitToWrite(Executor& executor, Socket& socket) {
  const Outcome outcome = co_await WaitFor(executor, socket.fd(), kWrite, std::stop_token());
  Must(outcome == Outcome::kReady, "there is room");
}

Task<void> WaitToRead(Socket& socket) {
  char byte;
  const ssize_t count = co_await socket.Read(&byte, 1);
  Must(count == 1, "a byte");
  std::printf("read after the event that was for writing\n");
}

// The event that ends one wait must not take the other's interest with it.
Task<void> TwoWaits(Executor& executor) {
  const Pair pair = Connected();
  Socket near(executor, pair.server), far(executor, pair.client);
  Scope reader(executor), writer(executor);
  reader.Spawn(WaitToRead(near));
  writer.Spawn(WaitToWrite(executor, near));
  co_await writer.Join();
  const ssize_t written = co_await far.Write("x", 1);
  Must(written == 1, "write");
  co_await reader.Join();
}

Task<void> Main(Executor& executor) {
  co_await TwoWaits(executor);
  Socket listener(executor, Listener(kClients));
  Scope scope(executor);
  size_t total = 0;
  scope.Spawn(AcceptAll(executor, listener, scope));
  for (int i = 0; i < kClients; ++i) {
    scope.Spawn(RunClient(executor, NameOf(listener.fd()), i, &total));
  }
  co_await scope.Join();
  std::printf("bytes echoed: %zu\n", total);
}

}  // namespace

int main(int argc, char** argv) {
  Executor executor(ModeOf(argc, argv));
  executor.Run(Main(executor));
  std::printf("frames left: %d, descriptors watched: %zu\n", TaskPromise::frames.load(),
              executor.watched());
  return 0;
}
