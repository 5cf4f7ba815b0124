// requests: NETLINK_ROUTE by hand: names, readiness, dumps part by part, acknowledgements and
// errors.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "testsuite/basics/net.h"

namespace {

// Sends a request whose last bytes are left out.
template <typename T>
void Ask(int fd, uint16_t type, uint16_t flags, const T& payload, uint32_t left_out = 0) {
  struct {
    nlmsghdr header;
    T payload;
  } request = {};
  request.header.nlmsg_len = sizeof request - left_out;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = flags;
  request.header.nlmsg_seq = 7;
  request.payload = payload;
  const ssize_t length = request.header.nlmsg_len;
  Must(send(fd, &request, length, 0) == length, "send");
}

// One datagram, message by message; of addresses and routes those of lo.
void Tell(int fd) {
  alignas(nlmsghdr) static char buffer[65536];
  ssize_t count = recv(fd, buffer, sizeof buffer, 0);
  if (count < 0) {
    std::printf("  recv: %s\n", ErrorName(errno));
    return;
  }
  for (auto* h = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(h, static_cast<unsigned>(count));
       h = NLMSG_NEXT(h, count)) {
    Must(h->nlmsg_seq == 7, "the sequence number");
    if (h->nlmsg_type == NLMSG_DONE) {
      std::printf("  done, flags %#x\n", h->nlmsg_flags);
    } else if (h->nlmsg_type == NLMSG_ERROR) {
      const auto* error = static_cast<nlmsgerr*>(NLMSG_DATA(h));
      std::printf("  error %s, flags %#x, of type %d, %u bytes\n",
                  error->error == 0 ? "0" : ErrorName(-error->error), h->nlmsg_flags,
                  error->msg.nlmsg_type, h->nlmsg_len);
    } else if (h->nlmsg_type == RTM_NEWLINK) {
      const auto* link = static_cast<ifinfomsg*>(NLMSG_DATA(h));
      if (link->ifi_index != 1) continue;
      std::printf("  link, hardware %d, flags %#x, multi %d\n", link->ifi_type, link->ifi_flags,
                  (h->nlmsg_flags & NLM_F_MULTI) != 0);
    } else if (h->nlmsg_type == RTM_NEWADDR) {
      const auto* address = static_cast<ifaddrmsg*>(NLMSG_DATA(h));
      if (address->ifa_index != 1) continue;
      std::printf("  address, family %d, /%d, scope %d, %u bytes\n", address->ifa_family,
                  address->ifa_prefixlen, address->ifa_scope, h->nlmsg_len);
    }
  }
}

}  // namespace

int main() {
  DropRoot();
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
  Must(fd >= 0, "socket");
  sockaddr_nl name = {};
  socklen_t length = sizeof name;
  Must(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  std::printf("family %d, port %u, %d bytes\n", name.nl_family, name.nl_pid,
              static_cast<int>(length));
  Watch watch({{'n', fd}});
  watch.Tell("fresh");
  Show("bind", Bind(fd, name));
  Must(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  std::printf("its port is the process: %d\n", name.nl_pid == static_cast<unsigned>(getpid()));

  ifaddrmsg four = {};
  four.ifa_family = AF_INET;
  Ask(fd, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, four);
  watch.Tell("asked");
  Tell(fd);
  watch.Tell("the first part was read");
  Tell(fd);
  watch.Tell("the end was read");
  Tell(fd);

  // The last attribute is one byte, but the message's length counts its padding.
  std::printf("of version 6\n");
  ifaddrmsg six = {};
  six.ifa_family = AF_INET6;
  Ask(fd, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, six);
  Tell(fd), Tell(fd);

  ifinfomsg link = {};
  link.ifi_index = 1;
  std::printf("one link\n");
  Ask(fd, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, link);
  Tell(fd), Tell(fd), Tell(fd);
  std::printf("no such link\n");
  link.ifi_index = 999999;
  Ask(fd, RTM_GETLINK, NLM_F_REQUEST, link);
  Tell(fd);
  std::printf("a change\n");
  link.ifi_index = 1;
  Ask(fd, RTM_NEWLINK, NLM_F_REQUEST, link);
  Tell(fd);
  std::printf("nonsense\n");
  Ask(fd, 2000, NLM_F_REQUEST, link);
  Tell(fd);
  for (uint32_t left_out = 1; left_out < 5; ++left_out) {
    std::printf("nonsense, %u bytes shorter\n", left_out);
    Ask(fd, 2000, NLM_F_REQUEST, link, left_out);
    Tell(fd);
  }
  std::printf("not a request\n");
  Ask(fd, RTM_GETLINK, 0, link);
  Tell(fd);

  const int second = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
  Show("the port is taken", Bind(second, name));
  sockaddr_nl other = {};
  other.nl_family = AF_NETLINK;
  Show("another is given", Bind(second, other));
  Must(getsockname(second, reinterpret_cast<sockaddr*>(&other), &length) == 0, "getsockname");
  std::printf("it is large: %d\n", other.nl_pid > 1u << 31);
  Show("listen", listen(second, 1));
  Show("shutdown", shutdown(second, SHUT_RD));
  Show("shutdown in no way", shutdown(second, 3));
  ShowCount("rights with nothing", SendControl(second, "", SOL_SOCKET, SCM_RIGHTS, 2, 700));
  ShowCount("rights", SendControl(second, "12345678", SOL_SOCKET, SCM_RIGHTS, 2, 700));
  ShowCount("a short control message", SendControl(second, "", SOL_SOCKET, SCM_RIGHTS, 1, 0, 3));
  ShowCount("of another level", SendControl(second, "12345678", SOL_IP, 99, 1, 0));
  Show("a stream", socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
  Show("no such protocol", socket(AF_NETLINK, SOCK_RAW, 99));
  return 0;
}
