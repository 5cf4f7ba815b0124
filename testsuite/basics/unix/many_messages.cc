// sendmmsg(2) and recvmmsg(2).
#include <time.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

struct Batch {
  explicit Batch(int count) : count(count) {
    for (int i = 0; i < 8; ++i) {
      memset(text[i], 0, sizeof text[i]);
      snprintf(text[i], sizeof text[i], "message %d", i);
      data[i] = {text[i], strlen(text[i])};
      entries[i] = {};
      entries[i].msg_hdr.msg_iov = &data[i];
      entries[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void Show(const char* what, int result) {
    ShowCount(what, result);
    for (int i = 0; i < result; ++i) {
      printf("  %u bytes: %.*s, flags %#x\n", entries[i].msg_len,
             static_cast<int>(entries[i].msg_len), text[i], entries[i].msg_hdr.msg_flags);
    }
  }
  int count;
  char text[8][16];
  iovec data[8];
  mmsghdr entries[8];
};

void Run(int type) {
  printf("-- %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Batch out(4);
  ShowCount("sendmmsg", sendmmsg(pair.a, out.entries, 4, 0));
  Batch in(8);
  in.Show("recvmmsg", recvmmsg(pair.b, in.entries, 8, 0, nullptr));
  in.Show("nothing there", recvmmsg(pair.b, in.entries, 8, 0, nullptr));
  ShowCount("none wanted", recvmmsg(pair.b, in.entries, 0, 0, nullptr));
  ShowCount("none sent", sendmmsg(pair.a, out.entries, 0, 0));
  Must(sendmmsg(pair.a, out.entries, 4, 0) == 4, "sendmmsg");
  Batch two(2);
  two.Show("two of four", recvmmsg(pair.b, two.entries, 2, 0, nullptr));
  out.entries[1].msg_hdr.msg_iov = reinterpret_cast<iovec*>(8);
  ShowCount("the second is bad", sendmmsg(pair.a, out.entries, 4, 0));
  close(pair.a);
  close(pair.b);
}

void Waiting() {
  printf("-- waiting\n");
  const Pair pair = MakePair(SOCK_DGRAM);
  Send(pair.a, "one");
  Batch in(8);
  in.Show("MSG_WAITFORONE", recvmmsg(pair.b, in.entries, 8, MSG_WAITFORONE, nullptr));
  Send(pair.a, "two");
  Batch again(8);
  timespec timeout = {0, 0};
  again.Show("no time: one is enough", recvmmsg(pair.b, again.entries, 8, 0, &timeout));
  const timeval limit = {0, 20000};
  Must(setsockopt(pair.b, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
  Send(pair.a, "three");
  Batch third(8);
  third.Show("until SO_RCVTIMEO", recvmmsg(pair.b, third.entries, 8, 0, nullptr));
  third.Show("only SO_RCVTIMEO", recvmmsg(pair.b, third.entries, 8, 0, nullptr));
  timeout = {0, 1000000000};
  ShowCount("a bad timeout", recvmmsg(pair.b, third.entries, 8, 0, &timeout));
  timeout = {5, 0};
  Send(pair.a, "four");
  Batch fourth(1);
  fourth.Show("with time left", recvmmsg(pair.b, fourth.entries, 1, 0, &timeout));
  printf("time is left: %s\n", timeout.tv_sec >= 4 ? "yes" : "no");
}

}  // namespace

int main() {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) Run(type);
  Waiting();
  return 0;
}
