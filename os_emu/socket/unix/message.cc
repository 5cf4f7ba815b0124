#include "os_emu/socket/unix/message.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "os_emu/socket/unix/table.h"
#include "os_emu/socket/unix/unix_socket.h"

namespace pollux::os_emu {
namespace {

constexpr uint32_t kPageBytes = 4096;
// sizeof(struct sk_buff) and sizeof(struct skb_shared_info), both aligned.
constexpr uint32_t kSkbBytes = 256, kSharedInfoBytes = 320, kCacheLineBytes = 64;
constexpr uint32_t kLeastHeadBytes = 512;

constexpr uint32_t RoundUp(uint32_t bytes, uint32_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

uint32_t SkbTrueSize(uint32_t head_bytes, uint32_t page_bytes) {
  const uint32_t head = RoundUp(head_bytes, kCacheLineBytes) + kSharedInfoBytes;
  return kSkbBytes + std::max(std::bit_ceil(head), kLeastHeadBytes) + page_bytes;
}

uint32_t StreamTrueSize(uint32_t bytes) {
  if (bytes <= kSkbHeadBytes) return SkbTrueSize(bytes, 0);
  const uint32_t pages = RoundUp(bytes - kSkbHeadBytes, kPageBytes);
  return SkbTrueSize(bytes - std::min(bytes, pages), pages);
}

uint32_t DatagramTrueSize(uint32_t bytes) {
  if (bytes <= kSkbMaxAlloc) return SkbTrueSize(bytes, 0);
  const uint32_t pages = RoundUp(std::min(bytes - kSkbMaxAlloc, kSkbMaxPages), kPageBytes);
  return SkbTrueSize(bytes - pages, pages);
}

Result<std::unique_ptr<UnixMessage>> UnixMessage::Make(UnixTable& table,
                                                       memory::MemoryBudget& budget,
                                                       std::shared_ptr<UnixAnchor> sender,
                                                       memory::UserBuffer& from, size_t bytes,
                                                       uint32_t true_size) {
  if (!budget.FitsObject(true_size)) {
    return Errno::kNoBufs;
  }
  budget.used_bytes += true_size;
  if (sender->socket != nullptr) sender->socket->ChargeSend(true_size);
  std::unique_ptr<UnixMessage> message(
      new UnixMessage(table, budget, std::move(sender), true_size));
  message->bytes_.resize(bytes);
  const size_t copied = from.CopyFrom(message->bytes_);
  if (copied < bytes) {
    from.Revert(copied);
    return Errno::kFault;
  }
  return message;
}

UnixMessage::~UnixMessage() {
  // unix_destruct_scm(): the descriptions first, from the last one on, then the room.
  std::vector<DescriptionRef> rights = TakeRights();
  while (!rights.empty()) rights.pop_back();
  budget_.used_bytes -= true_size_;
  if (sender_->socket != nullptr) sender_->socket->RefundSend(true_size_);
}

void UnixMessage::AttachRights(std::vector<DescriptionRef> rights, uint32_t uid) {
  rights_ = std::move(rights);
  rights_uid_ = uid;
  for (const DescriptionRef& right : rights_) table_.InFlight(*right, rights_uid_, 1);
}

std::vector<DescriptionRef> UnixMessage::TakeRights() {
  for (const DescriptionRef& right : rights_) table_.InFlight(*right, rights_uid_, -1);
  return std::exchange(rights_, {});
}

}  // namespace pollux::os_emu
