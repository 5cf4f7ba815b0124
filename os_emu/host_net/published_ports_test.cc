// Clients on real sockets of the host against servers in an emulated network, without a machine.
#include "os_emu/host_net/published_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/socket/inet/inet.h"
#include "os_emu/socket/inet/testing.h"

namespace pollux::os_emu {
namespace {

using testing::TestSocket;

constexpr uint16_t kGuestPort = 8080;
constexpr Nanos kTick{20'000'000};

// A client of the host. -errno, or what was done.
class Client {
 public:
  explicit Client(uint16_t port, int receive_buffer = 0) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
      setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &receive_buffer, sizeof(receive_buffer));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { Close(); }
  bool connected() const { return connected_; }
  ssize_t Send(const std::string& bytes) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
  }
  // What has come; "EOF", or "error N".
  std::string Receive(size_t bytes = 65536) {
    std::string text(bytes, '\0');
    const ssize_t got = recv(fd_, text.data(), bytes, MSG_DONTWAIT);
    if (got == 0) return "EOF";
    if (got < 0) return errno == EAGAIN ? "" : "error " + std::to_string(errno);
    text.resize(static_cast<size_t>(got));
    return text;
  }
  void Shutdown() { shutdown(fd_, SHUT_WR); }
  void Reset() {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    Close();
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool connected_;
};

std::string Letters(size_t bytes) {
  std::string text(bytes, '.');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 25);
  return text;
}

class PublishedPortsTest : public ::testing::Test {
 protected:
  explicit PublishedPortsTest(Kernel::Options options = {})
      : kernel_(options),
        process_(kernel_.CreateProcess()),
        ports_(std::in_place, poller_,
               GuestTcp{[this] {
                          ++sockets_made_;
                          return MakeInetSocket(kernel_, kAfInet, kSockStream, 0, kONonBlock);
                        },
                        [this](uint16_t port) { return HasTcpListener(kernel_, port); }}) {
    const absl::StatusOr<uint16_t> port = ports_->Publish({.guest_port = kGuestPort});
    EXPECT_TRUE(port.ok()) << port.status();
    host_port_ = port.value_or(0);
  }
  void Listen(int backlog = 100) {
    listener_.emplace(kernel_, kAfInet, kSockStream);
    ASSERT_TRUE(listener_->Bind(0x7f000001, kGuestPort).ok());
    ASSERT_TRUE((*listener_)->Listen(backlog).ok());
  }
  // Lets the host and the ports act until nothing happens for a tick.
  void Settle() {
    while (*poller_.Wait(kTick)) {
    }
  }
  std::unique_ptr<TestSocket> Accept() {
    Settle();
    Result<DescriptionRef> accepted = (*listener_)->Accept(kONonBlock);
    EXPECT_TRUE(accepted.ok());
    if (!accepted.ok()) return nullptr;
    return std::make_unique<TestSocket>(*std::move(accepted));
  }

  HostPoller poller_;
  Kernel kernel_;
  Process& process_;
  int sockets_made_ = 0;
  uint16_t host_port_ = 0;
  std::optional<TestSocket> listener_;
  std::optional<PublishedPorts> ports_;
};

TEST_F(PublishedPortsTest, BytesGoBothWays) {
  Listen();
  Client client(host_port_);
  ASSERT_TRUE(client.connected());
  auto server = Accept();
  client.Send("question");
  Settle();
  EXPECT_EQ(server->Receive(), "question");
  EXPECT_EQ(server->Receive(), "EAGAIN");
  EXPECT_EQ(server->Send("answer"), "6");
  Settle();
  EXPECT_EQ(client.Receive(), "answer");
}

TEST_F(PublishedPortsTest, WhereNobodyListensTheClientIsReset) {
  Client client(host_port_);
  ASSERT_TRUE(client.connected());
  Settle();
  EXPECT_EQ(client.Receive(), "error " + std::to_string(ECONNRESET));
}

