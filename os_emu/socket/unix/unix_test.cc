#include "os_emu/socket/unix/unix.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"
#include "os_emu/socket/calls.h"
#include "os_emu/socket/socket.h"
#include "os_emu/socket/unix/message.h"
#include "os_emu/task/calls.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::FakeDescription;

// A file system of sockets' nodes alone.
class FakeNodes final : public UnixNodes {
 public:
  Result<UnixNode> Make(Thread&, std::string_view path) const override {
    if (nodes.contains(path)) return Errno::kExist;
    nodes[std::string(path)] = ++last;
    return UnixNode{{}, 1, last};
  }
  void Remove(Thread&, std::string_view path) const override { nodes.erase(nodes.find(path)); }
  Result<UnixNode> Find(Thread&, std::string_view path) const override {
    const auto found = nodes.find(path);
    if (found == nodes.end()) return Errno::kNoEnt;
    return UnixNode{{}, 1, found->second};
  }
  mutable std::map<std::string, uint64_t, std::less<>> nodes;
  mutable uint64_t last = 0;
};

struct Request final : ReceiveRequest {
  Result<int64_t> Deliver(Thread&, size_t bytes) override { return static_cast<int64_t>(bytes); }
};

class Unix : public ::testing::Test {
 protected:
  explicit Unix(uint64_t limit_bytes = UINT64_MAX)
      : kernel_(WithLimit(limit_bytes)), process_(kernel_.CreateProcess()) {
    kernel_.SetCurrent(&thread());
  }

