// The out-of-band byte of streams: where reads stop, what MSG_OOB gives, SO_OOBINLINE, PRI.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

int AtMark(int fd) {
  int at = -1;
  Must(ioctl(fd, SIOCATMARK, &at) == 0, "SIOCATMARK");
  return at;
}

void Run(bool inline_byte) {
  printf("-- %s\n", inline_byte ? "inline" : "apart");
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  const int on = inline_byte;
  Must(setsockopt(pair.b, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) == 0, "SO_OOBINLINE");
  Watcher watcher(pair.b);
  watcher.Show("at first");
  ShowRead("none there", pair.b, 1, MSG_OOB);
  Send(pair.a, "hello", MSG_OOB);
  watcher.Show("hello, out of band");
  printf("at mark: %d\n", AtMark(pair.b));
  ShowRead("read", pair.b, 20);
  printf("at mark: %d\n", AtMark(pair.b));
  ShowRead("peek it", pair.b, 20, MSG_OOB | MSG_PEEK);
  ShowRead("take it", pair.b, 20, MSG_OOB);
  ShowReady("taken", pair.b);
  ShowRead("take it again", pair.b, 20, MSG_OOB);
  ShowRead("read", pair.b, 20);
  ShowReady("empty", pair.b);
  Send(pair.a, "abc", MSG_OOB);
  Send(pair.a, "def");
  ShowRead("up to the mark", pair.b, 20);
  ShowRead("over the mark", pair.b, 20);
  ShowReady("over the mark", pair.b);
  Send(pair.a, "12", MSG_OOB);
  Send(pair.a, "34", MSG_OOB);
  ShowRead("a second one makes the first ordinary", pair.b, 20);
  ShowRead("the second", pair.b, 20, MSG_OOB);
  ShowRead("the end", pair.b, 20);
  Send(pair.a, "x", MSG_OOB);
  Send(pair.a, "yz");
  ShowRead("peek", pair.b, 20, MSG_PEEK);
  ShowRead("the byte first", pair.b, 20, MSG_OOB);
  ShowRead("then the others", pair.b, 20);
  Send(pair.a, "q", MSG_OOB);
  ShowRead("taken", pair.b, 1, MSG_OOB);
  close(pair.a);
  ShowReady("closed", pair.b);
  ShowRead("the end", pair.b, 20);
  close(pair.b);
}

}  // namespace

int main() {
  Run(false);
  Run(true);
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    const Pair pair = MakePair(type | SOCK_NONBLOCK);
    ShowCount("send", send(pair.a, "x", 1, MSG_OOB));
    ShowRead("receive", pair.b, 1, MSG_OOB);
  }
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  ShowCount("nothing out of band", send(pair.a, "", 0, MSG_OOB));
  Send(pair.a, "left", MSG_OOB);
  Must(recv(pair.b, new char[3], 3, 0) == 3, "recv");
  close(pair.b);
  ShowRead("the byte was not read", pair.a, 1);
  return 0;
}
