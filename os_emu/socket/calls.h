// The socket calls that may wait, as BlockedCalls (net/socket.c with sock_sndtimeo() and
// sock_rcvtimeo()).
//
// Each takes the socket by a strong reference and never sees a number. MSG_DONTWAIT and kONonBlock
// make kAgain (connect: kInProgress) the answer; otherwise the thread waits on the socket's queue,
// at most SO_RCVTIMEO or SO_SNDTIMEO. Signals: restarted with SA_RESTART where the socket has no
// timeout, EINTR otherwise (sock_intr_errno()).
#ifndef POLLUX_OS_EMU_SOCKET_CALLS_H_
#define POLLUX_OS_EMU_SOCKET_CALLS_H_

#include <memory>
#include <optional>

#include "os_emu/socket/socket.h"
#include "os_emu/task/blocked_call.h"

namespace pollux::os_emu {

CallResult StartConnect(Thread& thread, DescriptionRef socket, const SocketAddress& address);

// What the ABI does with a message or a connection when it is there: derived there, as it knows the
// layouts. Lives in the call's record, so it is plain data: what the call was given, decoded once.
class AcceptTarget {
 public:
  virtual ~AcceptTarget() = default;
  // Gives the new description its number and writes the peer's address. Called once; what it
  // returns is the call's result.
  virtual Result<int64_t> Install(Thread& thread, DescriptionRef accepted) = 0;
};
// accept4(2) with `flags` kONonBlock or 0 for the new socket.
CallResult StartAccept(Thread& thread, DescriptionRef socket, uint32_t flags,
                       std::unique_ptr<AcceptTarget> target);

struct SendRequest {
  memory::UserBuffer data;
  std::optional<SocketAddress> to;
  OutgoingMessage message;  // `data` and `to` are set by StartSend.
};
// sendmsg(2). Returns the bytes sent; a stream goes on until all are.
CallResult StartSend(Thread& thread, DescriptionRef socket, std::unique_ptr<SendRequest> request);

struct ReceiveRequest {
  virtual ~ReceiveRequest() = default;
  // Puts names, control messages and flags where the guest wants them and returns the call's
  // result. Called once, when a message is there; it is gone then even if this fails (kFault).
  virtual Result<int64_t> Deliver(Thread& thread, size_t bytes) = 0;

  memory::UserBuffer data;
  IncomingMessage message;  // `data` is set by StartReceive.
};
// recvmsg(2).
CallResult StartReceive(Thread& thread, DescriptionRef socket,
                        std::unique_ptr<ReceiveRequest> request);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_CALLS_H_
