// UnixMessage: what lies in an AF_UNIX socket's receive queue (a struct sk_buff): bytes, who sent
// them, and the descriptions that travel with them.
#ifndef POLLUX_OS_EMU_SOCKET_UNIX_MESSAGE_H_
#define POLLUX_OS_EMU_SOCKET_UNIX_MESSAGE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memory/address_space.h"
#include "os_emu/file/description.h"
#include "os_emu/socket/socket.h"

namespace pollux::os_emu {

class UnixSocket;
class UnixTable;

// What others hold of a socket; outlives it, as a struct sock does.
struct UnixAnchor {
  UnixSocket* socket = nullptr;               // Null: closed (SOCK_DEAD).
  std::shared_ptr<const SocketAddress> name;  // Null: never bound.
};

// What sk_buffs cost in the sender's send buffer: struct sk_buff, the head with its shared info
// rounded up as kmalloc() does, whole pages behind it (measured with SIOCOUTQ).
constexpr uint32_t kSkbHeadBytes = 3776;      // SKB_MAX_HEAD(0)
constexpr uint32_t kSkbFragBytes = 32768;     // UNIX_SKB_FRAGS_SZ
constexpr uint32_t kSkbMaxAlloc = 16064;      // SKB_MAX_ALLOC
constexpr uint32_t kSkbMaxPages = 17 * 4096;  // MAX_SKB_FRAGS
uint32_t SkbTrueSize(uint32_t head_bytes, uint32_t page_bytes);
uint32_t StreamTrueSize(uint32_t bytes);  // At most kSkbHeadBytes + kSkbFragBytes.
uint32_t DatagramTrueSize(uint32_t bytes);

class UnixMessage {
 public:
  // Takes `bytes` from `from`. kNoBufs: the machine's memory is spent; kFault.
  static Result<std::unique_ptr<UnixMessage>> Make(UnixTable& table, memory::MemoryBudget& budget,
                                                   std::shared_ptr<UnixAnchor> sender,
                                                   memory::UserBuffer& from, size_t bytes,
                                                   uint32_t true_size);
  // Closes the rights that nobody took and gives the room back to the sender, whom that wakes.
  ~UnixMessage();
  UnixMessage(const UnixMessage&) = delete;
  UnixMessage& operator=(const UnixMessage&) = delete;

  // Bytes that were not read.
  size_t left() const { return bytes_.size() - consumed_; }
  std::span<const uint8_t> unread() const { return std::span(bytes_).subspan(consumed_); }
  void Consume(size_t bytes) { consumed_ += bytes; }
  const UnixAnchor& sender() const { return *sender_; }

  // Rights in flight are counted from here to TakeRights() or the end. `uid`: whose they are.
  void AttachRights(std::vector<DescriptionRef> rights, uint32_t uid);
  std::vector<DescriptionRef> TakeRights();
  const std::vector<DescriptionRef>& rights() const { return rights_; }

  PeerCredentials credentials;  // Default: nobody's.
  bool peeked = false;
  Nanos arrived{0};  // CLOCK_REALTIME; 0: nobody asked for it when it came.

 private:
  UnixMessage(UnixTable& table, memory::MemoryBudget& budget, std::shared_ptr<UnixAnchor> sender,
              uint32_t true_size)
      : table_(table), budget_(budget), sender_(std::move(sender)), true_size_(true_size) {}

  UnixTable& table_;
  memory::MemoryBudget& budget_;
  std::shared_ptr<UnixAnchor> sender_;
  std::vector<uint8_t> bytes_;
  size_t consumed_ = 0;
  uint32_t true_size_;
  std::vector<DescriptionRef> rights_;
  uint32_t rights_uid_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_UNIX_MESSAGE_H_
