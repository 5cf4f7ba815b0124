#include "os_emu/host_net/published_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "os_emu/host_net/host_connection.h"

namespace pollux::os_emu {
namespace {

constexpr size_t kScratchBytes = 64 * 1024;
constexpr int kBacklog = 128;

SocketAddress GuestAddress(uint16_t port) {
  // struct sockaddr_in of 127.0.0.1.
  const std::array<uint8_t, 16> bytes = {
      kAfInet, 0, static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port), 127, 0, 0, 1};
  return SocketAddress(bytes);
}

struct HostAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

HostAddress ToHostAddress(const PublishSpec& spec) {
  HostAddress address;
  if (spec.v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(spec.host_port);
    inet_pton(AF_INET6, spec.host_address.c_str(), &v6.sin6_addr);
    std::memcpy(&address.storage, &v6, address.length = sizeof(v6));
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(spec.host_port);
    inet_pton(AF_INET, spec.host_address.c_str(), &v4.sin_addr);
    std::memcpy(&address.storage, &v4, address.length = sizeof(v4));
  }
  return address;
}

}  // namespace

class PublishedPorts::Port final : private HostWatcher, private HostConnection::Owner {
 public:
  Port(PublishedPorts& ports, int listener, uint16_t guest_port)
      : HostWatcher(ports.poller_), ports_(ports), listener_(listener), guest_port_(guest_port) {
    Watch(listener_, EPOLLIN);
  }
  ~Port() override { StopListening(); }

  void StopListening() {
    if (listener_ < 0) return;
    StopWatching();
    close(std::exchange(listener_, -1));
  }
  bool OwesClients() const {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return entry.second->OwesClient(); });
  }

 private:
  // ---- HostWatcher
  void OnHostEvents(uint32_t) override { Accept(); }
  void OnTurn() override {
    for (const uint64_t number : over_) connections_.erase(number);
    over_.clear();
    Accept();  // There is room again.
  }
  bool IsAwaited() const override {
    return listener_ >= 0 && ports_.guest_.has_listener(guest_port_);
  }
  // ---- HostConnection::Owner
  void OnOver(uint64_t number) override {
    over_.push_back(number);
    AskForTurn();
  }

  // Until nobody waits, or there is no room. Where the host gives no more descriptors, the next
  // client's coming, or the going of one, is when it is tried again.
  void Accept() {
    while (listener_ >= 0 && connections_.size() < kMaxConnections) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        return;
      }
      Result<DescriptionRef> socket = ports_.guest_.make_socket();
      if (!socket.ok()) {  // The machine's memory is used up.
        const linger abort{.l_onoff = 1, .l_linger = 0};
        setsockopt(client, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
        close(client);
        continue;
      }
      const uint64_t number = ++last_number_;
      HostConnection::Owner& owner = *this;
      auto connection = std::make_unique<HostConnection>(
          ports_.poller_, owner, number, client, *std::move(socket), GuestAddress(guest_port_),
          ports_.scratch_);
      connections_.emplace(number, std::move(connection)).first->second->Start();
    }
  }

  PublishedPorts& ports_;
  int listener_;
  uint16_t guest_port_;
  uint64_t last_number_ = 0;
  std::map<uint64_t, std::unique_ptr<HostConnection>> connections_;
  std::vector<uint64_t> over_;  // To be destroyed.
};

PublishedPorts::PublishedPorts(HostPoller& poller, GuestTcp guest)
    : poller_(poller), guest_(std::move(guest)), scratch_(kScratchBytes) {}

PublishedPorts::~PublishedPorts() = default;

absl::StatusOr<uint16_t> PublishedPorts::Publish(const PublishSpec& spec) {
  if (!poller_.status().ok()) return poller_.status();
  const auto failed = [&spec] {
    return absl::InvalidArgumentError(absl::StrCat(spec.HostText(), ": ", std::strerror(errno)));
  };
  const int listener =
      socket(spec.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return failed();
  absl::Cleanup closer = [listener] { close(listener); };
  // Connections of an earlier run in TIME_WAIT are in nobody's way; another listener is.
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  HostAddress address = ToHostAddress(spec);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 ||
      listen(listener, kBacklog) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) {
    return failed();
  }
  std::move(closer).Cancel();
  ports_.push_back(std::make_unique<Port>(*this, listener, spec.guest_port));
  // The port is at the same place for both families.
  uint16_t port;
  std::memcpy(&port, reinterpret_cast<const char*>(&address.storage) + 2, sizeof(port));
  return ntohs(port);
}

void PublishedPorts::Flush() {
  for (const auto& port : ports_) port->StopListening();
  while (std::any_of(ports_.begin(), ports_.end(),
                     [](const auto& port) { return port->OwesClients(); })) {
    const absl::StatusOr<bool> changed = poller_.Wait(kPatience);
    if (!changed.ok() || !*changed) return;
  }
}

}  // namespace pollux::os_emu
