// source_filters: whole lists of sources of a group at once (IP_MSFILTER, MCAST_MSFILTER), and
// lists of IPv6 groups, which RFC 3678's requests alone can make: what is checked, and who is
// heard.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "testsuite/basics/net.h"

namespace {

constexpr uint32_t kGroup = 0xefc00101;
const char kGroupV6[] = "ff05::4242";

template <typename Name>
void Put(sockaddr_storage* to, const Name& name) {
  std::memcpy(to, &name, sizeof name);
}
long Set(int fd, int level, int name, const void* value, size_t bytes) {
  return setsockopt(fd, level, name, value, static_cast<socklen_t>(bytes));
}

// ---- IPv4

struct Filter {
  std::vector<uint8_t> bytes;
  Filter(uint32_t group, uint32_t interface, uint32_t mode, const std::vector<uint32_t>& sources,
         uint32_t count) {
    const uint32_t head[] = {htonl(group), htonl(interface), mode, count};
    Add(head, sizeof head);
    for (const uint32_t source : sources) {
      const uint32_t address = htonl(source);
      Add(&address, sizeof address);
    }
  }
  void Add(const void* from, size_t count) {
    const auto* at = static_cast<const uint8_t*>(from);
    bytes.insert(bytes.end(), at, at + count);
  }
};

long SetFilter(int fd, uint32_t group, uint32_t interface, uint32_t mode,
               const std::vector<uint32_t>& sources, int count = -1) {
  const Filter filter(
      group, interface, mode, sources,
      count < 0 ? static_cast<uint32_t>(sources.size()) : static_cast<uint32_t>(count));
  return Set(fd, IPPROTO_IP, IP_MSFILTER, filter.bytes.data(), filter.bytes.size());
}

long Member(int fd, int option, uint32_t group) {
  ip_mreqn request = {};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_address.s_addr = htonl(INADDR_LOOPBACK);
  return Set(fd, IPPROTO_IP, option, &request, sizeof request);
}

long Source(int fd, int option, uint32_t group, uint32_t source) {
  ip_mreq_source request = {};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
  request.imr_sourceaddr.s_addr = htonl(source);
  return Set(fd, IPPROTO_IP, option, &request, sizeof request);
}

void Hears(int receiver, uint16_t port) {
  std::string text;
  for (const uint32_t from : {0x7f000001u, 0x7f000002u, 0x7f000003u}) {
    const int sender = Udp();
    Must(Bind(sender, V4(from)) == 0, "bind");
    const in_addr by = {htonl(from)};
    Must(Set(sender, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by) == 0, "IP_MULTICAST_IF");
    const sockaddr_in to = V4(kGroup, port);
    Must(sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 1,
         "sendto");
    Settle();
    char byte;
    text += recv(receiver, &byte, 1, MSG_DONTWAIT) == 1 ? " yes" : " no";
    close(sender);
  }
  std::printf("  heard:%s\n", text.c_str());
}

void ListsOfV4() {
  std::puts("- IP_MSFILTER");
  const int fd = Udp();
  Must(Bind(fd, V4(INADDR_ANY)) == 0, "bind");
  SetOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  const uint16_t port = PortOf(fd);
  constexpr uint32_t kLo = INADDR_LOOPBACK, kOne = 0x7f000001, kTwo = 0x7f000002;
  Show("too short", Set(fd, IPPROTO_IP, IP_MSFILTER, "0123456789abcde", 15));
  Show("not joined", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {kOne}));
  Show("not joined, nobody", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {}));
  Show("no group", SetFilter(fd, 0x0a000001, kLo, MCAST_INCLUDE, {kOne}));
  Show("join", Member(fd, IP_ADD_MEMBERSHIP, kGroup));
  Hears(fd, port);
  Show("include one", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {kOne}));
  Hears(fd, port);
  Show("include two", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {kOne, kTwo}));
  Hears(fd, port);
  Show("exclude two", SetFilter(fd, kGroup, kLo, MCAST_EXCLUDE, {kOne, kTwo}));
  Hears(fd, port);
  Show("exclude nobody", SetFilter(fd, kGroup, kLo, MCAST_EXCLUDE, {}));
  Hears(fd, port);
  Show("one more by itself", Source(fd, IP_ADD_SOURCE_MEMBERSHIP, kGroup, kTwo));
  Hears(fd, port);
  Show("the same one twice in a list", SetFilter(fd, kGroup, kLo, MCAST_EXCLUDE, {kTwo, kTwo}));
  Hears(fd, port);
  Show("unblock it", Source(fd, IP_UNBLOCK_SOURCE, kGroup, kTwo));
  Hears(fd, port);
  Show("another mode", SetFilter(fd, kGroup, kLo, 2, {kOne}));
  Show("another interface", SetFilter(fd, kGroup, 0x0a000001, MCAST_INCLUDE, {kOne}));
  Show("fewer than it says", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {kOne}, 2));
  Show("more than it says", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {kOne, kTwo}, 1));
  Hears(fd, port);
  Show("ten", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, std::vector<uint32_t>(10, kTwo)));
  Show("eleven", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, std::vector<uint32_t>(11, kTwo)));
  Show("eleven, of which none is there", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {}, 11));
  Hears(fd, port);
  Show("include nobody", SetFilter(fd, kGroup, kLo, MCAST_INCLUDE, {}));
  Hears(fd, port);
  Show("so it has left", Member(fd, IP_DROP_MEMBERSHIP, kGroup));
  const int stream = Tcp();
  Show("of a stream", SetFilter(stream, kGroup, kLo, MCAST_INCLUDE, {kOne}));
  Show("of a stream, nobody", SetFilter(stream, kGroup, kLo, MCAST_INCLUDE, {}));
  close(stream);
  close(fd);
}

