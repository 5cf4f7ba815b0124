// Structured shutdown: a server is stopped from the outside while it accepts, reads, writes and
// sleeps. Each coroutine unwinds through its own end, closes its descriptor, which takes it out of
// epoll, and only when all have ended does the server's scope end (structured concurrency as in
// libunifex's async_scope and folly::coro's AsyncScope).
#include <string>

#include "testsuite/basics/net.h"
#include "testsuite/coroutines/executor.h"

namespace {

struct Ended {
  int acceptors = 0, readers = 0, writers = 0, sleepers = 0;
};

// Reads what comes, and waits for more.
Task<void> ServeReader(Executor& executor, int fd, std::stop_token stop, Ended* ended) {
  Socket connection(executor, fd);
  char bytes[100];
  ssize_t count;
  while ((count = co_await connection.Read(bytes, sizeof bytes, stop)) > 0) {
  }
  Must(count == Socket::kCancelled, "stopped while reading");
  ++ended->readers;
}

// Writes until its peer's buffers are full, and waits for room.
Task<void> ServeWriter(Executor& executor, int fd, std::stop_token stop, Ended* ended) {
  Socket connection(executor, fd);
  static const std::string block(65536, 'w');
  ssize_t count;
  while ((count = co_await connection.Write(block.data(), block.size(), stop)) > 0) {
  }
  Must(count == Socket::kCancelled, "stopped while writing");
  ++ended->writers;
}

Task<void> Tick(Executor& executor, std::stop_token stop, Ended* ended) {
  // (GCC 12 never starts a coroutine whose loop has nothing but a co_await as its condition.)
  for (;;) {
    const bool whole = co_await Sleep(executor, kMillisecond, stop);
    if (!whole) break;
  }
  ++ended->sleepers;
}

Task<void> Serve(Executor& executor, int listener_fd, std::stop_token stop, Ended* ended) {
  Scope connections(executor);
  // Whoever stops the server stops its connections.
  std::stop_callback forward(stop, [&] { connections.RequestStop(); });
  {
    Socket listener(executor, listener_fd);
    connections.Spawn(Tick(executor, connections.token(), ended));
    for (int i = 0;; ++i) {
      const ssize_t fd = co_await listener.Accept(stop);
      if (fd < 0) {
        Must(fd == Socket::kCancelled, "stopped while accepting");
        break;
      }
      connections.Spawn(i % 2 == 0 ? ServeReader(executor, fd, connections.token(), ended)
                                   : ServeWriter(executor, fd, connections.token(), ended));
    }
  }
  ++ended->acceptors;
  co_await connections.Join();
}

Task<void> Main(Executor& executor) {
  constexpr int kClients = 6;
  const int listener = Listener(kClients);
  const sockaddr_in name = NameOf(listener);
  Ended ended;
  Scope scope(executor);
  scope.Spawn(Serve(executor, listener, scope.token(), &ended));

  int clients[kClients];
  for (int& client : clients) {
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Must(Connect(client, name) == 0, "connect");
    Must(send(client, "hello", 5, MSG_NOSIGNAL) == 5, "send");
  }
  co_await Sleep(executor, 3 * kMillisecond);
  scope.RequestStop();
  scope.RequestStop();
  co_await scope.Join();

  // Those that had not been accepted went with the listener.
  Must(ended.acceptors == 1 && ended.sleepers == 1, "each ended once");
  Must(ended.readers + ended.writers <= kClients, "no more than there were");
  int gone = 0;
  for (const int client : clients) {
    char bytes[65536];
    ssize_t count;
    while ((count = read(client, bytes, sizeof bytes)) > 0) {
    }
    Must(count == 0 || errno == ECONNRESET, "the connection has ended");
    ++gone;
    close(client);
  }
  std::printf("connections that ended: %d\n", gone);
}

}  // namespace

int main(int argc, char** argv) {
  Executor executor(ModeOf(argc, argv));
  executor.Run(Main(executor));
  std::printf("frames left: %d, descriptors watched: %zu\n", TaskPromise::frames.load(),
              executor.watched());
  return 0;
}
