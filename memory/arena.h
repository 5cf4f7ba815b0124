// Arena: where all C++ objects of one machine live, so that the whole machine can be put back to an
// earlier moment by copying bytes: objects, containers, reference counts, whatever they point to.
// No class has to know how it is copied, and a new one is part of it by being allocated.
//
// A thread allocates (operator new, arena_new.cc) from the arena that it has entered, and from the
// host's heap otherwise; what is freed goes back to where it came from. A machine enters its arena
// whenever it is called, and leaves it for what shall not be put back:
//  - what the world outside keeps: the lines of a trace, what a caller is given;
//  - what would be rebuilt for nothing, such as translated code;
//  - what stands for something of the host's: the host does not go back.
// Nothing in the arena may be the only one to hold such a thing while there is an image, and no
// variable outside may point to what was allocated after the image.
//
// Where the host has no room for the addresses, and under the address sanitizer, which wants to see
// every allocation, there are no arenas, and so no images: Create() gives null.
#ifndef POLLUX_MEMORY_ARENA_H_
#define POLLUX_MEMORY_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pollux::memory {

class Arena {
 public:
  // What an arena can hold, in bytes of the host's address space.
  static constexpr uint64_t kBytes = uint64_t{1} << 34;
  // So many at a time in one process.
  static constexpr uint64_t kMaxArenas = 64;

  // Null: there are none, or too many.
  static std::unique_ptr<Arena> Create();
  // Nothing may use what was allocated from it any longer.
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `alignment`: a power of two, at most 4096. Ends pollux when the arena is full.
  void* Allocate(size_t bytes, size_t alignment);
  // The arena that `memory` was allocated from; null: none.
  static bool Owns(const void* memory);
  static void Free(void* memory);

  // All that it holds now.
  class Image;
  std::unique_ptr<Image> Save() const;
  // Everything is as it was at Save(). `image` is this arena's.
  void Restore(const Image& image);

  uint64_t used_bytes() const;

  // Entered for as long as this lives. Null: the host's heap.
  class Scope {
   public:
    explicit Scope(Arena* arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena* const outer_;
  };
  static Arena* Entered();

 private:
  struct Header;
  explicit Arena(uint8_t* base);
  Header& header() const;

  uint8_t* const base_;
};

// The host's heap for as long as this lives.
class OutsideArena : public Arena::Scope {
 public:
  OutsideArena() : Scope(nullptr) {}
};

class Arena::Image {
 private:
  friend class Arena;
  std::unique_ptr<uint8_t[]> bytes_;
  uint64_t size_ = 0;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_ARENA_H_
