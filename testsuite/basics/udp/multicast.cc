// multicast: groups on lo: who joins and leaves them, from whom he hears there, and what has to be
// said before anything can be sent to one. lo is always named: what a host's other interfaces and
// routes would do is nobody's question here.
#include "testsuite/basics/net.h"

namespace {

constexpr uint32_t kGroup = 0xef010203, kOther = 0xef010204;  // 239.1.2.3
constexpr uint32_t kForeign = 0xc6336401;                     // 198.51.100.1, nobody's address.

ip_mreqn Request(uint32_t group, uint32_t address, int index = 0) {
  ip_mreqn request = {};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_address.s_addr = htonl(address);
  request.imr_ifindex = index;
  return request;
}
int Change(int fd, int option, uint32_t group, uint32_t address = INADDR_LOOPBACK, int index = 0) {
  const ip_mreqn request = Request(group, address, index);
  return setsockopt(fd, SOL_IP, option, &request, sizeof request);
}
int ChangeSource(int fd, int option, uint32_t source, uint32_t group = kGroup,
                 uint32_t address = INADDR_LOOPBACK) {
  ip_mreq_source request = {};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_interface.s_addr = htonl(address);
  request.imr_sourceaddr.s_addr = htonl(source);
  return setsockopt(fd, SOL_IP, option, &request, sizeof request);
}
void Join(int fd, uint32_t group = kGroup) {
  Must(Change(fd, IP_ADD_MEMBERSHIP, group) == 0, "IP_ADD_MEMBERSHIP");
}
void SendFromLo(int fd) {
  const in_addr lo = {htonl(INADDR_LOOPBACK)};
  Must(setsockopt(fd, SOL_IP, IP_MULTICAST_IF, &lo, sizeof lo) == 0, "IP_MULTICAST_IF");
}
int Receiver(uint32_t address = INADDR_ANY) {
  const int fd = Udp();
  Must(Bind(fd, V4(address)) == 0, "bind");
  return fd;
}
int Sender() {
  const int fd = Udp();
  SendFromLo(fd);
  return fd;
}
ssize_t SendTo(int fd, int to, uint32_t group = kGroup, const char* text = "hello") {
  const sockaddr_in name = V4(group, PortOf(to));
  return sendto(fd, text, strlen(text), 0, reinterpret_cast<const sockaddr*>(&name), sizeof name);
}
void ShowFrom(const char* what, int fd) {
  char text[100];
  sockaddr_storage from = {};
  socklen_t length = sizeof from;
  const ssize_t count =
      recvfrom(fd, text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &length);
  if (count < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: %.*s from %s\n", what, static_cast<int>(count), text,
                AddressText(from).c_str());
  }
}

void Values() {
  const int fd = Udp();
  for (const int option : {IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL}) {
    std::printf("option %d is %d\n", option, Option(fd, SOL_IP, option));
    for (const int value : {0, 1, 2, 255, 256, -1}) {
      const int result = setsockopt(fd, SOL_IP, option, &value, sizeof value);
      std::printf("  %d: %s, %d\n", value, result == 0 ? "ok" : ErrorName(errno),
                  Option(fd, SOL_IP, option));
    }
    const char byte = 0;
    Show("  a byte", setsockopt(fd, SOL_IP, option, &byte, 1));
    Show("  nothing", setsockopt(fd, SOL_IP, option, &byte, 0));
    std::printf("  %d\n", Option(fd, SOL_IP, option));
  }
  const struct {
    const char* name;
    ip_mreqn request;
    socklen_t bytes;
  } interfaces[] = {{"an address of another", Request(INADDR_LOOPBACK, 0), 4},
                    {"lo's", Request(kGroup, INADDR_LOOPBACK), 8},
                    {"another of lo's", Request(kGroup, INADDR_LOOPBACK + 1), 12},
                    {"lo's index", Request(0, 0, 1), 12},
                    {"index and address", Request(0, kForeign, 1), 12},
                    {"a foreign address", Request(0, kForeign), 12},
                    {"no index", Request(0, 0, 999), 12},
                    {"too short", Request(0, 0), 3},
                    {"none", Request(0, 0), 4}};
  for (const auto& [name, request, bytes] : interfaces) {
    Show(name, setsockopt(fd, SOL_IP, IP_MULTICAST_IF, &request, bytes));
    in_addr shown = {};
    socklen_t length = sizeof shown;
    Must(getsockopt(fd, SOL_IP, IP_MULTICAST_IF, &shown, &length) == 0, "IP_MULTICAST_IF");
    std::printf("  %08x, %u bytes\n", ntohl(shown.s_addr), length);
  }
  const int stream = Tcp();
  for (const int option : {IP_MULTICAST_IF, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL,
                           IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP}) {
    const ip_mreqn request = Request(1u << 24, 1u << 24);
    std::printf("%d of TCP: %s\n", option,
                setsockopt(stream, SOL_IP, option, &request,
                           option == IP_ADD_MEMBERSHIP ? sizeof request : 4) == 0
                    ? "ok"
                    : ErrorName(errno));
  }
}

