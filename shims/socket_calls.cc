// socket(2) and what names, connects and sets sockets (net/socket.c). Messages: message_calls.cc.
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "os_emu/socket/calls.h"
#include "shims/context.h"
#include "shims/flag_names.h"
#include "shims/handlers.h"
#include "shims/socket_arguments.h"
#include "shims/socket_factory.h"

namespace pollux::shims {
namespace {

using os_emu::Socket;
using os_emu::SocketAddress;

constexpr uint32_t kTypeFlags = os_emu::kSockNonBlock | os_emu::kSockCloExec;

// net.core.somaxconn
constexpr uint32_t kMaxBacklog = 4096;

// A number that is taken for a call under way, and given back unless something comes of it.
class ReservedFd {
 public:
  ReservedFd(std::shared_ptr<os_emu::FdTable> fds, Fd fd) : fds_(std::move(fds)), fd_(fd) {}
  ReservedFd(ReservedFd&& other) noexcept = default;
  ReservedFd& operator=(ReservedFd&&) = delete;
  ~ReservedFd() {
    if (fds_ != nullptr) fds_->Cancel(fd_);
  }
  // get_unused_fd_flags(): kMFile.
  static Result<ReservedFd> Take(os_emu::Thread& thread) {
    POLLUX_ASSIGN_OR_RETURN(const Fd fd, thread.fds().Reserve());
    return ReservedFd(thread.shared_fds(), fd);
  }

  Fd fd() const { return fd_; }
  int64_t Fill(DescriptionRef file, bool close_on_exec) {
    std::exchange(fds_, nullptr)->Fill(fd_, std::move(file), close_on_exec);
    return static_cast<int64_t>(fd_);
  }

 private:
  std::shared_ptr<os_emu::FdTable> fds_;  // Null: nothing to give back.
  Fd fd_;
};

// What becomes of an accepted connection: the number that was taken when the call began, and the
// peer's name.
class AcceptInstall final : public os_emu::AcceptTarget {
 public:
  AcceptInstall(ReservedFd number, GuestAddr address, GuestAddr bytes, bool close_on_exec)
      : number_(std::move(number)),
        address_(address),
        bytes_(bytes),
        close_on_exec_(close_on_exec) {}

  Result<int64_t> Install(os_emu::Thread& thread, DescriptionRef accepted) override {
    if (!address_.IsNull()) {
      // do_accept(): a connection that has gone already, or whose name cannot be told, is dropped.
      const Result<SocketAddress> name = Socket::From(*accepted)->PeerName();
      if (!name.ok()) return Errno::kConnAborted;
      POLLUX_RETURN_IF_ERROR(AddressTo(thread, *name, address_, bytes_));
    }
    return number_.Fill(std::move(accepted), close_on_exec_);
  }

 private:
  ReservedFd number_;
  GuestAddr address_;
  GuestAddr bytes_;
  bool close_on_exec_;
};

CallResult AcceptWith(SyscallContext& context, uint32_t flags) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if ((flags & ~kTypeFlags) != 0) return Errno::kInval;
  Result<ReservedFd> number = ReservedFd::Take(context.thread());
  if (!number.ok()) return number.error();
  if (Socket::From(**file) == nullptr) return Errno::kNotSock;
  if (!context.kernel().budget().FitsObject(0)) return Errno::kNFile;  // sock_alloc()
  return os_emu::StartAccept(
      context.thread(), *std::move(file), flags & os_emu::kSockNonBlock,
      std::make_unique<AcceptInstall>(*std::move(number), context.Addr(1), context.Addr(2),
                                      (flags & os_emu::kSockCloExec) != 0));
}

CallResult NameTo(SyscallContext& context, Result<SocketAddress> name) {
  if (!name.ok()) return name.error();
  return AddressTo(context.thread(), *name, context.Addr(1), context.Addr(2));
}

// Options that Linux has and pollux has not: a program that sets one relies on it.
Errno RefuseOption(SyscallContext& context, Errno error) {
  if (error != Errno::kNoProtoOpt || context.Int(1) != os_emu::kSolSocket) return error;
  const char* name = NameOf(kSocketOptions, context.UInt(2));
  constexpr int kReadOnly[] = {os_emu::kSoType,     os_emu::kSoError,      os_emu::kSoProtocol,
                               os_emu::kSoDomain,   os_emu::kSoAcceptConn, os_emu::kSoPeerName,
                               os_emu::kSoPeerCred, os_emu::kSoSndLoWat,   os_emu::kSoPeerSec,
                               os_emu::kSoCookie};
  const bool known = name != nullptr && std::find(std::begin(kReadOnly), std::end(kReadOnly),
                                                  context.Int(2)) == std::end(kReadOnly);
  return known ? context.Refuse(error, name) : error;
}

}  // namespace

CallResult SysSocket(SyscallContext& context) {
  const uint32_t flags = context.UInt(1) & ~os_emu::kSockTypeMask;
  if ((flags & ~kTypeFlags) != 0) return Errno::kInval;
  Result<DescriptionRef> made =
      MakeSocket(context, context.Int(0), context.Int(1) & static_cast<int>(os_emu::kSockTypeMask),
                 context.Int(2), flags & os_emu::kSockNonBlock);
  if (!made.ok()) return made.error();
  return context.InstallNew(*std::move(made), (flags & os_emu::kSockCloExec) != 0);
}

