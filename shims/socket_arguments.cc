#include "shims/socket_arguments.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace pollux::shims {
namespace {

using os_emu::ControlMessage;
using os_emu::IncomingMessage;
using os_emu::OutgoingMessage;
using os_emu::PeerCredentials;
using os_emu::SocketAddress;
using os_emu::Thread;

constexpr uint64_t kMaxControlBytes = 131072;  // net.core.optmem_max
constexpr size_t kMaxRights = 253;             // SCM_MAX_FD
constexpr uint32_t kOverflowId = 65534;        // For ids that do not exist (overflowuid).

constexpr uint64_t Aligned(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

// ---- Sending: net/core/scm.c.

// scm_check_creds() and what follows it.
Result<void> CheckCredentials(Thread& thread, const PeerCredentials& given) {
  const os_emu::Credentials& own = thread.credentials();
  const auto is_own = [](uint32_t id, uint32_t real, uint32_t effective, uint32_t saved) {
    return id == real || id == effective || id == saved;
  };
  if (given.uid == UINT32_MAX || given.gid == UINT32_MAX) return Errno::kInval;
  using os_emu::Capability;
  if (given.pid != static_cast<int32_t>(thread.process().pid()) &&
      !own.Has(Capability::kSysAdmin)) {
    return Errno::kPerm;
  }
  if (!is_own(given.uid, own.uid, own.euid, own.suid) && !own.Has(Capability::kSetUid))
    return Errno::kPerm;
  if (!is_own(given.gid, own.gid, own.egid, own.sgid) && !own.Has(Capability::kSetGid))
    return Errno::kPerm;
  if (thread.process().kernel().FindProcess(Tid{given.pid}) == nullptr) return Errno::kSrch;
  return {};
}

// scm_fp_copy(): O_PATH descriptors may travel too.
Result<void> AddRights(Thread& thread, std::span<const uint8_t> data, OutgoingMessage& message) {
  const size_t count = data.size() / sizeof(int32_t);
  if (message.rights.size() + count > kMaxRights) return Errno::kInval;
  for (size_t i = 0; i < count; ++i) {
    int32_t number;
    std::memcpy(&number, data.data() + i * sizeof(number), sizeof(number));
    POLLUX_ASSIGN_OR_RETURN(DescriptionRef right, thread.fds().Get(Fd{number}));
    message.rights.push_back(std::move(right));
  }
  return {};
}

Result<void> AddControl(Thread& thread, const os_emu::Socket& socket, const GuestCmsghdr& header,
                        std::span<const uint8_t> data, OutgoingMessage& message) {
  const bool travels = socket.domain() == os_emu::kAfUnix || socket.domain() == os_emu::kAfNetlink;
  if (!travels) {
    message.control.push_back({header.level, header.type, {data.begin(), data.end()}});
    return {};
  }
  if (header.level != os_emu::kSolSocket) return {};
  if (header.type == os_emu::kScmRights) {
    if (socket.domain() != os_emu::kAfUnix) return Errno::kInval;
    return AddRights(thread, data, message);
  }
  if (header.type == os_emu::kScmCredentials) {
    PeerCredentials given;
    if (data.size() != sizeof(given)) return Errno::kInval;
    std::memcpy(&given, data.data(), sizeof(given));
    POLLUX_RETURN_IF_ERROR(CheckCredentials(thread, given));
    message.credentials = given;
    return {};
  }
  return Errno::kInval;
}

// for_each_cmsghdr() with CMSG_OK().
Result<void> ParseControl(Thread& thread, const os_emu::Socket& socket,
                          std::span<const uint8_t> control, OutgoingMessage& message) {
  uint64_t at = 0;
  while (control.size() - at >= sizeof(GuestCmsghdr)) {
    GuestCmsghdr header;
    std::memcpy(&header, control.data() + at, sizeof(header));
    if (header.bytes < sizeof(header) || header.bytes > control.size() - at) return Errno::kInval;
    POLLUX_RETURN_IF_ERROR(
        AddControl(thread, socket, header,
                   control.subspan(at + sizeof(header), header.bytes - sizeof(header)), message));
    const uint64_t step = Aligned(header.bytes);
    if (step > control.size() - at) break;
    at += step;
  }
  return {};
}

// copy_msghdr_from_user()
struct Header {
  GuestMsghdr guest;
  memory::UserBuffer data;
};
Result<Header> ReadHeader(Thread& thread, GuestAddr address, bool reads_name,
                          std::optional<SocketAddress>* name) {
  memory::AddressSpace& memory = *thread.process().memory;
  Header header;
  POLLUX_ASSIGN_OR_RETURN(header.guest, memory.ReadObject<GuestMsghdr>(address));
  GuestMsghdr& guest = header.guest;
  if (guest.name == 0) guest.name_bytes = 0;
  if (guest.name_bytes < 0) return Errno::kInval;
  const int32_t name_bytes =
      std::min<int32_t>(guest.name_bytes, static_cast<int32_t>(SocketAddress::kMaxBytes));
  if (reads_name && name_bytes > 0) {
    POLLUX_ASSIGN_OR_RETURN(*name, AddressFrom(thread, GuestAddr{guest.name}, name_bytes));
  }
  if (guest.vector_count > kMaxVectors) return Errno::kMsgSize;
  POLLUX_ASSIGN_OR_RETURN(header.data,
                          VectorsFrom(memory, GuestAddr{guest.vectors}, guest.vector_count));
  return header;
}

// ---- Receiving: the guest's control buffer, filled from the front (put_cmsg()).
class ControlWriter {
 public:
  ControlWriter(Thread& thread, GuestAddr start, uint64_t bytes)
      : thread_(thread), start_(start), left_(start.IsNull() ? 0 : bytes) {}

  // Sets kMsgCtrunc in `flags` where it does not fit.
  void Put(int level, int type, std::span<const uint8_t> data, uint32_t* flags) {
    if (left_ < sizeof(GuestCmsghdr)) {
      *flags |= os_emu::kMsgCtrunc;
      return;
    }
    uint64_t bytes = sizeof(GuestCmsghdr) + data.size();
    if (left_ < bytes) {
      *flags |= os_emu::kMsgCtrunc;
      bytes = left_;
    }
    const GuestCmsghdr header{bytes, level, type};
    memory::AddressSpace& memory = *thread_.process().memory;
    if (!memory.WriteObject(GuestAddr{start_ + used_}, header).ok()) return;
    const auto shown = data.first(bytes - sizeof(header));
    if (memory.Write(start_ + (used_ + sizeof(header)), shown) != shown.size()) return;
    Advance(Aligned(sizeof(header) + data.size()));
  }

  // scm_detach_fds(): as many as fit get numbers, the others are closed.
  void PutRights(const std::vector<DescriptionRef>& rights, bool close_on_exec, uint32_t* flags) {
    memory::AddressSpace& memory = *thread_.process().memory;
    os_emu::FdTable& fds = thread_.fds();
    const size_t room =
        left_ <= sizeof(GuestCmsghdr) ? 0 : (left_ - sizeof(GuestCmsghdr)) / sizeof(int32_t);
    const GuestAddr data = start_ + (used_ + sizeof(GuestCmsghdr));
    size_t count = 0;
    for (; count < std::min(room, rights.size()); ++count) {
      const Result<Fd> fd = fds.Install(rights[count], close_on_exec);
      if (!fd.ok()) break;
      // receive_fd(): the number is given back where the guest cannot be told.
      if (!memory.WriteObject(data + count * sizeof(int32_t), static_cast<int32_t>(*fd)).ok()) {
        (void)fds.Remove(*fd);
        break;
      }
    }
    if (count > 0) {
      const uint64_t bytes = sizeof(GuestCmsghdr) + count * sizeof(int32_t);
      const GuestCmsghdr header{bytes, os_emu::kSolSocket, os_emu::kScmRights};
      if (memory.WriteObject(start_ + used_, header).ok()) Advance(Aligned(bytes));
    }
    if (count < rights.size()) *flags |= os_emu::kMsgCtrunc;
  }

  uint64_t used() const { return used_; }

 private:
  void Advance(uint64_t bytes) {
    bytes = std::min(bytes, left_);
    used_ += bytes;
    left_ -= bytes;
  }

  Thread& thread_;
  GuestAddr start_;
  uint64_t left_;
  uint64_t used_ = 0;
};

class HeaderReceiveRequest final : public os_emu::ReceiveRequest {
 public:
  HeaderReceiveRequest(GuestAddr header, const GuestMsghdr& guest)
      : header_(header), guest_(guest) {}

  Result<int64_t> Deliver(Thread& thread, size_t bytes) override {
    memory::AddressSpace& memory = *thread.process().memory;
    uint32_t flags = message.out_flags | (message.flags & os_emu::kMsgCmsgCloExec);
    ControlWriter control(thread, GuestAddr{guest_.control}, guest_.control_bytes);
    for (const ControlMessage& other : message.control) {
      control.Put(other.level, other.type, other.data, &flags);
    }
    if (message.credentials.has_value()) {
      PeerCredentials shown = *message.credentials;
      if (shown.uid == UINT32_MAX) shown.uid = kOverflowId;
      if (shown.gid == UINT32_MAX) shown.gid = kOverflowId;
      control.Put(os_emu::kSolSocket, os_emu::kScmCredentials,
                  {reinterpret_cast<const uint8_t*>(&shown), sizeof(shown)}, &flags);
    }
    if (!message.rights.empty()) {
      control.PutRights(message.rights, (message.flags & os_emu::kMsgCmsgCloExec) != 0, &flags);
      message.rights.clear();
    }
    if (guest_.name != 0) {
      constexpr uint64_t kNameBytesOffset = 8;
      POLLUX_RETURN_IF_ERROR(
          AddressTo(thread, message.from, GuestAddr{guest_.name}, header_ + kNameBytesOffset));
    }
    constexpr uint64_t kControlBytesOffset = 40, kFlagsOffset = 48;
    POLLUX_RETURN_IF_ERROR(memory.WriteObject(header_ + kFlagsOffset, flags));
    POLLUX_RETURN_IF_ERROR(memory.WriteObject(header_ + kControlBytesOffset, control.used()));
    return static_cast<int64_t>(bytes);
  }

 private:
  GuestAddr header_;
  GuestMsghdr guest_;
};

}  // namespace

Result<DescriptionRef> SocketAt(SyscallContext& context, int i) {
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef file, context.File(i));
  if (os_emu::Socket::From(*file) == nullptr) return Errno::kNotSock;
  return file;
}

