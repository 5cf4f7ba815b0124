#include "machine/outside.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "os_emu/socket/inet/inet.h"
#include "os_emu/socket/socket.h"

namespace pollux::machine {

Outside::Outside(os_emu::HostPoller& poller, os_emu::Kernel& kernel)
    : poller_(poller), kernel_(kernel), clock_(kernel) {}

absl::Status Outside::Start(os_emu::Process& first, const std::vector<std::string>& publish,
                            const std::function<void(std::string_view)>& note) {
  ports_.emplace(
      poller_,
      os_emu::GuestTcp{
          .make_socket =
              [this] {
                return os_emu::MakeInetSocket(kernel_, os_emu::kAfInet, os_emu::kSockStream, 0,
                                              os_emu::kSockNonBlock);
              },
          .has_listener = [this](uint16_t port) { return os_emu::HasTcpListener(kernel_, port); },
      });
  for (const std::string& text : publish) {
    const auto refuse = [&text](const absl::Status& why) {
      return absl::InvalidArgumentError(absl::StrCat("--publish=", text, ": ", why.message()));
    };
    absl::StatusOr<os_emu::PublishSpec> spec = os_emu::ParsePublishSpec(text);
    if (!spec.ok()) return refuse(spec.status());
    const absl::StatusOr<uint16_t> port = ports_->Publish(*spec);
    if (!port.ok()) return refuse(port.status());
    if (spec->host_port == 0 && note) {
      spec->host_port = *port;
      note(absl::StrCat(spec->HostText(), " is the guest's port ", spec->guest_port));
    }
  }
  signals_.emplace(poller_, kernel_);
  return signals_->Start(first);
}

void Outside::Finish() {
  signals_.reset();
  if (ports_.has_value()) ports_->Flush();
}

}  // namespace pollux::machine