CallResult SysSocketpair(SyscallContext& context) {
  const uint32_t flags = context.UInt(1) & ~os_emu::kSockTypeMask;
  if ((flags & ~kTypeFlags) != 0) return Errno::kInval;
  // __sys_socketpair() takes two numbers and tells the guest before anything else.
  Result<ReservedFd> first = ReservedFd::Take(context.thread());
  if (!first.ok()) return first.error();
  Result<ReservedFd> second = ReservedFd::Take(context.thread());
  if (!second.ok()) return second.error();
  const std::array<int32_t, 2> numbers = {static_cast<int32_t>(first->fd()),
                                          static_cast<int32_t>(second->fd())};
  Result<void> told = context.Out(context.Addr(3), numbers);
  if (!told.ok()) return told.error();
  auto pair = MakeSocketPair(context, context.Int(0),
                             context.Int(1) & static_cast<int>(os_emu::kSockTypeMask),
                             context.Int(2), flags & os_emu::kSockNonBlock);
  if (!pair.ok()) return pair.error();
  const bool close_on_exec = (flags & os_emu::kSockCloExec) != 0;
  first->Fill(std::move(pair->first), close_on_exec);
  second->Fill(std::move(pair->second), close_on_exec);
  return 0;
}

CallResult SysBind(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  Result<SocketAddress> address = AddressFrom(context.thread(), context.Addr(1), context.Int(2));
  if (!address.ok()) return address.error();
  return Socket::From(**file)->Bind(*address);
}

CallResult SysListen(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  return Socket::From(**file)->Listen(static_cast<int>(std::min(context.UInt(1), kMaxBacklog)));
}

CallResult SysAccept(SyscallContext& context) { return AcceptWith(context, 0); }
CallResult SysAccept4(SyscallContext& context) { return AcceptWith(context, context.UInt(3)); }

CallResult SysConnect(SyscallContext& context) {
  // __sys_connect() copies the address before it looks whether this is a socket.
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  Result<SocketAddress> address = AddressFrom(context.thread(), context.Addr(1), context.Int(2));
  if (!address.ok()) return address.error();
  if (Socket::From(**file) == nullptr) return Errno::kNotSock;
  return os_emu::StartConnect(context.thread(), *std::move(file), *address);
}

CallResult SysGetsockname(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  return NameTo(context, Socket::From(**file)->Name());
}

CallResult SysGetpeername(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  return NameTo(context, Socket::From(**file)->PeerName());
}

CallResult SysShutdown(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  const int how = context.Int(1);
  Socket& socket = *Socket::From(**file);
  // The protocol looks, and netlink's does not (sock_no_shutdown()).
  const bool looks = socket.domain() != os_emu::kAfNetlink;
  if (looks && (how < os_emu::kShutRd || how > os_emu::kShutRdWr)) return Errno::kInval;
  return socket.Shutdown(how);
}

CallResult SysSetsockopt(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  const int32_t length = context.Int(4);
  if (length < 0) return Errno::kInval;
  // An option reads what it needs; no supported one needs more.
  constexpr size_t kMaxValueBytes = 16384;  // The longest: a list of sources for MCAST_MSFILTER.
  std::vector<uint8_t> value(std::min<size_t>(length, kMaxValueBytes));
  const size_t read = context.memory().Read(context.Addr(3), value);
  const bool faulted = read < value.size();
  value.resize(read);
  Result<void> set = Socket::From(**file)->SetOption(context.Int(1), context.Int(2), value);
  if (set.ok()) return 0;
  if (faulted && set.error() == Errno::kInval) return Errno::kFault;
  return RefuseOption(context, set.error());
}

CallResult SysGetsockopt(SyscallContext& context) {
  Result<DescriptionRef> file = SocketAt(context, 0);
  if (!file.ok()) return file.error();
  Socket& socket = *Socket::From(**file);
  Result<int32_t> length = context.In<int32_t>(context.Addr(4));
  // What no level of the protocol answers does not look at the length either.
  if (context.Int(1) == os_emu::kSolSocket || socket.domain() != os_emu::kAfUnix) {
    if (!length.ok()) return length.error();
    if (*length < 0) return Errno::kInval;
  }
  // The longest question: what comes before a list of multicast sources.
  std::array<uint8_t, 256> question;
  const std::span<uint8_t> given =
      std::span(question).first(std::min<size_t>(length.ok() ? *length : 0, question.size()));
  const size_t readable = context.memory().Read(context.Addr(3), given);
  if (auto told = socket.AskOption(context.Int(1), context.Int(2), given.first(readable))) {
    if (!told->ok()) {
      return told->error() == Errno::kInval && readable < given.size() ? Errno::kFault
                                                                       : told->error();
    }
    // The length says nothing of the sources: their number in the question does.
    Result<void> stored = context.Out(context.Addr(4), static_cast<int32_t>((*told)->size()));
    if (!stored.ok()) return stored.error();
    if (context.memory().Write(context.Addr(3), **told) != (*told)->size()) return Errno::kFault;
    return 0;
  }
  Result<std::vector<uint8_t>> value = socket.GetOption(
      context.Int(1), context.Int(2), length.ok() ? static_cast<size_t>(*length) : 0);
  if (!value.ok()) return RefuseOption(context, value.error());
  const size_t shown = std::min(value->size(), static_cast<size_t>(*length));
  if (context.memory().Write(context.Addr(3), std::span(*value).first(shown)) != shown) {
    return Errno::kFault;
  }
  return context.Out(context.Addr(4), static_cast<int32_t>(shown));
}

}  // namespace pollux::shims