  static Kernel::Options WithLimit(uint64_t bytes) {
    Kernel::Options options;
    options.budget.limit_bytes = bytes;
    return options;
  }
  Thread& thread() { return *process_.threads.begin()->second; }
  DescriptionRef New(int type, uint32_t flags = kONonBlock) {
    return *MakeUnixSocket(kernel_, nodes_, type, 0, flags);
  }
  struct Pair {
    DescriptionRef a, b;
  };
  Pair NewPair(int type, uint32_t flags = kONonBlock) {
    Pair pair{New(type, flags), New(type, flags)};
    ConnectUnixPair(*pair.a, *pair.b);
    return pair;
  }
  static Socket& Of(const DescriptionRef& description) { return *Socket::From(*description); }
  static SocketAddress Path(const std::string& path) {
    std::string bytes = std::string("\1\0", 2) + path + '\0';
    return SocketAddress({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  }
  static Result<size_t> Send(const DescriptionRef& socket, std::string text,
                             std::vector<DescriptionRef> rights = {}) {
    memory::UserBuffer buffer =
        memory::UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    OutgoingMessage message;
    message.data = &buffer;
    message.flags = kMsgDontWait;
    message.rights = std::move(rights);
    return Of(socket).Send(message);
  }
  static Result<std::string> Receive(const DescriptionRef& socket, size_t bytes) {
    return testing::ReadSome(*socket, bytes);
  }

  FakeNodes nodes_;
  Kernel kernel_;
  Process& process_;
};

TEST_F(Unix, SkbsCostWhatLinuxCharges) {
  EXPECT_EQ(StreamTrueSize(1), 768u);
  EXPECT_EQ(StreamTrueSize(193), 1280u);
  EXPECT_EQ(StreamTrueSize(3777), 4864u);
  EXPECT_EQ(StreamTrueSize(36544), 37120u);
  EXPECT_EQ(DatagramTrueSize(0), 768u);
  EXPECT_EQ(DatagramTrueSize(4096), 8448u);
  EXPECT_EQ(DatagramTrueSize(16384), 20736u);
  EXPECT_EQ(DatagramTrueSize(212960), 332032u);
}

TEST_F(Unix, DataWakesTheReaderWithLinuxsKey) {
  const Pair pair = NewPair(kSockStream);
  CountingWaiter reader;
  Of(pair.b).ReadQueue()->Add(reader);
  ASSERT_TRUE(Send(pair.a, "x").ok());
  EXPECT_EQ(reader.keys, std::vector<EventMask>{kIn | kRdNorm | kPri | kRdBand});
}

TEST_F(Unix, AReadWakesTheWriterOnlyWhereItCanWrite) {
  const Pair pair = NewPair(kSockStream);
  while (Send(pair.a, "x").ok()) {
  }
  CountingWaiter writer;
  Of(pair.a).WriteQueue()->Add(writer);
  for (int i = 0; i < 208; ++i) ASSERT_TRUE(Receive(pair.b, 1).ok());
  EXPECT_TRUE(writer.keys.empty());
  EXPECT_EQ(pair.a->Poll() & kOut, 0u);
  ASSERT_TRUE(Receive(pair.b, 1).ok());
  EXPECT_EQ(writer.keys, std::vector<EventMask>{kWritable | kWrBand});
  EXPECT_NE(pair.a->Poll() & kOut, 0u);
}

TEST_F(Unix, ClosingWakesThePeerWithKeyZero) {
  Pair pair = NewPair(kSockStream);
  CountingWaiter peer;
  Of(pair.b).ReadQueue()->Add(peer);
  pair.a = DescriptionRef();
  EXPECT_EQ(peer.keys, std::vector<EventMask>{0});
  EXPECT_NE(pair.b->Poll() & kHup, 0u);
}

TEST_F(Unix, UnreadDataMakesThePeersReadFail) {
  Pair pair = NewPair(kSockSeqPacket);
  ASSERT_TRUE(Send(pair.b, "unread").ok());
  pair.a = DescriptionRef();
  EXPECT_EQ(Receive(pair.b, 1).error(), Errno::kConnReset);
  EXPECT_EQ(*Receive(pair.b, 1), "");
}

TEST_F(Unix, AllThatIsChargedIsGivenBack) {
  const uint64_t before = kernel_.budget().used_bytes;
  {
    const Pair pair = NewPair(kSockDgram);
    ASSERT_TRUE(Send(pair.a, std::string(5000, 'x')).ok());
    ASSERT_TRUE(Send(pair.b, "y", {pair.a}).ok());
    EXPECT_GT(kernel_.budget().used_bytes, before + 5000);
  }
  // The second message held its own receiver: a cycle that another release collects.
  New(kSockStream);
  EXPECT_EQ(kernel_.budget().used_bytes, before);
}

TEST_F(Unix, NodesAreFoundUntilTheSocketGoes) {
  DescriptionRef listener = New(kSockStream);
  ASSERT_TRUE(Of(listener).Bind(Path("/s")).ok());
  ASSERT_TRUE(Of(listener).Listen(1).ok());
  const DescriptionRef client = New(kSockStream), wrong = New(kSockSeqPacket);
  EXPECT_EQ(Of(wrong).Connect(Path("/s"), false).error(), Errno::kProtoType);
  EXPECT_TRUE(Of(client).Connect(Path("/s"), false).ok());
  EXPECT_EQ(Of(New(kSockStream)).Bind(Path("/s")).error(), Errno::kAddrInUse);
  EXPECT_EQ(Of(client).Bind(Path("/t")).ok(), true);
  EXPECT_EQ(Of(client).Bind(Path("/u")).error(), Errno::kInval);
  EXPECT_FALSE(nodes_.nodes.contains("/u"));
  listener = DescriptionRef();
  EXPECT_EQ(Of(New(kSockStream)).Connect(Path("/s"), false).error(), Errno::kConnRefused);
  EXPECT_EQ(Receive(client, 1).error(), Errno::kConnReset);
}

TEST_F(Unix, RightsAreReferencesAndCloseWithTheirMessage) {
  bool released = false;
  Pair pair = NewPair(kSockStream);
  {
    auto* fake = new FakeDescription();
    DescriptionRef right(fake);
    fake->on_release = [&] { released = true; };
    ASSERT_TRUE(Send(pair.a, "x", {right}).ok());
  }
  EXPECT_FALSE(released);
  pair.b = DescriptionRef();
  EXPECT_TRUE(released);
}

TEST_F(Unix, ACycleIsCollectedByTheNextRelease) {
  Pair one = NewPair(kSockStream), two = NewPair(kSockStream);
  ASSERT_TRUE(Send(one.b, "x", {two.a}).ok());
  ASSERT_TRUE(Send(two.b, "x", {one.a}).ok());
  one.a = DescriptionRef();
  two.a = DescriptionRef();
  EXPECT_EQ(one.b->Poll() & kHup, 0u);
  New(kSockDgram);  // Made and released.
  EXPECT_NE(one.b->Poll() & kHup, 0u);
  EXPECT_NE(two.b->Poll() & kHup, 0u);
  EXPECT_EQ(*Receive(one.b, 1), "");
}

TEST_F(Unix, WhatAMessageOutsideHoldsIsNotCollected) {
  Pair one = NewPair(kSockStream), carrier = NewPair(kSockStream);
  ASSERT_TRUE(Send(one.b, "x", {one.a}).ok());
  ASSERT_TRUE(Send(carrier.a, "x", {one.a}).ok());
  one.a = DescriptionRef();
  New(kSockDgram);
  EXPECT_EQ(one.b->Poll() & kHup, 0u);
  carrier.b = DescriptionRef();
  EXPECT_NE(one.b->Poll() & kHup, 0u);
}

TEST_F(Unix, TooManyInFlightAreRefused) {
  process_.credentials.uid = process_.credentials.euid = 1000;
  process_.rlimits[7].soft = 2;
  const Pair pair = NewPair(kSockStream);
  const DescriptionRef right(new FakeDescription());
  EXPECT_TRUE(Send(pair.a, "x", {right, right}).ok());
  EXPECT_TRUE(Send(pair.a, "x", {right}).ok());
  EXPECT_EQ(Send(pair.a, "x", {right}).error(), Errno::kTooManyRefs);
  ASSERT_TRUE(Receive(pair.b, 1).ok());
  EXPECT_TRUE(Send(pair.a, "x", {right}).ok());
}

TEST_F(Unix, AReceiveWaitsUntilItsTimeoutAndIsNotRestarted) {
  const Pair pair = NewPair(kSockStream, 0);
  const int64_t time[2] = {1, 0};
  ASSERT_TRUE(Of(pair.b)
                  .SetOption(kSolSocket, kSoRcvTimeo,
                             {reinterpret_cast<const uint8_t*>(time), sizeof(time)})
                  .ok());
  std::vector<uint8_t> bytes(10);
  auto request = std::make_unique<Request>();
  request->data = memory::UserBuffer::Host(bytes);
  request->message.flags = kMsgWaitAll;
  CallResult call = StartReceive(thread(), pair.b, std::move(request));
  ASSERT_TRUE(call.blocked());
  thread().Block(call.TakeBlocked());
  EXPECT_EQ(thread().blocked_call()->on_signal(), OnSignal::kEintr);
  ASSERT_TRUE(Send(pair.a, "abc").ok());
  EXPECT_TRUE(thread().woken());
  EXPECT_EQ(kernel_.ResumeBlocked(thread()).error(), Errno::kAgain);
  ASSERT_TRUE(thread().blocked());
  kernel_.clock().AdvanceBy({2'000'000'000});
  EXPECT_EQ(*kernel_.ResumeBlocked(thread()), 3);
  EXPECT_FALSE(thread().blocked());
}

TEST_F(Unix, ASendGoesOnWhereItWaited) {
  const Pair pair = NewPair(kSockStream, 0);
  const std::vector<uint8_t> data(400000, 'x');
  auto request = std::make_unique<SendRequest>();
  request->data = memory::UserBuffer::HostConst(data);
  CallResult call = StartSend(thread(), pair.a, std::move(request));
  ASSERT_TRUE(call.blocked());
  thread().Block(call.TakeBlocked());
  EXPECT_EQ(thread().blocked_call()->on_signal(), OnSignal::kRestart);
  size_t received = 0;
  std::optional<int64_t> sent;
  while (received < data.size()) {
    received += Receive(pair.b, 100000)->size();
    if (!thread().blocked() || !thread().woken()) continue;
    const Result<int64_t> result = kernel_.ResumeBlocked(thread());
    if (result.ok()) sent = *result;
  }
  EXPECT_EQ(sent, 400000);
}

TEST_F(Unix, RoomInADatagramsQueueWakesWhoPolledForIt) {
  DescriptionRef server = New(kSockDgram), client = New(kSockDgram);
  ASSERT_TRUE(Of(server).Bind(Path("/d")).ok());
  ASSERT_TRUE(Of(client).Connect(Path("/d"), false).ok());
  int sent = 0;
  while (Send(client, "x").ok()) ++sent;
  EXPECT_EQ(sent, 11);
  CountingWaiter waiter;
  Of(client).WriteQueue()->Add(waiter);
  EXPECT_EQ(client->Poll() & kOut, 0u);
  ASSERT_TRUE(Receive(server, 1).ok());
  // The queue's room, passed on by the peer's wake, and then the room in the own send buffer.
  EXPECT_EQ(waiter.keys, (std::vector<EventMask>{kWritable | kWrBand, kWritable | kWrBand}));
  EXPECT_NE(client->Poll() & kOut, 0u);
}

class SmallMachine : public Unix {
 protected:
  SmallMachine() : Unix(uint64_t{1} << 20) {}
};

TEST_F(SmallMachine, MessagesStopAtTheMemoryLimit) {
  std::vector<Pair> pairs;
  Result<size_t> last = size_t{0};
  for (int i = 0; i < 100 && last.ok(); ++i) {
    pairs.push_back(NewPair(kSockStream));
    do {
      last = Send(pairs.back().a, std::string(30000, 'x'));
    } while (last.ok());
    if (last.error() == Errno::kAgain) last = size_t{0};
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error(), Errno::kNoBufs);
}

}  // namespace
}  // namespace pollux::os_emu
