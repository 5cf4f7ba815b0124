// One wrong thing in each call.
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "testsuite/basics/unix/sockets.h"

int main() {
  DropRoot();
  Show("an unknown family", socket(45, SOCK_STREAM, 0));
  Show("a negative family", socket(-1, SOCK_STREAM, 0));
  Show("a family too large", socket(46, SOCK_STREAM, 0));
  Show("an unknown type", socket(AF_UNIX, 7, 0));
  Show("a type too large", socket(AF_UNIX, 11, 0));
  Show("an unknown flag", socket(AF_UNIX, SOCK_STREAM | 0x10000, 0));
  Show("another protocol", socket(AF_UNIX, SOCK_STREAM, 2));
  Show("its own protocol", socket(AF_UNIX, SOCK_STREAM, PF_UNIX));
  const int raw = socket(AF_UNIX, SOCK_RAW, 0);
  int type = 0;
  socklen_t bytes = sizeof type;
  Must(getsockopt(raw, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0, "SO_TYPE");
  printf("raw ones are of type %d\n", type);
  int ends[2];
  Show("a pair of an unknown family", socketpair(45, SOCK_STREAM, 0, ends));
  Show("a pair of an unknown type", socketpair(AF_UNIX, 7, 0, ends));
  Show("a pair with an unknown flag", socketpair(AF_UNIX, SOCK_STREAM | 1 << 20, 0, ends));
  Show("a pair to nowhere", socketpair(AF_UNIX, SOCK_STREAM, 0, nullptr));
  const int next = dup(0);
  close(next);
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && ends[0] == next, "numbers came back");

  const Address name("@pollux-errors-");
  char byte = 'x';
  msghdr header = {};
  iovec data = {&byte, 1};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  for (int fd : {700, 0}) {
    printf("-- %s\n", fd == 0 ? "not a socket" : "not open");
    Show("bind", Bind(fd, name));
    Show("listen", listen(fd, 1));
    Show("accept", accept(fd, nullptr, nullptr));
    Show("connect", Connect(fd, name));
    sockaddr_un room;
    bytes = sizeof room;
    Show("getsockname", getsockname(fd, reinterpret_cast<sockaddr*>(&room), &bytes));
    Show("getpeername", getpeername(fd, reinterpret_cast<sockaddr*>(&room), &bytes));
    Show("send", send(fd, &byte, 1, 0));
    Show("recv", recv(fd, &byte, 1, 0));
    Show("sendmsg", sendmsg(fd, &header, 0));
    Show("recvmsg", recvmsg(fd, &header, 0));
    mmsghdr many = {header, 0};
    Show("sendmmsg", sendmmsg(fd, &many, 1, 0));
    Show("recvmmsg", recvmmsg(fd, &many, 1, 0, nullptr));
    Show("shutdown", shutdown(fd, SHUT_RD));
    Show("setsockopt", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &type, sizeof type));
    Show("getsockopt", getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &type, &bytes));
  }

  printf("-- a pair\n");
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  Show("shutdown -1", shutdown(pair.a, -1));
  Show("shutdown 3", shutdown(pair.a, 3));
  Show("bind from nowhere", bind(pair.a, nullptr, 10));
  Show("connect from nowhere", connect(pair.a, nullptr, 10));
  ShowCount("send from nowhere", send(pair.a, nullptr, 1, 0));
  ShowCount("sendto", sendto(pair.a, &byte, 1, 0, name.get(), name.bytes));
  const int lone = NewSocket(SOCK_STREAM);
  ShowCount("sendto, unconnected", sendto(lone, &byte, 1, 0, name.get(), name.bytes));
  ShowCount("send, unconnected", send(lone, &byte, 1, 0));
  ShowCount("recv, unconnected", recv(lone, &byte, 1, 0));
  ShowCount("an address too long", sendto(pair.a, &byte, 1, 0, name.get(), 129));
  ShowCount("to nowhere, nothing there", recv(pair.b, nullptr, 1, 0));
  Send(pair.a, "abc");
  ShowCount("to nowhere", recv(pair.b, nullptr, 1, 0));
  ShowRead("still there", pair.b, 10);
  const Pair datagrams = MakePair(SOCK_DGRAM | SOCK_NONBLOCK);
  Send(datagrams.a, "abc");
  ShowCount("a datagram to nowhere", recv(datagrams.b, nullptr, 3, 0));
  ShowRead("it is lost", datagrams.b, 10);
  ShowCount("a datagram from nowhere", send(datagrams.a, nullptr, 3, 0));
  ShowRead("it was never sent", datagrams.b, 10);
  header.msg_namelen = static_cast<socklen_t>(-1);
  header.msg_name = ends;
  ShowCount("a negative name", sendmsg(pair.a, &header, 0));
  header.msg_namelen = 0;
  header.msg_iovlen = 1025;
  ShowCount("too many vectors", sendmsg(pair.a, &header, 0));
  header.msg_iovlen = 1;
  header.msg_iov = nullptr;
  ShowCount("vectors from nowhere", sendmsg(pair.a, &header, 0));
  ShowCount("a header from nowhere", sendmsg(pair.a, nullptr, 0));
  ShowCount("a header to nowhere", recvmsg(pair.b, nullptr, 0));
  header.msg_iov = &data;
  header.msg_name = nullptr;
  header.msg_control = ends;
  header.msg_controllen = 1 << 20;
  ShowCount("too much control", sendmsg(pair.a, &header, 0));

  Must(Bind(lone, name) == 0 && listen(lone, 3) == 0, "listen");
  for (int i = 0; i < 2; ++i) Must(Connect(NewSocket(SOCK_STREAM), name) == 0, "connect");
  sockaddr_un room;
  Show("a peer's name to nowhere",
       accept(lone, reinterpret_cast<sockaddr*>(&room), reinterpret_cast<socklen_t*>(8)));
  const int free_number = dup(0);
  close(free_number);
  const rlimit none = {static_cast<rlim_t>(free_number), 1024};
  Must(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
  Show("no number for accept", accept(lone, nullptr, nullptr));
  Show("no number for socket", socket(AF_UNIX, SOCK_STREAM, 0));
  const rlimit one = {static_cast<rlim_t>(free_number + 1), 1024};
  Must(setrlimit(RLIMIT_NOFILE, &one) == 0, "setrlimit");
  Show("one number for a pair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  Show("the connection is still there", accept(lone, nullptr, nullptr));
  return 0;
}
