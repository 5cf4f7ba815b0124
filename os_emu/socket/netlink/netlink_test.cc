#include "os_emu/socket/netlink/netlink.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "os_emu/socket/socket.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::TestMachine;
using Bytes = std::vector<uint8_t>;

class NetlinkTest : public ::testing::Test {
 protected:
  NetlinkTest() : description_(Make()) {}
  DescriptionRef Make() {
    Result<DescriptionRef> made =
        MakeNetlinkSocket(machine_.kernel(), kAfNetlink, kSockRaw, 0, kONonBlock);
    EXPECT_TRUE(made.ok());
    return *std::move(made);
  }
  Socket& socket() { return *Socket::From(*description_); }
  static Bytes Request(uint16_t type, uint16_t flags, const Bytes& payload) {
    Bytes bytes(16);
    const uint32_t length = static_cast<uint32_t>(16 + payload.size()), sequence = 7;
    std::memcpy(bytes.data(), &length, 4);
    std::memcpy(bytes.data() + 4, &type, 2);
    std::memcpy(bytes.data() + 6, &flags, 2);
    std::memcpy(bytes.data() + 8, &sequence, 4);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }
  Result<size_t> Send(const Bytes& bytes) {
    memory::UserBuffer buffer = memory::UserBuffer::HostConst(bytes);
    OutgoingMessage message;
    message.data = &buffer;
    return socket().Send(message);
  }
  // Empty: nothing there.
  Bytes Receive() {
    Bytes bytes(8192);
    memory::UserBuffer buffer = memory::UserBuffer::Host(bytes);
    IncomingMessage message;
    message.data = &buffer;
    const Result<size_t> got = socket().Receive(message);
    bytes.resize(got.ok() ? *got : 0);
    return bytes;
  }
  static uint16_t TypeOf(const Bytes& message) {
    uint16_t type;
    std::memcpy(&type, message.data() + 4, 2);
    return type;
  }
  static int32_t ErrorOf(const Bytes& message) {
    int32_t error;
    std::memcpy(&error, message.data() + 16, 4);
    return error;
  }
  static Bytes Address(uint32_t port) {
    Bytes bytes(12);
    bytes[0] = kAfNetlink;
    std::memcpy(bytes.data() + 4, &port, 4);
    return bytes;
  }

  TestMachine machine_;
  DescriptionRef description_;
};

constexpr uint16_t kDumpRequest = 0x301, kRequest = 1, kRequestWithAck = 5;

TEST_F(NetlinkTest, ADumpOfLinksIsTheLoopbackAndThenTheEnd) {
  EXPECT_EQ(*Send(Request(18, kDumpRequest, Bytes(16))), 32u);
  EXPECT_NE(socket().Poll() & kIn, 0u);
  const Bytes link = Receive();
  ASSERT_GT(link.size(), 32u);
  EXPECT_EQ(TypeOf(link), 16);
  EXPECT_NE(std::string(link.begin(), link.end()).find(std::string("lo\0", 3)), std::string::npos);
  const Bytes done = Receive();
  ASSERT_EQ(done.size(), 20u);
  EXPECT_EQ(TypeOf(done), 3);
  EXPECT_TRUE(Receive().empty());
  EXPECT_EQ(socket().Poll(), kWritable | kWrBand);
}

TEST_F(NetlinkTest, AddressesOfBothFamilies) {
  EXPECT_TRUE(Send(Request(22, kDumpRequest, Bytes(8))).ok());
  EXPECT_EQ(Receive().size(), 156u);  // As Linux's, to the byte.
  EXPECT_EQ(TypeOf(Receive()), 3);
  EXPECT_TRUE(Send(Request(22, kDumpRequest, Bytes{kAfInet, 0, 0, 0, 0, 0, 0, 0})).ok());
  EXPECT_EQ(Receive().size(), 76u);
}

TEST_F(NetlinkTest, RoutesOfBothFamilies) {
  EXPECT_TRUE(Send(Request(26, kDumpRequest, Bytes(12))).ok());
  EXPECT_EQ(Receive().size(), 296u);
}

TEST_F(NetlinkTest, ErrorsComeBackAsMessages) {
  Bytes ninth(16);
  ninth[4] = 9;
  EXPECT_TRUE(Send(Request(18, kRequest, ninth)).ok());
  const Bytes error = Receive();
  EXPECT_EQ(TypeOf(error), 2);
  EXPECT_EQ(ErrorOf(error), -19);
  EXPECT_EQ(error.size(), 20u + 32u);
  EXPECT_TRUE(Send(Request(16, kRequest, Bytes(16))).ok());
  EXPECT_EQ(ErrorOf(Receive()), -1);
  EXPECT_TRUE(Send(Request(2000, kRequest, Bytes())).ok());
  EXPECT_EQ(ErrorOf(Receive()), -95);
}

TEST_F(NetlinkTest, AnAcknowledgementWhereItIsWanted) {
  Bytes first(16);
  first[4] = 1;
  EXPECT_TRUE(Send(Request(18, kRequestWithAck, first)).ok());
  EXPECT_EQ(TypeOf(Receive()), 16);
  const Bytes ack = Receive();
  EXPECT_EQ(ack.size(), 36u);
  EXPECT_EQ(ErrorOf(ack), 0);
}

TEST_F(NetlinkTest, DamagedRequestsAreLeftAlone) {
  EXPECT_EQ(*Send(Bytes{1, 2, 3}), 3u);
  Bytes lying = Request(18, kDumpRequest, Bytes(4));
  lying[0] = 200;
  EXPECT_TRUE(Send(lying).ok());
  lying[0] = 12;
  EXPECT_TRUE(Send(lying).ok());
  EXPECT_TRUE(Receive().empty());
}

TEST_F(NetlinkTest, ThePortIsTheProcessAndTaken) {
  const uint32_t pid = static_cast<uint32_t>(machine_.process().pid());
  EXPECT_TRUE(socket().Bind(SocketAddress(Address(0))).ok());
  const auto port_of = [](Socket& socket) {
    uint32_t port;
    std::memcpy(&port, socket.Name()->bytes.data() + 4, 4);
    return port;
  };
  EXPECT_EQ(port_of(socket()), pid);
  DescriptionRef other = Make();
  Socket& second = *Socket::From(*other);
  EXPECT_EQ(second.Bind(SocketAddress(Address(pid))).error(), Errno::kAddrInUse);
  EXPECT_TRUE(second.Bind(SocketAddress(Address(0))).ok());
  EXPECT_GT(port_of(second), 1u << 31);
  EXPECT_EQ(second.Bind(SocketAddress(Address(5))).error(), Errno::kInval);
}

TEST_F(NetlinkTest, OtherProtocolsAreNotThere) {
  EXPECT_EQ(MakeNetlinkSocket(machine_.kernel(), kAfNetlink, kSockRaw, 15, 0).error(),
            Errno::kProtoNoSupport);
  EXPECT_EQ(MakeNetlinkSocket(machine_.kernel(), kAfNetlink, kSockStream, 0, 0).error(),
            Errno::kSockTNoSupport);
}

}  // namespace
}  // namespace pollux::os_emu
