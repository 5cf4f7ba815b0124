// HostConnection: one client of the host that is connected to a server in the guest: the host's
// socket on one side, a socket of the machine's own network on the other, and bytes that go both
// ways.
//
// It holds no bytes. What cannot go on stays where it is: in the host's socket, so that the client
// waits, or in the machine's socket (charged to its memory), so that the guest's writes give
// EAGAIN. An end of one direction is passed on, the other goes on. A reset is passed on, too; a
// refused connection is a reset for the client.
#ifndef POLLUX_OS_EMU_HOST_NET_HOST_CONNECTION_H_
#define POLLUX_OS_EMU_HOST_NET_HOST_CONNECTION_H_

#include <cstdint>
#include <span>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/host_poller/host_poller.h"
#include "os_emu/socket/socket.h"

namespace pollux::os_emu {

class HostConnection final : private HostWatcher, private Waiter {
 public:
  class Owner {
   public:
    // The connection has ended and waits to be destroyed, not before this returns. Once.
    virtual void OnOver(uint64_t number) = 0;

   protected:
    ~Owner() = default;
  };

  // Owns `host_fd`, a connected, non-blocking TCP socket. `socket`: a fresh TCP socket of the
  // machine, which connects to `server`. `scratch`: where bytes are copied on their way; shared by
  // all. `number`: what the owner knows it by.
  HostConnection(HostPoller& poller, Owner& owner, uint64_t number, int host_fd,
                 DescriptionRef socket, const SocketAddress& server, std::span<uint8_t> scratch);
  ~HostConnection() override;

  // Begins; OnOver() may come already.
  void Start();
  // Whether there may be something from the guest that the client has not got.
  bool OwesClient() const { return state_ != State::kOver && !guest_ended_; }

 private:
  enum class State : uint8_t { kFresh, kConnecting, kOpen, kOver };
  // What became of moving bytes in one direction: it goes on, or the connection is broken.
  enum class Moved : uint8_t { kFine, kBroken };

  // ---- HostWatcher
  void OnHostEvents(uint32_t events) override;
  void OnTurn() override { Pump(); }
  bool IsAwaited() const override { return state_ != State::kOver; }
  // ---- Waiter: the machine's socket changed. This comes in the midst of a guest's call.
  bool OnNotify(EventMask) override {
    AskForTurn();
    return true;
  }

  Socket& socket() { return *Socket::From(*socket_); }
  void SetSocketOption(int name, std::span<const uint8_t> value);
  // Everything that can be done now.
  void Pump();
  Moved MoveToHost();
  Moved MoveToGuest();
  // Both sides get a RST.
  void Reset();
  // Closes both sides; where both directions have ended, in order.
  void End();

  Owner& owner_;
  uint64_t number_;
  int host_fd_;
  DescriptionRef socket_;
  SocketAddress server_;
  std::span<uint8_t> scratch_;
  State state_ = State::kFresh;
  // What the host has told, until a call says otherwise.
  bool host_readable_ = false;
  bool host_writable_ = false;
  bool host_ended_ = false;   // The client's FIN was passed on.
  bool guest_ended_ = false;  // The server's.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_HOST_NET_HOST_CONNECTION_H_
