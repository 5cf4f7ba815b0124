// Socket: the description behind socket(2): what net/socket.c asks of every protocol.
//
// Protocols derive from it: AF_UNIX in unix/, TCP and UDP in inet/, AF_NETLINK in netlink/. The
// system-call ABI knows this header only, beside the functions that make sockets. As with every
// description nothing blocks: kAgain says that nothing can be done now, whether or not the socket
// is non-blocking; socket/calls.h makes the waiting out of it. Readiness is pushed through the
// socket's one wait queue with the keys that Linux uses, and by signals (O_ASYNC) beside them.
//
// A socket holds its peers by references of the protocol's own (never descriptions of others,
// except for those that travel in SCM_RIGHTS), so that closing the last number of a socket releases
// it. What is in queues is charged to the machine's MemoryBudget. What a protocol keeps once a
// machine (names, ports) is a kernel().Part<T>().
#ifndef POLLUX_OS_EMU_SOCKET_SOCKET_H_
#define POLLUX_OS_EMU_SOCKET_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "memory/address_space.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/socket/address.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

// The type argument of socket(2) (asm-generic).
inline constexpr int kSockStream = 1, kSockDgram = 2, kSockRaw = 3, kSockSeqPacket = 5;
inline constexpr uint32_t kSockTypeMask = 0xf, kSockNonBlock = kONonBlock, kSockCloExec = kOCloExec;

// MSG_* of send(2) and recv(2).
inline constexpr uint32_t kMsgOob = 0x1, kMsgPeek = 0x2, kMsgDontRoute = 0x4, kMsgCtrunc = 0x8,
                          kMsgTrunc = 0x20, kMsgDontWait = 0x40, kMsgEor = 0x80,
                          kMsgWaitAll = 0x100, kMsgConfirm = 0x800, kMsgErrQueue = 0x2000,
                          kMsgNoSignal = 0x4000, kMsgMore = 0x8000, kMsgWaitForOne = 0x10000,
                          kMsgSplicePages = 0x8000000,  // The kernel's own: from splice(2).
    kMsgFastOpen = 0x20000000, kMsgCmsgCloExec = 0x40000000;

// shutdown(2).
inline constexpr int kShutRd = 0, kShutWr = 1, kShutRdWr = 2;

// SOL_SOCKET and its options (asm-generic/socket.h).
inline constexpr int kSolSocket = 1;
inline constexpr int kSoDebug = 1, kSoReuseAddr = 2, kSoType = 3, kSoError = 4, kSoDontRoute = 5,
                     kSoBroadcast = 6, kSoSndBuf = 7, kSoRcvBuf = 8, kSoKeepAlive = 9,
                     kSoOobInline = 10, kSoNoCheck = 11, kSoPriority = 12, kSoLinger = 13,
                     kSoReusePort = 15, kSoPassCred = 16, kSoPeerCred = 17, kSoRcvLoWat = 18,
                     kSoSndLoWat = 19, kSoRcvTimeo = 20, kSoSndTimeo = 21, kSoPeerName = 28,
                     kSoAcceptConn = 30, kSoPeerSec = 31, kSoPassSec = 34, kSoMark = 36,
                     kSoProtocol = 38, kSoDomain = 39, kSoPeekOff = 42, kSoBusyPoll = 46,
                     kSoIncomingCpu = 49, kSoCookie = 57, kSoPeerGroups = 59, kSoZeroCopy = 60,
                     kSoSndBufForce = 32, kSoRcvBufForce = 33, kSoTimestamp = 29,
                     kSoTimestampNs = 35, kSoTimestamping = 37, kSoTimestampNew = 63,
                     kSoTimestampNsNew = 64, kSoTimestampingNew = 65, kSoRcvTimeoNew = 66,
                     kSoSndTimeoNew = 67, kSoPassPidFd = 76, kSoPeerPidFd = 77, kSoPassRights = 83,
                     kSoInq = 84;
inline constexpr int kScmRights = 1, kScmCredentials = 2;
// When the last message came, for ioctl(2): struct timeval and struct timespec.
inline constexpr uint32_t kSiocGstamp = 0x8906, kSiocGstampNs = 0x8907, kSiocGstampNew = 0x80108906,
                          kSiocGstampNsNew = 0x80108907;

// struct ucred.
struct PeerCredentials {
  int32_t pid = 0;
  uint32_t uid = UINT32_MAX;
  uint32_t gid = UINT32_MAX;

  friend bool operator==(const PeerCredentials&, const PeerCredentials&) = default;
};

