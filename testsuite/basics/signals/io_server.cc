// An echo server as they were before epoll: every socket sends a real-time signal, and one loop of
// sigwaitinfo(2) does what si_fd and si_code say. Its clients are processes.
#include <atomic>

#include "testsuite/basics/net.h"
#include "testsuite/basics/signals/io_signals.h"
#include "testsuite/basics/tasks.h"

static constexpr int kClients = 4, kMessages = 5;

static int Client(const sockaddr_in& server, int number) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  Must(Connect(fd, server) == 0, "connect");
  for (int i = 0; i < kMessages; ++i) {
    const std::string sent(static_cast<size_t>(100 * number + i + 1), static_cast<char>('a' + i));
    Must(write(fd, sent.data(), sent.size()) == static_cast<ssize_t>(sent.size()), "write");
    std::string got(sent.size(), '\0');
    for (size_t bytes = 0; bytes < got.size();) {
      const ssize_t count = read(fd, got.data() + bytes, got.size() - bytes);
      Must(count > 0, "read");
      bytes += static_cast<size_t>(count);
    }
    if (got != sent) return 1;
  }
  return 0;
}

class Server {
 public:
  Server() : listener_(Listener(kClients)) { SendSignals(listener_, "listener"); }
  const sockaddr_in Name() const { return NameOf(listener_); }

  void Run() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, kIoSignal);
    sigaddset(&wanted, SIGIO);
    while (ended_ < kClients) {
      siginfo_t info;
      const int signal = TEMP_FAILURE_RETRY(sigwaitinfo(&wanted, &info));
      Must(signal == kIoSignal, "no signal was lost");
      if (info.si_fd == listener_) {
        Accept();
      } else if (connections_.contains(info.si_fd)) {
        Serve(info.si_fd);  // Else a signal from before it was closed.
      }
    }
    std::printf("%d connections, %zu bytes\n", ended_, bytes_);
  }

 private:
  void Accept() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      SendSignals(fd, "connection");
      connections_[fd] = true;
      Serve(fd);  // What came before it sent signals.
    }
  }
  void Serve(int fd) {
    char buffer[256];
    for (;;) {
      const ssize_t count = read(fd, buffer, sizeof buffer);
      if (count < 0) {
        Must(errno == EAGAIN, "read");
        return;
      }
      if (count == 0) {
        close(fd);
        connections_.erase(fd);
        ++ended_;
        return;
      }
      Must(write(fd, buffer, static_cast<size_t>(count)) == count, "write");
      bytes_ += static_cast<size_t>(count);
    }
  }

  int listener_;
  std::map<int, bool> connections_;
  int ended_ = 0;
  size_t bytes_ = 0;
};

int main() {
  BlockSignals();
  Server server;
  const sockaddr_in name = server.Name();
  pid_t clients[kClients];
  for (int i = 0; i < kClients; ++i) clients[i] = Fork([&] { return Client(name, i); });
  server.Run();
  for (const pid_t client : clients) ShowEnd("a client", client);
  return 0;
}