void JoiningAndLeaving() {
  const int fd = Udp();
  Show("join", Change(fd, IP_ADD_MEMBERSHIP, kGroup));
  Show("again", Change(fd, IP_ADD_MEMBERSHIP, kGroup));
  Show("again by the index", Change(fd, IP_ADD_MEMBERSHIP, kGroup, 0, 1));
  Show("by the index", Change(fd, IP_ADD_MEMBERSHIP, kOther, 0, 1));
  Show("by another address", Change(fd, IP_ADD_MEMBERSHIP, kOther + 1, INADDR_LOOPBACK + 1));
  Show("all hosts", Change(fd, IP_ADD_MEMBERSHIP, INADDR_ALLHOSTS_GROUP));
  Show("no group", Change(fd, IP_ADD_MEMBERSHIP, kForeign));
  Show("a foreign address", Change(fd, IP_ADD_MEMBERSHIP, kGroup, kForeign));
  Show("no index", Change(fd, IP_ADD_MEMBERSHIP, kOther + 2, 0, 999));
  const ip_mreqn request = Request(kOther + 3, INADDR_LOOPBACK);
  Show("too short", setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &request, 7));
  Show("short enough", setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &request, 8));
  Show("leave", Change(fd, IP_DROP_MEMBERSHIP, kGroup));
  Show("again", Change(fd, IP_DROP_MEMBERSHIP, kGroup));
  Show("by another address", Change(fd, IP_DROP_MEMBERSHIP, kOther + 1, INADDR_LOOPBACK + 2));
  Show("by a foreign address", Change(fd, IP_DROP_MEMBERSHIP, kOther, kForeign));
  Show("by the index", Change(fd, IP_DROP_MEMBERSHIP, kOther, 0, 1));
  Show("no group", Change(fd, IP_DROP_MEMBERSHIP, kForeign));
  const int many = Udp();
  uint32_t count = 0;
  while (count < 100 && Change(many, IP_ADD_MEMBERSHIP, kGroup + count) == 0) ++count;
  std::printf("%u groups, then %s\n", count, ErrorName(errno));
  int value;
  socklen_t length = sizeof value;
  Show("nobody tells", getsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &value, &length));
}

void Sending() {
  {
    const int member = Receiver();
    Join(member);
    const int from = Udp();
    SendFromLo(from);
    ShowCount("by IP_MULTICAST_IF", SendTo(from, member));
    ShowFrom("member", member);
    ShowFrom("once", member);
    SetOption(from, SOL_IP, IP_MULTICAST_LOOP, 0);
    ShowCount("without IP_MULTICAST_LOOP", SendTo(from, member));
    ShowFrom("member", member);
    SetOption(from, SOL_IP, IP_MULTICAST_TTL, 0);
    ShowCount("with a TTL of 0", SendTo(from, member));
    ShowFrom("member", member);
    const int bound = Receiver(INADDR_LOOPBACK + 1);
    ShowCount("by the address", SendTo(bound, member));
    ShowFrom("member", member);
    ShowCount("another group", SendTo(from, member, kOther));
    ShowFrom("member", member);
    const ip_mreqn foreign = Request(0, kForeign, 1);
    Must(setsockopt(from, SOL_IP, IP_MULTICAST_IF, &foreign, sizeof foreign) == 0, "as lo");
    ShowCount("from a foreign address", SendTo(from, member));
    Show("connect", Connect(bound, V4(kGroup, PortOf(member))));
    ShowSent("send", bound, "connected");
    ShowFrom("member", member);
    std::printf("from %s to %s\n", LocalAddress(bound).c_str(), PeerAddress(bound).c_str());
    const int free = Sender();
    Show("connect", Connect(free, V4(kGroup, PortOf(member))));
    std::printf("from %s to %s\n", LocalAddress(free).c_str(), PeerAddress(free).c_str());
    SendFromLo(member);
    ShowCount("to oneself", SendTo(member, member));
    ShowFrom("member", member);
  }
  const int from = Sender();
  const int nobody = Receiver();
  const sockaddr_in port = V4(kGroup, PortOf(nobody));
  close(nobody);
  Must(Connect(from, port) == 0, "connect");
  ShowSent("to nobody", from, "abc");
  ShowSent("nobody refuses", from, "abc");
  const int stream = Tcp();
  Must(Bind(stream, V4(INADDR_LOOPBACK)) == 0, "bind");
  Show("TCP", Connect(stream, port));
}

