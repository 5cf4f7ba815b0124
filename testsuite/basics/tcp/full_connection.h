// Connections whose client can send nothing more, because the peer does not read.
#ifndef POLLUX_TESTSUITE_BASICS_TCP_FULL_CONNECTION_H_
#define POLLUX_TESTSUITE_BASICS_TCP_FULL_CONNECTION_H_

#include "testsuite/basics/net.h"

// Until nothing fits, and nothing that was sent moves any more.
inline void Fill(int fd) {
  static const char bytes[65536] = {};
  for (int quiet = 0; quiet < 3; ++quiet) {
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) quiet = 0;
    Must(errno == EAGAIN, "it is full");
    Settle();
  }
}

// How much `fd`, which waits, gets before the end or an error, which errno tells.
inline size_t ReadAll(int fd) {
  static char bytes[65536];
  size_t got = 0;
  for (;;) {
    const ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count == 0) errno = 0;
    if (count <= 0) return got;
    got += static_cast<size_t>(count);
  }
}

#endif  // POLLUX_TESTSUITE_BASICS_TCP_FULL_CONNECTION_H_
