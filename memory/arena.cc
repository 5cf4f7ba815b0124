#include "memory/arena.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstring>

#include "abi/check.h"
#include "absl/base/config.h"
#include "memory/reservation.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kUnit = 16;  // Of sizes, and what every block is aligned to.
// Up to kSmallBytes there is a class for each multiple of kUnit, above four between powers of two.
constexpr size_t kSmallBytes = 1024;
constexpr size_t kSmallClasses = kSmallBytes / kUnit + 1;
constexpr size_t kSteps = 4;
constexpr size_t kClasses = kSmallClasses + 64 * kSteps;

constexpr size_t ClassOf(size_t bytes) {
  if (bytes <= kSmallBytes) return (bytes + kUnit - 1) / kUnit;
  const auto power = static_cast<size_t>(std::bit_width(bytes - 1)) - 1;
  const size_t above = bytes - 1 - (size_t{1} << power);
  return kSmallClasses + power * kSteps + above / ((size_t{1} << power) / kSteps);
}
constexpr size_t BytesOf(size_t size_class) {
  if (size_class < kSmallClasses) return size_class * kUnit;
  const size_t power = size_t{1} << ((size_class - kSmallClasses) / kSteps);
  return power + power / kSteps * ((size_class - kSmallClasses) % kSteps + 1);
}
static_assert(BytesOf(ClassOf(1)) == 16 && BytesOf(ClassOf(1024)) == 1024);
static_assert(BytesOf(ClassOf(1025)) == 1280 && BytesOf(ClassOf(1280)) == 1280);
static_assert(BytesOf(ClassOf(4096)) == 4096 && BytesOf(ClassOf(4097)) == 5120);

// Lies before each block.
struct Prefix {
  uint32_t size_class;
  uint32_t shift;  // From the beginning of the block to the Prefix, in bytes, for large alignments.
  uint64_t unused;
};
static_assert(sizeof(Prefix) == kUnit);

// A block that is free.
struct FreeBlock {
  FreeBlock* next;
};

// The addresses of all arenas, a slot each; reserved when the first one is made, for good.
struct Slots {
  uint8_t* base = nullptr;
  std::array<bool, Arena::kMaxArenas> used{};

  Slots() {
#ifndef ABSL_HAVE_ADDRESS_SANITIZER
    void* const at = mmap(nullptr, (Arena::kMaxArenas + 1) * Arena::kBytes, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return;
    // Aligned, so that an address tells its slot.
    base = reinterpret_cast<uint8_t*>((reinterpret_cast<uint64_t>(at) + Arena::kBytes - 1) /
                                      Arena::kBytes * Arena::kBytes);
#endif
  }
};

Slots& AllSlots() {
  static Slots slots;
  return slots;
}

// Set once AllSlots() has a base: operator delete asks for every block.
uint8_t* slots_base = nullptr;

thread_local Arena* entered = nullptr;

}  // namespace

// At the beginning of the arena, so that an image has it too.
struct Arena::Header {
  uint64_t used = 0;  // Bytes from the arena's beginning on that were ever given out.
  std::array<FreeBlock*, kClasses> free{};
};

Arena::Arena(uint8_t* base) : base_(base) {
  new (base) Header;
  header().used = (sizeof(Header) + kUnit - 1) / kUnit * kUnit;
}

Arena::Header& Arena::header() const { return *reinterpret_cast<Header*>(base_); }

std::unique_ptr<Arena> Arena::Create() {
  const OutsideArena outside;
  Slots& slots = AllSlots();
  if (slots.base == nullptr) return nullptr;
  slots_base = slots.base;
  for (size_t i = 0; i < kMaxArenas; ++i) {
    if (slots.used[i]) continue;
    uint8_t* const base = slots.base + i * kBytes;
    if (mmap(base, kBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
      return nullptr;
    }
    (void)madvise(base, kBytes, MADV_DONTDUMP);
    // Small objects lie side by side here, and are all touched soon.
    (void)madvise(base, kBytes, MADV_HUGEPAGE);
    slots.used[i] = true;
    return std::unique_ptr<Arena>(new Arena(base));
  }
  return nullptr;
}

Arena::~Arena() {
  mmap(base_, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  AllSlots().used[static_cast<size_t>(base_ - slots_base) / kBytes] = false;
}

void* Arena::Allocate(size_t bytes, size_t alignment) {
  Header& all = header();
  // A large alignment is found within a larger block.
  const size_t slack = alignment > kUnit ? alignment : 0;
  POLLUX_CHECK(bytes <= kBytes && alignment <= kPage) << "an allocation of " << bytes << " bytes";
  const size_t size_class = ClassOf(bytes + slack + sizeof(Prefix));
  uint8_t* block;
  if (FreeBlock* const free = all.free[size_class]; free != nullptr) {
    all.free[size_class] = free->next;
    block = reinterpret_cast<uint8_t*>(free);
  } else {
    const uint64_t size = BytesOf(size_class);
    POLLUX_CHECK(size <= kBytes - all.used)
        << "a machine's own objects take more than " << (kBytes >> 30) << " GiB";
    block = base_ + all.used;
    all.used += size;
  }
  uint64_t at = reinterpret_cast<uint64_t>(block) + sizeof(Prefix);
  if (slack != 0) at = (at + alignment - 1) / alignment * alignment;
  auto* const memory = reinterpret_cast<uint8_t*>(at);
  auto* const prefix = reinterpret_cast<Prefix*>(memory - sizeof(Prefix));
  prefix->size_class = static_cast<uint32_t>(size_class);
  prefix->shift = static_cast<uint32_t>(reinterpret_cast<uint8_t*>(prefix) - block);
  return memory;
}

bool Arena::Owns(const void* memory) {
  return slots_base != nullptr && static_cast<uint64_t>(static_cast<const uint8_t*>(memory) -
                                                        slots_base) < kMaxArenas * kBytes;
}

void Arena::Free(void* memory) {
  const auto offset = static_cast<uint64_t>(static_cast<uint8_t*>(memory) - slots_base);
  auto* const prefix = reinterpret_cast<Prefix*>(static_cast<uint8_t*>(memory) - sizeof(Prefix));
  Header& all = *reinterpret_cast<Header*>(slots_base + offset / kBytes * kBytes);
  const uint32_t size_class = prefix->size_class;
  auto* const block =
      reinterpret_cast<FreeBlock*>(reinterpret_cast<uint8_t*>(prefix) - prefix->shift);
  block->next = all.free[size_class];
  all.free[size_class] = block;
}

uint64_t Arena::used_bytes() const { return header().used; }

// ---- Images

std::unique_ptr<Arena::Image> Arena::Save() const {
  const OutsideArena outside;
  auto image = std::make_unique<Image>();
  image->size_ = header().used;
  image->bytes_.reset(new uint8_t[image->size_]);
  std::memcpy(image->bytes_.get(), base_, image->size_);
  return image;
}

void Arena::Restore(const Image& image) { std::memcpy(base_, image.bytes_.get(), image.size_); }

// ---- Scopes

Arena::Scope::Scope(Arena* arena) : outer_(entered) { entered = arena; }
Arena::Scope::~Scope() { entered = outer_; }
Arena* Arena::Entered() { return entered; }

}  // namespace pollux::memory
