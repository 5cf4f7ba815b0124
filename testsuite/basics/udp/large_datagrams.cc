// large_datagrams: over IPv6 the largest ones are two fragments, and the second one finds no room
// where the buffer is small: ENOBUFS, an edge, and nothing sent.
#include "testsuite/basics/net.h"

int main() {
  const int from = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const int to = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  sockaddr_in6 name = {};
  name.sin6_family = AF_INET6;
  name.sin6_addr = in6addr_loopback;
  Must(bind(to, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0, "bind");
  socklen_t length = sizeof name;
  Must(getsockname(to, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  Must(connect(from, reinterpret_cast<sockaddr*>(&name), length) == 0, "connect");

  Watch watch({{'f', from}, {'t', to}});
  watch.Tell("at first");
  static char bytes[65536];
  for (const size_t count : {65487, 65488, 65489, 65519, 65527, 65528}) {
    // What Linux makes of it is twice as much.
    for (const int buffer : {0, 16577, 16578, 16579, 16580, 30000}) {
      std::printf("%zu bytes, buffer %d\n", count, buffer);
      Must(setsockopt(from, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) == 0, "SO_SNDBUF");
      watch.Tell("the buffer is set");
      ShowCount("send", send(from, bytes, count, 0));
      watch.Tell("sent");
      ShowCount("recv", recv(to, bytes, sizeof bytes, 0));
      watch.Tell("received");
    }
  }
  return 0;
}