void Hearing() {
  const int from = Sender();
  const auto tell = [&](const char* what, int fd, uint32_t group = kGroup) {
    ShowCount(what, SendTo(from, fd, group));
    ShowFrom("  received", fd);
  };
  const int quiet = Receiver();
  tell("nobody has joined", quiet);
  tell("all hosts always have", quiet, INADDR_ALLHOSTS_GROUP);
  tell("nobody the routers", quiet, INADDR_ALLHOSTS_GROUP + 4);
  const int without_port = Udp();
  Join(without_port);
  tell("somebody else has joined", quiet);
  SetOption(quiet, SOL_IP, IP_MULTICAST_ALL, 0);
  tell("and that is not enough", quiet);
  tell("nor for all hosts", quiet, INADDR_ALLHOSTS_GROUP);
  Join(quiet, kOther);
  tell("nor another group", quiet);
  Join(quiet);
  tell("joined", quiet);
  Must(Change(quiet, IP_DROP_MEMBERSHIP, kGroup) == 0, "leave");
  tell("left", quiet);
  SetOption(quiet, SOL_IP, IP_MULTICAST_ALL, 1);
  tell("all again", quiet);
  close(without_port);
  tell("the member has gone", quiet);
  const int to_group = Receiver(kGroup);
  tell("bound to the group", to_group);
  Join(to_group);
  tell("and joined", to_group);
  const int to_lo = Receiver(INADDR_LOOPBACK);
  Join(to_lo);
  tell("bound to lo", to_lo);
  const int to_another = Receiver();
  Join(to_another);
  Must(Connect(to_another, V4(INADDR_LOOPBACK + 8, 9)) == 0, "connect");
  tell("connected elsewhere", to_another);
  const int one = Udp(), two = Udp();
  for (const int fd : {one, two}) {
    SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    Join(fd);
  }
  Must(Bind(one, V4(INADDR_ANY)) == 0 && Bind(two, V4(INADDR_ANY, PortOf(one))) == 0, "bind");
  tell("two have the port", one);
  ShowFrom("  the other", two);
  for (const int only : {0, 1}) {
    const int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    SetOption(v6, SOL_IPV6, IPV6_V6ONLY, only);
    Must(Bind(v6, V6("::")) == 0, "bind");
    Join(v6);
    tell(only ? "a socket of IPv6 alone" : "a socket of IPv6", v6);
  }
}

void Sources() {
  const int fd = Receiver(), from = Sender();
  const auto tell = [&](const char* what) {
    Must(SendTo(from, fd) == 5, "sendto");
    ShowFrom(what, fd);
  };
  constexpr uint32_t kLo = INADDR_LOOPBACK;
  Show("block, not joined", ChangeSource(fd, IP_BLOCK_SOURCE, kLo));
  Join(fd);
  tell("joined");
  Show("block", ChangeSource(fd, IP_BLOCK_SOURCE, kLo));
  Show("again", ChangeSource(fd, IP_BLOCK_SOURCE, kLo));
  tell("blocked");
  Show("only one, where some are blocked", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo));
  Show("unblock another", ChangeSource(fd, IP_UNBLOCK_SOURCE, kLo + 1));
  Show("unblock", ChangeSource(fd, IP_UNBLOCK_SOURCE, kLo));
  Show("again", ChangeSource(fd, IP_UNBLOCK_SOURCE, kLo));
  tell("unblocked");
  Show("only one, after that", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo));
  Must(Change(fd, IP_DROP_MEMBERSHIP, kGroup) == 0, "leave");

  Show("hear another", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo + 1));
  tell("not heard");
  Show("hear", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo));
  Show("again", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo));
  tell("heard");
  Show("join", Change(fd, IP_ADD_MEMBERSHIP, kGroup));
  Show("block", ChangeSource(fd, IP_BLOCK_SOURCE, kLo));
  Show("no more", ChangeSource(fd, IP_DROP_SOURCE_MEMBERSHIP, kLo));
  tell("not heard");
  Show("again", ChangeSource(fd, IP_DROP_SOURCE_MEMBERSHIP, kLo));
  Show("the last", ChangeSource(fd, IP_DROP_SOURCE_MEMBERSHIP, kLo + 1));
  Show("has left", Change(fd, IP_DROP_MEMBERSHIP, kGroup));
  Join(fd);
  Show("joined, only one", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo + 1));
  tell("not heard");
  uint32_t count = 1;
  while (count < 100 && ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo + 1 + count) == 0) ++count;
  std::printf("%u sources, then %s\n", count, ErrorName(errno));
  Show("no group", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo, kForeign));
  Show("a foreign address", ChangeSource(fd, IP_ADD_SOURCE_MEMBERSHIP, kLo, kOther, kForeign));
  Show("too short", setsockopt(fd, SOL_IP, IP_BLOCK_SOURCE, "0123456789a", 11));
}

