#include "memory/huge_pool.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "abi/check.h"
#include "memory/arena.h"

namespace pollux::memory {

HugePool::~HugePool() {
  for (const Chunk& chunk : chunks_) munmap(chunk.mapped, chunk.bytes);
}

void* HugePool::Allocate(size_t bytes) {
  constexpr size_t kLine = 64;
  bytes = (bytes + kLine - 1) / kLine * kLine;
  if (bytes > kChunkBytes / 2) return Map(bytes);
  if (bytes > left_) {
    at_ = Map(kChunkBytes);
    left_ = kChunkBytes;
  }
  uint8_t* const given = at_;
  at_ += bytes;
  left_ -= bytes;
  return given;
}

uint8_t* HugePool::Map(size_t bytes) {
  const OutsideArena outside;
  // mmap(2) aligns to small pages.
  const size_t with_slack = bytes + kChunkBytes;
  void* const mapped = mmap(nullptr, with_slack, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  POLLUX_CHECK(mapped != MAP_FAILED) << "mmap: " << std::strerror(errno);
  (void)madvise(mapped, with_slack, MADV_HUGEPAGE);
  chunks_.push_back({static_cast<uint8_t*>(mapped), with_slack});
  const auto start = reinterpret_cast<uint64_t>(mapped);
  return reinterpret_cast<uint8_t*>((start + kChunkBytes - 1) / kChunkBytes * kChunkBytes);
}

}  // namespace pollux::memory
