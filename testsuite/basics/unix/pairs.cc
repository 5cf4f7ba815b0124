// socketpair(2) of every type: what is kept of a message's borders, the end, and what is left when
// one side has gone.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

int signals = 0;
void CountSignal(int) { ++signals; }

void Borders(int type) {
  printf("-- %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  ShowRead("empty", pair.b, 10);
  Send(pair.a, "one");
  Send(pair.a, "two");
  int waiting = 0;
  Must(ioctl(pair.b, FIONREAD, &waiting) == 0, "FIONREAD");
  printf("FIONREAD: %d\n", waiting);
  ShowRead("peek", pair.b, 10, MSG_PEEK);
  ShowRead("two bytes", pair.b, 2);
  ShowRead("ten bytes", pair.b, 10);
  ShowRead("ten more", pair.b, 10);
  iovec parts[] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cde"), 3}};
  ShowCount("writev", writev(pair.b, parts, 2));
  char first[3] = {}, second[8] = {};
  iovec into[] = {{first, 2}, {second, 7}};
  ShowCount("readv", readv(pair.a, into, 2));
  printf("%s %s\n", first, second);
  ShowCount("nothing written", write(pair.a, "", 0));
  ShowCount("nothing read", read(pair.b, first, 0));
  ShowRead("after nothing", pair.b, 10);
  close(pair.a);
  close(pair.b);
}

void Truncation(int type) {
  printf("-- truncation of %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Send(pair.a, "0123456789");
  char bytes[4];
  ShowCount("peek with MSG_TRUNC", recv(pair.b, bytes, 4, MSG_PEEK | MSG_TRUNC));
  iovec vector = {bytes, 4};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  ShowCount("recvmsg", recvmsg(pair.b, &header, 0));
  printf("flags %#x\n", header.msg_flags);
  ShowRead("rest", pair.b, 10);
  close(pair.a);
  close(pair.b);
}

void OneSideGone(int type) {
  printf("-- one side of %s gone\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Send(pair.a, "last words");
  close(pair.a);
  ShowReady("with data", pair.b);
  ShowRead("data", pair.b, 20);
  ShowRead("end", pair.b, 20);
  ShowReady("without data", pair.b);
  signals = 0;
  ShowCount("send", send(pair.b, "x", 1, 0));
  printf("signals: %d\n", signals);
  ShowCount("send again", send(pair.b, "x", 1, MSG_NOSIGNAL));
  printf("signals: %d\n", signals);
  ShowCount("write", write(pair.b, "x", 1));
  printf("signals: %d\n", signals);
  close(pair.b);
}

void UnreadGone(int type) {
  printf("-- one side of %s gone with unread data\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Send(pair.b, "never read");
  Send(pair.a, "kept");
  close(pair.a);
  ShowReady("b", pair.b);
  ShowRead("data", pair.b, 20);
  ShowRead("then", pair.b, 20);
  ShowRead("then", pair.b, 20);
  ShowReady("b", pair.b);
  close(pair.b);
}

void ErrorOption(int type) {
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Send(pair.b, "never read");
  close(pair.a);
  int error = -1;
  socklen_t bytes = sizeof error;
  Must(getsockopt(pair.b, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0, "SO_ERROR");
  printf("SO_ERROR of %s: %s", TypeName(type), ErrorName(error));
  Must(getsockopt(pair.b, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0, "SO_ERROR");
  printf(", then %d\n", error);
  ShowReady("ready", pair.b);
  close(pair.b);
}

void Shutdown(int type, int how, const char* name) {
  printf("-- %s, shutdown %s\n", TypeName(type), name);
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Send(pair.a, "before");
  Show("shutdown", shutdown(pair.a, how));
  ShowReady("a", pair.a);
  ShowReady("b", pair.b);
  ShowRead("b reads", pair.b, 10);
  ShowRead("b reads", pair.b, 10);
  ShowRead("a reads", pair.a, 10);
  ShowCount("a sends", send(pair.a, "x", 1, MSG_NOSIGNAL));
  ShowCount("b sends", send(pair.b, "x", 1, MSG_NOSIGNAL));
  Show("again", shutdown(pair.a, how));
  close(pair.a);
  close(pair.b);
}

}  // namespace

int main() {
  signal(SIGPIPE, CountSignal);
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Borders(type);
    Truncation(type);
    OneSideGone(type);
    UnreadGone(type);
    ErrorOption(type);
    Shutdown(type, SHUT_RD, "RD");
    Shutdown(type, SHUT_WR, "WR");
    Shutdown(type, SHUT_RDWR, "RDWR");
  }
  return 0;
}