// A control message that is neither rights nor credentials (IP_PKTINFO, SO_TIMESTAMP ...).
struct ControlMessage {
  int level = 0;
  int type = 0;
  std::vector<uint8_t> data;
};

// What a protocol keeps of a message whose sender waits.
struct HeldMessage {
  virtual ~HeldMessage() = default;
};

// What sendmsg(2) hands over. The numbers of SCM_RIGHTS have been resolved, and SCM_CREDENTIALS
// checked by the ABI.
struct OutgoingMessage {
  memory::UserBuffer* data = nullptr;  // Advances by what was taken.
  const SocketAddress* to = nullptr;   // Null: none was given.
  uint32_t flags = 0;                  // kMsg*
  std::vector<DescriptionRef> rights;
  std::optional<PeerCredentials> credentials;  // Where the sender gave them.
  std::vector<ControlMessage> control;         // Others, unchecked: the protocol's to refuse.
  // What is wrong with the control messages (kInval, kBadF, kPerm ...), for the protocol to return
  // where Linux's looks at them.
  std::optional<Errno> control_error;
  // A stream of several pieces: rights and credentials travel with the first byte only; set by the
  // protocol when they are gone.
  bool control_sent = false;
  // Of a stream of several pieces: what was sent before this one. Then the call ends well, and a
  // pending error is left to the next.
  size_t done = 0;
  // Set by the protocol at kAgain: what Linux looks at before it waits is not looked at again.
  bool has_waited = false;
  // What the protocol has taken already, before kAgain.
  std::unique_ptr<HeldMessage> held;
  // Set by the protocol: this kPipe raises no signal.
  bool quiet_pipe = false;
};

// What recvmsg(2) gets. `data` and `flags` are the caller's; the rest is filled.
struct IncomingMessage {
  memory::UserBuffer* data = nullptr;  // Advances by what was put.
  uint32_t flags = 0;                  // kMsg*
  bool wants_name = false;
  SocketAddress from;
  uint32_t out_flags = 0;  // kMsgTrunc, kMsgEor, kMsgOob, kMsgErrQueue.
  // What earlier tries of this call have put (kMsgWaitAll).
  size_t done = 0;
  // Set by the protocol: the call ends with what it has, although a stream's caller wanted more
  // (kMsgWaitAll, SO_RCVLOWAT): rights came, the end, another writer's credentials.
  bool complete = false;
  std::vector<DescriptionRef> rights;
  std::optional<PeerCredentials> credentials;
  std::vector<ControlMessage> control;
};

class Socket : public FileDescription {
 public:
  // The socket behind `description`; null if it is none (ENOTSOCK).
  static Socket* From(FileDescription& description) {
    return description.IsSocket() ? static_cast<Socket*>(&description) : nullptr;
  }
  bool IsSocket() const final { return true; }

  int domain() const { return domain_; }
  int type() const { return type_; }
  int protocol() const { return protocol_; }
  Kernel& kernel() { return kernel_; }
  uint64_t inode() const { return inode_; }

  // ---- Names.
  virtual Result<void> Bind(const SocketAddress& address) = 0;
  // Default: kOpNotSupp.
  virtual Result<void> Listen(int backlog);
  // `may_wait`: the description is not non-blocking. Then kAgain: wait as ConnectWait() says and
  // call ResumeConnect(); otherwise never kAgain for that (TCP: kInProgress; AF_UNIX: kAgain is the
  // answer itself).
  virtual Result<void> Connect(const SocketAddress& address, bool may_wait) = 0;
  // Default: Connect(address, true) once more.
  virtual Result<void> ResumeConnect(const SocketAddress& address);
  // What connect(2) returns where its SO_SNDTIMEO passed or a signal came.
  virtual Errno ConnectTimedOut() const { return Errno::kInProgress; }
  // A new description of the next connection, in file status `flags` (kONonBlock). kAgain: none
  // there. Default: kOpNotSupp.
  virtual Result<DescriptionRef> Accept(uint32_t flags);
  // How connect(2) and accept(2) wait, asked right after they gave kAgain. Defaults: on queue(), at
  // the front for any key with SO_SNDTIMEO; exclusively for any key with SO_RCVTIMEO.
  virtual WaitPlan ConnectWait();
  virtual WaitPlan AcceptWait();
  virtual Result<SocketAddress> Name() = 0;      // getsockname(2)
  virtual Result<SocketAddress> PeerName() = 0;  // getpeername(2): kNotConn
  virtual Result<void> Shutdown(int how) = 0;    // kInval for an unknown `how` was checked.

