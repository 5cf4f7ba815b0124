// PublishSpec: what --publish says: which address of the host leads to which port of the guest.
#ifndef POLLUX_OS_EMU_HOST_NET_PUBLISH_SPEC_H_
#define POLLUX_OS_EMU_HOST_NET_PUBLISH_SPEC_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pollux::os_emu {

struct PublishSpec {
  std::string host_address = "127.0.0.1";  // A loopback address in numbers.
  bool v6 = false;
  uint16_t host_port = 0;  // 0: any free one.
  uint16_t guest_port = 0;

  // "127.0.0.1:8080", "[::1]:8080"
  std::string HostText() const;
};

// "HOSTPORT:GUESTPORT" or "HOSTIP:HOSTPORT:GUESTPORT" (an IPv6 address in brackets).
// kInvalidArgument: what is wrong with it, in one line. An address that is not of the loopback
// interface is wrong, too: nobody outside of the host shall reach a guest.
absl::StatusOr<PublishSpec> ParsePublishSpec(absl::string_view text);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_HOST_NET_PUBLISH_SPEC_H_