void PacketInformation() {
  const int fd = Receiver(), from = Sender();
  Join(fd);
  SetOption(fd, SOL_IP, IP_PKTINFO, 1);
  SetOption(fd, SOL_IP, IP_RECVTTL, 1);
  for (const int ttl : {1, 7}) {
    SetOption(from, SOL_IP, IP_MULTICAST_TTL, ttl);
    Must(SendTo(from, fd) == 5, "sendto");
    alignas(cmsghdr) char control[200] = {};
    char text[10];
    iovec part = {text, sizeof text};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ShowCount("recvmsg", recvmsg(fd, &message, 0));
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_type == IP_PKTINFO) {
        in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        std::printf("  interface %d, %08x, to %08x\n", info.ipi_ifindex,
                    ntohl(info.ipi_spec_dst.s_addr), ntohl(info.ipi_addr.s_addr));
      } else {
        int value;
        memcpy(&value, CMSG_DATA(c), sizeof value);
        std::printf("  type %d: %d\n", c->cmsg_type, value);
      }
    }
  }
}

int ChangeRequest(int fd, int level, int option, uint32_t index, const sockaddr_storage& group,
                  size_t bytes = sizeof(group_req)) {
  group_req request = {};
  request.gr_interface = index;
  request.gr_group = group;
  return setsockopt(fd, level, option, &request, static_cast<socklen_t>(bytes));
}
template <typename T>
sockaddr_storage Storage(const T& name) {
  sockaddr_storage storage = {};
  memcpy(&storage, &name, sizeof name);
  return storage;
}
int ChangeSourceRequest(int fd, int option, uint32_t source) {
  group_source_req request = {};
  request.gsr_interface = 1;
  request.gsr_group = Storage(V4(kGroup));
  request.gsr_source = Storage(V4(source));
  return setsockopt(fd, SOL_IP, option, &request, sizeof request);
}

void Requests() {
  const int fd = Udp();
  const sockaddr_storage group = Storage(V4(kGroup));
  Show("MCAST_JOIN_GROUP", ChangeRequest(fd, SOL_IP, MCAST_JOIN_GROUP, 1, group));
  Show("again", ChangeRequest(fd, SOL_IP, MCAST_JOIN_GROUP, 1, group));
  Show("no index", ChangeRequest(fd, SOL_IP, MCAST_JOIN_GROUP, 999, Storage(V4(kOther))));
  Show("no group", ChangeRequest(fd, SOL_IP, MCAST_JOIN_GROUP, 1, Storage(V4(kForeign))));
  Show("of IPv6", ChangeRequest(fd, SOL_IP, MCAST_JOIN_GROUP, 1, Storage(V6("ff02::1"))));
  Show("too short", ChangeRequest(fd, SOL_IP, MCAST_JOIN_GROUP, 1, group, 135));
  Show("MCAST_LEAVE_GROUP, no index", ChangeRequest(fd, SOL_IP, MCAST_LEAVE_GROUP, 999, group));
  Show("MCAST_LEAVE_GROUP", ChangeRequest(fd, SOL_IP, MCAST_LEAVE_GROUP, 1, group));
  Show("again", ChangeRequest(fd, SOL_IP, MCAST_LEAVE_GROUP, 1, group));
  Show("MCAST_JOIN_SOURCE_GROUP",
       ChangeSourceRequest(fd, MCAST_JOIN_SOURCE_GROUP, INADDR_LOOPBACK));
  Show("again", ChangeSourceRequest(fd, MCAST_JOIN_SOURCE_GROUP, INADDR_LOOPBACK));
  Show("MCAST_BLOCK_SOURCE", ChangeSourceRequest(fd, MCAST_BLOCK_SOURCE, INADDR_LOOPBACK));
  Show("MCAST_LEAVE_SOURCE_GROUP, another",
       ChangeSourceRequest(fd, MCAST_LEAVE_SOURCE_GROUP, INADDR_LOOPBACK + 1));
  Show("MCAST_LEAVE_SOURCE_GROUP",
       ChangeSourceRequest(fd, MCAST_LEAVE_SOURCE_GROUP, INADDR_LOOPBACK));
  Show("has left", ChangeRequest(fd, SOL_IP, MCAST_LEAVE_GROUP, 1, group));
}

