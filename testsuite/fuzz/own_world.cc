#include "testsuite/fuzz/own_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>
#include <string>

namespace fuzz {
namespace {

constexpr uint32_t kLoopbackIndex = 1;

// A request of rtnetlink(7), built up attribute by attribute.
class RouteRequest {
 public:
  explicit RouteRequest(uint8_t prefix_bits) {
    header_.nlmsg_len = NLMSG_LENGTH(sizeof(rtmsg));
    header_.nlmsg_type = RTM_NEWROUTE;
    header_.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    rtmsg route = {};
    route.rtm_family = AF_INET;
    route.rtm_dst_len = prefix_bits;
    route.rtm_table = RT_TABLE_LOCAL;
    route.rtm_protocol = RTPROT_KERNEL;
    route.rtm_scope = RT_SCOPE_HOST;
    route.rtm_type = RTN_LOCAL;
    memcpy(bytes_ + NLMSG_HDRLEN, &route, sizeof(route));
  }
  void Add(uint16_t type, const void* value, uint16_t bytes) {
    rtattr attribute = {};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(bytes));
    uint8_t* at = bytes_ + NLMSG_ALIGN(header_.nlmsg_len);
    memcpy(at, &attribute, sizeof(attribute));
    memcpy(at + RTA_LENGTH(0), value, bytes);
    header_.nlmsg_len = NLMSG_ALIGN(header_.nlmsg_len) + RTA_ALIGN(attribute.rta_len);
  }
  bool Send(int fd) {
    memcpy(bytes_, &header_, sizeof(header_));
    if (send(fd, bytes_, header_.nlmsg_len, 0) < 0) return false;
    struct {
      nlmsghdr header;
      nlmsgerr error;
      uint8_t rest[512];
    } answer = {};
    if (recv(fd, &answer, sizeof(answer), 0) < 0) return false;
    errno = -answer.error.error;
    return answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0;
  }

 private:
  nlmsghdr header_ = {};
  alignas(NLMSG_ALIGNTO) uint8_t bytes_[256] = {};
};

bool SetLoopbackUp() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return false;
  ifreq request = {};
  strcpy(request.ifr_name, "lo");
  bool done = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags |= IFF_UP;
  done = done && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return done;
}

// The two routes that packets to 127.0.0.1 may take, now with RTAX_QUICKACK.
bool AcknowledgeAtOnce() {
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0) return false;
  bool done = true;
  for (const uint8_t prefix_bits : {uint8_t{8}, uint8_t{32}}) {
    RouteRequest request(prefix_bits);
    const uint32_t source = htonl(INADDR_LOOPBACK);
    const uint32_t destination = prefix_bits == 32 ? source : htonl(127u << 24);
    request.Add(RTA_DST, &destination, sizeof(destination));
    request.Add(RTA_OIF, &kLoopbackIndex, sizeof(kLoopbackIndex));
    request.Add(RTA_PREFSRC, &source, sizeof(source));
    struct {
      rtattr header;
      uint32_t value;
    } quick_ack = {{sizeof(quick_ack), RTAX_QUICKACK}, 1};
    request.Add(RTA_METRICS | NLA_F_NESTED, &quick_ack, sizeof(quick_ack));
    done = done && request.Send(fd);
  }
  close(fd);
  return done;
}

bool WriteFile(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY);
  if (fd < 0) return false;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return done;
}

// Who may not make the namespaces may in a user namespace, where he stays who he is.
bool MakeNamespaces() {
  constexpr int kNamespaces = CLONE_NEWNET | CLONE_NEWNS;
  if (unshare(kNamespaces) == 0) return true;
  const std::string user = std::to_string(geteuid()), group = std::to_string(getegid());
  return unshare(CLONE_NEWUSER | kNamespaces) == 0 &&
         WriteFile("/proc/self/uid_map", user + " " + user + " 1") &&
         WriteFile("/proc/self/setgroups", "deny") &&
         WriteFile("/proc/self/gid_map", group + " " + group + " 1");
}

}  // namespace

bool EnterOwnWorld(const char* directory) {
  if (!MakeNamespaces()) return false;
  // What is mounted here shall not be seen elsewhere.
  return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("walk", directory, "tmpfs", 0, "mode=0777") == 0 && SetLoopbackUp() &&
         AcknowledgeAtOnce();
}

}  // namespace fuzz
