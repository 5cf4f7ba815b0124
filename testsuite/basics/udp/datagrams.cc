// datagrams: each send is an edge for the sender's room and the receiver's data; bounds are kept,
// what does not fit is lost, empty ones count.
#include "testsuite/basics/net.h"

int main() {
  const int a = Udp(), b = Udp();
  Must(Bind(a, V4(INADDR_LOOPBACK)) == 0 && Bind(b, V4(INADDR_LOOPBACK)) == 0, "bind");
  const sockaddr_in to = NameOf(b);
  const auto send_to_b = [&](const char* text) {
    ShowCount("sendto",
              sendto(a, text, strlen(text), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  };
  Watch watch({{'a', a}, {'b', b}});
  watch.Tell("bound");
  send_to_b("hello");
  watch.Tell("one");
  send_to_b("world!");
  watch.Tell("two");
  char buffer[16];
  sockaddr_storage from = {};
  socklen_t length = sizeof from;
  ShowCount("recvfrom",
            recvfrom(b, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length));
  std::printf("from %s, %d bytes of name\n", AddressText(from).c_str(), static_cast<int>(length));
  watch.Tell("one was read");
  int bytes;
  Must(ioctl(b, FIONREAD, &bytes) == 0, "FIONREAD");
  std::printf("the next has %d\n", bytes);
  ShowReceived("peek", b, 3, MSG_PEEK);
  ShowCount("the whole length", recv(b, buffer, 3, MSG_PEEK | MSG_TRUNC));
  iovec part = {buffer, 3};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ShowCount("a part", recvmsg(b, &message, 0));
  std::printf("was cut: %d\n", (message.msg_flags & MSG_TRUNC) != 0);
  ShowReceived("the rest is gone", b, 10);
  send_to_b("");
  watch.Tell("an empty one");
  ShowReceived("recv", b, 10);
  watch.Tell("it was read");
  send_to_b("x");
  ShowReceived("read into nothing", b, 0);
  ShowReceived("and gone", b, 10);

  mmsghdr messages[3] = {};
  iovec parts[3];
  char texts[3][4] = {"m1", "m2", "m3"};
  for (int i = 0; i < 3; ++i) {
    parts[i] = {texts[i], 2};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = const_cast<sockaddr_in*>(&to);
    messages[i].msg_hdr.msg_namelen = sizeof to;
  }
  ShowCount("sendmmsg", sendmmsg(a, messages, 3, 0));
  for (int i = 0; i < 3; ++i) {
    messages[i].msg_hdr.msg_name = nullptr;
    messages[i].msg_hdr.msg_namelen = 0;
  }
  Settle();
  ShowCount("recvmmsg", recvmmsg(b, messages, 3, 0, nullptr));
  std::printf("%s %s %s\n", texts[0], texts[1], texts[2]);

  // More than a receive buffer takes is lost without a word.
  static char block[4000];
  int sent = 0, got = 0;
  for (int i = 0; i < 1000; ++i) {
    sent += sendto(a, block, sizeof block, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) ==
            sizeof block;
  }
  Settle();
  while (recv(b, block, sizeof block, 0) > 0) ++got;
  std::printf("sent %d, some were lost: %d, some came: %d\n", sent, got < 1000, got > 10);

  Block(b, true);
  timeval limit = {0, 50000};
  Must(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
  ShowReceived("a time limit", b, 10);
  return 0;
}
