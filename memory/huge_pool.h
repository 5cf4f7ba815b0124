// HugePool: the host's memory in huge pages, for what is touched soon and densely: translated code
// and its tables. The first touch of a page costs 0.1 to 0.3 us, but 18 us on hosts that shadow
// their guests' page tables (measured under PVM, Linux 6.18), where a program that begins with
// hundreds of small pages is slow; and there are fewer TLB misses later.
//
// What it gives is zeros, belongs to it, and is given back all at once, by its end. Not in the
// arena. Where the host has no huge pages, they are small ones.
#ifndef POLLUX_MEMORY_HUGE_POOL_H_
#define POLLUX_MEMORY_HUGE_POOL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pollux::memory {

class HugePool {
 public:
  static constexpr size_t kChunkBytes = size_t{2} << 20;

  HugePool() = default;
  ~HugePool();
  HugePool(const HugePool&) = delete;
  HugePool& operator=(const HugePool&) = delete;

  // An array of `count`; a T of zeros must make sense. What is larger than a chunk costs host
  // memory only where it is touched. Ends pollux where the host has no more addresses.
  template <typename T>
  T* New(size_t count) {
    return static_cast<T*>(Allocate(count * sizeof(T)));
  }

 private:
  struct Chunk {
    uint8_t* mapped;
    size_t bytes;
  };
  void* Allocate(size_t bytes);
  // At a multiple of kChunkBytes.
  uint8_t* Map(size_t bytes);

  std::vector<Chunk> chunks_;
  uint8_t* at_ = nullptr;  // What is left of the last chunk that others share.
  size_t left_ = 0;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_HUGE_POOL_H_
