// full_buffers: how many datagrams of which length a receive buffer takes, and how much of it is
// free again when some were read: what comes then is there, or lost.
#include <poll.h>

#include <algorithm>

#include "testsuite/basics/net.h"

namespace {

char bytes[65536];
constexpr int kLengths[] = {0,     1,     8,     100,   184,   185,   197,   198,   400,
                            645,   646,   1500,  1669,  1670,  4000,  7800,  8000,  15991,
                            15992, 16004, 16005, 20000, 33000, 60000, 65488, 65489, 65519};

uint64_t state = 1;
uint64_t Below(uint64_t limit) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return (state >> 33) % limit;
}

struct Pair {
  int from, to;
};

Pair Connected(int family, int buffer, int flags) {
  const Pair pair = {socket(family, SOCK_DGRAM, 0), socket(family, SOCK_DGRAM | flags, 0)};
  sockaddr_storage name = {};
  name.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(name).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    reinterpret_cast<sockaddr_in6&>(name).sin6_addr = in6addr_loopback;
  }
  socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  Must(bind(pair.to, reinterpret_cast<sockaddr*>(&name), length) == 0, "bind");
  Must(getsockname(pair.to, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  Must(connect(pair.from, reinterpret_cast<sockaddr*>(&name), length) == 0, "connect");
  Must(setsockopt(pair.to, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) == 0, "SO_RCVBUF");
  return pair;
}

int Receive(int fd, int flags = 0) {
  return static_cast<int>(recv(fd, bytes, 1, MSG_DONTWAIT | MSG_TRUNC | flags));
}

void Fill(int family, int buffer) {
  for (const int length : kLengths) {
    const Pair pair = Connected(family, buffer, 0);
    for (int i = 0; i < 200; ++i) {
      if (send(pair.from, bytes, static_cast<size_t>(length), 0) < 0) break;
    }
    int count = 0;
    while (Receive(pair.to) >= 0) ++count;
    std::printf(" %d of %d,", count, length);
    close(pair.from);
    close(pair.to);
  }
  std::printf("\n");
}

void Mix(int family, int buffer, int flags) {
  const Pair pair = Connected(family, buffer, flags);
  for (int i = 0; i < 1500; ++i) {
    const uint64_t what = Below(20);
    if (what < 10) {
      // Of each in turn its length tells it from most others.
      const size_t most = Below(4) == 0 ? std::size(kLengths) : 15;
      (void)!send(pair.from, bytes, static_cast<size_t>(kLengths[Below(most)]), 0);
    } else if (what < 18) {
      std::printf("%d ", Receive(pair.to));
    } else if (what == 18) {
      std::printf("peek %d ", Receive(pair.to, MSG_PEEK));
    } else {
      pollfd look = {pair.to, POLLIN, 0};
      std::printf("poll %d ", poll(&look, 1, 0));
      int next = -1;
      Must(ioctl(pair.to, FIONREAD, &next) == 0, "FIONREAD");
      std::printf("next %d ", next);
    }
  }
  std::printf("\n");
  close(pair.from);
  close(pair.to);
}

}  // namespace

int main() {
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int buffer : {0, 10000, 60000, 106496}) {
      std::printf("family %d, buffer %d:", family, buffer);
      Fill(family, buffer);
      Mix(family, buffer, 0);
      Mix(family, buffer, SOCK_NONBLOCK);
    }
  }
  return 0;
}
