// Two connected sockets that never block.
#ifndef POLLUX_TESTSUITE_BASICS_SOCKET_PAIR_H_
#define POLLUX_TESTSUITE_BASICS_SOCKET_PAIR_H_

#include <sys/socket.h>

#include "testsuite/basics/check.h"

struct SocketPair {
  SocketPair() {
    int ends[2];
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
         "socketpair");
    near = ends[0];
    far = ends[1];
  }
  int near, far;
};

#endif  // POLLUX_TESTSUITE_BASICS_SOCKET_PAIR_H_