// ---- RFC 3678

std::vector<uint8_t> GroupFilter(const sockaddr_storage& group, uint32_t index, uint32_t mode,
                                 const std::vector<sockaddr_storage>& sources, int count = -1) {
  std::vector<uint8_t> bytes(144 + 128 * sources.size());
  std::memcpy(bytes.data(), &index, 4);
  std::memcpy(bytes.data() + 8, &group, 128);
  std::memcpy(bytes.data() + 136, &mode, 4);
  const uint32_t number =
      count < 0 ? static_cast<uint32_t>(sources.size()) : static_cast<uint32_t>(count);
  std::memcpy(bytes.data() + 140, &number, 4);
  if (!sources.empty()) std::memcpy(bytes.data() + 144, sources.data(), 128 * sources.size());
  return bytes;
}
template <typename Name>
sockaddr_storage Storage(const Name& name) {
  sockaddr_storage storage = {};
  Put(&storage, name);
  return storage;
}

void GroupLists(bool v6) {
  std::printf("- MCAST_MSFILTER, IPv%d\n", v6 ? 6 : 4);
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  Must(fd >= 0, "socket");
  const sockaddr_storage group = v6 ? Storage(V6(kGroupV6)) : Storage(V4(kGroup));
  const sockaddr_storage one = v6 ? Storage(V6("::1")) : Storage(V4(0x7f000001));
  const sockaddr_storage two = v6 ? Storage(V6("fd00::2")) : Storage(V4(0x7f000002));
  const sockaddr_storage other = v6 ? Storage(V4(0x7f000001)) : Storage(V6("::1"));
  const auto set = [&](const std::vector<uint8_t>& value) {
    return Set(fd, level, MCAST_MSFILTER, value.data(), value.size());
  };
  group_req request = {};
  request.gr_interface = 1;
  request.gr_group = group;
  group_source_req source = {};
  source.gsr_interface = 1;
  source.gsr_group = group;
  source.gsr_source = one;
  const auto change = [&](int option) { return Set(fd, level, option, &source, sizeof source); };

  Show("too short", Set(fd, level, MCAST_MSFILTER, &group, 100));
  Show("not joined", set(GroupFilter(group, 1, MCAST_INCLUDE, {one})));
  Show("not joined, nobody", set(GroupFilter(group, 1, MCAST_INCLUDE, {})));
  Show("block before joining", change(MCAST_BLOCK_SOURCE));
  Show("leave the source before joining", change(MCAST_LEAVE_SOURCE_GROUP));
  Show("join", Set(fd, level, MCAST_JOIN_GROUP, &request, sizeof request));
  Show("unblock what is not blocked", change(MCAST_UNBLOCK_SOURCE));
  Show("block", change(MCAST_BLOCK_SOURCE));
  Show("block again", change(MCAST_BLOCK_SOURCE));
  Show("join a source, while others are blocked", change(MCAST_JOIN_SOURCE_GROUP));
  Show("unblock", change(MCAST_UNBLOCK_SOURCE));
  Show("unblock again", change(MCAST_UNBLOCK_SOURCE));
  Show("join a source, while the list is empty", change(MCAST_JOIN_SOURCE_GROUP));
  Show("include two", set(GroupFilter(group, 1, MCAST_INCLUDE, {one, two})));
  Show("block, while some are included", change(MCAST_BLOCK_SOURCE));
  Show("join a source that is there", change(MCAST_JOIN_SOURCE_GROUP));
  Show("leave a source", change(MCAST_LEAVE_SOURCE_GROUP));
  Show("leave it again", change(MCAST_LEAVE_SOURCE_GROUP));
  Show("exclude nobody", set(GroupFilter(group, 1, MCAST_EXCLUDE, {})));
  Show("another mode", set(GroupFilter(group, 1, 7, {one})));
  Show("another interface", set(GroupFilter(group, 99, MCAST_INCLUDE, {one})));
  Show("no group", set(GroupFilter(one, 1, MCAST_INCLUDE, {one})));
  Show("a group of another family", set(GroupFilter(other, 1, MCAST_INCLUDE, {one})));
  Show("a source of another family", set(GroupFilter(group, 1, MCAST_INCLUDE, {other})));
  Show("fewer than it says", set(GroupFilter(group, 1, MCAST_INCLUDE, {one}, 2)));
  Show("many", set(GroupFilter(group, 1, MCAST_INCLUDE, std::vector<sockaddr_storage>(10, two))));
  Show("more", set(GroupFilter(group, 1, MCAST_INCLUDE, std::vector<sockaddr_storage>(11, two))));
  Show("very many",
       set(GroupFilter(group, 1, MCAST_INCLUDE, std::vector<sockaddr_storage>(64, two))));
  Show("too many",
       set(GroupFilter(group, 1, MCAST_INCLUDE, std::vector<sockaddr_storage>(65, two))));
  Show("include nobody", set(GroupFilter(group, 1, MCAST_INCLUDE, {})));
  Show("so it has left", Set(fd, level, MCAST_LEAVE_GROUP, &request, sizeof request));
  Show("join a source at once", change(MCAST_JOIN_SOURCE_GROUP));
  Show("it has joined", Set(fd, level, MCAST_JOIN_GROUP, &request, sizeof request));
  source.gsr_source = two;
  Show("and a second one", change(MCAST_JOIN_SOURCE_GROUP));
  Show("leave the second one", change(MCAST_LEAVE_SOURCE_GROUP));
  source.gsr_source = one;
  Show("leave the first one", change(MCAST_LEAVE_SOURCE_GROUP));
  Show("so it has left", Set(fd, level, MCAST_LEAVE_GROUP, &request, sizeof request));
  source.gsr_source = other;
  Show("join a source of another family", change(MCAST_JOIN_SOURCE_GROUP));
  source.gsr_source = one;
  source.gsr_group = other;
  Show("of a group of another family", change(MCAST_JOIN_SOURCE_GROUP));
  source.gsr_group = one;
  Show("of no group", change(MCAST_JOIN_SOURCE_GROUP));
  source.gsr_group = group;
  source.gsr_interface = 99;
  Show("of no interface", change(MCAST_JOIN_SOURCE_GROUP));
  source.gsr_interface = 1;
  int joined = 0;
  for (int i = 0; i < 100; ++i) {
    if (v6) {
      source.gsr_source = Storage(V6(("fd00::" + std::to_string(100 + i)).c_str()));
    } else {
      source.gsr_source = Storage(V4(0x7f000100 + static_cast<uint32_t>(i)));
    }
    if (change(MCAST_JOIN_SOURCE_GROUP) != 0) break;
    ++joined;
  }
  std::printf("as many as %d, then %s\n", joined, ErrorName(errno));
  close(fd);
}

}  // namespace

int main() {
  ListsOfV4();
  GroupLists(false);
  GroupLists(true);
  return 0;
}
