// send(2), recv(2) and their kin (net/socket.c).
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "os_emu/socket/calls.h"
#include "os_emu/task/calls.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/socket_arguments.h"

namespace pollux::shims {
namespace {

using os_emu::BlockedCall;
using os_emu::ReceiveRequest;
using os_emu::SendRequest;
using os_emu::Socket;
using os_emu::SocketAddress;
using os_emu::Thread;

// MSG_INTERNAL_SENDMSG_FLAGS: the kernel's own.
constexpr uint32_t kInternalFlags = 0x8000000 | 0x10000 | 0x20000 | 0x80000 | 0x100000;

// recvfrom(2), and read(2) of a socket, which has no address.
class PlainReceiveRequest final : public ReceiveRequest {
 public:
  PlainReceiveRequest(GuestAddr address, GuestAddr bytes) : address_(address), bytes_(bytes) {}

  Result<int64_t> Deliver(Thread& thread, size_t bytes) override {
    message.rights.clear();  // No control buffer: they are closed.
    if (!address_.IsNull()) {
      POLLUX_RETURN_IF_ERROR(AddressTo(thread, message.from, address_, bytes_));
    }
    return static_cast<int64_t>(bytes);
  }

 private:
  GuestAddr address_;
  GuestAddr bytes_;
};

// sendmmsg(2) and recvmmsg(2): one message after the other, each of which may wait.
class MultiMessageCall : public BlockedCall {
 public:
  MultiMessageCall(DescriptionRef socket, GuestAddr entries, uint32_t count, uint32_t flags)
      : socket_(std::move(socket)), entries_(entries), count_(count), flags_(flags) {}

  // Goes on until it has to wait: nullopt.
  std::optional<int64_t> GoOn(Thread& thread) {
    while (done_ < count_) {
      CallResult next = Start(thread, entries_ + done_ * sizeof(GuestMmsghdr));
      if (next.blocked()) {
        inner_ = next.TakeBlocked();
        return std::nullopt;
      }
      if (!Ended(thread, next.value())) break;
    }
    return End(thread);
  }

  Result<int64_t> Resume(Thread& thread, bool timed_out) final {
    const Result<int64_t> result = inner_->Resume(thread, timed_out);
    if (!result.ok() && result.error() == Errno::kAgain && !timed_out) return Errno::kAgain;
    inner_->Unpark();
    inner_.reset();
    const int64_t value = result.ok() ? *result : -static_cast<int64_t>(result.error());
    std::optional<int64_t> all;
    if (!Ended(thread, value)) {
      all = End(thread);
    } else {
      all = GoOn(thread);
    }
    if (!all.has_value()) {
      if (timed_out) return Value(EndWithoutMore(thread));
      Park(thread);
      return Errno::kAgain;
    }
    return Value(*all);
  }
  void Park(Thread& thread) final {
    thread_ = &thread;
    inner_->Park(thread);
    set_deadline(inner_->deadline());
  }
  void Unpark() final {
    if (inner_ != nullptr) inner_->Unpark();
  }
  Result<int64_t> Interrupt() final {
    const Result<int64_t> result = inner_->Interrupt();
    (void)Ended(*thread_, result.ok() ? *result : -static_cast<int64_t>(result.error()));
    if (done_ == 0 && !result.ok()) return result;
    return Value(End(*thread_));
  }
  os_emu::OnSignal on_signal() const final { return inner_->on_signal(); }

 protected:
  virtual CallResult Start(Thread& thread, GuestAddr entry) = 0;
  // One message has come to `value`. False: no more of them.
  virtual bool Ended(Thread& thread, int64_t value) = 0;
  // What the call returns: a count or a negated error.
  virtual int64_t End(Thread& thread) { return EndWithoutMore(thread); }
  int64_t EndWithoutMore(Thread&) {
    return done_ > 0 || error_ == 0 ? static_cast<int64_t>(done_) : error_;
  }
  bool Count(Thread& thread, int64_t value) {
    if (value < 0) {
      error_ = value;
      return false;
    }
    constexpr uint64_t kBytesOffset = 56;
    const Result<void> told = thread.process().memory->WriteObject(
        entries_ + (done_ * sizeof(GuestMmsghdr) + kBytesOffset), static_cast<uint32_t>(value));
    if (!told.ok()) {
      error_ = -static_cast<int64_t>(told.error());
      return false;
    }
    ++done_;
    return true;
  }