Result<SocketAddress> AddressFrom(Thread& thread, GuestAddr address, int32_t bytes) {
  if (bytes < 0 || bytes > static_cast<int32_t>(SocketAddress::kMaxBytes)) return Errno::kInval;
  uint8_t buffer[SocketAddress::kMaxBytes];
  const size_t size = static_cast<size_t>(bytes);
  if (thread.process().memory->Read(address, {buffer, size}) != size) return Errno::kFault;
  return SocketAddress({buffer, size});
}

Result<void> AddressTo(Thread& thread, const SocketAddress& address, GuestAddr to,
                       GuestAddr bytes) {
  memory::AddressSpace& memory = *thread.process().memory;
  POLLUX_ASSIGN_OR_RETURN(const int32_t room, memory.ReadObject<int32_t>(bytes));
  if (room < 0) return Errno::kInval;
  POLLUX_RETURN_IF_ERROR(memory.WriteObject(bytes, static_cast<int32_t>(address.length)));
  const size_t shown = std::min<size_t>(room, address.length);
  if (memory.Write(to, address.span().first(shown)) != shown) return Errno::kFault;
  return {};
}

Result<std::unique_ptr<os_emu::SendRequest>> SendRequestFrom(Thread& thread,
                                                             const os_emu::Socket& socket,
                                                             GuestAddr address, uint32_t flags) {
  auto request = std::make_unique<os_emu::SendRequest>();
  POLLUX_ASSIGN_OR_RETURN(Header header, ReadHeader(thread, address, true, &request->to));
  request->data = std::move(header.data);
  request->message.flags = flags;
  if (header.guest.control_bytes > kMaxControlBytes) return Errno::kNoBufs;
  // A null pointer with a length faults like any other.
  std::vector<uint8_t> control(header.guest.control_bytes);
  if (thread.process().memory->Read(GuestAddr{header.guest.control}, control) != control.size()) {
    return Errno::kFault;
  }
  const Result<void> parsed = ParseControl(thread, socket, control, request->message);
  if (!parsed.ok()) {
    // scm_send() comes first, but for SOCK_SEQPACKET, which must be connected.
    if (socket.domain() == os_emu::kAfUnix && socket.type() != os_emu::kSockSeqPacket) {
      return parsed.error();
    }
    request->message.control_error = parsed.error();
  }
  return request;
}

Result<std::unique_ptr<os_emu::ReceiveRequest>> ReceiveRequestFrom(Thread& thread,
                                                                   GuestAddr address,
                                                                   uint32_t flags) {
  POLLUX_ASSIGN_OR_RETURN(Header header, ReadHeader(thread, address, false, nullptr));
  auto request = std::make_unique<HeaderReceiveRequest>(address, header.guest);
  request->data = std::move(header.data);
  request->message.flags = flags;
  request->message.wants_name = header.guest.name != 0;
  return std::unique_ptr<os_emu::ReceiveRequest>(std::move(request));
}

}  // namespace pollux::shims
