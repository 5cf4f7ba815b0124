// What a network may do to a connection, one fault at a time.
#include <set>

#include "gtest/gtest.h"
#include "os_emu/socket/inet/testing.h"

namespace pollux::os_emu {
namespace {

using testing::kDataKey;
using testing::kSpaceKey;
using testing::TcpPair;
using testing::TestMachine;
using testing::TestSocket;
using Keys = std::vector<EventMask>;

constexpr EventMask kAllShut = kReadable | kWritable | kRdHup | kHup;

class TcpFaultsTest : public ::testing::Test, private TcpFaultSource {
 protected:
  TcpFaultsTest() { SetTcpFaultSource(kernel(), this); }
  ~TcpFaultsTest() override {
    wanted_.clear();
    if (!ends_now_) Pass();
  }

  Kernel& kernel() { return machine_.kernel(); }
  // The next time that it can.
  void Want(TcpFault fault) { wanted_.insert(fault); }
  bool Happened() const { return wanted_.empty(); }
  void EndNow() { ends_now_ = true; }
  // As long as anything is under way at most.
  void Pass() {
    kernel().clock().AdvanceBy(Nanos{1'000'000});
    kernel().ExpireTimers();
  }

 private:
  bool Happens(TcpFault fault) override { return wanted_.erase(fault) != 0; }

