#include "os_emu/host_net/publish_spec.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace pollux::os_emu {
namespace {

constexpr char kShape[] = "must be HOSTPORT:GUESTPORT or HOSTIP:HOSTPORT:GUESTPORT";

// Digits only: no sign, no blank.
std::optional<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(port);
}

// Takes what is behind the last colon off `text`.
std::optional<absl::string_view> TakeLast(absl::string_view* text) {
  const size_t colon = text->rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  const absl::string_view last = text->substr(colon + 1);
  *text = text->substr(0, colon);
  return last;
}

bool SetLoopback(absl::string_view address, PublishSpec* spec) {
  spec->v6 = absl::ConsumePrefix(&address, "[");
  if (spec->v6 && !absl::ConsumeSuffix(&address, "]")) return false;
  spec->host_address = std::string(address);
  if (spec->v6) {
    in6_addr parsed;
    return inet_pton(AF_INET6, spec->host_address.c_str(), &parsed) == 1 &&
           IN6_IS_ADDR_LOOPBACK(&parsed);
  }
  in_addr parsed;
  return inet_pton(AF_INET, spec->host_address.c_str(), &parsed) == 1 &&
         ntohl(parsed.s_addr) >> 24 == 127;
}

}  // namespace

std::string PublishSpec::HostText() const {
  return absl::StrCat(v6 ? "[" : "", host_address, v6 ? "]:" : ":", host_port);
}

absl::StatusOr<PublishSpec> ParsePublishSpec(absl::string_view text) {
  PublishSpec spec;
  const std::optional<absl::string_view> guest = TakeLast(&text);
  if (!guest.has_value()) return absl::InvalidArgumentError(kShape);
  absl::string_view host = text;
  if (const std::optional<absl::string_view> last = TakeLast(&text); last.has_value()) {
    host = *last;
    if (!SetLoopback(text, &spec)) {
      return absl::InvalidArgumentError(
          absl::StrCat("HOSTIP must be a loopback address such as 127.0.0.1 or [::1], not ", text));
    }
  }
  const std::optional<uint16_t> host_port = ParsePort(host), guest_port = ParsePort(*guest);
  if (!host_port.has_value()) {
    return absl::InvalidArgumentError("HOSTPORT must be a number from 0 (any free one) to 65535");
  }
  if (!guest_port.has_value() || *guest_port == 0) {
    return absl::InvalidArgumentError("GUESTPORT must be a number from 1 to 65535");
  }
  spec.host_port = *host_port;
  spec.guest_port = *guest_port;
  return spec;
}

}  // namespace pollux::os_emu
