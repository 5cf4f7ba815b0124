#include "os_emu/socket/calls.h"

#include <utility>

#include "abi/check.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// A call that waits for a socket. Plan() is asked right after the socket gave kAgain.
class SocketCall : public BlockedCall {
 public:
  explicit SocketCall(DescriptionRef description) : description_(std::move(description)) {}

  void Park(Thread& thread) final {
    thread_ = &thread;
    const WaitPlan plan = Plan();
    limited_ = plan.limit != kNanosMax;
    if (limited_) {
      set_deadline(DeadlineAfter(thread.process().kernel().clock(), plan.limit));
    }
    Join(plan);
  }
  void Unpark() final { waiter_.reset(); }
  // sock_intr_errno(): what has a timeout is never begun again.
  OnSignal on_signal() const final { return limited_ ? OnSignal::kEintr : OnSignal::kRestart; }

  Result<int64_t> Resume(Thread& thread, bool timed_out) final {
    const Result<int64_t> result = Try(thread);
    if (result.ok() || result.error() != Errno::kAgain) return result;
    if (timed_out) return TimedOut(thread);
    if (!waiter_->waiting()) {
      waiter_.reset();
      Join(Plan());
    }
    return Errno::kAgain;
  }

 protected:
  // kAgain: it has to wait.
  virtual Result<int64_t> Try(Thread& thread) = 0;
  virtual WaitPlan Plan() = 0;
  virtual Result<int64_t> TimedOut(Thread&) { return Errno::kAgain; }
  Socket& socket() { return *Socket::From(*description_); }
  const DescriptionRef& description() const { return description_; }

 private:
  void Join(const WaitPlan& plan) {
    POLLUX_CHECK(plan.queue != nullptr) << description_->TypeName() << " blocks without a queue";
    waiter_.emplace(*thread_, plan.keys, ThreadWaiter::OnWake::kLeave);
    plan.queue->Add(*waiter_, plan.mode);
  }

  DescriptionRef description_;
  Thread* thread_ = nullptr;
  bool limited_ = false;
  std::optional<ThreadWaiter> waiter_;
};

class ConnectCall final : public SocketCall {
 public:
  ConnectCall(DescriptionRef description, const SocketAddress& address)
      : SocketCall(std::move(description)), address_(address) {}
  const char* TypeName() const override { return "connect"; }

 protected:
  Result<int64_t> Try(Thread&) override {
    POLLUX_RETURN_IF_ERROR(socket().ResumeConnect(address_));
    return int64_t{0};
  }
  WaitPlan Plan() override { return socket().ConnectWait(); }
  Result<int64_t> TimedOut(Thread&) override { return socket().ConnectTimedOut(); }

 private:
  SocketAddress address_;
};

class AcceptCall final : public SocketCall {
 public:
  AcceptCall(DescriptionRef description, uint32_t flags, std::unique_ptr<AcceptTarget> target)
      : SocketCall(std::move(description)), flags_(flags), target_(std::move(target)) {}
  const char* TypeName() const override { return "accept"; }

  Result<int64_t> Try(Thread& thread) override {
    POLLUX_ASSIGN_OR_RETURN(DescriptionRef accepted, socket().Accept(flags_));
    return target_->Install(thread, std::move(accepted));
  }

 protected:
  WaitPlan Plan() override { return socket().AcceptWait(); }

 private:
  uint32_t flags_;
  std::unique_ptr<AcceptTarget> target_;
};

class SendCall final : public SocketCall {
 public:
  SendCall(DescriptionRef description, std::unique_ptr<SendRequest> request)
      : SocketCall(std::move(description)), request_(std::move(request)) {}
  const char* TypeName() const override { return "sendmsg"; }

  // Sends on until all is taken, something else ends it, or it has to wait (kAgain).
  Result<int64_t> Try(Thread& thread) override {
    OutgoingMessage& message = request_->message;
    while (true) {
      const Result<size_t> sent = socket().Send(message);
      if (sent.ok()) {
        done_ += static_cast<int64_t>(*sent);
        message.done = static_cast<size_t>(done_);
        if (socket().type() != kSockStream || request_->data.remaining() == 0) return done_;
        continue;
      }
      if (sent.error() == Errno::kAgain && socket().MayWaitToSend(message.flags)) {
        return Errno::kAgain;
      }
      if (sent.error() == Errno::kPipe && (message.flags & kMsgNoSignal) == 0 && done_ == 0 &&
          !message.quiet_pipe && socket().broken_pipe() != BrokenPipe::kQuiet) {
        RaiseSigPipe(thread);
      }
      if (done_ > 0) return done_;
      return sent.error();
    }
  }
  bool MustWait(const Result<int64_t>& result) {
    return !result.ok() && result.error() == Errno::kAgain &&
           socket().MayWaitToSend(request_->message.flags);
  }
  Result<int64_t> Interrupt() override {
    if (done_ > 0) return done_;
    return Errno::kIntr;
  }

