#include <gtest/gtest.h>

#include "os_emu/socket/inet/testing.h"

namespace pollux::os_emu {
namespace {

using testing::kDataKey;
using testing::kLocalhost;
using testing::kSpaceKey;
using testing::PortOf;
using testing::TestMachine;
using testing::TestSocket;
using testing::V4Address;
using testing::V6Address;
using Keys = std::vector<EventMask>;

constexpr EventMask kIdle = kWritable | kWrBand;

class UdpTest : public ::testing::Test {
 protected:
  UdpTest()
      : a_(machine_.kernel(), kAfInet, kSockDgram), b_(machine_.kernel(), kAfInet, kSockDgram) {
    EXPECT_TRUE(a_.Bind().ok());
    EXPECT_TRUE(b_.Bind().ok());
  }
  Kernel& kernel() { return machine_.kernel(); }
  std::string SendTo(TestSocket& from, std::string_view bytes, TestSocket& to) {
    const SocketAddress name = to.Name();
    return from.Send(bytes, 0, &name);
  }
  TestMachine machine_;
  TestSocket a_, b_;
};

TEST_F(UdpTest, SendingIsAnEdgeForBoth) {
  EXPECT_EQ(a_.Poll(), kIdle);
  EXPECT_EQ(SendTo(a_, "hello", b_), "5");
  EXPECT_EQ(a_.Keys(), Keys{kSpaceKey});
  EXPECT_EQ(b_.Keys(), Keys{kDataKey});
  EXPECT_EQ(b_.Poll(), kIdle | kReadable);
  EXPECT_EQ(b_.Receive(), "hello");
  EXPECT_EQ(b_.last.from.span().size(), 16u);
  EXPECT_EQ(PortOf(b_.last.from), PortOf(a_.Name()));
  EXPECT_EQ(b_.Receive(), "EAGAIN");
}

TEST_F(UdpTest, DatagramsKeepTheirBounds) {
  SendTo(a_, "first", b_);
  SendTo(a_, "", b_);
  EXPECT_EQ(b_.Receive(2, kMsgPeek), "fi");
  EXPECT_EQ(b_.last.out_flags, kMsgTrunc);
  EXPECT_EQ(b_.Receive(2), "fi");
  EXPECT_EQ(b_.Poll(), kIdle | kReadable);
  EXPECT_EQ(b_.Receive(), "");
  EXPECT_EQ(b_.Poll(), kIdle);
}

TEST_F(UdpTest, ARefusalReachesAConnectedSender) {
  const SocketAddress closed = b_.Name();
  b_.Close();
  EXPECT_EQ(a_.Send("x", 0, &closed), "1");
  EXPECT_EQ(a_.Poll(), kIdle);
  ASSERT_TRUE(a_.Connect(closed).ok());
  a_.Keys();
  EXPECT_EQ(a_.Send("x"), "1");
  EXPECT_EQ(a_.Keys(), (Keys{kSpaceKey, kErr}));
  EXPECT_EQ(a_.Poll(), kIdle | kErr);
  EXPECT_EQ(a_.Send("x"), "ECONNREFUSED");
  EXPECT_EQ(a_.Poll(), kIdle);
  a_.Send("x");
  EXPECT_EQ(a_.Receive(), "ECONNREFUSED");
  EXPECT_EQ(a_.Receive(), "EAGAIN");
}

TEST_F(UdpTest, TheErrorQueueTellsWhatWasRefused) {
  const SocketAddress closed = b_.Name();
  b_.Close();
  ASSERT_TRUE(a_.Set(0, 11, 1).ok());  // IP_RECVERR
  a_.Send("lost", 0, &closed);
  EXPECT_EQ(a_.Poll(), kIdle | kErr);
  EXPECT_EQ(a_.Receive(100, kMsgErrQueue), "lost");
  EXPECT_EQ(a_.last.out_flags, kMsgErrQueue);
  ASSERT_EQ(a_.last.control.size(), 1u);
  EXPECT_EQ(a_.last.control[0].data[0], 111);
  EXPECT_EQ(PortOf(a_.last.from), PortOf(closed));
  EXPECT_EQ(a_.Receive(100, kMsgErrQueue), "EAGAIN");
  EXPECT_EQ(a_.Poll(), kIdle);
}

TEST_F(UdpTest, AConnectedSocketHearsItsPeerOnly) {
  TestSocket c(kernel(), kAfInet, kSockDgram);
  ASSERT_TRUE(a_.Connect(b_.Name()).ok());
  ASSERT_TRUE(c.Bind().ok());
  SendTo(c, "stranger", a_);
  EXPECT_EQ(a_.Receive(), "EAGAIN");
  SendTo(b_, "friend", a_);
  EXPECT_EQ(a_.Receive(), "friend");
  ASSERT_TRUE(a_.Connect(SocketAddress(std::vector<uint8_t>(16))).ok());
  EXPECT_EQ(a_->PeerName().error(), Errno::kNotConn);
  EXPECT_EQ(a_.Send("x"), "EDESTADDRREQ");
}

TEST_F(UdpTest, APeerOfPortZeroIsAConnection) {
  ASSERT_TRUE(a_.Connect(V4Address(kLocalhost, 0)).ok());
  EXPECT_EQ(a_->PeerName().error(), Errno::kNotConn);
  EXPECT_EQ(a_.Send("x"), "1");
  EXPECT_EQ(a_.Send("x"), "ECONNREFUSED");
  SendTo(b_, "any port", a_);
  EXPECT_EQ(a_.Receive(), "any port");
  TestSocket stranger(kernel(), kAfInet, kSockDgram);
  ASSERT_TRUE(stranger.Bind(kLocalhost + 1).ok());
  SendTo(stranger, "another address", a_);
  EXPECT_EQ(a_.Receive(), "EAGAIN");
  EXPECT_TRUE(a_->Shutdown(kShutRd).ok());
}

TEST_F(UdpTest, BadDestinationsAndSizes) {
  const SocketAddress to = b_.Name(), broadcast = V4Address(0x7fffffff, 9),
                      away = V4Address(0x0a010101, 9), no_port = V4Address(kLocalhost, 0);
  EXPECT_EQ(a_.Send(std::string(65508, 'x'), 0, &to), "EMSGSIZE");
  EXPECT_EQ(a_.Send(std::string(65507, 'x'), 0, &to), "65507");
  EXPECT_EQ(a_.Send("x", 0, &broadcast), "EACCES");
  EXPECT_EQ(a_.Send("x", 0, &away), "ENETUNREACH");
  EXPECT_EQ(a_.Send("x", 0, &no_port), "EINVAL");
  EXPECT_EQ(a_.Send("x"), "EDESTADDRREQ");
  EXPECT_EQ(a_->Listen(1).error(), Errno::kOpNotSupp);
}

TEST_F(UdpTest, AFullBufferDropsSilently) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(SendTo(a_, std::string(1000, 'x'), b_), "1000");
  int got = 0;
  while (b_.Receive(1) == "x") ++got;
  EXPECT_GT(got, 50);
  EXPECT_LT(got, 300);
}

TEST_F(UdpTest, ShutDownForReadingHangsUpAndReportsNoError) {
  EXPECT_EQ(a_->Shutdown(kShutWr).error(), Errno::kNotConn);
  ASSERT_TRUE(a_.Connect(b_.Name()).ok());
  EXPECT_EQ(a_.Send("x"), "EPIPE");
  EXPECT_TRUE(a_->Shutdown(kShutRd).ok());
  EXPECT_EQ(a_.Poll(), kIdle | kReadable | kRdHup | kHup);
  EXPECT_EQ(a_.Receive(), "EAGAIN");
}

TEST_F(UdpTest, PacketInformationTellsTheAddress) {
  TestSocket any(kernel(), kAfInet, kSockDgram);
  ASSERT_TRUE(any.Bind(0).ok());
  ASSERT_TRUE(any.Set(0, 8, 1).ok());  // IP_PKTINFO
  const SocketAddress to = V4Address(0x7f000005, PortOf(any.Name()));
  a_.Send("x", 0, &to);
  EXPECT_EQ(any.Receive(), "x");
  ASSERT_EQ(any.last.control.size(), 1u);
  EXPECT_EQ(any.last.control[0].data,
            (std::vector<uint8_t>{1, 0, 0, 0, 127, 0, 0, 5, 127, 0, 0, 5}));
}

TEST_F(UdpTest, DualStackSocketsSpeakToBothFamilies) {
  TestSocket six(kernel(), kAfInet6, kSockDgram);
  ASSERT_TRUE(six->Bind(V6Address(IpAddress(), 0)).ok());
  const SocketAddress v4 = V4Address(kLocalhost, PortOf(six.Name()));
  EXPECT_EQ(a_.Send("x", 0, &v4), "1");
  EXPECT_EQ(six.Receive(), "x");
  const SocketAddress from = six.last.from;
  EXPECT_EQ(DecodeAddress(kAfInet6, from)->address, IpAddress::V4(kLocalhost));
  EXPECT_EQ(six.Send("back", 0, &from), "4");
  EXPECT_EQ(a_.Receive(), "back");
}

TEST_F(UdpTest, QueuedDatagramsAreChargedAndGivenBack) {
  const uint64_t before = kernel().budget().used_bytes;
  {
    TestSocket c(kernel(), kAfInet, kSockDgram);
    ASSERT_TRUE(c.Bind().ok());
    SendTo(a_, std::string(5000, 'x'), c);
    EXPECT_GT(kernel().budget().used_bytes, before + 5000);
  }
  EXPECT_EQ(kernel().budget().used_bytes, before);
}

TEST_F(UdpTest, SocketsThatAreNotOffered) {
  const auto error = [&](int domain, int type, int protocol) {
    Result<DescriptionRef> made = MakeInetSocket(kernel(), domain, type, protocol, 0);
    return made.ok() ? 0 : static_cast<int>(made.error());
  };
  EXPECT_EQ(error(kAfInet, kSockStream, 17), 93);
  EXPECT_EQ(error(kAfInet, kSockDgram, 1), 13);
  EXPECT_EQ(error(kAfInet, kSockRaw, 1), 1);
  EXPECT_EQ(error(kAfInet, kSockRaw, 0), 93);
  EXPECT_EQ(error(kAfInet, kSockSeqPacket, 0), 94);
  EXPECT_EQ(error(kAfInet, kSockStream, 300), 22);
  EXPECT_EQ(error(kAfInet6, kSockDgram, 58), 13);
}

}  // namespace
}  // namespace pollux::os_emu
