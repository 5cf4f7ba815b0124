// ByteQueue: bytes in transit, in chunks that are charged to the machine's MemoryBudget as they
// come and given back as they go.
#ifndef POLLUX_OS_EMU_SOCKET_INET_BYTE_QUEUE_H_
#define POLLUX_OS_EMU_SOCKET_INET_BYTE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "memory/address_space.h"
#include "memory/user_buffer.h"

namespace pollux::os_emu {

class ByteQueue {
 public:
  static constexpr size_t kChunkBytes = 4096;

  // `budget` must outlive the queue.
  explicit ByteQueue(memory::MemoryBudget* budget) : budget_(budget) {}
  ~ByteQueue() { Clear(); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  enum class Stop { kAll, kFault, kNoMemory };
  struct Taken {
    size_t bytes = 0;
    Stop stop = Stop::kAll;  // Why it was not all that was wanted.
  };
  // Takes at most `limit` bytes from `from`.
  Taken Append(memory::UserBuffer& from, size_t limit);
  // Moves at most `limit` bytes of `from` here. Fewer: the budget is spent.
  size_t Move(ByteQueue& from, size_t limit);
  // Copies at most `limit` bytes from `offset` on to `to` and leaves them. Fewer: the end of `to`,
  // or a byte that cannot be accessed.
  size_t CopyTo(memory::UserBuffer& to, size_t offset, size_t limit) const;
  uint8_t ByteAt(size_t offset) const;  // offset < size()
  void Drop(size_t bytes);              // bytes <= size()
  void Clear() { Drop(size_); }

 private:
  struct Chunk {
    std::unique_ptr<uint8_t[]> bytes;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  // Room in the last chunk, a new one if it is full. Null: the budget is spent.
  Chunk* Room();

  std::deque<Chunk> chunks_;
  size_t size_ = 0;
  memory::MemoryBudget* budget_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_INET_BYTE_QUEUE_H_