  DescriptionRef socket_;
  GuestAddr entries_;
  uint32_t count_;
  uint32_t flags_;
  uint32_t done_ = 0;
  int64_t error_ = 0;

 private:
  static Result<int64_t> Value(int64_t value) {
    if (value < 0) return static_cast<Errno>(-value);
    return value;
  }

  std::unique_ptr<BlockedCall> inner_;
  Thread* thread_ = nullptr;
};

class SendManyCall final : public MultiMessageCall {
 public:
  using MultiMessageCall::MultiMessageCall;
  const char* TypeName() const override { return "sendmmsg"; }

 protected:
  CallResult Start(Thread& thread, GuestAddr entry) override {
    Result<std::unique_ptr<SendRequest>> request =
        SendRequestFrom(thread, *Socket::From(*socket_), entry, flags_);
    if (!request.ok()) return request.error();
    wanted_ = static_cast<int64_t>((*request)->data.remaining());
    return os_emu::StartSend(thread, socket_, *std::move(request));
  }
  bool Ended(Thread& thread, int64_t value) override {
    return Count(thread, value) && value == wanted_;
  }

 private:
  int64_t wanted_ = 0;
};

class ReceiveManyCall final : public MultiMessageCall {
 public:
  ReceiveManyCall(DescriptionRef socket, GuestAddr entries, uint32_t count, uint32_t flags,
                  GuestAddr timeout, std::optional<Nanos> end)
      : MultiMessageCall(std::move(socket), entries, count, flags), timeout_(timeout), end_(end) {}
  const char* TypeName() const override { return "recvmmsg"; }

 protected:
  CallResult Start(Thread& thread, GuestAddr entry) override {
    entry_ = entry;
    Result<std::unique_ptr<ReceiveRequest>> request =
        ReceiveRequestFrom(thread, entry, flags_ & ~os_emu::kMsgWaitForOne);
    if (!request.ok()) return request.error();
    return os_emu::StartReceive(thread, socket_, *std::move(request));
  }
  bool Ended(Thread& thread, int64_t value) override {
    if (!Count(thread, value)) return false;
    if ((flags_ & os_emu::kMsgWaitForOne) != 0) flags_ |= os_emu::kMsgDontWait;
    // The timeout is only looked at after a message, as man recvmmsg(2) regrets.
    if (end_.has_value() && thread.process().kernel().clock().Monotonic() >= *end_) return false;
    constexpr uint64_t kFlagsOffset = 48;
    const Result<uint32_t> flags =
        thread.process().memory->ReadObject<uint32_t>(entry_ + kFlagsOffset);
    return !flags.ok() || (*flags & os_emu::kMsgOob) == 0;
  }
  int64_t End(Thread& thread) override {
    // do_recvmmsg(): an error behind messages is left for the next call.
    if (done_ > 0 && error_ != 0 && error_ != -static_cast<int64_t>(Errno::kAgain)) {
      Socket::From(*socket_)->SetError(static_cast<Errno>(-error_));
    }
    if (done_ > 0 && end_.has_value()) {
      const Nanos now = thread.process().kernel().clock().Monotonic();
      const GuestTimespec remaining = ToTimespec(*end_ > now ? *end_ - now : Nanos{0});
      if (!thread.process().memory->WriteObject(timeout_, remaining).ok()) {
        return -static_cast<int64_t>(Errno::kFault);
      }
    }
    return EndWithoutMore(thread);
  }

