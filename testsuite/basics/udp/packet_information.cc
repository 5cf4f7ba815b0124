// packet_information: what can be asked for with each datagram, and set for one: IP_PKTINFO, TTL,
// TOS, and the same of IPv6.
#include "testsuite/basics/net.h"

namespace {

void Tell(int fd) {
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
  Settle();
  ShowCount("recvmsg", recvmsg(fd, &message, 0));
  std::printf("  from %s\n", AddressText(name).c_str());
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    char text[INET6_ADDRSTRLEN] = "";
    int number = 0;
    if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
      const auto* info = reinterpret_cast<in_pktinfo*>(CMSG_DATA(c));
      inet_ntop(AF_INET, &info->ipi_addr, text, sizeof text);
      std::printf("  IP_PKTINFO to %s", text);
      inet_ntop(AF_INET, &info->ipi_spec_dst, text, sizeof text);
      std::printf(" taken by %s\n", text);
    } else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      const auto* info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(c));
      inet_ntop(AF_INET6, &info->ipi6_addr, text, sizeof text);
      std::printf("  IPV6_PKTINFO to %s\n", text);
    } else {
      memcpy(&number, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0) < 4 ? 1 : 4);
      std::printf("  level %d type %d, %d bytes: %d\n", c->cmsg_level, c->cmsg_type,
                  static_cast<int>(c->cmsg_len - CMSG_LEN(0)), number);
    }
  }
}

}  // namespace

int main() {
  const int a = Udp(), b = Udp();
  Must(Bind(b, V4(INADDR_ANY)) == 0, "bind");
  for (const int option : {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS}) SetOption(b, SOL_IP, option, 1);
  SetOption(a, SOL_IP, IP_TTL, 33);
  SetOption(a, SOL_IP, IP_TOS, 0x10);
  const sockaddr_in to = V4(0x7f000005, PortOf(b));
  Must(sendto(a, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 1, "sendto");
  Tell(b);

  std::printf("from an address of choice\n");
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
  iovec part = {const_cast<char*>("y"), 1};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr_in*>(&to);
  message.msg_namelen = sizeof to;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info = {};
  info.ipi_spec_dst.s_addr = htonl(0x7f000007);
  memcpy(CMSG_DATA(header), &info, sizeof info);
  ShowCount("sendmsg", sendmsg(a, &message, 0));
  Tell(b);

  std::printf("IPv6, and IPv4 mapped\n");
  const int c = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0),
            d = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  Must(Bind(d, V6("::")) == 0, "bind");
  for (const int option : {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS}) {
    SetOption(d, SOL_IPV6, option, 1);
  }
  const sockaddr_in6 six = V6("::1", PortOf(d)), mapped = V6("::ffff:127.0.0.1", PortOf(d));
  Must(sendto(c, "x", 1, 0, reinterpret_cast<const sockaddr*>(&six), sizeof six) == 1, "sendto");
  Tell(d);
  Must(sendto(c, "x", 1, 0, reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped) == 1,
       "sendto");
  Tell(d);
  const sockaddr_in four = V4(INADDR_LOOPBACK, PortOf(d));
  ShowCount("an IPv6 socket to an IPv4 name",
            sendto(c, "x", 1, 0, reinterpret_cast<const sockaddr*>(&four), sizeof four));
  Tell(d);

  std::printf("control messages of others\n");
  const struct {
    const char* what;
    int level, type, count, number;
    size_t bytes;
  } kControls[] = {{"rights that are not open", SOL_SOCKET, SCM_RIGHTS, 2, 700, 0},
                   {"credentials", SOL_SOCKET, SCM_CREDENTIALS, 1, 700, 0},
                   {"a priority", SOL_SOCKET, SO_PRIORITY, 1, 3, 0},
                   {"an unknown one", SOL_SOCKET, 99, 1, 0, 0},
                   {"a short one", SOL_SOCKET, SCM_RIGHTS, 1, 0, 3},
                   {"an unknown level", 77, 1, 1, 0, 0},
                   {"unknown to IP", SOL_IP, 99, 1, 0, 0},
                   {"a wrong IP_TTL", SOL_IP, IP_TTL, 1, 700, 0},
                   {"unknown to IPv6", SOL_IPV6, 99, 1, 0, 0},
                   {"a wrong IPV6_HOPLIMIT", SOL_IPV6, IPV6_HOPLIMIT, 1, 700, 0},
                   {"unknown to UDP", IPPROTO_UDP, 99, 1, 0, 0}};
  for (const auto& [what, level, type, count, number, bytes] : kControls) {
    std::printf("%s\n", what);
    ShowCount("  IPv4", SendControl(a, "x", level, type, count, number, bytes, &four, sizeof four));
    ShowCount("  IPv6", SendControl(c, "x", level, type, count, number, bytes, &six, sizeof six));
    ShowCount("  mapped",
              SendControl(c, "x", level, type, count, number, bytes, &mapped, sizeof mapped));
    ShowCount("  to nobody", SendControl(a, "x", level, type, count, number, bytes));
  }
  return 0;
}
