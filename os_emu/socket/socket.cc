#include "os_emu/socket/socket.h"

#include <algorithm>
#include <utility>

#include "os_emu/file/file_status.h"
#include "os_emu/socket/interface_ioctls.h"

namespace pollux::os_emu {
namespace {

// st_dev of sockfs.
constexpr uint64_t kSocketDevice = MakeDevice(0, 9);

Thread* CallingThread(Kernel& kernel) {
  if (kernel.current() != nullptr) return kernel.current();
  return kernel.processes().empty() ? nullptr : kernel.processes().begin()->second->first_thread();
}

}  // namespace

Socket::Socket(Kernel& kernel, int domain, int type, int protocol, uint32_t status_flags)
    : FileDescription(kORdWr | (status_flags & kONonBlock)),
      kernel_(kernel),
      domain_(domain),
      type_(type),
      protocol_(protocol),
      inode_(kernel.NextInode()) {
  const Thread* const thread = CallingThread(kernel);
  owner_uid_ = thread == nullptr ? 0 : thread->credentials().fsuid;
  owner_gid_ = thread == nullptr ? 0 : thread->credentials().fsgid;
}

// ---- What a protocol need not have.

Result<void> Socket::Listen(int) { return Errno::kOpNotSupp; }
Result<void> Socket::ResumeConnect(const SocketAddress& address) { return Connect(address, true); }
Result<DescriptionRef> Socket::Accept(uint32_t) { return Errno::kOpNotSupp; }

WaitPlan Socket::ConnectWait() { return {.queue = &queue_, .limit = send_timeout_}; }
WaitPlan Socket::AcceptWait() {
  return {.queue = &queue_, .mode = WaitMode::kExclusive, .limit = receive_timeout_};
}
WaitPlan Socket::ReadWait() { return {.queue = &queue_, .limit = receive_timeout_}; }
WaitPlan Socket::WriteWait() { return {.queue = &queue_, .limit = send_timeout_}; }

Result<int64_t> Socket::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  return InterfaceIoctl(domain_, request, argument, space);
}

// sk_setsockopt() calls sk_write_space() for SO_SNDBUF, whatever the value.
void Socket::OnSettingChanged(int name) {
  if (name == kSoSndBuf && (Poll() & kOut) != 0) NotifySpace();
}

// ---- Telling who waits, and who wants signals (net/core/sock.c, net/socket.c).

void Socket::NotifyData() {
  queue_.Notify(kIn | kPri | kRdNorm | kRdBand);
  SignalData(IoReason::kIn);
}

void Socket::NotifyError() {
  queue_.Notify(kErr);
  SignalIo(IoReason::kError);
}

void Socket::NotifySpace() {
  queue_.Notify(kOut | kWrNorm | kWrBand);
  SignalSpace();
}

void Socket::SignalSpace() {
  if (!async_.empty() && std::exchange(wants_space_signal_, false)) async_.Signal(IoReason::kOut);
}

void Socket::SignalUrgent() {
  const SignalOwner* owner = signal_owner();
  if (owner == nullptr || owner->target == nullptr) return;
  owner->target->SendUrgent();
  async_.SignalUrgent();
}

// ---- Reading and writing.

Result<size_t> Socket::Read(memory::UserBuffer& to) {
  if (to.remaining() == 0) return size_t{0};
  IncomingMessage message;
  message.data = &to;
  if (!MayWaitToReceive(0)) message.flags |= kMsgDontWait;
  return Receive(message);
}

Result<size_t> Socket::Write(memory::UserBuffer& from) {
  OutgoingMessage message;
  message.data = &from;
  if (!MayWaitToSend(0)) message.flags |= kMsgDontWait;
  // SOCK_SEQPACKET's write(2) is one whole record (sock_write_iter()).
  if (type_ == kSockSeqPacket) message.flags |= kMsgEor;
  return Send(message);
}

Result<size_t> Socket::Splice(memory::UserBuffer& from, bool more, bool has_waited) {
  OutgoingMessage message;
  message.has_waited = has_waited;
  message.data = &from;
  message.flags = kMsgSplicePages | (more ? kMsgMore : 0);
  if (!MayWaitToSend(0)) message.flags |= kMsgDontWait;
  return Send(message);
}

size_t Socket::ReceiveTarget(size_t wanted, uint32_t flags) const {
  const size_t low_water = static_cast<size_t>(settings_.receive_low_water);
  const size_t target = (flags & kMsgWaitAll) != 0 ? wanted : std::min(low_water, wanted);
  return std::max<size_t>(target, 1);
}

// ---- Readiness and identity.

int Socket::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &queue_;
  return 1;
}

Result<void> Socket::Stat(FileStatus* status) {
  *status = FileStatus();
  status->dev = kSocketDevice;
  status->ino = inode_;
  status->mode = kModeSocket | 0777;
  status->uid = owner_uid_;
  status->gid = owner_gid_;
  return {};
}

std::string Socket::LinkText() const { return "socket:[" + std::to_string(inode_) + "]"; }

PeerCredentials Socket::CurrentCredentials() const {
  const Thread* const thread = CallingThread(kernel_);
  if (thread == nullptr) return {};
  return {.pid = static_cast<int32_t>(thread->process().pid()),
          .uid = thread->credentials().euid,
          .gid = thread->credentials().egid};
}

PeerCredentials Socket::CurrentRealCredentials() const {
  const Thread* const thread = CallingThread(kernel_);
  if (thread == nullptr) return {};
  return {.pid = static_cast<int32_t>(thread->process().pid()),
          .uid = thread->credentials().uid,
          .gid = thread->credentials().gid};
}

bool Socket::CallerHas(Capability capability) const {
  const Thread* const thread = CallingThread(kernel_);
  return thread != nullptr && thread->credentials().Has(capability);
}

void Socket::InheritSettings(const Socket& listener) {
  settings_ = listener.settings_;
  receive_timeout_ = listener.receive_timeout_;
  send_timeout_ = listener.send_timeout_;
}

}  // namespace pollux::os_emu
