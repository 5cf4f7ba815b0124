// refusals: nobody has the port: a connected socket is told, by an error that the next call takes,
// or, with IP_RECVERR, by the error queue.
// clang-format off: errqueue.h needs what time.h has.
#include <time.h>
#include <linux/errqueue.h>
// clang-format on

#include "testsuite/basics/net.h"

int main() {
  const sockaddr_in closed = ClosedPort(SOCK_DGRAM);
  const int a = Udp();
  Must(Bind(a, V4(INADDR_LOOPBACK)) == 0, "bind");
  Watch watch({{'a', a}});
  ShowCount("sendto",
            sendto(a, "x", 1, 0, reinterpret_cast<const sockaddr*>(&closed), sizeof closed));
  watch.Tell("not connected: nobody is told");
  Show("connect", Connect(a, closed));
  watch.Tell("connected");
  ShowSent("send", a, "x");
  watch.Tell("refused");
  ShowSent("send takes the error", a, "x");
  watch.Tell("taken");
  ShowSent("send", a, "x");
  Settle();
  ShowReceived("recv takes it", a, 10);
  ShowReceived("recv", a, 10);
  ShowSent("send", a, "x");
  Settle();
  std::printf("SO_ERROR takes it: %s\n", PendingError(a));
  std::printf("SO_ERROR: %s\n", PendingError(a));

  const int b = Udp();
  SetOption(b, SOL_IP, IP_RECVERR, 1);
  Watch errors({{'b', b}});
  ShowCount("sendto",
            sendto(b, "lost", 4, 0, reinterpret_cast<const sockaddr*>(&closed), sizeof closed));
  errors.Tell("with IP_RECVERR");
  char buffer[16], control[512];
  sockaddr_storage name = {};
  iovec part = {buffer, sizeof buffer};
  msghdr message = {};
  message.msg_name = &name;
  message.msg_namelen = sizeof name;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ShowCount("the error queue", recvmsg(b, &message, MSG_ERRQUEUE));
  std::printf("%.4s, flagged: %d, it was for %s\n", buffer, (message.msg_flags & MSG_ERRQUEUE) != 0,
              AddressText(name).c_str());
  Must(reinterpret_cast<sockaddr_in*>(&name)->sin_port == closed.sin_port, "its port");
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const auto* error = reinterpret_cast<sock_extended_err*>(CMSG_DATA(c));
    sockaddr_storage offender = {};
    memcpy(&offender, SO_EE_OFFENDER(error), sizeof(sockaddr_in));
    std::printf("level %d type %d: %s, origin %d, type %d, code %d, from %s\n", c->cmsg_level,
                c->cmsg_type, ErrorName(static_cast<int>(error->ee_errno)), error->ee_origin,
                error->ee_type, error->ee_code, AddressText(offender).c_str());
  }
  errors.Tell("the queue was read");
  ShowCount("the error queue", recvmsg(b, &message, MSG_ERRQUEUE));
  ShowReceived("recv", b, 10);
  return 0;
}
