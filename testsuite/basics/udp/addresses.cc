// addresses: destinations and names that are wrong, sizes, binding, connecting and disconnecting.
#include "testsuite/basics/net.h"

namespace {

template <typename T>
void SendTo(const char* what, int fd, const T& to, size_t bytes = 1) {
  static char block[70000];
  ShowCount(what, sendto(fd, block, bytes, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

int Made(bool address, bool port) {
  const int fd = Udp();
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, address);
  SetOption(fd, SOL_SOCKET, SO_REUSEPORT, port);
  return fd;
}

void Tell(int fd) {
  std::printf("  local %s, port %d, peer %s\n", LocalAddress(fd).c_str(), PortOf(fd) != 0,
              PeerAddress(fd).c_str());
}

// A connection to port 0 hears all ports, and getpeername(2) does not tell of it.
void PortZero(int sink) {
  std::printf("port 0\n");
  const int fd = Udp();
  Show("connect", Connect(fd, V4(INADDR_LOOPBACK)));
  Tell(fd);
  ShowSent("send", fd, "x");
  Settle();
  std::printf("nobody is there: %s\n", PendingError(fd));
  ShowSent("send", fd, "x");
  Settle();
  ShowSent("send takes the error", fd, "x");
  Settle();
  std::printf("and there is one more: %s\n", PendingError(fd));
  SendTo("somebody sends", sink, NameOf(fd));
  ShowReceived("recv", fd, 10);
  const int stranger = Udp();
  Must(Bind(stranger, V4(0x7f000002)) == 0, "bind");
  SendTo("a stranger sends", stranger, NameOf(fd));
  ShowReceived("recv", fd, 10);
  sockaddr_in closed = ClosedPort(SOCK_DGRAM);
  SendTo("to a closed port of the same address", fd, closed);
  Settle();
  std::printf("error: %s\n", PendingError(fd));
  closed.sin_addr.s_addr = htonl(0x7f000003);
  SendTo("and of another", fd, closed);
  Settle();
  std::printf("error: %s\n", PendingError(fd));
  Show("disconnect", Disconnect(fd));
  Tell(fd);
  ShowSent("send", fd, "x");

  std::printf("the wildcard is the host that one is bound to\n");
  const int bound = Udp();
  Must(Bind(bound, V4(0x7f000004)) == 0, "bind");
  Show("connect", Connect(bound, V4(INADDR_ANY, 9)));
  Tell(bound);
  const int unbound = Udp();
  Show("connect elsewhere", Connect(unbound, V4(0x7f000005, 9)));
  Show("and to the wildcard", Connect(unbound, V4(INADDR_ANY, 9)));
  Tell(unbound);
}

// An AF_INET6 socket has an address of one family, and what can be reached depends on it.
void BothFamilies(const sockaddr_in& four) {
  const int sink = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  Must(Bind(sink, V6("::1")) == 0, "bind");
  const sockaddr_in6 six = V6("::1", PortOf(sink));
  const auto all = [&](int fd) {
    Tell(fd);
    SendTo("  sendto IPv6", fd, six);
    SendTo("  sendto IPv4", fd, four);
    SendTo("  sendto the wildcard", fd, V6("::", ntohs(four.sin_port)));
    SendTo("  sendto port 0", fd, V6("::1", 0));
    ShowSent("  send", fd, "x");
    Settle();
    std::printf("  error: %s\n", PendingError(fd));
    Show("  connect to the wildcard", Connect(fd, V6("::", 0)));
    Tell(fd);
    ShowSent("  send", fd, "x");
    Settle();
    std::printf("  error: %s\n", PendingError(fd));
    Show("  connect to IPv4", Connect(fd, four));
    Tell(fd);
    Show("  connect to IPv6", Connect(fd, six));
    Tell(fd);
    ShowSent("  send", fd, "x");
    Show("  shutdown", shutdown(fd, SHUT_RD));
    Show("  disconnect", Disconnect(fd));
    Tell(fd);
    std::printf("  IPv6 only: %d\n", Option(fd, SOL_IPV6, IPV6_V6ONLY));
    close(fd);
  };
  for (const char* address : {"::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.3"}) {
    std::printf("IPv6, bound to %s\n", address);
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    Must(Bind(fd, V6(address)) == 0, "bind");
    all(fd);
  }
  for (const char* address : {"::1", "::ffff:127.0.0.1"}) {
    std::printf("IPv6, connected to port 0 of %s\n", address);
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    Must(Connect(fd, V6(address)) == 0, "connect");
    all(fd);
  }

  std::printf("IPv6, disconnected: it hears the IPv6 address that it was connected to\n");
  const int was = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0), sender = Udp();
  for (const char* address : {"::ffff:127.0.0.1", "::1"}) {
    Show(address, Connect(was, V6(address, ntohs(four.sin_port))));
    Must(Disconnect(was) == 0, "disconnect");
    ShowSent("  send gives it a port", was, "x");
    SendTo("  from IPv6", sink, V6("::1", PortOf(was)));
    ShowReceived("  recv", was, 10);
    SendTo("  from IPv4", sender, V4(INADDR_LOOPBACK, PortOf(was)));
    ShowReceived("  recv", was, 10);
  }

  std::printf("IPv6: what is wrong\n");
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const auto oob = [&](const char* what, const auto& to) {
    ShowCount(what, sendto(fd, "x", 1, MSG_OOB, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  };
  oob("out of band", six);
  oob("out of band to IPv4", four);
  oob("out of band to mapped", V6("::ffff:127.0.0.1", 9));
  ShowSent("out of band to nobody", fd, "x", MSG_OOB);
  SendTo("the most", fd, six, 65527);
  SendTo("too much", fd, six, 65528);
  SendTo("far too much, to port 0", fd, V6("::1", 0), 65600);
  sockaddr_in6 name = six;
  name.sin6_family = 99;
  SendTo("another family", fd, name);
  Show("connect to another family", Connect(fd, name));
  name.sin6_family = AF_UNSPEC;
  SendTo("no family", fd, name);
  Must(Connect(fd, six) == 0, "connect");
  SendTo("no family, connected", fd, name);
  Show("shutdown", shutdown(fd, SHUT_WR));
  oob("shut", six);
  SendTo("shut, too much", fd, six, 65600);
}

}  // namespace

int main() {
  DropRoot();
  const int sink = Udp();
  Must(Bind(sink, V4(INADDR_LOOPBACK)) == 0, "bind");
  const sockaddr_in to = NameOf(sink);
  const int fd = Udp();
  ShowSent("to nobody", fd, "x");
  std::printf("it has a port now: %d\n", PortOf(fd) != 0);
  SendTo("to port 0", fd, V4(INADDR_LOOPBACK, 0));
  SendTo("to the broadcast address", fd, V4(0x7fffffff, 9));
  SendTo("too much", fd, to, 65508);
  SendTo("the most", fd, to, 65507);
  sockaddr_in name = to;
  name.sin_family = AF_INET6;
  SendTo("to another family", fd, name);
  name.sin_family = AF_UNSPEC;
  SendTo("to no family", fd, name);
  ShowCount("to half a name",
            sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to - 1));
  ShowSent("out of band", fd, "x", MSG_OOB);
  Show("listen", listen(fd, 1));
  Show("accept", accept(fd, nullptr, nullptr));
  Show("bind what has a port", Bind(fd, V4(INADDR_LOOPBACK)));

  std::printf("binding\n");
  for (int options = 0; options < 16; ++options) {
    const int first = Made(options & 8, options & 4), second = Made(options & 2, options & 1),
              any = Made(options & 2, options & 1);
    Must(Bind(first, V4(INADDR_LOOPBACK)) == 0, "bind");
    std::printf("  %d%d%d%d ", (options >> 3) & 1, (options >> 2) & 1, (options >> 1) & 1,
                options & 1);
    Show("same", Bind(second, V4(INADDR_LOOPBACK, PortOf(first))));
    Show("    any", Bind(any, V4(INADDR_ANY, PortOf(first))));
    close(first), close(second), close(any);
  }

  std::printf("connecting\n");
  const int c = Udp();
  std::printf("local %s, port %d, peer %s\n", LocalAddress(c).c_str(), PortOf(c) != 0,
              PeerAddress(c).c_str());
  Show("connect", Connect(c, to));
  std::printf("local %s, port %d, peer %s\n", LocalAddress(c).c_str(), PortOf(c) != 0,
              PeerAddress(c).c_str());
  SendTo("a stranger sends", fd, NameOf(c));
  ShowReceived("and is not heard", c, 10);
  ShowSent("send", c, "hi");
  Settle();
  Show("disconnect", Disconnect(c));
  std::printf("local %s, port %d, peer %s\n", LocalAddress(c).c_str(), PortOf(c) != 0,
              PeerAddress(c).c_str());
  ShowSent("send", c, "x");
  Show("connect to port 0", Connect(c, V4(INADDR_LOOPBACK, 0)));
  Show("connect to broadcast", Connect(c, V4(0x7fffffff, 9)));
  Show("connect to the wildcard", Connect(c, V4(INADDR_ANY, PortOf(sink))));
  std::printf("peer %s\n", PeerAddress(c).c_str());
  Show("connect again elsewhere", Connect(c, V4(0x7f000009, 9)));
  std::printf("local %s, peer %s\n", LocalAddress(c).c_str(), PeerAddress(c).c_str());

  PortZero(sink);
  BothFamilies(to);

  std::printf("sockets\n");
  Show("TCP as datagrams", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
  Show("UDP as a stream", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  Show("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  Show("raw IPv6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  Show("sequenced", socket(AF_INET, SOCK_SEQPACKET, 0));
  Show("no such type", socket(AF_INET, 9, 0));
  Show("a type too large", socket(AF_INET, 15, 0));
  Show("no such protocol", socket(AF_INET, SOCK_STREAM, 300));
  Show("no such family", socket(99, SOCK_STREAM, 0));
  int two[2];
  Show("a pair", socketpair(AF_INET, SOCK_DGRAM, 0, two));
  return 0;
}