int Change6(int fd, int option, const char* group, unsigned index, socklen_t bytes = 20) {
  ipv6_mreq request = {};
  request.ipv6mr_multiaddr = V6(group).sin6_addr;
  request.ipv6mr_interface = index;
  return setsockopt(fd, SOL_IPV6, option, &request, bytes);
}

void Version6() {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  for (const int option : {IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP, 29}) {
    std::printf("option %d is %d\n", option, Option(fd, SOL_IPV6, option));
    for (const int value : {0, 1, 1000, -1, -2}) {
      const int result = setsockopt(fd, SOL_IPV6, option, &value, sizeof value);
      std::printf("  %d: %s, %d\n", value, result == 0 ? "ok" : ErrorName(errno),
                  Option(fd, SOL_IPV6, option));
    }
    const char byte = 1;
    Show("  a byte", setsockopt(fd, SOL_IPV6, option, &byte, 1));
  }
  Show("join", Change6(fd, IPV6_JOIN_GROUP, "ff02::1234", 1));
  Show("again", Change6(fd, IPV6_JOIN_GROUP, "ff02::1234", 1));
  Show("again, any interface", Change6(fd, IPV6_JOIN_GROUP, "ff02::1234", 0));
  Show("a wider one", Change6(fd, IPV6_JOIN_GROUP, "ff05::1234", 1));
  Show("no group", Change6(fd, IPV6_JOIN_GROUP, "::1", 1));
  Show("a mapped one", Change6(fd, IPV6_JOIN_GROUP, "::ffff:239.1.2.3", 1));
  Show("no index", Change6(fd, IPV6_JOIN_GROUP, "ff02::5", 999));
  Show("too short", Change6(fd, IPV6_JOIN_GROUP, "ff02::5", 1, 19));
  Show("leave", Change6(fd, IPV6_LEAVE_GROUP, "ff02::1234", 1));
  Show("again", Change6(fd, IPV6_LEAVE_GROUP, "ff02::1234", 1));
  Show("any interface", Change6(fd, IPV6_LEAVE_GROUP, "ff05::1234", 0));
  Show("no group", Change6(fd, IPV6_LEAVE_GROUP, "::1", 1));
  const sockaddr_storage group = Storage(V6("ff02::77"));
  Show("MCAST_JOIN_GROUP", ChangeRequest(fd, SOL_IPV6, MCAST_JOIN_GROUP, 1, group));
  Show("MCAST_LEAVE_GROUP", ChangeRequest(fd, SOL_IPV6, MCAST_LEAVE_GROUP, 1, group));
  Show("of IPv4", ChangeRequest(fd, SOL_IPV6, MCAST_JOIN_GROUP, 1, Storage(V4(kGroup))));
  SetOption(fd, SOL_IPV6, IPV6_MULTICAST_IF, 1);
  const sockaddr_in6 name = V6("ff02::1234", 9);
  Must(Change6(fd, IPV6_JOIN_GROUP, "ff02::1234", 1) == 0, "join");
  ShowCount("sendto", sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name));
  Show("connect", Connect(fd, name));
  // That has bound the socket to the interface.
  const int another = socket(AF_INET6, SOCK_DGRAM, 0);
  Show("connect to a group of which link?", Connect(another, name));
  const int stream = socket(AF_INET6, SOCK_STREAM, 0);
  Show("join with TCP", Change6(stream, IPV6_JOIN_GROUP, "ff02::1234", 1));
  for (const int option : {IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP, 29}) {
    const int value = 1;
    std::printf(
        "%d of TCP: %s\n", option,
        setsockopt(stream, SOL_IPV6, option, &value, sizeof value) == 0 ? "ok" : ErrorName(errno));
  }
  const int v4 = Udp();
  Show("join with IPv4", Change6(v4, IPV6_JOIN_GROUP, "ff02::1234", 1));
}

}  // namespace

int main() {
  Values();
  JoiningAndLeaving();
  Sending();
  Hearing();
  Sources();
  PacketInformation();
  Requests();
  Version6();
  return 0;
}