 private:
  GuestAddr timeout_;
  std::optional<Nanos> end_;
  GuestAddr entry_;
};

CallResult StartMany(SyscallContext& context, std::unique_ptr<MultiMessageCall> call) {
  const std::optional<int64_t> all = call->GoOn(context.thread());
  if (all.has_value()) return *all;
  return std::unique_ptr<BlockedCall>(std::move(call));
}

}  // namespace

CallResult ReadSocket(SyscallContext& context, DescriptionRef socket, memory::UserBuffer buffer) {
  if (buffer.remaining() == 0) return 0;
  auto request = std::make_unique<PlainReceiveRequest>(GuestAddr(), GuestAddr());
  request->data = std::move(buffer);
  return os_emu::StartReceive(context.thread(), std::move(socket), std::move(request));
}

CallResult WriteSocket(SyscallContext& context, DescriptionRef socket, memory::UserBuffer buffer) {
  auto request = std::make_unique<SendRequest>();
  request->data = std::move(buffer);
  // SOCK_SEQPACKET's write(2) is one whole record (sock_write_iter()).
  if (Socket::From(*socket)->type() == os_emu::kSockSeqPacket) {
    request->message.flags = os_emu::kMsgEor;
  }
  return os_emu::StartSend(context.thread(), std::move(socket), std::move(request));
}

CallResult SysSendto(SyscallContext& context) {
  Result<memory::UserBuffer> data = context.Buffer(context.Addr(1), context.Arg(2));
  if (!data.ok()) return data.error();
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  auto request = std::make_unique<SendRequest>();
  if (!context.Addr(4).IsNull()) {
    Result<SocketAddress> to = AddressFrom(context.thread(), context.Addr(4), context.Int(5));
    if (!to.ok()) return to.error();
    if (to->length > 0) request->to = *to;
  }
  request->data = *std::move(data);
  request->message.flags = context.UInt(3) & ~kInternalFlags;
  return os_emu::StartSend(context.thread(), *std::move(file), std::move(request));
}

CallResult SysRecvfrom(SyscallContext& context) {
  Result<memory::UserBuffer> data = context.Buffer(context.Addr(1), context.Arg(2));
  if (!data.ok()) return data.error();
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  auto request = std::make_unique<PlainReceiveRequest>(context.Addr(4), context.Addr(5));
  request->data = *std::move(data);
  request->message.flags = context.UInt(3);
  request->message.wants_name = !context.Addr(4).IsNull();
  return os_emu::StartReceive(context.thread(), *std::move(file), std::move(request));
}

CallResult SysSendmsg(SyscallContext& context) {
  const uint32_t flags = context.UInt(2);
  if ((flags & kMsgCmsgCompat) != 0) return Errno::kInval;
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  Result<std::unique_ptr<SendRequest>> request = SendRequestFrom(
      context.thread(), *Socket::From(**file), context.Addr(1), flags & ~kInternalFlags);
  if (!request.ok()) return request.error();
  return os_emu::StartSend(context.thread(), *std::move(file), *std::move(request));
}

CallResult SysRecvmsg(SyscallContext& context) {
  const uint32_t flags = context.UInt(2);
  if ((flags & kMsgCmsgCompat) != 0) return Errno::kInval;
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  Result<std::unique_ptr<ReceiveRequest>> request =
      ReceiveRequestFrom(context.thread(), context.Addr(1), flags);
  if (!request.ok()) return request.error();
  return os_emu::StartReceive(context.thread(), *std::move(file), *std::move(request));
}

CallResult SysSendmmsg(SyscallContext& context) {
  const uint32_t flags = context.UInt(3);
  if ((flags & kMsgCmsgCompat) != 0) return Errno::kInval;
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  const uint32_t count = std::min<uint32_t>(context.UInt(2), kMaxVectors);
  return StartMany(context, std::make_unique<SendManyCall>(*std::move(file), context.Addr(1), count,
                                                           flags & ~kInternalFlags));
}

CallResult SysRecvmmsg(SyscallContext& context) {
  const uint32_t flags = context.UInt(3);
  if ((flags & kMsgCmsgCompat) != 0) return Errno::kInval;
  Result<std::optional<Nanos>> timeout = context.OptionalTimespec(context.Addr(4));
  if (!timeout.ok()) return timeout.error();
  std::optional<Nanos> end;
  if (timeout->has_value()) end = os_emu::DeadlineAfter(context.clock(), *timeout);
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  if ((flags & os_emu::kMsgErrQueue) == 0) {
    if (const std::optional<Errno> error = Socket::From(**file)->TakeError()) return *error;
  }
  return StartMany(
      context, std::make_unique<ReceiveManyCall>(*std::move(file), context.Addr(1), context.UInt(2),
                                                 flags, context.Addr(4), end));
}

}  // namespace pollux::shims
