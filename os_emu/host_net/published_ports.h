// PublishedPorts: the ports of the host's loopback interface that lead to servers in the guest.
//
// Each is a listening socket of the host; a client that connects to it appears in the machine's
// loopback network as a connection from an ephemeral port of 127.0.0.1. Nothing else of the host's
// network is reached, and the guest begins nothing. All work is done in HostPoller::Wait().
#ifndef POLLUX_OS_EMU_HOST_NET_PUBLISHED_PORTS_H_
#define POLLUX_OS_EMU_HOST_NET_PUBLISHED_PORTS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "abi/result.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os_emu/file/description.h"
#include "os_emu/host_net/publish_spec.h"
#include "os_emu/host_poller/host_poller.h"

namespace pollux::os_emu {

// The machine's network, as much as is needed of it.
struct GuestTcp {
  // A fresh TCP socket of IPv4.
  std::function<Result<DescriptionRef>()> make_socket;
  // Whether a server listens where 127.0.0.1:port leads.
  std::function<bool(uint16_t port)> has_listener;
};

class PublishedPorts {
 public:
  // How many clients a port has at once; more wait in the host's queue.
  static constexpr size_t kMaxConnections = 512;
  // How long Flush() waits for a client that takes nothing.
  static constexpr Nanos kPatience{2'000'000'000};

  PublishedPorts(HostPoller& poller, GuestTcp guest);
  ~PublishedPorts();  // Clients that are still connected are cut off.
  PublishedPorts(const PublishedPorts&) = delete;
  PublishedPorts& operator=(const PublishedPorts&) = delete;

  // Listens. Returns the host's port, which it chose where spec.host_port is 0. The message says
  // why it cannot: "127.0.0.1:80: Permission denied".
  absl::StatusOr<uint16_t> Publish(const PublishSpec& spec);
  bool empty() const { return ports_.empty(); }

  // The guest has ended: hands out what it sent, as Linux does for a process that has gone, to
  // clients that take it. New clients are refused.
  void Flush();

 private:
  class Port;

  HostPoller& poller_;
  GuestTcp guest_;
  std::vector<uint8_t> scratch_;
  std::vector<std::unique_ptr<Port>> ports_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_HOST_NET_PUBLISHED_PORTS_H_
