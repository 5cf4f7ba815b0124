// http_server: an HTTP/1.1 server on one thread and one epoll instance, as small as it can be and
// still serve many clients at once. A program for the real kernel and for pollux alike:
//
//   pollux run --clock=host --publish=8080:8080 http_server
//   curl http://127.0.0.1:8080/
//
// GET / says hello; GET /bytes/N answers with N bytes; POST /echo answers with what was sent. Other
// paths are 404. Connections stay open until the client ends them or asks with "Connection: close".
// A client that sends more than a request may be, or no HTTP at all, is answered with 4xx and left.
// SIGINT and SIGTERM end the server: it says how much it has done, and exits with 0.
#include <netinet/in.h>
#include <signal.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

namespace {

constexpr size_t kMaxHeadBytes = 16 * 1024, kMaxBodyBytes = 4 * 1024 * 1024;

void Must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "http_server: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Request {
  std::string method, path;
  size_t body_bytes = 0;
  bool keep_alive = true;
};

// The request line and the header fields that matter here. False: this is not HTTP.
bool ParseHead(const std::string& head, Request* request) {
  const size_t line_end = head.find("\r\n");
  const size_t first = head.find(' '), second = head.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos || second > line_end) return false;
  if (head.compare(second + 1, 7, "HTTP/1.") != 0) return false;
  request->method = head.substr(0, first);
  request->path = head.substr(first + 1, second - first - 1);
  request->keep_alive = head.compare(second + 1, 8, "HTTP/1.1") == 0;
  for (size_t at = line_end + 2; at < head.size();) {
    const size_t end = head.find("\r\n", at);
    const size_t colon = head.find(':', at);
    if (colon == std::string::npos || colon > end) return false;
    const std::string name = head.substr(at, colon - at);
    const size_t start = head.find_first_not_of(' ', colon + 1);
    const std::string value = head.substr(start, end - start);
    if (strcasecmp(name.c_str(), "Content-Length") == 0) {
      char* rest;
      request->body_bytes = std::strtoul(value.c_str(), &rest, 10);
      if (value.empty() || *rest != '\0') return false;
    } else if (strcasecmp(name.c_str(), "Connection") == 0) {
      request->keep_alive = strcasecmp(value.c_str(), "close") != 0;
    }
    at = end + 2;
  }
  return true;
}

std::string Response(const char* status, const std::string& body, bool keep_alive) {
  return std::string("HTTP/1.1 ") + status +
         "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
         (keep_alive ? "" : "\r\nConnection: close") + "\r\n\r\n" + body;
}

std::string Answer(const Request& request, const std::string& body) {
  constexpr char kBytes[] = "/bytes/";
  if (request.method == "GET" && request.path == "/") {
    return Response("200 OK", "hello from the guest\n", request.keep_alive);
  }
  if (request.method == "POST" && request.path == "/echo") {
    return Response("200 OK", body, request.keep_alive);
  }
  if (request.method == "GET" && request.path.compare(0, sizeof kBytes - 1, kBytes) == 0) {
    const unsigned long bytes = std::strtoul(request.path.c_str() + sizeof kBytes - 1, nullptr, 10);
    if (bytes <= kMaxBodyBytes) {
      std::string text(bytes, '.');
      for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 26);
      return Response("200 OK", text, request.keep_alive);
    }
  }
  return Response("404 Not Found", "no such page\n", request.keep_alive);
}

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Does all that can be done now, as an edge-triggered interest demands. False: it is over.
  bool Progress(uint64_t* requests) {
    for (;;) {
      if (!Flush()) return false;
      if (!out_.empty())
        return true;  // The client reads slowly: it gets no more answers till then.
      if (closing_) return false;
      if (TakeRequest(requests)) continue;
      if (ended_) return false;
      if (!Fill()) return false;
      if (would_block_) return true;
    }
  }

 private:
  bool Flush() {
    while (!out_.empty()) {
      const ssize_t sent = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      out_.erase(0, sent);
    }
    return true;
  }

  bool Fill() {
    char buffer[16384];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    would_block_ = got < 0 && errno == EAGAIN;
    if (got < 0) return would_block_;
    // The client has said all; what it asked for it still gets.
    ended_ = got == 0;
    in_.append(buffer, got);
    return true;
  }

  // Answers the first request of what has come, if it is whole.
  bool TakeRequest(uint64_t* requests) {
    const size_t head_end = in_.find("\r\n\r\n");
    if (head_end == std::string::npos) {
      return in_.size() > kMaxHeadBytes && Leave("431 Request Header Fields Too Large");
    }
    Request request;
    if (!ParseHead(in_.substr(0, head_end + 2), &request)) return Leave("400 Bad Request");
    if (request.body_bytes > kMaxBodyBytes) return Leave("413 Content Too Large");
    const size_t body_start = head_end + 4;
    if (in_.size() - body_start < request.body_bytes) return false;
    out_ = Answer(request, in_.substr(body_start, request.body_bytes));
    in_.erase(0, body_start + request.body_bytes);
    closing_ = !request.keep_alive;
    ++*requests;
    return true;
  }

  bool Leave(const char* status) {
    out_ = Response(status, "", false);
    in_.clear();
    closing_ = true;
    return true;
  }

  int fd_;
  std::string in_, out_;
  bool would_block_ = false, ended_ = false, closing_ = false;
};

class Server {
 public:
  explicit Server(uint16_t port) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    Must(epoll_ >= 0, "epoll_create1");
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    Must(listener_ >= 0, "socket");
    const int on = 1;
    Must(setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    Must(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    Must(listen(listener_, 128) == 0, "listen");
    Watch(listener_, EPOLLIN);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    Must(sigprocmask(SIG_BLOCK, &signals, nullptr) == 0, "sigprocmask");
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    Must(signals_ >= 0, "signalfd");
    Watch(signals_, EPOLLIN);
  }

  void Run() {
    for (;;) {
      epoll_event events[64];
      const int count = epoll_wait(epoll_, events, 64, -1);
      Must(count >= 0 || errno == EINTR, "epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == signals_) {
          std::printf("%llu requests on %llu connections\n",
                      static_cast<unsigned long long>(requests_),
                      static_cast<unsigned long long>(accepted_));
          return;
        }
        if (fd == listener_) {
          Accept();
        } else if (!connections_.at(fd)->Progress(&requests_)) {
          connections_.erase(fd);
        }
      }
    }
  }

 private:
  void Watch(int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  }

  void Accept() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;  // The client has gone, or there are too many: the next one may do.
    ++accepted_;
    connections_[fd] = std::make_unique<Connection>(fd);
    Watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }

  int epoll_, listener_, signals_;
  uint64_t accepted_ = 0, requests_ = 0;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
  Must(port > 0 && port < 65536, "the port");
  Server server(static_cast<uint16_t>(port));
  std::printf("listening\n");
  std::fflush(stdout);
  server.Run();
  return 0;
}
