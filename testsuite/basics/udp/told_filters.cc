// told_filters: what getsockopt tells of the sources of a group (IP_MSFILTER, MCAST_MSFILTER), as
// joining, leaving and blocking have made them: the mode, how many there are, and as many of them
// as the question has room for.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "testsuite/basics/net.h"

namespace {

constexpr uint32_t kGroup = 0xefc00101;
constexpr uint32_t kOne = 0x7f000001, kTwo = 0x7f000002, kThree = 0x7f000003;

long Set(int fd, int level, int name, const void* value, size_t bytes) {
  return setsockopt(fd, level, name, value, static_cast<socklen_t>(bytes));
}

// ---- IP_MSFILTER: four words and the addresses.

void Ask(const char* what, int fd, uint32_t group, uint32_t interface, uint32_t room,
         socklen_t bytes = 64) {
  uint32_t value[64];
  std::memset(value, 0xee, sizeof value);
  value[0] = htonl(group);
  value[1] = htonl(interface);
  value[2] = 77;
  value[3] = room;
  socklen_t length = bytes;
  if (getsockopt(fd, IPPROTO_IP, IP_MSFILTER, value, &length) != 0) {
    std::printf("%s: %s, length %u\n", what, ErrorName(errno), length);
    return;
  }
  std::printf("%s: length %u, mode %u, %u sources:", what, length, value[2], value[3]);
  for (uint32_t i = 4; i < 16 && value[i] != 0xeeeeeeee; ++i) std::printf(" %x", ntohl(value[i]));
  std::printf("\n");
}
void AskUsual(const char* what, int fd) { Ask(what, fd, kGroup, INADDR_LOOPBACK, 8); }

long Member(int fd, int option, uint32_t group) {
  ip_mreqn request = {};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_address.s_addr = htonl(INADDR_LOOPBACK);
  return Set(fd, IPPROTO_IP, option, &request, sizeof request);
}
long Source(int fd, int option, uint32_t source) {
  ip_mreq_source request = {};
  request.imr_multiaddr.s_addr = htonl(kGroup);
  request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
  request.imr_sourceaddr.s_addr = htonl(source);
  return Set(fd, IPPROTO_IP, option, &request, sizeof request);
}

void OfV4() {
  std::puts("- IP_MSFILTER");
  const int fd = Udp();
  AskUsual("not joined", fd);
  Must(Member(fd, IP_ADD_MEMBERSHIP, kGroup) == 0, "join");
  AskUsual("joined", fd);
  Must(Source(fd, IP_BLOCK_SOURCE, kOne) == 0, "block");
  AskUsual("one is blocked", fd);
  Must(Source(fd, IP_BLOCK_SOURCE, kThree) == 0, "block");
  Must(Source(fd, IP_BLOCK_SOURCE, kTwo) == 0, "block");
  AskUsual("three are", fd);
  Ask("room for two", fd, kGroup, INADDR_LOOPBACK, 2);
  Ask("room for none", fd, kGroup, INADDR_LOOPBACK, 0);
  Ask("a short length", fd, kGroup, INADDR_LOOPBACK, 8, 16);
  Ask("too short", fd, kGroup, INADDR_LOOPBACK, 8, 15);
  Ask("no group", fd, 0x0a000001, INADDR_LOOPBACK, 8);
  Ask("another group", fd, kGroup + 1, INADDR_LOOPBACK, 8);
  Ask("another interface", fd, kGroup, 0x0a0a0a0a, 8);
  Must(Source(fd, IP_UNBLOCK_SOURCE, kThree) == 0, "unblock");
  AskUsual("one is unblocked", fd);
  Must(Source(fd, IP_UNBLOCK_SOURCE, kOne) == 0 && Source(fd, IP_UNBLOCK_SOURCE, kTwo) == 0,
       "unblock");
  AskUsual("all are", fd);
  Must(Member(fd, IP_DROP_MEMBERSHIP, kGroup) == 0, "leave");
  AskUsual("left", fd);
  Must(Source(fd, IP_ADD_SOURCE_MEMBERSHIP, kTwo) == 0, "join a source");
  AskUsual("one joined", fd);
  Must(Source(fd, IP_ADD_SOURCE_MEMBERSHIP, kOne) == 0, "join a source");
  AskUsual("two joined", fd);
  Must(Source(fd, IP_DROP_SOURCE_MEMBERSHIP, kTwo) == 0, "leave a source");
  AskUsual("one left", fd);
  Must(Source(fd, IP_DROP_SOURCE_MEMBERSHIP, kOne) == 0, "leave a source");
  AskUsual("none left", fd);
  socklen_t length = 64;
  Show("to nowhere", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, nullptr, &length));
  close(fd);
  const int stream = Tcp();
  AskUsual("of a stream", stream);
  close(stream);
  const int six = socket(AF_INET6, SOCK_DGRAM, 0);
  Must(six >= 0 && Member(six, IP_ADD_MEMBERSHIP, kGroup) == 0, "join");
  AskUsual("of an IPv6 socket", six);
  close(six);
}

