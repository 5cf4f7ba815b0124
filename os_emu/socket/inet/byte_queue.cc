#include "os_emu/socket/inet/byte_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {

ByteQueue::Chunk* ByteQueue::Room() {
  if (!chunks_.empty() && chunks_.back().end < kChunkBytes) return &chunks_.back();
  if (!budget_->Fits(kChunkBytes)) {
    return nullptr;
  }
  budget_->used_bytes += kChunkBytes;
  // Uninitialised: nothing is read that was not written.
  chunks_.push_back(Chunk{.bytes = std::unique_ptr<uint8_t[]>(new uint8_t[kChunkBytes])});
  return &chunks_.back();
}

ByteQueue::Taken ByteQueue::Append(memory::UserBuffer& from, size_t limit) {
  Taken taken;
  size_t wanted = std::min<uint64_t>(limit, from.remaining());
  while (wanted > 0) {
    Chunk* chunk = Room();
    if (chunk == nullptr) {
      taken.stop = Stop::kNoMemory;
      break;
    }
    const size_t bytes = std::min<size_t>(wanted, kChunkBytes - chunk->end);
    const size_t copied = from.CopyFrom({chunk->bytes.get() + chunk->end, bytes});
    chunk->end += static_cast<uint32_t>(copied);
    size_ += copied;
    taken.bytes += copied;
    wanted -= copied;
    if (copied < bytes) {
      taken.stop = Stop::kFault;
      break;
    }
  }
  return taken;
}

size_t ByteQueue::Move(ByteQueue& from, size_t limit) {
  size_t wanted = std::min(limit, from.size_);
  size_t moved = 0;
  while (moved < wanted) {
    Chunk& source = from.chunks_.front();
    const size_t available = source.end - source.begin;
    if (available >= kChunkBytes / 2 && available <= wanted - moved) {
      // The chunk changes hands, and its charge with it.
      size_ += available;
      from.size_ -= available;
      moved += available;
      chunks_.push_back(std::move(source));
      from.chunks_.pop_front();
      continue;
    }
    Chunk* chunk = Room();
    if (chunk == nullptr) break;
    const size_t bytes =
        std::min({wanted - moved, available, size_t{kChunkBytes} - size_t{chunk->end}});
    std::memcpy(chunk->bytes.get() + chunk->end, source.bytes.get() + source.begin, bytes);
    chunk->end += static_cast<uint32_t>(bytes);
    size_ += bytes;
    moved += bytes;
    from.Drop(bytes);
  }
  return moved;
}

size_t ByteQueue::CopyTo(memory::UserBuffer& to, size_t offset, size_t limit) const {
  size_t copied = 0;
  for (const Chunk& chunk : chunks_) {
    if (copied == limit || to.remaining() == 0) break;
    const size_t held = chunk.end - chunk.begin;
    if (offset >= held) {
      offset -= held;
      continue;
    }
    const size_t bytes = std::min<uint64_t>({held - offset, limit - copied, to.remaining()});
    const size_t done = to.CopyTo({chunk.bytes.get() + chunk.begin + offset, bytes});
    copied += done;
    if (done < bytes) break;
    offset = 0;
  }
  return copied;
}

uint8_t ByteQueue::ByteAt(size_t offset) const {
  for (const Chunk& chunk : chunks_) {
    const size_t held = chunk.end - chunk.begin;
    if (offset < held) return chunk.bytes[chunk.begin + offset];
    offset -= held;
  }
  POLLUX_CHECK(false) << "past the end of the queue";
  return 0;
}

void ByteQueue::Drop(size_t bytes) {
  POLLUX_CHECK(bytes <= size_) << bytes;
  size_ -= bytes;
  while (bytes > 0) {
    Chunk& chunk = chunks_.front();
    const size_t dropped = std::min<size_t>(bytes, chunk.end - chunk.begin);
    chunk.begin += static_cast<uint32_t>(dropped);
    bytes -= dropped;
    if (chunk.begin == chunk.end) {
      chunks_.pop_front();
      budget_->used_bytes -= kChunkBytes;
    }
  }
  if (size_ == 0) {
    // A chunk that was made and never filled (a fault).
    budget_->used_bytes -= chunks_.size() * kChunkBytes;
    chunks_.clear();
  }
}

}  // namespace pollux::os_emu
