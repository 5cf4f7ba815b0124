// options: what getsockopt(2) gives at first, and what setsockopt(2) takes, of SOL_TCP and SOL_IP.
#include "testsuite/basics/net.h"

namespace {

void Get(const char* what, int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd, level, name, &value, &length) != 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: %d (%d bytes)\n", what, value, static_cast<int>(length));
  }
}
void Try(const char* what, int level, int name, std::vector<int> values) {
  const int fd = Tcp();
  std::printf("%s at first ", what);
  Get("", fd, level, name);
  for (const int value : values) {
    std::printf("  %d: %s ", value,
                setsockopt(fd, level, name, &value, sizeof value) == 0 ? "ok" : ErrorName(errno));
    Get("", fd, level, name);
  }
}

}  // namespace

int main() {
  DropRoot();
  Try("TCP_NODELAY", SOL_TCP, TCP_NODELAY, {5, 0});
  Try("TCP_CORK", SOL_TCP, TCP_CORK, {5, 0});
  Try("TCP_MAXSEG", SOL_TCP, TCP_MAXSEG, {87, 88, 32767, 32768, 0});
  Try("TCP_KEEPIDLE", SOL_TCP, TCP_KEEPIDLE, {0, 1, 32767, 32768});
  Try("TCP_KEEPINTVL", SOL_TCP, TCP_KEEPINTVL, {0, 1, 32767, 32768});
  Try("TCP_KEEPCNT", SOL_TCP, TCP_KEEPCNT, {0, 1, 127, 128});
  Try("TCP_SYNCNT", SOL_TCP, TCP_SYNCNT, {0, 1, 127, 128});
  Try("TCP_LINGER2", SOL_TCP, TCP_LINGER2, {-2, 0, 30, 120, 121});
  Try("TCP_DEFER_ACCEPT", SOL_TCP, TCP_DEFER_ACCEPT, {0, 1, 3, 10, 1000});
  Try("TCP_USER_TIMEOUT", SOL_TCP, TCP_USER_TIMEOUT, {-1, 0, 5});
  Try("TCP_QUICKACK", SOL_TCP, TCP_QUICKACK, {0, 1});
  Try("TCP_NOTSENT_LOWAT", SOL_TCP, TCP_NOTSENT_LOWAT, {100});
  Try("nothing", SOL_TCP, 99, {1});
  Try("IP_TOS", SOL_IP, IP_TOS, {16, 255, 256});
  Try("IP_TTL", SOL_IP, IP_TTL, {1, 255, 256, 0, -1});
  Try("IP_PKTINFO", SOL_IP, IP_PKTINFO, {7, 0});
  Try("IP_RECVERR", SOL_IP, IP_RECVERR, {1});
  Try("IP_MTU_DISCOVER", SOL_IP, IP_MTU_DISCOVER, {3, 6});
  Try("IP_MTU", SOL_IP, IP_MTU, {});
  Try("SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, {7, 0});
  Try("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, {5000, 1});
  Try("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, {5000, 1});
  Try("SO_TYPE", SOL_SOCKET, SO_TYPE, {1});
  Try("SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, {});
  Try("SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, {});
  Try("IPV6_V6ONLY on IPv4", SOL_IPV6, IPV6_V6ONLY, {1});

  const int fd = Tcp();
  char name[16] = "";
  socklen_t length = sizeof name;
  Show("reno", setsockopt(fd, SOL_TCP, TCP_CONGESTION, "reno", 4));
  Must(getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &length) == 0, "TCP_CONGESTION");
  std::printf("%s (%d bytes)\n", name, static_cast<int>(length));
  Show("nonesuch", setsockopt(fd, SOL_TCP, TCP_CONGESTION, "nonesuch", 8));
  const char byte = 1;
  Show("a short TCP_NODELAY", setsockopt(fd, SOL_TCP, TCP_NODELAY, &byte, 1));
  Show("a short IP_TOS", setsockopt(fd, SOL_IP, IP_TOS, "\x20", 1));
  length = 1;
  unsigned char tos = 0;
  Must(getsockopt(fd, SOL_IP, IP_TOS, &tos, &length) == 0, "IP_TOS");
  std::printf("IP_TOS in a byte: %d (%d bytes)\n", tos, static_cast<int>(length));
  struct tcp_info info = {};
  length = sizeof info;
  Must(getsockopt(fd, SOL_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
  std::printf("state %d, all of it: %d\n", info.tcpi_state, length == sizeof info);

  const Pair pair = Connected();
  Get("IP_MTU", pair.client, SOL_IP, IP_MTU);
  Get("IPV6_V6ONLY", pair.client, SOL_IPV6, IPV6_V6ONLY);
  Get("unknown level", pair.client, 99, 1);
  return 0;
}