// ---- MCAST_MSFILTER: the index, the group, mode and number, and a struct sockaddr_storage each.

template <typename Name>
sockaddr_storage Storage(const Name& name) {
  sockaddr_storage storage = {};
  std::memcpy(&storage, &name, sizeof name);
  return storage;
}

void AskGroup(const char* what, int fd, int level, const sockaddr_storage& group, uint32_t index,
              uint32_t room, socklen_t bytes = 144 + 4 * 128) {
  std::vector<uint8_t> value(144 + 8 * 128, 0xee);
  const uint32_t mode = 77;
  std::memcpy(value.data(), &index, 4);
  std::memcpy(value.data() + 8, &group, sizeof group);
  std::memcpy(value.data() + 136, &mode, 4);
  std::memcpy(value.data() + 140, &room, 4);
  socklen_t length = bytes;
  if (getsockopt(fd, level, MCAST_MSFILTER, value.data(), &length) != 0) {
    std::printf("%s: %s, length %u\n", what, ErrorName(errno), length);
    return;
  }
  uint32_t told[2];
  std::memcpy(told, value.data() + 136, sizeof told);
  std::printf("%s: length %u, mode %u, %u sources:", what, length, told[0], told[1]);
  for (size_t at = 144; at < 144 + 4 * 128 && value[at] != 0xee; at += 128) {
    const bool v6 = value[at] == AF_INET6;
    std::printf(" %s %u, zeros %d", v6 ? "IPv6" : "IPv4", value[at + (v6 ? 23 : 7)],
                value[at + 2] == 0 && value[at + 127] == 0);
  }
  std::printf("\n");
}

void OfGroups(bool v6) {
  std::printf("- MCAST_MSFILTER, IPv%d\n", v6 ? 6 : 4);
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  Must(fd >= 0, "socket");
  const sockaddr_storage group = v6 ? Storage(V6("ff05::4242")) : Storage(V4(kGroup));
  const sockaddr_storage other = v6 ? Storage(V6("ff05::4243")) : Storage(V4(kGroup + 1));
  const sockaddr_storage none = v6 ? Storage(V6("fd00::1")) : Storage(V4(kOne));
  const sockaddr_storage foreign = v6 ? Storage(V4(kGroup)) : Storage(V6("ff05::4242"));
  const auto change = [&](int option, int source) {
    group_source_req request = {};
    request.gsr_interface = 1;
    request.gsr_group = group;
    request.gsr_source = v6 ? Storage(V6(("fd00::" + std::to_string(source)).c_str()))
                            : Storage(V4(0x7f000000u + static_cast<uint32_t>(source)));
    Must(Set(fd, level, option, &request, sizeof request) == 0, "a request");
  };
  group_req request = {};
  request.gr_interface = 1;
  request.gr_group = group;
  AskGroup("not joined", fd, level, group, 1, 4);
  Must(Set(fd, level, MCAST_JOIN_GROUP, &request, sizeof request) == 0, "join");
  AskGroup("joined", fd, level, group, 1, 4);
  change(MCAST_BLOCK_SOURCE, 3);
  change(MCAST_BLOCK_SOURCE, 2);
  AskGroup("two are blocked", fd, level, group, 1, 4);
  AskGroup("room for one", fd, level, group, 1, 1);
  AskGroup("room for none", fd, level, group, 1, 0);
  AskGroup("a short length", fd, level, group, 1, 4, 144);
  AskGroup("too short", fd, level, group, 1, 4, 143);
  AskGroup("another group", fd, level, other, 1, 4);
  AskGroup("no group", fd, level, none, 1, 4);
  AskGroup("a group of another family", fd, level, foreign, 1, 4);
  AskGroup("another interface", fd, level, group, 99, 4);
  AskGroup("any interface", fd, level, group, 0, 4);
  Must(Set(fd, level, MCAST_LEAVE_GROUP, &request, sizeof request) == 0, "leave");
  change(MCAST_JOIN_SOURCE_GROUP, 5);
  change(MCAST_JOIN_SOURCE_GROUP, 4);
  AskGroup("two joined", fd, level, group, 1, 4);
  change(MCAST_LEAVE_SOURCE_GROUP, 5);
  AskGroup("one left", fd, level, group, 1, 4);
  close(fd);
}

}  // namespace

int main() {
  OfV4();
  OfGroups(false);
  OfGroups(true);
  return 0;
}
