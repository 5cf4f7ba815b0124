// operator new and delete for programs whose machines live in arenas: a library of its own, because
// it changes them for the whole program.
#include <cstdlib>
#include <new>

#include "memory/arena.h"

using pollux::memory::Arena;

namespace {

void* Allocate(std::size_t bytes, std::size_t alignment) {
  if (Arena* const arena = Arena::Entered()) return arena->Allocate(bytes, alignment);
  if (bytes == 0) bytes = 1;
  void* const memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(bytes)
          : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void Free(void* memory) noexcept {
  if (Arena::Owns(memory)) {
    Arena::Free(memory);
  } else {
    std::free(memory);
  }
}

}  // namespace

// The other forms are defined in terms of these ([new.delete]); but where a sanitizer defines those
// that do not throw, too, they have to be ours as well.
void* operator new(std::size_t bytes) { return Allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return Allocate(bytes, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t) noexcept { Free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { Free(memory); }
