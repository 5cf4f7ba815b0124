// publish_client PORT WHAT: a client on the host that does to a published HTTP server what curl
// does not. Exits with 0 if the server answered as it should; prints what was wrong otherwise.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr char kHello[] = "hello from the guest\n";

void Must(bool ok, const std::string& what) {
  if (ok) return;
  std::printf("publish_client: %s (%s)\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Must(fd >= 0, "socket");
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Must(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
  return fd;
}

void Send(int fd, const std::string& text) {
  Must(send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()),
       "send");
}

// Until the server ends the connection. `reset`: it may end so, too.
std::string ReadAll(int fd, bool reset = false) {
  std::string all;
  char buffer[65536];
  ssize_t got;
  while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0) all.append(buffer, got);
  Must(got == 0 || (reset && errno == ECONNRESET), "recv");
  return all;
}

void Reset(int fd) {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  close(fd);
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The request, and the end of what this side says; the whole answer, then the server's end.
void HalfClose(int port) {
  const int fd = Connect(port);
  Send(fd, "GET /bytes/300000 HTTP/1.1\r\n\r\n");
  shutdown(fd, SHUT_WR);
  const std::string answer = ReadAll(fd);
  Must(Has(answer, "Content-Length: 300000\r\n") && answer.size() > 300000, "the whole answer");
  close(fd);
}

// Three requests in one segment, one byte at a time for a fourth.
void Pipeline(int port) {
  const int fd = Connect(port);
  const std::string request = "GET / HTTP/1.1\r\n\r\n";
  Send(fd, request + request + request);
  for (const char byte : request) Send(fd, std::string(1, byte));
  shutdown(fd, SHUT_WR);
  const std::string answer = ReadAll(fd);
  size_t hellos = 0;
  for (size_t at = 0; (at = answer.find(kHello, at)) != std::string::npos; ++at) ++hellos;
  Must(hellos == 4, "four answers, not " + std::to_string(hellos));
  close(fd);
}

// Clients that go at every point of a request and of its answer.
void Disappear(int port) {
  const std::string request = "GET /bytes/4000000 HTTP/1.1\r\n\r\n";
  for (int i = 0; i < 60; ++i) {
    const int fd = Connect(port);
    Send(fd, request.substr(0, i % 2 == 0 ? request.size() : static_cast<size_t>(i) / 2));
    char buffer[1000];
    if (i % 4 == 0) Must(recv(fd, buffer, sizeof buffer, 0) > 0, "recv");
    i % 3 == 0 ? Reset(fd) : static_cast<void>(close(fd));
  }
}

// Nothing that is HTTP: the server says 4xx or resets, and goes on with others.
void Garbage(int port) {
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    const int fd = Connect(port);
    std::string text(200'000, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    const std::string answer = ReadAll(fd, true);
    Must(answer.empty() || Has(answer, "HTTP/1.1 4"), "an answer to garbage: " + answer);
    close(fd);
  }
  // An urgent byte.
  const int fd = Connect(port);
  Send(fd, "GET / HTTP/1.");
  Must(send(fd, "1", 1, MSG_OOB) == 1, "MSG_OOB");
  Send(fd, "\r\n\r\n");
  shutdown(fd, SHUT_WR);
  Must(Has(ReadAll(fd), kHello), "an urgent byte is a byte");
  close(fd);
}

// Sends as fast as it can to a server that reads and answers, and never reads the answers: it is
// stopped, not listened to for ever.
void Flood(int port) {
  std::vector<int> fds;
  for (int i = 0; i < 4; ++i) fds.push_back(Connect(port));
  std::string requests;
  while (requests.size() < 65536) requests += "GET /bytes/100000 HTTP/1.1\r\n\r\n";
  size_t total = 0;
  for (const int fd : fds) {
    for (;;) {
      pollfd writable{fd, POLLOUT, 0};
      if (poll(&writable, 1, 1000) <= 0) break;
      const ssize_t sent = send(fd, requests.data(), requests.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      Must(sent > 0, "send");
      total += static_cast<size_t>(sent);
      Must(total < size_t{200} << 20, "nothing stops the client");
    }
  }
  for (const int fd : fds) Reset(fd);
}

// Many connections at once, most of them idle, and all of them are served.
void Many(int port) {
  std::vector<int> fds;
  for (int i = 0; i < 200; ++i) fds.push_back(Connect(port));
  for (const int fd : fds) Send(fd, "GET / HTTP/1.0\r\n\r\n");
  for (const int fd : fds) {
    Must(Has(ReadAll(fd), kHello), "every connection is served");
    close(fd);
  }
}

// Where nobody listens: the connection is accepted, and reset.
void Refused(int port) {
  const int fd = Connect(port);
  char byte;
  Must(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET, "a reset");
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const struct {
    const char* name;
    void (*run)(int port);
  } kinds[] = {{"half_close", HalfClose}, {"pipeline", Pipeline}, {"disappear", Disappear},
               {"garbage", Garbage},      {"flood", Flood},       {"many", Many},
               {"refused", Refused}};
  for (const auto& kind : kinds) {
    if (argc == 3 && std::strcmp(argv[2], kind.name) == 0) {
      kind.run(std::atoi(argv[1]));
      return 0;
    }
  }
  std::printf("usage: publish_client PORT WHAT\n");
  return 2;
}