TEST_F(PublishedPortsTest, IsAwaitedWhileAServerListensOrAClientIsConnected) {
  EXPECT_FALSE(poller_.HasWaiters());
  Listen();
  EXPECT_TRUE(poller_.HasWaiters());
  Client client(host_port_);
  auto server = Accept();
  listener_.reset();
  EXPECT_TRUE(poller_.HasWaiters());
  client.Close();
  server.reset();
  Settle();
  EXPECT_FALSE(poller_.HasWaiters());
}

TEST_F(PublishedPortsTest, TheClientsEndLeavesTheOtherDirection) {
  Listen();
  Client client(host_port_);
  auto server = Accept();
  client.Send("last words");
  client.Shutdown();
  Settle();
  EXPECT_EQ(server->Receive(), "last words");
  EXPECT_EQ(server->Receive(), "");
  EXPECT_EQ(server->Send("still heard"), "11");
  Settle();
  EXPECT_EQ(client.Receive(), "still heard");
  EXPECT_EQ(client.Receive(), "");
  server.reset();
  Settle();
  EXPECT_EQ(client.Receive(), "EOF");
}

TEST_F(PublishedPortsTest, TheServersEndLeavesTheOtherDirection) {
  Listen();
  Client client(host_port_);
  auto server = Accept();
  server->Send("that is all");
  ASSERT_TRUE((*server)->Shutdown(kShutWr).ok());
  Settle();
  EXPECT_EQ(client.Receive(), "that is all");
  EXPECT_EQ(client.Receive(), "EOF");
  client.Send("but listen");
  Settle();
  EXPECT_EQ(server->Receive(), "but listen");
  client.Close();
  Settle();
  EXPECT_EQ(server->Receive(), "");
}

TEST_F(PublishedPortsTest, AResetOfTheClientReachesTheServer) {
  Listen();
  Client client(host_port_);
  auto server = Accept();
  client.Reset();
  Settle();
  EXPECT_NE(server->Poll() & kErr, 0u);
  EXPECT_EQ(server->Receive(), "ECONNRESET");
}

TEST_F(PublishedPortsTest, AResetOfTheServerReachesTheClient) {
  Listen();
  Client client(host_port_);
  auto server = Accept();
  client.Send("not read");
  Settle();
  server.reset();  // With unread bytes.
  Settle();
  EXPECT_EQ(client.Receive(), "error " + std::to_string(ECONNRESET));
}

