// binding: who may have which port: SO_REUSEADDR and SO_REUSEPORT, listeners, connections that
// linger, and addresses that bind(2) refuses.
#include "testsuite/basics/net.h"

namespace {

int Made(int type, bool address, bool port) {
  const int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, address);
  SetOption(fd, SOL_SOCKET, SO_REUSEPORT, port);
  return fd;
}
const char* Went(int result) { return result == 0 ? "ok" : ErrorName(errno); }

}  // namespace

int main() {
  DropRoot();
  for (int listens = 0; listens < 2; ++listens) {
    std::printf(listens ? "the first listens\n" : "the first is bound\n");
    for (int options = 0; options < 16; ++options) {
      const int first = Made(SOCK_STREAM, options & 8, options & 4);
      Must(Bind(first, V4(INADDR_LOOPBACK)) == 0, "bind");
      if (listens) Must(listen(first, 1) == 0, "listen");
      const uint16_t port = PortOf(first);
      std::printf("  %s%s / %s%s:", options & 8 ? "A" : "-", options & 4 ? "P" : "-",
                  options & 2 ? "A" : "-", options & 1 ? "P" : "-");
      const int same = Made(SOCK_STREAM, options & 2, options & 1);
      const int bound = Bind(same, V4(INADDR_LOOPBACK, port));
      std::printf(" same %s", Went(bound));
      if (bound == 0) std::printf(", listen %s", Went(listen(same, 1)));
      const int any = Made(SOCK_STREAM, options & 2, options & 1);
      std::printf(", any %s", Went(Bind(any, V4(INADDR_ANY, port))));
      const int other = Made(SOCK_STREAM, options & 2, options & 1);
      std::printf(", other %s\n", Went(Bind(other, V4(INADDR_LOOPBACK + 1, port))));
      for (const int fd : {first, same, any, other}) close(fd);
    }
  }

  std::printf("a connection is left of the listener\n");
  for (int options = 0; options < 4; ++options) {
    const int listener = Made(SOCK_STREAM, options & 2, false);
    Must(Bind(listener, V4(INADDR_LOOPBACK)) == 0 && listen(listener, 1) == 0, "listen");
    const uint16_t port = PortOf(listener);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    Must(Connect(client, NameOf(listener)) == 0, "connect");
    Settle();
    const int server = accept(listener, nullptr, nullptr);
    close(listener);
    const int next = Made(SOCK_STREAM, options & 1, false);
    std::printf("  alive: %s\n", Went(Bind(next, V4(INADDR_LOOPBACK, port))));
    close(next);
    close(server);
    Settle();
    close(client);
    Settle();
    const int last = Made(SOCK_STREAM, options & 1, false);
    std::printf("  TIME_WAIT: %s\n", Went(Bind(last, V4(INADDR_LOOPBACK, port))));
    close(last);
  }

  std::printf("addresses\n");
  const int fd = Tcp();
  Show("a foreign one", Bind(fd, V4(0x0a010203)));
  Show("a privileged port", Bind(fd, V4(INADDR_LOOPBACK, 1023)));
  sockaddr_in name = V4(INADDR_LOOPBACK);
  Show("too short", bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name - 1));
  name.sin_family = AF_INET6;
  Show("another family", Bind(fd, name));
  name = V4(INADDR_ANY);
  name.sin_family = AF_UNSPEC;
  Show("no family, but the wildcard", Bind(fd, name));
  Show("bound already", Bind(fd, V4(INADDR_LOOPBACK)));
  std::printf("it has a port: %d\n", PortOf(fd) != 0);
  const int whole = Tcp();
  Show("all of 127/8", Bind(whole, V4(0x7f010203)));
  std::printf("%s\n", LocalAddress(whole).c_str());
  const int unbound = Tcp();
  Show("listen without bind", listen(unbound, 1));
  std::printf("%s, it has a port: %d\n", LocalAddress(unbound).c_str(), PortOf(unbound) != 0);
  return 0;
}
