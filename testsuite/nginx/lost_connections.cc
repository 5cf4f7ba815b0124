// lost_connections: an event loop that outlives the connections that are lost at any moment, and
// clients that try again until all is answered. nginx's order (ngx_epoll_process_events): EPOLLERR
// and EPOLLHUP count as both kinds of readiness, so that whoever handles one of them meets the
// error. The connection is closed where a call says that it is lost, and nowhere else: what was
// read before is answered, and nothing is closed twice.
//
// Without resets each message comes back at once; with `--faults=tcp_reset` a RST may come before
// any call that sends or receives, also before the loop has accepted the connection.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/net.h"

namespace {

constexpr int kClients = 3, kMessages = 4;
// Who has tried in vain so often does not meet resets, but something that does not end.
constexpr int kMostTries = 200;

bool IsLoss(int error) { return error == ECONNRESET || error == EPIPE; }

class Loop {
 public:
  explicit Loop(int listener) : listener_(listener) {
    Add(listener_, EPOLLIN);
    Add(stop_, EPOLLIN);
  }

  void Run() {
    for (;;) {
      epoll_event events[8];
      const int count = epoll_wait(epoll_, events, 8, -1);
      if (count < 0 && errno == EINTR) continue;
      Must(count > 0, "epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == stop_) return;
        if (fd == listener_) {
          Accept();
        } else {
          Serve(fd);
        }
      }
    }
  }
  void Stop() { eventfd_write(stop_, 1); }

 private:
  void Add(int fd, uint32_t what) {
    epoll_event event = {};
    event.events = what | EPOLLET;
    event.data.fd = fd;
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
  }

  void Accept() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0 && errno == EAGAIN) return;
      Must(fd >= 0, "accept4");
      // Of one that is lost already it may fail, as on other systems.
      const int on = 1;
      (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      unsent_[fd];
      Add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
      Serve(fd);  // What came before it was watched.
    }
  }

  // Reads and writes until neither goes on.
  void Serve(int fd) {
    std::string& unsent = unsent_.at(fd);
    bool at_end = false;
    for (;;) {
      char bytes[500];
      const ssize_t got = at_end ? 0 : recv(fd, bytes, sizeof bytes, 0);
      if (got < 0 && errno != EAGAIN) {
        Must(IsLoss(errno), "recv");
        return Close(fd);
      }
      at_end = got == 0;
      if (got > 0) unsent.append(bytes, static_cast<size_t>(got));
      while (!unsent.empty()) {
        const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0) {
          Must(IsLoss(errno), "send");
          return Close(fd);
        }
        unsent.erase(0, static_cast<size_t>(sent));
      }
      if (at_end && unsent.empty()) return Close(fd);
      if (at_end || got < 0) return;
    }
  }

  void Close(int fd) {
    unsent_.erase(fd);
    Must(close(fd) == 0, "close");
  }

  const int listener_, epoll_ = epoll_create1(EPOLL_CLOEXEC), stop_ = eventfd(0, EFD_NONBLOCK);
  std::map<int, std::string> unsent_;  // By connection.
};

// After its error was told: what had come can be read, then there is the end, and no more errors.
void ExpectLost(int fd) {
  char bytes[500];
  ssize_t got;
  do got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  while (got > 0);
  Must(got == 0, "the end, behind the error");
  Must(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "EPIPE, behind the error");
  int error = -1;
  socklen_t size = sizeof error;
  Must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0, "SO_ERROR");
  pollfd ready = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  Must(poll(&ready, 1, 0) == 1, "it is ready for ever");
  Must(ready.revents == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP), "to read, to write, and gone");
}

// Whether the whole message came back. If not, the connection was lost.
bool Echo(int fd, const std::string& message) {
  for (size_t done = 0; done < message.size();) {
    const ssize_t sent = send(fd, message.data() + done, message.size() - done, MSG_NOSIGNAL);
    if (sent < 0) {
      Must(IsLoss(errno), "a client's send");
      ExpectLost(fd);
      return false;
    }
    done += static_cast<size_t>(sent);
  }
  std::string echo;
  while (echo.size() < message.size()) {
    char bytes[300];
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got < 0) {
      Must(IsLoss(errno), "a client's recv");
      ExpectLost(fd);
    }
    if (got <= 0) return false;
    echo.append(bytes, static_cast<size_t>(got));
    Must(message.compare(0, echo.size(), echo) == 0, "what came is right");
  }
  return true;
}

int RunClient(int listener, int number) {
  int answered = 0, tries = 0, fd = -1;
  bool connected = false;
  while (answered < kMessages) {
    const std::string message = "client " + std::to_string(number) + ", message " +
                                std::to_string(answered) + std::string(answered * 250, '.');
    if (fd < 0) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      // Accepted and lost before this thread goes on: inet_stream_connect() tells the error.
      connected = Connect(fd, NameOf(listener)) == 0;
      Must(connected || errno == ECONNRESET, "connect");
    }
    if (connected && Echo(fd, message)) {
      ++answered;
      continue;
    }
    close(fd);
    fd = -1;
    Must(++tries < kMostTries, "a message is lost again and again");
  }
  close(fd);
  return answered;
}

}  // namespace

int main() {
  const int listener = Listener(kClients);
  Must(fcntl(listener, F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
  Loop loop(listener);
  std::thread server([&] { loop.Run(); });
  std::vector<std::thread> clients;
  int answered[kClients];
  for (int i = 0; i < kClients; ++i)
    clients.emplace_back([&, i] { answered[i] = RunClient(listener, i); });
  for (std::thread& client : clients) client.join();
  loop.Stop();
  server.join();
  for (int i = 0; i < kClients; ++i) std::printf("client %d: %d answered\n", i, answered[i]);
  return 0;
}