  // ---- Messages.
  // Takes what fits now, at least one byte (or the one message). kAgain: no room: wait as
  // WriteWait() says, asked right after. kPipe: the caller raises SIGPIPE where broken_pipe() says
  // so and not kMsgNoSignal. kMsgDontWait is set where the description is non-blocking.
  virtual Result<size_t> Send(OutgoingMessage& message) = 0;
  // What is there now; a stream may give less than wanted. kAgain: nothing: wait as ReadWait()
  // says. With kMsgTrunc in `flags` a datagram's full length. kMsgDontWait as in Send.
  virtual Result<size_t> Receive(IncomingMessage& message) = 0;
  // read(2) and write(2) are recvmsg and sendmsg without anything special; reading nothing gives 0
  // at once (sock_read_iter()).
  Result<size_t> Read(memory::UserBuffer& to) final;
  Result<size_t> Write(memory::UserBuffer& from) final;
  // What splice(2) and sendfile(2) give it in one piece (splice_to_socket()). `more`: kMsgMore.
  // `has_waited`: as in OutgoingMessage.
  Result<size_t> Splice(memory::UserBuffer& from, bool more, bool has_waited);
  // Defaults: on queue(), at the front, for any key, at most SO_RCVTIMEO or SO_SNDTIMEO.
  WaitPlan ReadWait() override;
  WaitPlan WriteWait() override;
  // SIGPIPE of streams only, and only where the call has sent nothing yet.
  BrokenPipe broken_pipe() const override {
    return type_ == kSockStream ? BrokenPipe::kRaisesIfNothingWasWritten : BrokenPipe::kQuiet;
  }

  // ---- Options. `value` is what the guest gave. Errors: kInval (too short), kNoProtoOpt.
  // Derived classes answer for their levels and pass SOL_SOCKET on to this one. (net/core/sock.c)
  virtual Result<void> SetOption(int level, int name, std::span<const uint8_t> value);
  // The whole value; the ABI cuts it to the guest's `length`. SO_ERROR and its like act even if the
  // guest's memory cannot take the value.
  virtual Result<std::vector<uint8_t>> GetOption(int level, int name, size_t length);
  // The options whose value says what is asked (IP_MSFILTER, MCAST_MSFILTER): what is written over
  // it. nullopt: another option, GetOption()'s.
  virtual std::optional<Result<std::vector<uint8_t>>> AskOption(
      int /*level*/, int /*name*/, std::span<const uint8_t> /*asked*/) {
    return std::nullopt;
  }
  // kNanosMax: for ever. 0 (a negative number was given): as if non-blocking.
  Nanos receive_timeout() const { return receive_timeout_; }
  Nanos send_timeout() const { return send_timeout_; }
  // sock_rcvlowat(): how many bytes a stream's receive of `wanted` bytes waits for.
  size_t ReceiveTarget(size_t wanted, uint32_t flags) const;
  // Neither the description, nor kMsgDontWait, nor a timeout of 0 forbids waiting.
  bool MayWaitToReceive(uint32_t flags) const {
    return !nonblocking() && (flags & kMsgDontWait) == 0 && receive_timeout_ != Nanos{0};
  }
  bool MayWaitToSend(uint32_t flags) const {
    return !nonblocking() && (flags & kMsgDontWait) == 0 && send_timeout_ != Nanos{0};
  }

  // ---- FileDescription
  // SOCKWQ_ASYNC_WAITDATA: what a call waits for is not signalled.
  void OnReaderWaits(bool waits) override { awaits_data_ = waits && AwaitsDataUnsignalled(); }
  int PollQueues(WaitQueue* queues[2]) override;
  Result<void> Stat(FileStatus* status) override;
  // FIONREAD (SIOCINQ), SIOCOUTQ, SIOCATMARK, SIOCGIFCONF ... as far as the protocol has them.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  // sock_splice_read(), splice_to_socket(): every protocol.
  bool CanSpliceFrom() const override { return true; }
  bool CanSpliceTo() const override { return true; }
  const char* TypeName() const override { return "socket"; }
  std::string LinkText() const override;  // "socket:[INODE]"

  // SO_ERROR: the pending error, taken once (sock_error()).
  std::optional<Errno> TakeError() { return std::exchange(error_, std::nullopt); }
  // Makes it pending, without a wake-up.
  void SetError(Errno error) { error_ = error; }

 protected:
  Socket(Kernel& kernel, int domain, int type, int protocol, uint32_t status_flags);

