#include "os_emu/host_net/publish_spec.h"

#include <string>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

std::string Parsed(absl::string_view text) {
  const absl::StatusOr<PublishSpec> spec = ParsePublishSpec(text);
  if (!spec.ok()) return std::string(spec.status().message().substr(0, 9));
  return spec->HostText() + " -> " + std::to_string(spec->guest_port);
}

TEST(PublishSpec, TwoPorts) {
  EXPECT_EQ(Parsed("8080:80"), "127.0.0.1:8080 -> 80");
  EXPECT_EQ(Parsed("0:65535"), "127.0.0.1:0 -> 65535");
  EXPECT_EQ(Parsed("65535:1"), "127.0.0.1:65535 -> 1");
}

TEST(PublishSpec, LoopbackAddresses) {
  EXPECT_EQ(Parsed("127.0.0.1:8080:80"), "127.0.0.1:8080 -> 80");
  EXPECT_EQ(Parsed("127.255.0.9:0:80"), "127.255.0.9:0 -> 80");
  EXPECT_EQ(Parsed("[::1]:8080:80"), "[::1]:8080 -> 80");
}

TEST(PublishSpec, OtherAddressesAreRefused) {
  for (const char* text : {"0.0.0.0:1:2", "10.0.0.1:1:2", "126.255.255.255:1:2", "128.0.0.0:1:2",
                           "localhost:1:2", ":1:2", "127.1:1:2", "::1:1:2", "[::]:1:2", "[::1:1:2",
                           "[::ffff:127.0.0.1]:1:2", "[127.0.0.1]:1:2", "127.0.0.1 :1:2"}) {
    EXPECT_EQ(Parsed(text), "HOSTIP mu") << text;
  }
}

TEST(PublishSpec, PortsAreNumbersInRange) {
  for (const char* text : {":80", "x:80", "-1:80", "+1:80", "65536:80", " 1:80",
                           "99999999999999999999:80", "127.0.0.1::80"}) {
    EXPECT_EQ(Parsed(text), "HOSTPORT ") << text;
  }
  for (const char* text : {"1:", "1:x", "1:-1", "1:0", "1:65536", "127.0.0.1:1:"}) {
    EXPECT_EQ(Parsed(text), "GUESTPORT") << text;
  }
  for (const char* text : {"", "80", "127.0.0.1"}) EXPECT_EQ(Parsed(text), "must be H") << text;
}

}  // namespace
}  // namespace pollux::os_emu