  std::set<TcpFault> wanted_;
  bool ends_now_ = false;
  TestMachine machine_;
};

TEST_F(TcpFaultsTest, BytesComeLateWithAnEdgeOfTheirOwn) {
  TcpPair pair(kernel());
  Want(TcpFault::kLateArrival);
  EXPECT_EQ(pair.client.Send("ab"), "2");
  EXPECT_TRUE(Happened());
  EXPECT_EQ(pair.client.Send("c"), "1") << "it does not overtake";
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
  EXPECT_EQ(pair.server.Poll(), kWritable);
  EXPECT_EQ(pair.server.Keys(), Keys{});
  Pass();
  EXPECT_EQ(pair.server.Keys(), Keys{kDataKey});
  EXPECT_EQ(pair.server.Receive(), "abc");
}

TEST_F(TcpFaultsTest, AnEndComesLateAndBehindTheBytes) {
  TcpPair pair(kernel());
  EXPECT_EQ(pair.client.Send("a"), "1");
  Want(TcpFault::kLateArrival);
  EXPECT_TRUE(pair.client->Shutdown(kShutWr).ok());
  EXPECT_TRUE(Happened());
  EXPECT_EQ(pair.server.Receive(), "a");
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
  Pass();
  EXPECT_EQ(pair.server.Receive(), "");
  EXPECT_EQ(pair.server.Poll(), kReadable | kWritable | kRdHup);

  // Of a socket that is gone.
  Want(TcpFault::kLateArrival);
  EXPECT_EQ(pair.server.Send("bc"), "2");
  pair.server.Close();
  EXPECT_EQ(pair.client.Receive(), "EAGAIN");
  Pass();
  EXPECT_EQ(pair.client.Receive(), "bc");
  EXPECT_EQ(pair.client.Receive(), "");
}

TEST_F(TcpFaultsTest, AConnectionIsMadeLate) {
  TestSocket listener(kernel(), kAfInet, kSockStream), client(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(1).ok());
  Want(TcpFault::kLateArrival);
  EXPECT_EQ(client->Connect(listener.Name(), false).error(), Errno::kInProgress);
  EXPECT_EQ(client.Keys(), Keys{});
  EXPECT_EQ(client.Poll(), 0u);
  EXPECT_EQ(listener.Poll(), 0u);
  EXPECT_EQ(client->Connect(listener.Name(), false).error(), Errno::kAlready);
  Pass();
  EXPECT_EQ(client.Keys(), Keys{0});
  EXPECT_EQ(client.Poll(), kWritable);
  EXPECT_EQ(listener.Poll(), kReadable);
}

TEST_F(TcpFaultsTest, AConnectionThatIsUnderWayCanBeGivenUp) {
  TestSocket listener(kernel(), kAfInet, kSockStream), client(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(1).ok());
  Want(TcpFault::kLateArrival);
  EXPECT_FALSE(client->Connect(listener.Name(), false).ok());
  client.Close();
  Pass();
  EXPECT_EQ(listener.Poll(), 0u);
}

TEST_F(TcpFaultsTest, APartComesFirst) {
  TcpPair pair(kernel());
  Want(TcpFault::kSplitArrival);
  EXPECT_EQ(pair.client.Send("abcdef"), "6");
  EXPECT_EQ(pair.server.Keys(), Keys{kDataKey});
  const std::string first = pair.server.Receive();
  EXPECT_GE(first.size(), 1u);
  EXPECT_LT(first.size(), 6u);
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
  pair.client.Close();
  EXPECT_EQ(pair.server.Receive(), "EAGAIN") << "the end comes behind the rest";
  EXPECT_EQ(pair.server.Keys(), Keys{});
  Pass();
  EXPECT_EQ(first + pair.server.Receive(), "abcdef");
  EXPECT_EQ(pair.server.Receive(), "");
}

TEST_F(TcpFaultsTest, AWriteIsShortAndTheRestHasAnEdge) {
  TcpPair pair(kernel());
  Want(TcpFault::kSmallWindow);
  EXPECT_EQ(pair.client.Send("abc"), "3") << "as much as any send queue holds";
  EXPECT_FALSE(Happened());
  EXPECT_EQ(pair.server.Receive(), "abc");

  const std::string text(5000, 'x');
  const size_t taken = std::stoul(pair.client.Send(text));
  EXPECT_GE(taken, 536u);
  EXPECT_LT(taken, text.size());
  EXPECT_EQ(pair.client.Send("x"), "EAGAIN");
  EXPECT_EQ(pair.client.Poll(), 0u);
  EXPECT_EQ(pair.client.Keys(), Keys{});
  Pass();
  EXPECT_EQ(pair.client.Keys(), Keys{kSpaceKey});
  EXPECT_EQ(pair.client.Poll(), kWritable);
  EXPECT_EQ(pair.server.Receive(text.size()).size(), taken);
  EXPECT_EQ(pair.client.Send("abcdef"), "6");
}

TEST_F(TcpFaultsTest, ThereIsLittleRoomBesideWhatIsUnderWay) {
  TcpPair pair(kernel());
  Want(TcpFault::kLateArrival);
  EXPECT_EQ(pair.client.Send(std::string(536, 'x')), "536");
  Want(TcpFault::kSmallWindow);
  EXPECT_EQ(pair.client.Send("b"), "EAGAIN");
  EXPECT_EQ(pair.client.Poll(), 0u);
  Pass();
  EXPECT_EQ(pair.client.Keys(), Keys{kSpaceKey});
  EXPECT_EQ(pair.client.Send("b"), "1");
  EXPECT_EQ(pair.server.Receive(1000).size(), 537u);
}

TEST_F(TcpFaultsTest, AMachineEndsWhileEndsAreUnderWay) {
  TcpPair pair(kernel());
  Want(TcpFault::kLateArrival);
  pair.client.Close();
  EXPECT_TRUE(Happened());
  Want(TcpFault::kLateArrival);
  pair.server.Close();
  EndNow();
}

TEST_F(TcpFaultsTest, AResetIsAnErrorOnBothSides) {
  TcpPair pair(kernel());
  EXPECT_EQ(pair.client.Send("a"), "1");
  pair.server.Keys();
  Want(TcpFault::kReset);
  EXPECT_EQ(pair.client.Send("b"), "ECONNRESET");
  EXPECT_TRUE(Happened());
  EXPECT_EQ(pair.client.Send("b"), "EPIPE");
  EXPECT_EQ(pair.client.Poll(), kAllShut);
  EXPECT_EQ(pair.server.Keys(), (Keys{0, kErr}));
  EXPECT_EQ(pair.server.Poll(), kAllShut | kErr);
  EXPECT_EQ(pair.server.Receive(), "a") << "what has come is there";
  EXPECT_EQ(pair.server.Receive(), "ECONNRESET");
  EXPECT_EQ(pair.server.Receive(), "");
}

TEST_F(TcpFaultsTest, AReaderLosesTheConnection) {
  TcpPair pair(kernel());
  Want(TcpFault::kReset);
  EXPECT_EQ(pair.client.Receive(), "ECONNRESET");
  EXPECT_EQ(pair.server.Poll(), kAllShut | kErr);
}

}  // namespace
}  // namespace pollux::os_emu
