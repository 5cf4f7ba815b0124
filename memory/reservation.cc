#include "memory/reservation.h"

#include <sys/mman.h>

#include <cerrno>
#include <memory>

#include "memory/address_space.h"
#include "memory/arena.h"
#include "memory/huge_pool.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kBaseBytes = kAddressSpaceBytes + kPageBytes;
constexpr uint64_t kFlagsBytes = kPages + kPageBytes;
constexpr uint64_t kBitsBytes = kPages / 8;
constexpr uint64_t kReservationBytes =
    kBaseBytes + kFlagsBytes + 2 * kBitsBytes + HugePool::kChunkBytes;

}  // namespace

void AdviseHost(void* at, uint64_t bytes) {
  (void)madvise(at, bytes, MADV_NOHUGEPAGE);
  (void)madvise(at, bytes, MADV_DONTDUMP);
}

void Populate(void* at, uint64_t bytes) {
  const uint64_t first = (reinterpret_cast<uint64_t>(at) + kPageBytes - 1) & ~(kPageBytes - 1);
  const uint64_t end = (reinterpret_cast<uint64_t>(at) + bytes) & ~(kPageBytes - 1);
  // Fewer come as quickly by themselves.
  constexpr uint64_t kFew = 8 * kPageBytes;
  if (first + kFew > end) return;
  (void)madvise(reinterpret_cast<void*>(first), end - first, MADV_POPULATE_WRITE);
}

uint8_t* MapZeros(uint8_t* at, uint64_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at != nullptr ? MAP_FIXED : 0);
  void* host = mmap(at, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (host == MAP_FAILED) return nullptr;
  AdviseHost(host, bytes);
  return static_cast<uint8_t*>(host);
}

ReservationPool& ReservationPool::Of(MemoryBudget* budget) {
  if (budget->reservations == nullptr) {
    const OutsideArena outside;
    budget->reservations = std::make_shared<ReservationPool>();
  }
  return *budget->reservations;
}

ReservationPool::~ReservationPool() {
  for (const Reservation& reservation : spare_) Free(reservation);
}

std::optional<Reservation> ReservationPool::Take() {
  if (!spare_.empty()) {
    const Reservation reservation = spare_.back();
    spare_.pop_back();
    spare_pages_ -= reservation.spare_pages;
    return reservation;
  }
  Reservation reservation;
  reservation.mapped = MapZeros(nullptr, kReservationBytes);
  if (reservation.mapped == nullptr) return std::nullopt;
  reservation.base = reservation.mapped +
                     (-reinterpret_cast<uint64_t>(reservation.mapped)) % HugePool::kChunkBytes;
  reservation.flags = reservation.base + kBaseBytes;
  reservation.charged = reinterpret_cast<uint64_t*>(reservation.flags + kFlagsBytes);
  reservation.spare = reservation.charged + kBitsBytes / sizeof(uint64_t);
  if (mprotect(reservation.base + kAddressSpaceBytes, kPageBytes, PROT_READ) != 0) {
    const int error = errno;
    Free(reservation);
    errno = error;
    return std::nullopt;
  }
  return reservation;
}

bool ReservationPool::HasRoomFor(uint64_t spare_pages) const {
  return !closed_ && spare_.size() < kMaxSpare && spare_pages <= kMaxSparePages - spare_pages_;
}

void ReservationPool::Give(const Reservation& reservation) {
  if (!HasRoomFor(reservation.spare_pages)) return Free(reservation);
  const OutsideArena outside;
  spare_.push_back(reservation);
  spare_pages_ += reservation.spare_pages;
}

void ReservationPool::Add(AddressSpace* space) {
  const OutsideArena outside;
  spaces_.push_back(space);
}

void ReservationPool::Remove(AddressSpace* space) { std::erase(spaces_, space); }

void ReservationPool::ResetSpaces(const std::vector<AddressSpace*>& spaces) {
  const OutsideArena outside;
  spaces_ = spaces;
}

void ReservationPool::Free(const Reservation& reservation) {
  munmap(reservation.mapped, kReservationBytes);
}

}  // namespace pollux::memory