 protected:
  WaitPlan Plan() override { return socket().WriteWait(); }
  Result<int64_t> TimedOut(Thread&) override {
    if (done_ > 0) return done_;
    return Errno::kAgain;
  }

 private:
  std::unique_ptr<SendRequest> request_;
  int64_t done_ = 0;
};

class ReceiveCall final : public SocketCall {
 public:
  ReceiveCall(DescriptionRef description, std::unique_ptr<ReceiveRequest> request)
      : SocketCall(std::move(description)),
        request_(std::move(request)),
        target_(socket().ReceiveTarget(request_->data.remaining(), request_->message.flags)) {}
  const char* TypeName() const override { return "recvmsg"; }

  // Receives on until there is enough, something else ends it, or it has to wait (kAgain).
  Result<int64_t> Try(Thread& thread) override {
    thread_ = &thread;
    waits_.reset();
    IncomingMessage& message = request_->message;
    const bool continues = socket().type() == kSockStream && (message.flags & kMsgPeek) == 0;
    while (true) {
      const Result<size_t> got = socket().Receive(message);
      if (!got.ok()) {
        if (got.error() == Errno::kAgain && socket().MayWaitToReceive(message.flags)) {
          waits_.emplace(socket());
          return Errno::kAgain;
        }
        if (done_ == 0) return got.error();
        return request_->Deliver(thread, done_);
      }
      done_ += *got;
      message.done = done_;
      if (!continues || message.complete || *got == 0 || done_ >= target_ ||
          request_->data.remaining() == 0) {
        return request_->Deliver(thread, done_);
      }
    }
  }
  bool MustWait(const Result<int64_t>& result) {
    return !result.ok() && result.error() == Errno::kAgain && done_ < target_ &&
           socket().MayWaitToReceive(request_->message.flags);
  }
  Result<int64_t> Interrupt() override {
    if (done_ > 0) return request_->Deliver(*thread_, done_);
    return Errno::kIntr;
  }

 protected:
  WaitPlan Plan() override { return socket().ReadWait(); }
  Result<int64_t> TimedOut(Thread& thread) override {
    if (done_ > 0) return request_->Deliver(thread, done_);
    return Errno::kAgain;
  }

 private:
  std::unique_ptr<ReceiveRequest> request_;
  std::optional<ReaderWait> waits_;
  size_t target_;
  size_t done_ = 0;
  Thread* thread_ = nullptr;
};

}  // namespace

CallResult StartConnect(Thread&, DescriptionRef description, const SocketAddress& address) {
  Socket& socket = *Socket::From(*description);
  const bool may_wait = socket.MayWaitToSend(0);
  const Result<void> connected = socket.Connect(address, may_wait);
  if (connected.ok() || connected.error() != Errno::kAgain || !may_wait) return connected;
  return std::unique_ptr<BlockedCall>(
      std::make_unique<ConnectCall>(std::move(description), address));
}

CallResult StartAccept(Thread& thread, DescriptionRef description, uint32_t flags,
                       std::unique_ptr<AcceptTarget> target) {
  const bool may_wait = Socket::From(*description)->MayWaitToReceive(0);
  auto call = std::make_unique<AcceptCall>(std::move(description), flags, std::move(target));
  const Result<int64_t> result = call->Try(thread);
  if (result.ok() || result.error() != Errno::kAgain || !may_wait) return result;
  return std::unique_ptr<BlockedCall>(std::move(call));
}

CallResult StartSend(Thread& thread, DescriptionRef description,
                     std::unique_ptr<SendRequest> request) {
  request->message.data = &request->data;
  request->message.to = request->to.has_value() ? &*request->to : nullptr;
  if (!Socket::From(*description)->MayWaitToSend(0)) request->message.flags |= kMsgDontWait;
  auto call = std::make_unique<SendCall>(std::move(description), std::move(request));
  const Result<int64_t> result = call->Try(thread);
  if (!call->MustWait(result)) return result;
  return std::unique_ptr<BlockedCall>(std::move(call));
}

CallResult StartReceive(Thread& thread, DescriptionRef description,
                        std::unique_ptr<ReceiveRequest> request) {
  request->message.data = &request->data;
  if (!Socket::From(*description)->MayWaitToReceive(0)) request->message.flags |= kMsgDontWait;
  auto call = std::make_unique<ReceiveCall>(std::move(description), std::move(request));
  const Result<int64_t> result = call->Try(thread);
  if (!call->MustWait(result)) return result;
  return std::unique_ptr<BlockedCall>(std::move(call));
}

}  // namespace pollux::os_emu