  WaitQueue& queue() { return queue_; }
  // sock_def_readable(), sock_def_error_report(), and sock_def_write_space() where there is room:
  // wake-up and signal.
  void NotifyData();
  void NotifyError();
  void NotifySpace();
  // sk_wake_async(): SOCK_WAKE_WAITD, not while a call waits for data; SOCK_WAKE_IO, always;
  // SOCK_WAKE_SPACE, where WantSpaceSignal() was said since the last time.
  void SignalData(IoReason reason) {
    if (!awaits_data_) async_.Signal(reason);
  }
  void SignalIo(IoReason reason) { async_.Signal(reason); }
  void SignalSpace();
  // SOCKWQ_ASYNC_NOSPACE: set where somebody has found no room, and does not wait for it. Without
  // O_ASYNC it stays as it is (sk_set_bit(), sk_clear_bit(), sk_wake_async()).
  void WantSpaceSignal(bool wants) {
    if (!async_.empty()) wants_space_signal_ = wants;
  }
  // sk_send_sigurg(): to the owner, with or without O_ASYNC.
  void SignalUrgent();
  bool has_error() const { return error_.has_value(); }
  // Of the thread whose call runs (of the first process in tests without one): the effective ids,
  // which SO_PEERCRED gives, and the real ones, which SCM_CREDENTIALS gives.
  PeerCredentials CurrentCredentials() const;
  PeerCredentials CurrentRealCredentials() const;
  bool CallerHas(Capability capability) const;

  // What SOL_SOCKET keeps for every protocol.
  struct Settings {
    bool debug = false, reuse_address = false, reuse_port = false, keep_alive = false,
         broadcast = false, oob_inline = false, pass_credentials = false, dont_route = false,
         timestamp = false, timestamp_ns = false, timestamp_new = false;
    uint32_t timestamping = 0;  // SOF_TIMESTAMPING_*
    bool no_check = false, zero_copy = false, pass_rights = true, select_error_queue = false;
    bool linger = false;
    int32_t linger_seconds = 0;
    int32_t priority = 0, mark = 0, busy_poll_us = 0, incoming_cpu = -1;
    int32_t peek_offset = -1;
    uint32_t send_buffer_bytes = 212992;  // net.core.wmem_default; what getsockopt gives.
    uint32_t receive_buffer_bytes = 212992;
    int32_t receive_low_water = 1;
  };
  Settings& settings() { return settings_; }
  const Settings& settings() const { return settings_; }
  // What the options of SO_TIMESTAMP's kind ask for of a message that came at `arrived`
  // (CLOCK_REALTIME): the protocol puts it before its other control messages.
  void AddTimestamp(Nanos arrived, IncomingMessage& message) const;
  bool WantsTimestamp() const { return settings_.timestamp || settings_.timestamping != 0; }
  // SIOCGSTAMP and its kin, for the protocols that have them, and what they tell of: a message was
  // received. kNoEnt: none was.
  Result<int64_t> TellTimestamp(uint32_t request, GuestAddr to, memory::AddressSpace* space);
  void NoteReceived(Nanos arrived);

  // A setting changed that wakes somebody (SO_RCVLOWAT, SO_SNDBUF). Default: nothing.
  virtual void OnSettingChanged(int name);
  // For SO_ACCEPTCONN, SO_PEERCRED (AF_UNIX), SO_PEEK_OFF.
  virtual bool IsListening() const { return false; }
  virtual PeerCredentials Peer() const { return {}; }
  virtual bool HasPeekOffset() const { return false; }
  // Whether a reader that waits stands for the signal (sk_wait_data(), unix_stream_data_wait()).
  virtual bool AwaitsDataUnsignalled() const { return false; }
  // Takes over what accept(2)'s new socket has from its listener: all settings and timeouts, but
  // not the pending error (sk_clone_lock(); AF_UNIX does not).
  void InheritSettings(const Socket& listener);

 private:
  static bool IsTimestampOption(int name);
  // kNoProtoOpt: what there is nothing to tell of.
  Result<void> SetTimestampOption(int name, int32_t number);
  std::vector<uint8_t> TimestampOption(int name) const;
  int AsyncLists(AsyncList* lists[2]) override {  // sock_fasync()
    lists[0] = &async_;
    return 1;
  }

  Kernel& kernel_;
  int domain_;
  int type_;
  int protocol_;
  uint64_t inode_;
  uint32_t owner_uid_, owner_gid_;
  WaitQueue queue_;
  AsyncList async_;
  bool awaits_data_ = false;
  bool wants_space_signal_ = false;
  std::optional<Errno> error_;
  Settings settings_;
  Nanos receive_timeout_ = kNanosMax;
  Nanos send_timeout_ = kNanosMax;
  // sk_stamp; none: nothing was received; 0: something, before anybody asked.
  std::optional<Nanos> last_stamp_;
  bool stamps_for_ioctl_ = false;  // SOCK_TIMESTAMP
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_SOCKET_H_
