// Who may have which port: bind(2), listen(2) and connect(2) of TCP.
#include <gtest/gtest.h>

#include "os_emu/socket/inet/testing.h"

namespace pollux::os_emu {
namespace {

using testing::kLocalhost;
using testing::PortOf;
using testing::TcpPair;
using testing::TestMachine;
using testing::TestSocket;
using testing::V4Address;
using testing::V6Address;

class TcpPortsTest : public ::testing::Test {
 protected:
  Kernel& kernel() { return machine_.kernel(); }
  // Binds two sockets with these options to one port of 127.0.0.1. 0: the second may, too.
  int SecondBind(bool reuse1, bool port1, bool listens, bool reuse2, bool port2,
                 uint32_t address2 = kLocalhost) {
    TestSocket first(kernel(), kAfInet, kSockStream), second(kernel(), kAfInet, kSockStream);
    EXPECT_TRUE(first.Set(kSolSocket, kSoReuseAddr, reuse1).ok());
    EXPECT_TRUE(first.Set(kSolSocket, kSoReusePort, port1).ok());
    EXPECT_TRUE(second.Set(kSolSocket, kSoReuseAddr, reuse2).ok());
    EXPECT_TRUE(second.Set(kSolSocket, kSoReusePort, port2).ok());
    EXPECT_TRUE(first.Bind().ok());
    if (listens) {
      EXPECT_TRUE(first->Listen(1).ok());
    }
    return TestSocket::Number(second.Bind(address2, PortOf(first.Name())));
  }
  TestMachine machine_;
};

constexpr int kInUse = 98;

TEST_F(TcpPortsTest, WhoMayShareAPort) {
  EXPECT_EQ(SecondBind(false, false, false, false, false), kInUse);
  EXPECT_EQ(SecondBind(true, false, false, false, false), kInUse);
  EXPECT_EQ(SecondBind(false, false, false, true, false), kInUse);
  EXPECT_EQ(SecondBind(true, false, false, true, false), 0);
  EXPECT_EQ(SecondBind(true, false, true, true, false), kInUse);
  EXPECT_EQ(SecondBind(false, true, true, false, true), 0);
  EXPECT_EQ(SecondBind(false, true, true, true, false), kInUse);
  EXPECT_EQ(SecondBind(false, false, true, false, false, 0x7f000002), 0);
  EXPECT_EQ(SecondBind(false, false, false, false, false, 0), kInUse);
}

TEST_F(TcpPortsTest, TwoListenersShareAPortOnlyAsAGroup) {
  TestSocket first(kernel(), kAfInet, kSockStream), second(kernel(), kAfInet, kSockStream);
  for (TestSocket* socket : {&first, &second}) {
    ASSERT_TRUE(socket->Set(kSolSocket, kSoReuseAddr, 1).ok());
  }
  ASSERT_TRUE(first.Bind().ok());
  ASSERT_TRUE(second.Bind(kLocalhost, PortOf(first.Name())).ok());
  EXPECT_TRUE(first->Listen(1).ok());
  EXPECT_EQ(second->Listen(1).error(), Errno::kAddrInUse);
  EXPECT_EQ(second.Bind().error(), Errno::kInval);
}

TEST_F(TcpPortsTest, BadAddressesAndPorts) {
  TestSocket socket(kernel(), kAfInet, kSockStream);
  EXPECT_EQ(socket.Bind(0x0a010101).error(), Errno::kAddrNotAvail);
  EXPECT_EQ(socket.Bind(kLocalhost, 1023).error(), Errno::kAcces);
  EXPECT_TRUE(socket.Bind(kLocalhost, 1024).ok());
  EXPECT_EQ(socket.Bind(kLocalhost, 1025).error(), Errno::kInval);
  TestSocket away(kernel(), kAfInet, kSockStream);
  EXPECT_EQ(away.Connect(V4Address(0x0a010101, 9)).error(), Errno::kNetUnreach);
  EXPECT_EQ(away.Poll(), kWritable | kHup);
}

TEST_F(TcpPortsTest, TimeWaitKeepsThePortForAMinute) {
  TestSocket listener(kernel(), kAfInet, kSockStream), client(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(1).ok());
  const uint16_t port = PortOf(listener.Name());
  ASSERT_TRUE(client.Connect(listener.Name()).ok());
  {
    // Closes first, and so has the wait.
    TestSocket server(*listener->Accept(0));
  }
  client.Close();
  listener.Close();
  TestSocket again(kernel(), kAfInet, kSockStream);
  EXPECT_EQ(again.Bind(kLocalhost, port).error(), Errno::kAddrInUse);
  kernel().clock().AdvanceBy(Nanos{60'000'000'000});
  EXPECT_TRUE(again.Bind(kLocalhost, port).ok());
}

TEST_F(TcpPortsTest, DualStackListenerTakesBothFamilies) {
  TestSocket listener(kernel(), kAfInet6, kSockStream), v4(kernel(), kAfInet, kSockStream),
      v6(kernel(), kAfInet6, kSockStream);
  ASSERT_TRUE(listener->Bind(V6Address(IpAddress(), 0)).ok());
  ASSERT_TRUE(listener->Listen(5).ok());
  const uint16_t port = PortOf(listener.Name());
  EXPECT_TRUE(v4.Connect(V4Address(kLocalhost, port)).ok());
  EXPECT_TRUE(v6.Connect(V6Address(IpAddress::LoopbackV6(), port)).ok());
  TestSocket server(*listener->Accept(0));
  EXPECT_EQ(DecodeAddress(kAfInet6, *server->PeerName())->address, IpAddress::V4(kLocalhost));
}

TEST_F(TcpPortsTest, V6OnlyLeavesThePortToIpV4) {
  TestSocket listener(kernel(), kAfInet6, kSockStream), v4(kernel(), kAfInet, kSockStream),
      other(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Set(41, 26, 1).ok());
  ASSERT_TRUE(listener->Bind(V6Address(IpAddress(), 0)).ok());
  ASSERT_TRUE(listener->Listen(5).ok());
  const uint16_t port = PortOf(listener.Name());
  EXPECT_EQ(v4.Connect(V4Address(kLocalhost, port)).error(), Errno::kConnRefused);
  EXPECT_TRUE(other.Bind(kLocalhost, port).ok());
  EXPECT_EQ(listener.Set(41, 26, 0).error(), Errno::kInval);
}

TEST_F(TcpPortsTest, EphemeralPortsAreInTheirRangeAndRepeatable) {
  const auto first_ports = [] {
    TestMachine machine;
    std::vector<uint16_t> ports;
    for (int i = 0; i < 5; ++i) {
      TestSocket socket(machine.kernel(), kAfInet, kSockStream);
      EXPECT_TRUE(socket.Bind().ok());
      ports.push_back(PortOf(socket.Name()));
      EXPECT_GE(ports.back(), 32768);
      EXPECT_LE(ports.back(), 60999);
    }
    return ports;
  };
  EXPECT_EQ(first_ports(), first_ports());
}

TEST_F(TcpPortsTest, AGroupOfListenersSharesTheConnections) {
  TestSocket first(kernel(), kAfInet, kSockStream), second(kernel(), kAfInet, kSockStream);
  for (TestSocket* socket : {&first, &second}) {
    ASSERT_TRUE(socket->Set(kSolSocket, kSoReusePort, 1).ok());
  }
  ASSERT_TRUE(first.Bind().ok());
  ASSERT_TRUE(second.Bind(kLocalhost, PortOf(first.Name())).ok());
  ASSERT_TRUE(first->Listen(100).ok());
  ASSERT_TRUE(second->Listen(100).ok());
  std::vector<std::unique_ptr<TestSocket>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<TestSocket>(kernel(), kAfInet, kSockStream));
    ASSERT_TRUE(clients.back()->Connect(first.Name()).ok());
  }
  int accepted[2] = {};
  while (first->Accept(0).ok()) ++accepted[0];
  while (second->Accept(0).ok()) ++accepted[1];
  EXPECT_EQ(accepted[0] + accepted[1], 50);
  EXPECT_GT(accepted[0], 10);
  EXPECT_GT(accepted[1], 10);
}

TEST_F(TcpPortsTest, OptionsHaveLinuxsDefaultsAndRanges) {
  TestSocket socket(kernel(), kAfInet, kSockStream);
  constexpr int kTcp = 6;
  EXPECT_EQ(*socket.Get(kTcp, 4), 7200);
  EXPECT_EQ(socket.Set(kTcp, 4, 0).error(), Errno::kInval);
  EXPECT_TRUE(socket.Set(kTcp, 9, 10).ok());
  EXPECT_EQ(*socket.Get(kTcp, 9), 15);
  EXPECT_EQ(*socket.Get(kTcp, 11), 7);
  EXPECT_EQ(socket.Set(kTcp, 99, 1).error(), Errno::kNoProtoOpt);
  EXPECT_EQ(*socket.Get(0, 2), 64);
  EXPECT_EQ(socket.Set(0, 2, 256).error(), Errno::kInval);
  EXPECT_EQ(socket.Get(41, 26).error(), Errno::kOpNotSupp);
  EXPECT_EQ(*socket.Get(kSolSocket, kSoSndBuf), 16384);
  EXPECT_EQ(*socket.Get(kSolSocket, kSoRcvBuf), 131072);
}

}  // namespace
}  // namespace pollux::os_emu
