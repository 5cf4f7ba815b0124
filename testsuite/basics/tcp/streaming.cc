// streaming: bytes through a connection: each arrival is an edge, no read is one; peeking,
// skipping, waiting for all, and how much is there.
#include <sys/uio.h>

#include "testsuite/basics/net.h"

namespace {

int InQueue(int fd) {
  int bytes = -1;
  Must(ioctl(fd, FIONREAD, &bytes) == 0, "FIONREAD");
  return bytes;
}

}  // namespace

int main() {
  const Pair pair = Connected();
  Watch watch({{'c', pair.client}, {'s', pair.server}});
  watch.Tell("connected");
  ShowSent("send", pair.client, "abc");
  watch.Tell("sent");
  ShowSent("send", pair.client, "def");
  watch.Tell("sent more");
  std::printf("there are %d\n", InQueue(pair.server));
  ShowReceived("one byte", pair.server, 1);
  watch.Tell("read one");
  ShowReceived("peek", pair.server, 3, MSG_PEEK);
  ShowReceived("the rest", pair.server, 100);
  watch.Tell("read all");
  ShowReceived("nothing", pair.server, 100);
  ShowReceived("nothing of nothing", pair.server, 0);
  ShowSent("send nothing", pair.client, "");
  watch.Tell("sent nothing");

  ShowSent("send", pair.client, "123456");
  Settle();
  char buffer[8] = "-------";
  ShowCount("MSG_TRUNC throws away", recv(pair.server, buffer, 3, MSG_TRUNC));
  std::printf("and leaves the buffer: %s\n", buffer);
  ShowReceived("what is behind", pair.server, 100);

  Block(pair.server, true);
  ShowSent("send", pair.client, "all");
  ShowReceived("MSG_WAITALL has all", pair.server, 3, MSG_WAITALL);
  timeval limit = {0, 50000};
  Must(setsockopt(pair.server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
  ShowSent("send", pair.client, "part");
  ShowReceived("MSG_WAITALL and a time limit", pair.server, 10, MSG_WAITALL);
  ShowReceived("a time limit", pair.server, 10);
  ShowReceived("MSG_DONTWAIT", pair.server, 10, MSG_DONTWAIT);

  iovec parts[] = {{const_cast<char*>("he"), 2}, {const_cast<char*>("llo"), 3}};
  ShowCount("writev", writev(pair.client, parts, 2));
  char first[2], second[10];
  iovec into[] = {{first, 2}, {second, 10}};
  ShowCount("readv", readv(pair.server, into, 2));
  std::printf("%.2s %.3s\n", first, second);

  mmsghdr messages[2] = {};
  iovec pieces[] = {{const_cast<char*>("m1"), 2}, {const_cast<char*>("m2"), 2}};
  for (int i = 0; i < 2; ++i) {
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  ShowCount("sendmmsg", sendmmsg(pair.client, messages, 2, 0));
  ShowReceived("received", pair.server, 10);

  const int fresh = Tcp();
  for (const auto& [what, fd] : {std::pair{"connected", pair.client}, {"not connected", fresh}}) {
    std::printf("control messages, %s\n", what);
    ShowCount("rights that are not open", SendControl(fd, "x", SOL_SOCKET, SCM_RIGHTS, 2, 700));
    ShowCount("credentials", SendControl(fd, "x", SOL_SOCKET, SCM_CREDENTIALS, 1, 700));
    ShowCount("an unknown one", SendControl(fd, "x", SOL_SOCKET, 99, 1, 0));
    ShowCount("a short one", SendControl(fd, "x", SOL_SOCKET, SCM_RIGHTS, 1, 0, 3));
    ShowCount("another level", SendControl(fd, "x", SOL_IP, 99, 1, 0));
  }
  return 0;
}
