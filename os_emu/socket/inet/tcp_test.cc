#include <gtest/gtest.h>

#include "os_emu/socket/inet/ip_options.h"
#include "os_emu/socket/inet/testing.h"

namespace pollux::os_emu {
namespace {

using testing::kDataKey;
using testing::kLocalhost;
using testing::kSpaceKey;
using testing::TcpPair;
using testing::TestMachine;
using testing::TestSocket;
using testing::V4Address;
using Keys = std::vector<EventMask>;

constexpr EventMask kAllShut = kReadable | kWritable | kRdHup | kHup;

class TcpTest : public ::testing::Test {
 protected:
  Kernel& kernel() { return machine_.kernel(); }
  Nanos Second(int64_t n) { return Nanos{n * 1'000'000'000}; }
  void Pass(Nanos span) {
    kernel().clock().AdvanceBy(span);
    kernel().ExpireTimers();
  }
  // An address of 127.0.0.1 that nobody listens at.
  SocketAddress ClosedPort() {
    TestSocket socket(kernel(), kAfInet, kSockStream);
    EXPECT_TRUE(socket.Bind().ok());
    return socket.Name();
  }
  TestMachine machine_;
};

TEST_F(TcpTest, AFreshSocketIsHungUpAndWritable) {
  TestSocket socket(kernel(), kAfInet, kSockStream);
  EXPECT_EQ(socket.Poll(), kWritable | kHup);
  EXPECT_EQ(socket.Receive(), "ENOTCONN");
  EXPECT_EQ(socket.Send("x"), "EPIPE");
  EXPECT_EQ(socket->PeerName().error(), Errno::kNotConn);
}

TEST_F(TcpTest, ConnectingWakesTheClientForEverythingAndTheListenerForData) {
  TestSocket listener(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(1).ok());
  EXPECT_EQ(listener.Poll(), 0u);
  TestSocket client(kernel(), kAfInet, kSockStream);
  EXPECT_EQ(client->Connect(listener.Name(), false).error(), Errno::kInProgress);
  EXPECT_EQ(client.Keys(), Keys{0});
  EXPECT_EQ(listener.Keys(), Keys{kDataKey});
  EXPECT_EQ(client.Poll(), kWritable);
  EXPECT_EQ(listener.Poll(), kReadable);
  EXPECT_TRUE(client->Connect(listener.Name(), false).ok());
  EXPECT_EQ(client->Connect(listener.Name(), false).error(), Errno::kIsConn);
}

TEST_F(TcpTest, ARefusedConnectionLeavesErrorAndHangUp) {
  const SocketAddress closed = ClosedPort();
  TestSocket client(kernel(), kAfInet, kSockStream);
  EXPECT_EQ(client->Connect(closed, false).error(), Errno::kInProgress);
  EXPECT_EQ(client.Keys(), (Keys{0, kErr}));
  EXPECT_EQ(client.Poll(), kAllShut | kErr);
  EXPECT_EQ(client.Error(), 111);
  EXPECT_EQ(client.Poll(), kAllShut);
  // The error was taken: what is left to say is that it was aborted.
  EXPECT_EQ(client->Connect(closed, false).error(), Errno::kConnAborted);
  EXPECT_EQ(client.Poll(), kWritable | kHup);
  EXPECT_EQ(client->Connect(closed, true).error(), Errno::kConnRefused);
}

TEST_F(TcpTest, EachArrivalIsAnEdgeAndAReadIsNone) {
  TcpPair pair(kernel());
  EXPECT_EQ(pair.client.Send("ab"), "2");
  EXPECT_EQ(pair.server.Keys(), Keys{kDataKey});
  EXPECT_EQ(pair.client.Send("c"), "1");
  EXPECT_EQ(pair.server.Keys(), Keys{kDataKey});
  EXPECT_EQ(pair.server.Receive(1), "a");
  EXPECT_EQ(pair.server.Receive(), "bc");
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
  EXPECT_EQ(pair.client.Keys(), Keys{});
  EXPECT_EQ(pair.server.Keys(), Keys{});
}

TEST_F(TcpTest, AWriterThatFoundNoRoomIsWokenOnceWhenThereIsEnough) {
  TcpPair pair(kernel());
  const std::string block(65536, 'x');
  size_t sent = 0;
  for (std::string result = pair.client.Send(block); result != "EAGAIN";
       result = pair.client.Send(block)) {
    sent += std::stoul(result);
  }
  EXPECT_EQ(pair.client.Poll(), 0u);
  EXPECT_EQ(pair.client.Keys(), Keys{});
  pair.server.Receive(10);
  EXPECT_EQ(pair.client.Poll(), 0u);
  EXPECT_EQ(pair.client.Keys(), Keys{});
  size_t got = 10, edges = 0;
  while (got < sent) {
    const std::string bytes = pair.server.Receive(4096);
    ASSERT_NE(bytes, "EAGAIN") << got;
    got += bytes.size();
    edges += pair.client.Keys().size();
  }
  EXPECT_EQ(edges, 1u);
  EXPECT_EQ(pair.client.Poll(), kWritable);
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
}

TEST_F(TcpTest, RoomIsAnEdgeOnlyForWhoAskedForIt) {
  for (const bool asks : {false, true}) {
    TcpPair pair(kernel());
    ASSERT_TRUE(pair.client.Set(kSolSocket, kSoSndBuf, 60'000).ok());
    // The peer's 131072 bytes are full, and of the own 120000 more than two thirds: all was taken.
    ASSERT_EQ(pair.client.Send(std::string(131'072 + 100'000, 'x')), "231072");
    if (asks) {
      EXPECT_EQ(pair.client.Poll(), 0u);
    }
    pair.client.Keys();
    while (pair.server.Receive(50'000) != "EAGAIN") continue;
    EXPECT_EQ(pair.client.Keys(), asks ? Keys{kSpaceKey} : Keys{});
  }
}

TEST_F(TcpTest, HalfCloseReachesThePeerAndWakesBoth) {
  TcpPair pair(kernel());
  EXPECT_TRUE(pair.client->Shutdown(kShutWr).ok());
  EXPECT_EQ(pair.server.Poll(), kReadable | kWritable | kRdHup);
  EXPECT_EQ(pair.client.Poll(), kWritable);
  EXPECT_EQ(pair.server.Keys(), (Keys{0, kDataKey}));
  EXPECT_EQ(pair.client.Keys(), (Keys{0, 0}));
  EXPECT_EQ(pair.server.Receive(), "");
  EXPECT_EQ(pair.client.Send("x"), "EPIPE");
  EXPECT_EQ(pair.server.Send("late"), "4");
  EXPECT_EQ(pair.client.Receive(), "late");
  EXPECT_TRUE(pair.server->Shutdown(kShutWr).ok());
  EXPECT_EQ(pair.client.Poll(), kAllShut);
  EXPECT_EQ(pair.server.Poll(), kAllShut);
  EXPECT_EQ(pair.client->PeerName().error(), Errno::kNotConn);
  EXPECT_EQ(pair.client->Shutdown(kShutWr).error(), Errno::kNotConn);
}

TEST_F(TcpTest, ClosingWithUnreadDataResets) {
  TcpPair pair(kernel());
  pair.server.Send("hello");
  pair.client.Send("abc");
  pair.client.Keys();
  pair.server.Close();
  EXPECT_EQ(pair.client.Keys(), (Keys{0, kErr}));
  EXPECT_EQ(pair.client.Poll(), kAllShut | kErr);
  // What had come stays readable.
  EXPECT_EQ(pair.client.Receive(), "hello");
  EXPECT_EQ(pair.client.Receive(), "ECONNRESET");
  EXPECT_EQ(pair.client.Receive(), "");
  EXPECT_EQ(pair.client.Send("x"), "EPIPE");
}

TEST_F(TcpTest, WritingAfterThePeersCloseSucceedsOnce) {
  TcpPair pair(kernel());
  pair.server.Close();
  EXPECT_EQ(pair.client.Poll(), kReadable | kWritable | kRdHup);
  EXPECT_EQ(pair.client.Send("x"), "1");
  EXPECT_EQ(pair.client.Poll(), kAllShut | kErr);
  EXPECT_EQ(pair.client.Send("x"), "EPIPE");
  EXPECT_EQ(pair.client.Error(), 0);
}

TEST_F(TcpTest, LingerWithoutTimeResets) {
  TcpPair pair(kernel());
  const int32_t linger[2] = {1, 0};
  ASSERT_TRUE(pair.server
                  ->SetOption(kSolSocket, kSoLinger,
                              {reinterpret_cast<const uint8_t*>(linger), sizeof(linger)})
                  .ok());
  pair.server.Close();
  EXPECT_EQ(pair.client.Error(), 104);
}

TEST_F(TcpTest, AnOrphanDeliversWhatItHasAndThenItsEnd) {
  TcpPair pair(kernel());
  const std::string block(1 << 20, 'y');
  ASSERT_EQ(pair.server.Send(block), "1048576");
  pair.server.Close();
  EXPECT_EQ(pair.client.Poll(), kReadable | kWritable);
  size_t got = 0;
  for (std::string bytes = pair.client.Receive(10000); !bytes.empty();
       bytes = pair.client.Receive(10000)) {
    ASSERT_EQ(bytes.find_first_not_of('y'), std::string::npos) << bytes.substr(0, 20);
    got += bytes.size();
  }
  EXPECT_EQ(got, block.size());
  EXPECT_EQ(pair.client.Poll(), kReadable | kWritable | kRdHup);
}

TEST_F(TcpTest, DataAfterShuttingBothWaysResetsBoth) {
  TcpPair pair(kernel());
  EXPECT_TRUE(pair.client->Shutdown(kShutRd).ok());
  EXPECT_EQ(pair.client.Receive(), "");
  EXPECT_EQ(pair.server.Send("abc"), "3");
  EXPECT_EQ(pair.client.Receive(), "abc");  // As Linux does.
  EXPECT_TRUE(pair.client->Shutdown(kShutWr).ok());
  EXPECT_EQ(pair.server.Send("zz"), "2");
  EXPECT_EQ(pair.client.Error(), 104);
  EXPECT_EQ(pair.server.Error(), 32);
}

TEST_F(TcpTest, AFullBacklogDropsUntilTheClockComesAround) {
  TestSocket listener(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(0).ok());
  TestSocket first(kernel(), kAfInet, kSockStream), second(kernel(), kAfInet, kSockStream);
  EXPECT_TRUE(first.Connect(listener.Name()).ok());
  EXPECT_EQ(second->Connect(listener.Name(), false).error(), Errno::kInProgress);
  EXPECT_EQ(second.Poll(), 0u);
  EXPECT_EQ(second->Connect(listener.Name(), false).error(), Errno::kAlready);
  EXPECT_EQ(second.Send("x"), "EAGAIN");
  EXPECT_TRUE(listener->Accept(0).ok());
  EXPECT_EQ(second.Poll(), 0u);
  Pass(Second(1));
  EXPECT_EQ(second.Poll(), kWritable);
  EXPECT_TRUE(listener->Accept(0).ok());
}

TEST_F(TcpTest, ConnectingToAFullBacklogTimesOut) {
  TestSocket listener(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(0).ok());
  TestSocket first(kernel(), kAfInet, kSockStream), second(kernel(), kAfInet, kSockStream);
  EXPECT_TRUE(first.Connect(listener.Name()).ok());
  EXPECT_EQ(second->Connect(listener.Name(), false).error(), Errno::kInProgress);
  int seconds = 0;
  while (second.Poll() == 0 && seconds < 1000) {
    Pass(Second(1));
    ++seconds;
  }
  EXPECT_EQ(seconds, 131);
  EXPECT_EQ(second.Error(), 110);
}

TEST_F(TcpTest, ClosingAListenerResetsWhomNobodyAccepted) {
  TestSocket listener(kernel(), kAfInet, kSockStream), client(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(listener.Bind().ok());
  ASSERT_TRUE(listener->Listen(1).ok());
  EXPECT_TRUE(client.Connect(listener.Name()).ok());
  listener.Close();
  EXPECT_EQ(client.Error(), 104);
}

TEST_F(TcpTest, TheOutOfBandByteIsSeenAsPriorityAndLeftOutOfTheStream) {
  TcpPair pair(kernel());
  EXPECT_EQ(pair.client.Send("abcD", kMsgOob), "4");
  EXPECT_EQ(pair.server.Poll(), kReadable | kWritable | kPri);
  EXPECT_EQ(pair.server.Receive(), "abc");
  EXPECT_EQ(pair.server.Poll(), kWritable | kPri);
  EXPECT_EQ(pair.server.Receive(1, kMsgOob), "D");
  EXPECT_EQ(pair.server.Receive(1, kMsgOob), "EINVAL");
  EXPECT_EQ(pair.server.Poll(), kWritable);
  pair.client.Send("ef");
  EXPECT_EQ(pair.server.Receive(), "ef");
  // Not taken before another comes: it is ordinary then.
  pair.client.Send("abZ", kMsgOob);
  pair.client.Send("cdW", kMsgOob);
  pair.client.Send("e");
  EXPECT_EQ(pair.server.Receive(), "abZcd");
  EXPECT_EQ(pair.server.Receive(), "e");
}

TEST_F(TcpTest, CorkedBytesWaitForTheCorkOrTheTimer) {
  TcpPair pair(kernel());
  constexpr int kCork = 3, kLevel = 6;
  ASSERT_TRUE(pair.client.Set(kLevel, kCork, 1).ok());
  EXPECT_EQ(pair.client.Send("x"), "1");
  EXPECT_EQ(pair.server.Poll(), kWritable);
  Pass(Nanos{200'000'000});
  EXPECT_EQ(pair.server.Receive(), "x");
  EXPECT_EQ(pair.client.Send("y"), "1");
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
  ASSERT_TRUE(pair.client.Set(kLevel, kCork, 0).ok());
  EXPECT_EQ(pair.server.Receive(), "y");
  EXPECT_EQ(pair.client.Send("m", kMsgMore), "1");
  EXPECT_EQ(pair.server.Receive(), "EAGAIN");
  EXPECT_EQ(pair.client.Send("n"), "1");
  EXPECT_EQ(pair.server.Receive(), "mn");
}

TEST_F(TcpTest, LowWaterMarkDelaysReadiness) {
  TcpPair pair(kernel());
  ASSERT_TRUE(pair.server.Set(kSolSocket, kSoRcvLoWat, 5).ok());
  pair.client.Send("abc");
  EXPECT_EQ(pair.server.Keys(), Keys{});
  EXPECT_EQ(pair.server.Poll(), kWritable);
  pair.client.Send("def");
  EXPECT_EQ(pair.server.Keys(), Keys{kDataKey});
  EXPECT_EQ(pair.server.Poll(), kReadable | kWritable);
  EXPECT_TRUE(pair.server.Set(kSolSocket, kSoRcvLoWat, 10).ok());
  EXPECT_EQ(pair.server.Keys(), Keys{});
  EXPECT_TRUE(pair.server.Set(kSolSocket, kSoRcvLoWat, 1).ok());
  EXPECT_EQ(pair.server.Keys(), Keys{kDataKey});
}

TEST_F(TcpTest, ASocketConnectsToItself) {
  TestSocket socket(kernel(), kAfInet, kSockStream);
  ASSERT_TRUE(socket.Bind().ok());
  EXPECT_TRUE(socket.Connect(socket.Name()).ok());
  EXPECT_EQ(socket.Send("echo"), "4");
  EXPECT_EQ(socket.Receive(), "echo");
  EXPECT_TRUE(socket->Shutdown(kShutWr).ok());
  EXPECT_EQ(socket.Poll(), kAllShut);
}

TEST_F(TcpTest, DisconnectingResetsAndLeavesAnError) {
  TcpPair pair(kernel());
  EXPECT_TRUE(pair.client.Connect(SocketAddress(std::vector<uint8_t>(16))).ok());
  EXPECT_EQ(pair.client.Poll(), kWritable | kHup | kErr);
  EXPECT_EQ(pair.client.Error(), 104);
  EXPECT_EQ(pair.server.Error(), 104);
}

TEST_F(TcpTest, QueuedBytesAreChargedAndGivenBack) {
  const uint64_t before = kernel().budget().used_bytes;
  {
    TcpPair pair(kernel());
    const uint64_t idle = kernel().budget().used_bytes;
    pair.client.Send(std::string(100'000, 'x'));
    EXPECT_GE(kernel().budget().used_bytes, idle + 100'000);
    pair.server.Receive(200'000);
    EXPECT_EQ(kernel().budget().used_bytes, idle);
    pair.client.Send(std::string(1'000'000, 'x'));
  }
  EXPECT_EQ(kernel().budget().used_bytes, before);
}

TEST_F(TcpTest, WithoutMemoryNothingIsTaken) {
  TcpPair pair(kernel());
  kernel().budget().limit_bytes = kernel().budget().used_bytes;
  EXPECT_EQ(pair.client.Send("x"), "ENOBUFS");
  kernel().budget().limit_bytes = UINT64_MAX;
  EXPECT_EQ(pair.client.Send("x"), "1");
}

TEST_F(TcpTest, TheUserTimeoutCountsFromTheFirstProbeOfAClosedWindow) {
  constexpr int kTcpUserTimeout = 18;
  constexpr int64_t kMilli = 1'000'000;
  TcpPair pair(kernel());
  ASSERT_TRUE(pair.client.Set(kSolTcp, kTcpUserTimeout, 500).ok());
  const std::string much(1 << 20, 'x');
  while (pair.client.Send(much) != "EAGAIN") {
  }
  // A peer that takes something begins it anew.
  Pass(Nanos{600 * kMilli});
  std::string got;
  do {
    got = pair.server.Receive(much.size());
  } while (got != "EAGAIN");
  while (pair.client.Send(much) != "EAGAIN") {
  }
  pair.client.Keys();
  Pass(Nanos{699 * kMilli});
  EXPECT_EQ(pair.client.Keys(), Keys());
  Pass(Nanos{kMilli});
  EXPECT_EQ(pair.client.Keys(), (Keys{0, kErr}));
  EXPECT_EQ(pair.client.Error(), static_cast<int>(Errno::kTimedOut));
  EXPECT_EQ(pair.client.Receive(), "");
  // The peer hears of it when it tells that there is room.
  EXPECT_EQ(pair.server.Error(), 0);
  do {
    got = pair.server.Receive(much.size());
  } while (got[0] == 'x');
  EXPECT_EQ(got, "ECONNRESET");
}

TEST_F(TcpTest, ASocketThatLingersGoesAtOnceWhereNoCallRuns) {
  TcpPair pair(kernel());
  const int32_t linger[2] = {1, 10};
  ASSERT_TRUE(pair.client
                  ->SetOption(kSolSocket, kSoLinger,
                              {reinterpret_cast<const uint8_t*>(linger), sizeof(linger)})
                  .ok());
  const std::string much(1 << 20, 'x');
  while (pair.client.Send(much) != "EAGAIN") {
  }
  pair.client.Close();
  EXPECT_EQ(pair.server.Receive(3), "xxx");
}

}  // namespace
}  // namespace pollux::os_emu
