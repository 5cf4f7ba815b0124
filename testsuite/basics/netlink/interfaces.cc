// interfaces: what the machine says of lo: getifaddrs(3) and if_nametoindex(3), the ioctls of
// netdevice(7), and names of localhost.
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include "testsuite/basics/net.h"

namespace {

void Ask(const char* what, int fd, unsigned long request, const char* name) {
  ifreq object = {};
  strncpy(object.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, request, &object) != 0) {
    std::printf("%s of %s: %s\n", what, name, ErrorName(errno));
    return;
  }
  switch (request) {
    case SIOCGIFFLAGS:
      std::printf("%s: %#x\n", what, object.ifr_flags);
      break;
    case SIOCGIFMTU:
    case SIOCGIFINDEX:
    case SIOCGIFMETRIC:
      std::printf("%s: %d\n", what, object.ifr_mtu);
      break;
    case SIOCGIFHWADDR:
      std::printf("%s: %d\n", what, object.ifr_hwaddr.sa_family);
      break;
    default: {
      sockaddr_storage address = {};
      memcpy(&address, &object.ifr_addr, sizeof object.ifr_addr);
      std::printf("%s: %s\n", what, AddressText(address).c_str());
    }
  }
}

void Resolve(const char* name, int family) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  const int result = getaddrinfo(name, "80", &hints, &found);
  std::printf("%s: %s", name, result == 0 ? "" : gai_strerror(result));
  if (found != nullptr) {
    // /etc/hosts may have more.
    sockaddr_storage address = {};
    memcpy(&address, found->ai_addr, found->ai_addrlen);
    std::printf("%s", AddressText(address).c_str());
  }
  std::printf("\n");
  if (found != nullptr) freeaddrinfo(found);
}

}  // namespace

int main() {
  DropRoot();
  // Others may be there too.
  ifaddrs* all = nullptr;
  Must(getifaddrs(&all) == 0, "getifaddrs");
  for (const ifaddrs* a = all; a != nullptr; a = a->ifa_next) {
    if (strcmp(a->ifa_name, "lo") != 0 || a->ifa_addr == nullptr) continue;
    sockaddr_storage address = {}, mask = {};
    const int family = a->ifa_addr->sa_family;
    if (family == AF_PACKET) {
      std::printf("lo: a link, flags %#x, with numbers: %d\n", a->ifa_flags,
                  a->ifa_data != nullptr);
      continue;
    }
    const size_t bytes = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    memcpy(&address, a->ifa_addr, bytes);
    memcpy(&mask, a->ifa_netmask, bytes);
    std::printf("lo: %s mask %s\n", AddressText(address).c_str(), AddressText(mask).c_str());
  }
  freeifaddrs(all);
  std::printf("index %u\n", if_nametoindex("lo"));
  char name[IF_NAMESIZE] = "";
  std::printf("name %s\n", if_indextoname(1, name));
  std::printf("no such index: %u\n", if_nametoindex("nonesuch0"));

  const int fd = Udp();
  Ask("flags", fd, SIOCGIFFLAGS, "lo");
  Ask("address", fd, SIOCGIFADDR, "lo");
  Ask("mask", fd, SIOCGIFNETMASK, "lo");
  Ask("MTU", fd, SIOCGIFMTU, "lo");
  Ask("index", fd, SIOCGIFINDEX, "lo");
  Ask("metric", fd, SIOCGIFMETRIC, "lo");
  Ask("hardware", fd, SIOCGIFHWADDR, "lo");
  Ask("flags", fd, SIOCGIFFLAGS, "nonesuch0");
  Ask("address", fd, SIOCGIFADDR, "nonesuch0");
  Ask("a change", fd, SIOCSIFFLAGS, "lo");
  ifconf list = {};
  Must(ioctl(fd, SIOCGIFCONF, &list) == 0, "SIOCGIFCONF");
  std::printf("a list of some: %d\n", list.ifc_len >= static_cast<int>(sizeof(ifreq)));

  Resolve("127.0.0.1", AF_UNSPEC);
  Resolve("::1", AF_UNSPEC);
  Resolve("localhost", AF_INET);
  return 0;
}
