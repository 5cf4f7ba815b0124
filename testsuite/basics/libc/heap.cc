// heap: malloc, calloc, realloc, aligned_alloc and free under load, with sizes from 1 byte to 64
// MiB, so that the allocator uses brk, mmap, mremap and munmap. Every block keeps its own pattern
// to the end.
#include <malloc.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

uint32_t random_state = 12345;
uint32_t Random(uint32_t limit) {
  random_state = random_state * 1664525 + 1013904223;
  return (random_state >> 8) % limit;
}

struct Block {
  unsigned char* bytes = nullptr;
  size_t size = 0;
  unsigned char pattern = 0;
};

// As it is, but a compiler no longer knows where it comes from, and that it could do without.
template <typename T>
T* Opaque(T* block) {
  asm volatile("" : "+r"(block) : : "memory");
  return block;
}

// Large blocks are looked at a page at a time.
size_t Step(size_t size) { return size > 65536 ? 509 : 1; }

void Fill(Block& block) {
  for (size_t i = 0; i < block.size; i += Step(block.size)) block.bytes[i] = block.pattern;
}
void Check(const Block& block, size_t size) {
  for (size_t i = 0; i < size; i += Step(block.size)) {
    Must(block.bytes[i] == block.pattern, "a block keeps what was written");
  }
}

size_t RandomSize() {
  switch (Random(100)) {
    case 0:
      return size_t{1} << (20 + Random(6));
    case 1:
    case 2:
    case 3:
      return 100000 + Random(200000);
    default:
      return 1 + Random(4000);
  }
}

}  // namespace

int main() {
  static Block blocks[400];
  uint64_t allocated = 0;
  for (int turn = 0; turn < 20000; ++turn) {
    Block& block = blocks[Random(400)];
    if (block.bytes == nullptr) {
      block.size = RandomSize();
      block.pattern = static_cast<unsigned char>(turn);
      const bool clear = Random(4) == 0;
      block.bytes = static_cast<unsigned char*>(
          Opaque(clear ? std::calloc(1, block.size) : std::malloc(block.size)));
      Must(block.bytes != nullptr, "malloc");
      Must(reinterpret_cast<uintptr_t>(block.bytes) % 16 == 0, "blocks are aligned to 16 bytes");
      if (clear) {
        for (size_t i = 0; i < block.size; i += Step(block.size))
          Must(block.bytes[i] == 0, "calloc clears");
      }
      Fill(block);
      allocated += block.size;
    } else if (Random(3) == 0) {
      const size_t size = RandomSize();
      Block grown = block;
      grown.bytes = static_cast<unsigned char*>(Opaque(std::realloc(block.bytes, size)));
      Must(grown.bytes != nullptr, "realloc");
      grown.size = size;
      if (Step(size) == Step(block.size)) Check(grown, size < block.size ? size : block.size);
      block = grown;
      Fill(block);
    } else {
      Check(block, block.size);
      std::free(block.bytes);
      block = Block();
    }
  }
  for (Block& block : blocks) {
    Check(block, block.size);
    std::free(block.bytes);
  }
  std::printf("%llu bytes in all\n", static_cast<unsigned long long>(allocated));

  for (size_t alignment = 16; alignment <= 1 << 20; alignment *= 2) {
    void* block = Opaque(std::aligned_alloc(alignment, alignment));
    Must(block != nullptr && reinterpret_cast<uintptr_t>(block) % alignment == 0, "aligned_alloc");
    std::free(block);
  }
  volatile size_t too_much = SIZE_MAX / 2;
  errno = 0;
  Must(Opaque(std::malloc(too_much)) == nullptr, "malloc of half of everything fails");
  std::printf("malloc of too much: %s\n", ErrorName(errno));
  errno = 0;
  Must(Opaque(std::calloc(too_much, 4)) == nullptr && errno == ENOMEM,
       "calloc notices the overflow");
  malloc_trim(0);
  return 0;
}