TEST_F(PublishedPortsTest, AServerThatDoesNotReadStopsTheClient) {
  Listen();
  Client client(host_port_);
  auto server = Accept();
  const std::string block = Letters(65536);
  size_t sent = 0;
  for (int idle = 0; idle < 3;) {
    const ssize_t now = client.Send(block.substr(sent % 25));
    Settle();
    now > 0 ? sent += static_cast<size_t>(now) : ++idle;
    ASSERT_LT(sent, size_t{64} << 20) << "nothing stops the client";
  }
  // What the machine holds is bounded: the two socket buffers.
  EXPECT_LT(kernel_.budget().used_bytes, uint64_t{1} << 20);
  // And all of it arrives, in order, once the server reads.
  size_t got = 0;
  for (int idle = 0; idle < 3;) {
    const std::string piece = server->Receive(100'000);
    if (piece == "EAGAIN") {
      Settle();
      ++idle;
      continue;
    }
    idle = 0;
    for (const char c : piece) ASSERT_EQ(c, static_cast<char>('a' + got++ % 25)) << got;
  }
  EXPECT_EQ(got, sent);
}

TEST_F(PublishedPortsTest, AClientThatDoesNotReadStopsTheServer) {
  Listen();
  Client client(host_port_, 8192);
  auto server = Accept();
  const std::string block = Letters(65536);
  size_t sent = 0;
  for (int idle = 0; idle < 3;) {
    const std::string now = server->Send(block.substr(sent % 25));
    Settle();
    if (now == "EAGAIN") {
      ++idle;
    } else {
      sent += static_cast<size_t>(std::stoul(now));
    }
    ASSERT_LT(sent, size_t{64} << 20) << "nothing stops the server";
  }
  EXPECT_EQ(server->Poll() & kOut, 0u);
  size_t got = 0;
  for (int idle = 0; idle < 3;) {
    const std::string piece = client.Receive();
    if (piece.empty()) {
      Settle();
      ++idle;
      continue;
    }
    idle = 0;
    for (const char c : piece) ASSERT_EQ(c, static_cast<char>('a' + got++ % 25)) << got;
  }
  EXPECT_EQ(got, sent);
  EXPECT_NE(server->Poll() & kOut, 0u);
}

TEST_F(PublishedPortsTest, AFullListenerMakesClientsWait) {
  Listen(0);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(host_port_));
    clients.back()->Send("client " + std::to_string(i));
    Settle();
  }
  auto server = Accept();
  EXPECT_EQ(server->Receive(), "client 0");
  // The second one's SYN comes again after a second.
  kernel_.clock().AdvanceBy(Nanos{1'100'000'000});
  kernel_.ExpireTimers();
  server = Accept();
  EXPECT_EQ(server->Receive(), "client 1");
}

TEST_F(PublishedPortsTest, MoreClientsThanAPortTakesWaitInTheHostsQueue) {
  // Both ends of each connection are this process's.
  constexpr int kMany = static_cast<int>(PublishedPorts::kMaxConnections);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GT(limit.rlim_cur, rlim_t{3 * kMany});
  Listen(4096);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kMany + 5; ++i) {
    clients.push_back(std::make_unique<Client>(host_port_));
    ASSERT_TRUE(clients.back()->connected());
    (void)*poller_.Wait(Nanos{0});
  }
  Settle();
  EXPECT_EQ(sockets_made_, kMany);
  EXPECT_LT(kernel_.budget().used_bytes, uint64_t{4} << 20);
  clients.front()->Reset();
  Settle();
  EXPECT_EQ(sockets_made_, kMany + 1);
}

TEST_F(PublishedPortsTest, BytesOfAServerThatHasEndedAreHandedOut) {
  Listen();
  Client client(host_port_);
  auto server = Accept();
  const std::string text = Letters(100'000);
  EXPECT_EQ(server->Send(text), "100000");
  server.reset();
  listener_.reset();
  ports_->Flush();
  std::string got;
  for (std::string piece = client.Receive(); piece != "EOF" && !piece.empty();
       piece = client.Receive()) {
    got += piece;
  }
  EXPECT_EQ(got, text);
  // Nobody listens any more.
  EXPECT_FALSE(Client(host_port_).connected());
}

TEST_F(PublishedPortsTest, FlushGivesAClientUpThatTakesNothing) {
  Listen();
  Client client(host_port_, 4096);
  auto server = Accept();
  for (int i = 0; i < 100; ++i) server->Send(Letters(65536));
  Settle();
  server.reset();
  listener_.reset();
  ports_->Flush();  // Returns.
  EXPECT_EQ(sockets_made_, 1);
}

TEST_F(PublishedPortsTest, APortInUseIsRefusedInOneLine) {
  const absl::StatusOr<uint16_t> again =
      ports_->Publish({.host_port = host_port_, .guest_port = 80});
  ASSERT_TRUE(absl::IsInvalidArgument(again.status())) << again.status();
  EXPECT_EQ(again.status().message(),
            "127.0.0.1:" + std::to_string(host_port_) + ": Address already in use");
}

class SmallMachineTest : public PublishedPortsTest {
 protected:
  SmallMachineTest() : PublishedPortsTest({.budget = {.limit_bytes = 256 * 1024}}) {}
};

TEST_F(SmallMachineTest, ClientsOfAMachineWithoutMemoryAreReset) {
  Listen(4096);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<Client>(host_port_));
    clients.back()->Send(Letters(60'000));
    Settle();
    EXPECT_LE(kernel_.budget().used_bytes, uint64_t{256} * 1024);
  }
  EXPECT_EQ(clients.back()->Receive(), "error " + std::to_string(ECONNRESET));
}

}  // namespace
}  // namespace pollux::os_emu
