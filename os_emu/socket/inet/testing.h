// For tests of TCP and UDP: a machine, sockets of it, and short words for what is done with them.
#ifndef POLLUX_OS_EMU_SOCKET_INET_TESTING_H_
#define POLLUX_OS_EMU_SOCKET_INET_TESTING_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "os_emu/file/testing.h"
#include "os_emu/socket/inet/inet.h"
#include "os_emu/socket/inet/ip_address.h"
#include "os_emu/socket/socket.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu::testing {

// "127.0.0.1" as 0x7f000001.
inline constexpr uint32_t kLocalhost = 0x7f000001;

inline SocketAddress V4Address(uint32_t address, uint16_t port) {
  return EncodeAddress(kAfInet, {IpAddress::V4(address), port});
}
inline SocketAddress V6Address(const IpAddress& address, uint16_t port) {
  return EncodeAddress(kAfInet6, {address, port});
}
inline uint16_t PortOf(const SocketAddress& address) {
  return static_cast<uint16_t>(address.bytes[2] << 8 | address.bytes[3]);
}

// A socket that a test holds, and its waiter, which notes the keys of all wake-ups.
class TestSocket {
 public:
  TestSocket(Kernel& kernel, int domain, int type) {
    Result<DescriptionRef> made = MakeInetSocket(kernel, domain, type, 0, kONonBlock);
    POLLUX_CHECK(made.ok()) << ErrnoName(made.error());
    Adopt(*std::move(made));
  }
  explicit TestSocket(DescriptionRef description) { Adopt(std::move(description)); }
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;
  ~TestSocket() { Close(); }

  Socket& operator*() { return *Socket::From(*description_); }
  Socket* operator->() { return Socket::From(*description_); }
  const DescriptionRef& description() const { return description_; }
  void Close() {
    waiter_.Leave();
    description_ = DescriptionRef();
  }

  // 0: success.
  static int Number(const Result<void>& result) {
    return result.ok() ? 0 : static_cast<int>(result.error());
  }
  Result<void> Bind(uint32_t address = kLocalhost, uint16_t port = 0) {
    return (*this)->Bind(V4Address(address, port));
  }
  Result<void> Connect(const SocketAddress& address) { return (*this)->Connect(address, true); }
  SocketAddress Name() {
    Result<SocketAddress> name = (*this)->Name();
    POLLUX_CHECK(name.ok());
    return *name;
  }
  // The bytes, or the name of the error.
  std::string Send(std::string_view bytes, uint32_t flags = 0, const SocketAddress* to = nullptr) {
    memory::UserBuffer buffer = memory::UserBuffer::HostConst(
        {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    OutgoingMessage message;
    message.data = &buffer;
    message.to = to;
    message.flags = flags | kMsgDontWait;
    const Result<size_t> sent = (*this)->Send(message);
    return sent.ok() ? std::to_string(*sent) : std::string(ErrnoName(sent.error()));
  }
  std::string Receive(size_t bytes = 100, uint32_t flags = 0) {
    std::vector<uint8_t> storage(bytes);
    memory::UserBuffer buffer = memory::UserBuffer::Host(storage);
    last = IncomingMessage();
    last.data = &buffer;
    last.flags = flags | kMsgDontWait;
    const Result<size_t> got = (*this)->Receive(last);
    if (!got.ok()) return std::string(ErrnoName(got.error()));
    return std::string(storage.begin(),
                       storage.begin() + static_cast<ptrdiff_t>(std::min(*got, bytes)));
  }
  EventMask Poll() { return description_->Poll(); }
  // The keys since the last time.
  std::vector<EventMask> Keys() { return std::exchange(waiter_.keys, {}); }
  int Error() {
    const auto value = (*this)->GetOption(kSolSocket, kSoError, sizeof(int32_t));
    POLLUX_CHECK(value.ok());
    int32_t error;
    std::memcpy(&error, value->data(), sizeof(error));
    return error;
  }
  Result<void> Set(int level, int name, int32_t value) {
    return (*this)->SetOption(level, name,
                              {reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  Result<int32_t> Get(int level, int name) {
    POLLUX_ASSIGN_OR_RETURN(const std::vector<uint8_t> value,
                            (*this)->GetOption(level, name, sizeof(int32_t)));
    int32_t number = 0;
    std::memcpy(&number, value.data(), std::min(value.size(), sizeof(number)));
    return number;
  }

  IncomingMessage last;

 private:
  void Adopt(DescriptionRef description) {
    description_ = std::move(description);
    WaitQueue* queues[2];
    POLLUX_CHECK(description_->PollQueues(queues) == 1);
    queues[0]->Add(waiter_);
  }

  DescriptionRef description_;
  CountingWaiter waiter_;
};

// A listener on 127.0.0.1 and a connection to it.
class TcpPair {
 public:
  explicit TcpPair(Kernel& kernel)
      : listener(kernel, kAfInet, kSockStream),
        client(kernel, kAfInet, kSockStream),
        server(Connected()) {
    client.Keys();
    listener.Close();
  }

  TestSocket listener, client, server;

 private:
  DescriptionRef Connected() {
    POLLUX_CHECK(listener.Bind().ok());
    POLLUX_CHECK(listener->Listen(5).ok());
    POLLUX_CHECK(client.Connect(listener.Name()).ok());
    Result<DescriptionRef> accepted = listener->Accept(kONonBlock);
    POLLUX_CHECK(accepted.ok());
    return *std::move(accepted);
  }
};

inline constexpr EventMask kDataKey = kIn | kPri | kRdNorm | kRdBand;
inline constexpr EventMask kSpaceKey = kOut | kWrNorm | kWrBand;

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_SOCKET_INET_TESTING_H_
