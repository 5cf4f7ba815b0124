// When UDP and netlink sockets send signals: for each datagram that arrives and for each refusal;
// never for room, which UDP over loopback always has.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "testsuite/basics/net.h"
#include "testsuite/basics/signals/io_signals.h"

int main() {
  BlockSignals();
  const int receiver = Udp(), sender = Udp();
  Must(Bind(receiver, V4(INADDR_LOOPBACK)) == 0, "bind");
  Must(Connect(sender, NameOf(receiver)) == 0, "connect");
  SendSignals(receiver, "receiver");
  SendSignals(sender, "sender");
  for (int i = 0; i < 2; ++i) {
    ShowSent("send", sender, "abc");
    Tell("  told");
  }
  ShowReceived("receive", receiver, 10);
  ShowReceived("receive", receiver, 10);
  ShowReceived("receive nothing", receiver, 10);
  Tell("  told");
  Show("shutdown", shutdown(sender, SHUT_RDWR));
  Tell("  told");
  const int other = Udp();
  SendSignals(other, "other");
  Must(Connect(other, ClosedPort(SOCK_DGRAM)) == 0, "connect");
  ShowSent("to a port that nobody has", other, "abc");
  Tell("  told");
  std::printf("the error: %s\n", PendingError(other));
  SetOption(other, SOL_IP, IP_RECVERR, 1);
  ShowSent("with IP_RECVERR", other, "abc");
  Tell("  told");

  std::puts("- netlink");
  const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
  SendSignals(netlink, "netlink");
  struct {
    nlmsghdr header;
    ifinfomsg info;
  } request = {};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.info.ifi_index = 1;
  ShowCount("a question", send(netlink, &request, sizeof request, 0));
  Tell("  told");
  return 0;
}
