#include "os_emu/socket/inet/ip_address.h"

#include <gtest/gtest.h>

namespace pollux::os_emu {
namespace {

IpAddress V6(std::initializer_list<uint8_t> head, uint8_t last = 0) {
  IpAddress address;
  std::copy(head.begin(), head.end(), address.bytes.begin());
  if (last != 0) address.bytes[15] = last;
  return address;
}

TEST(IpAddress, KindsOfAddresses) {
  EXPECT_TRUE(IpAddress::V4(0x7f030405).IsLocal());
  EXPECT_TRUE(IpAddress::V4(0x7f000000).IsLocal());
  EXPECT_FALSE(IpAddress::V4(0x7fffffff).IsLocal());
  EXPECT_TRUE(IpAddress::V4(0x7fffffff).IsBroadcast());
  EXPECT_TRUE(IpAddress::V4(0xffffffff).IsBroadcast());
  EXPECT_TRUE(IpAddress::V4(0xe0000001).IsMulticast());
  EXPECT_TRUE(V6({0xff, 2}, 1).IsMulticast());
  EXPECT_TRUE(V6({0xfe, 0x80}, 1).IsLinkLocal());
  EXPECT_TRUE(IpAddress::LoopbackV6().IsLocal());
  EXPECT_FALSE(V6({0x20, 1, 0xd, 0xb8}, 1).IsLocal());
}

TEST(IpAddress, RoutesLeadToLoopbackOrNowhere) {
  EXPECT_EQ(RouteTo(IpAddress::V4(0))->destination, IpAddress::V4(0x7f000001));
  EXPECT_EQ(RouteTo(IpAddress::V4(0x7f000009))->source, IpAddress::V4(0x7f000001));
  EXPECT_EQ(RouteTo(IpAddress())->destination, IpAddress::LoopbackV6());
  EXPECT_EQ(RouteTo(IpAddress::V4(0x7fffffff))->kind, RouteKind::kBroadcast);
  for (const uint32_t away : {0x0a010101u, 0xffffffffu, 0xe0000001u}) {
    EXPECT_EQ(RouteTo(IpAddress::V4(away)).error(), Errno::kNetUnreach);
  }
}

TEST(IpAddress, AddressesAreEncodedAndDecoded) {
  const IpEndpoint endpoint{IpAddress::V4(0x7f000001), 0x1234};
  const SocketAddress v4 = EncodeAddress(kAfInet, endpoint);
  EXPECT_EQ(v4.length, 16u);
  EXPECT_EQ(v4.bytes[2], 0x12);
  EXPECT_EQ(*DecodeAddress(kAfInet, v4), endpoint);
  const SocketAddress v6 = EncodeAddress(kAfInet6, endpoint);
  EXPECT_EQ(v6.length, 28u);
  EXPECT_EQ(*DecodeAddress(kAfInet6, v6), endpoint);
  EXPECT_EQ(DecodeAddress(kAfInet6, v4).error(), Errno::kInval);
  EXPECT_EQ(DecodeAddress(kAfInet, v6).error(), Errno::kAfNoSupport);
  EXPECT_EQ(DecodeAddress(kAfInet, SocketAddress(v4.span().first(15))).error(), Errno::kInval);
}

TEST(IpAddress, WildcardsOverlapWithTheirFamilyAndTheSixthWithBoth) {
  const IpAddress any4 = IpAddress::V4(0), any6, one = IpAddress::V4(0x7f000001),
                  two = IpAddress::V4(0x7f000002), six = IpAddress::LoopbackV6();
  EXPECT_TRUE(AddressesOverlap(any4, false, one, false));
  EXPECT_FALSE(AddressesOverlap(one, false, two, false));
  EXPECT_TRUE(AddressesOverlap(any6, false, one, false));
  EXPECT_FALSE(AddressesOverlap(any6, true, one, false));
  EXPECT_FALSE(AddressesOverlap(one, false, any6, true));
  EXPECT_TRUE(AddressesOverlap(any6, true, six, false));
  EXPECT_FALSE(AddressesOverlap(six, false, one, false));
  EXPECT_TRUE(Receives(any6, false, one));
  EXPECT_FALSE(Receives(any6, true, one));
  EXPECT_FALSE(Receives(any4, false, six));
}

}  // namespace
}  // namespace pollux::os_emu
