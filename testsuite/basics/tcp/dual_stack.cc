// dual_stack: IPv6 sockets: loopback, IPv4 by mapped addresses, IPV6_V6ONLY, and the errors of
// addresses.
#include "testsuite/basics/net.h"

namespace {

int Tcp6(int only) {
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  Must(fd >= 0, "an IPv6 socket");
  SetOption(fd, SOL_IPV6, IPV6_V6ONLY, only);
  return fd;
}

}  // namespace

int main() {
  DropRoot();
  {
    std::printf("both families\n");
    const int listener = Tcp6(0);
    Must(Bind(listener, V6("::")) == 0 && listen(listener, 5) == 0, "listen");
    const uint16_t port = PortOf(listener);
    const int four = socket(AF_INET, SOCK_STREAM, 0), six = Tcp6(0), mapped = Tcp6(0);
    Show("from IPv4", Connect(four, V4(INADDR_LOOPBACK, port)));
    Show("from IPv6", Connect(six, V6("::1", port)));
    Show("from mapped", Connect(mapped, V6("::ffff:127.0.0.1", port)));
    for (int i = 0; i < 3; ++i) {
      const int server = accept(listener, nullptr, nullptr);
      std::printf("server: local %s, peer %s\n", LocalAddress(server).c_str(),
                  PeerAddress(server).c_str());
    }
    std::printf("mapped: local %s, peer %s\n", LocalAddress(mapped).c_str(),
                PeerAddress(mapped).c_str());
    const int other = socket(AF_INET, SOCK_STREAM, 0);
    Show("the port is taken for IPv4 too", Bind(other, V4(INADDR_LOOPBACK, port)));
    const int only = Tcp6(1);
    Show("IPv6 only connects to mapped", Connect(only, V6("::ffff:127.0.0.1", port)));
    const int value = 1;
    Show("IPV6_V6ONLY after bind",
         setsockopt(listener, SOL_IPV6, IPV6_V6ONLY, &value, sizeof value));
  }
  {
    std::printf("IPv6 only\n");
    const int listener = Tcp6(1);
    Must(Bind(listener, V6("::")) == 0 && listen(listener, 5) == 0, "listen");
    const uint16_t port = PortOf(listener);
    const int four = socket(AF_INET, SOCK_STREAM, 0), six = Tcp6(0),
              other = socket(AF_INET, SOCK_STREAM, 0);
    Show("from IPv4", Connect(four, V4(INADDR_LOOPBACK, port)));
    Show("from IPv6", Connect(six, V6("::", port)));
    std::printf("its peer: %s\n", PeerAddress(six).c_str());
    Show("IPv4 may have the port", Bind(other, V4(INADDR_LOOPBACK, port)));
  }
  std::printf("bind\n");
  for (const char* address :
       {"::", "::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "2001:db8::1"}) {
    const int fd = Tcp6(0);
    std::printf("%s ", address);
    Show("", Bind(fd, V6(address)));
    std::printf("  %s\n", LocalAddress(fd).c_str());
    close(fd);
  }
  const int far = Tcp6(0);
  Must(Bind(far, V6("::")) == 0 && listen(far, 9) == 0, "listen");
  for (const char* address : {"::1", "::ffff:0.0.0.0", "::ffff:127.0.0.3"}) {
    std::printf("bound to %s\n", address);
    const int near = Tcp6(0);
    Must(Bind(near, V6(address)) == 0, "bind");
    std::printf("  IPv6 only: %d\n", Option(near, SOL_IPV6, IPV6_V6ONLY));
    const bool mapped = address[2] == 'f';
    Show("  to the other family",
         Connect(near, V6(mapped ? "::1" : "::ffff:127.0.0.1", PortOf(far))));
    Show("  to the wildcard", Connect(near, V6("::", PortOf(far))));
    std::printf("  local %s, peer %s\n", LocalAddress(near).c_str(), PeerAddress(near).c_str());
    Show("  disconnect", Disconnect(near));
    std::printf("  local %s\n", LocalAddress(near).c_str());
  }
  const int only = Tcp6(1);
  Show("mapped where only IPv6 is", Bind(only, V6("::ffff:127.0.0.1")));
  Show("an IPv4 address", Bind(only, V4(INADDR_LOOPBACK)));
  sockaddr_in6 name = V6("::1");
  Show("too short", bind(only, reinterpret_cast<sockaddr*>(&name), 23));
  Show("without the scope", bind(only, reinterpret_cast<sockaddr*>(&name), 24));
  const int fd = Tcp6(0);
  name.sin6_family = AF_INET;
  Show("connect to another family", Connect(fd, name));
  Show("connect to an IPv4 address", Connect(fd, V4(INADDR_LOOPBACK)));
  return 0;
}
