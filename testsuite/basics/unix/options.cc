// Socket options at SOL_SOCKET: what they are at first, what setting them makes of them.
#include <sys/time.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

void Get(int fd, int name, const char* text) {
  int value[8] = {};
  socklen_t bytes = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, name, value, &bytes) != 0) {
    printf("%s: %s\n", text, ErrorName(errno));
    return;
  }
  printf("%s: %u bytes, %d %d\n", text, bytes, value[0], value[1]);
}
#define GET(fd, name) Get(fd, name, #name)

void Set(int fd, int name, const char* text, int value) {
  printf("set %s to %d: ", text, value);
  if (setsockopt(fd, SOL_SOCKET, name, &value, sizeof value) != 0) {
    printf("%s\n", ErrorName(errno));
    return;
  }
  Get(fd, name, text);
}
#define SET(fd, name, value) Set(fd, name, #name, value)

void All(int type) {
  printf("-- %s\n", TypeName(type));
  const int fd = NewSocket(type);
  GET(fd, SO_DEBUG);
  GET(fd, SO_REUSEADDR);
  GET(fd, SO_TYPE);
  GET(fd, SO_ERROR);
  GET(fd, SO_DONTROUTE);
  GET(fd, SO_BROADCAST);
  GET(fd, SO_SNDBUF);
  GET(fd, SO_RCVBUF);
  GET(fd, SO_KEEPALIVE);
  GET(fd, SO_OOBINLINE);
  GET(fd, SO_PRIORITY);
  GET(fd, SO_LINGER);
  GET(fd, SO_REUSEPORT);
  GET(fd, SO_PASSCRED);
  GET(fd, SO_RCVLOWAT);
  GET(fd, SO_SNDLOWAT);
  GET(fd, SO_ACCEPTCONN);
  GET(fd, SO_PROTOCOL);
  GET(fd, SO_DOMAIN);
  GET(fd, SO_PEEK_OFF);
  GET(fd, SO_PEERSEC);
  GET(fd, SO_PEERGROUPS);
  GET(fd, 999);
  close(fd);
}

void Sets() {
  const int fd = NewSocket(SOCK_STREAM);
  for (int value : {0, 1, 7, -1}) {
    SET(fd, SO_REUSEADDR, value);
    SET(fd, SO_KEEPALIVE, value);
    SET(fd, SO_BROADCAST, value);
    SET(fd, SO_DONTROUTE, value);
    SET(fd, SO_OOBINLINE, value);
    SET(fd, SO_PASSCRED, value);
    SET(fd, SO_REUSEPORT, value);
    SET(fd, SO_DEBUG, value);
    SET(fd, SO_PRIORITY, value);
    SET(fd, SO_RCVLOWAT, value);
    SET(fd, SO_PEEK_OFF, value);
    SET(fd, SO_TYPE, value);
    SET(fd, SO_ERROR, value);
    SET(fd, SO_ACCEPTCONN, value);
    SET(fd, SO_MARK, value);
    SET(fd, SO_SNDBUFFORCE, value);
    SET(fd, 999, value);
  }
  for (int value : {1, 2304, 2305, 4608, 100000, 2000000, 2000000000, -1}) {
    SET(fd, SO_SNDBUF, value);
    SET(fd, SO_RCVBUF, value);
  }
}

void Time(int fd, long seconds, long microseconds) {
  const timeval time = {seconds, microseconds};
  printf("%ld.%06ld: ", seconds, microseconds);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) {
    printf("%s\n", ErrorName(errno));
    return;
  }
  timeval now = {9, 9};
  socklen_t bytes = sizeof now;
  Must(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &now, &bytes) == 0, "SO_RCVTIMEO");
  printf("%ld.%06ld in %u bytes\n", static_cast<long>(now.tv_sec), static_cast<long>(now.tv_usec),
         bytes);
}

void Lengths() {
  const int fd = NewSocket(SOCK_STREAM);
  int value = 1;
  Show("set with 3 bytes", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 3));
  Show("set with 8 bytes", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 8));
  Show("set with -1 bytes",
       setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, static_cast<socklen_t>(-1)));
  Show("set from nowhere", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, nullptr, 4));
  Show("a linger of 4 bytes", setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, 4));
  const int linger[] = {1, 5};
  Show("a linger of 8 bytes", setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, 8));
  GET(fd, SO_LINGER);
  Show("another level", setsockopt(fd, 99, 1, &value, 4));
  socklen_t bytes = 4;
  Show("another level", getsockopt(fd, 99, 1, &value, &bytes));
  unsigned char part[4] = {9, 9, 9, 9};
  bytes = 1;
  Show("get 1 byte", getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, part, &bytes));
  printf("%u bytes: %d %d\n", bytes, part[0], part[1]);
  bytes = 0;
  Show("get 0 bytes", getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, part, &bytes));
  bytes = static_cast<socklen_t>(-1);
  Show("get -1 bytes", getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, part, &bytes));
  bytes = 4;
  Show("get to nowhere", getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, nullptr, &bytes));
  Show("get without a length", getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, part, nullptr));
}

// SO_PEEK_OFF moves with what is peeked and read.
void PeekOffset(int type) {
  printf("-- peek offset, %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Send(pair.a, "01234");
  Send(pair.a, "56789");
  SET(pair.b, SO_PEEK_OFF, 1);
  ShowRead("peek", pair.b, 2, MSG_PEEK | MSG_DONTWAIT);
  GET(pair.b, SO_PEEK_OFF);
  ShowRead("peek", pair.b, 4, MSG_PEEK | MSG_DONTWAIT);
  GET(pair.b, SO_PEEK_OFF);
  ShowRead("read", pair.b, 2);
  GET(pair.b, SO_PEEK_OFF);
  ShowRead("peek", pair.b, 10, MSG_PEEK | MSG_DONTWAIT);
  ShowRead("peek at the end", pair.b, 10, MSG_PEEK | MSG_DONTWAIT);
  SET(pair.b, SO_PEEK_OFF, -1);
  ShowRead("peek", pair.b, 10, MSG_PEEK | MSG_DONTWAIT);
  close(pair.a);
  close(pair.b);
}

}  // namespace

int main() {
  DropRoot();
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) All(type);
  Sets();
  const int fd = NewSocket(SOCK_DGRAM);
  for (long microseconds : {0, 1, 3999, 4000, 4001, 999999, 1000000, -1}) Time(fd, 1, microseconds);
  Time(fd, 0, 0);
  Time(fd, -1, 0);
  Lengths();
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) PeekOffset(type);
  return 0;
}
