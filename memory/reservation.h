// Reservation: the host memory of one address space, and ReservationPool, the spare ones of a
// machine.
//
// A new reservation costs a few calls of the host, and a page fault for every page that is touched
// in it. A process that ends gives its reservation to the pool, all zeros again, but with the
// host's pages still there: the next process, most often a child that fork(2) makes, finds the
// pages it needs in place. What the pool holds is bounded (kMaxSpare, kMaxSparePages) and charged
// to nobody. The pool is not in the machine's Arena: the host's memory does not go back to what it
// was.
//
// Single-threaded, as the machine that the pool belongs to.
#ifndef POLLUX_MEMORY_RESERVATION_H_
#define POLLUX_MEMORY_RESERVATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "memory/budget.h"

namespace pollux::memory {

class AddressSpace;

// Fresh pages of zeros at a fixed place, or anywhere if `at` is null; null on failure (errno). They
// count as nothing until they are touched, are never huge, and are in no core file.
uint8_t* MapZeros(uint8_t* at, uint64_t bytes);
// Huge pages would use memory that no guest store has paid for; a core file of 256 GiB helps
// nobody. Both may be refused by a host kernel built without them, which is as good.
void AdviseHost(void* at, uint64_t bytes);
// Asks for the host's pages within [at, at + bytes), which are about to be written, in one call
// instead of a page fault each. Only a hint: hosts before Linux 5.14 do not know it.
void Populate(void* at, uint64_t bytes);

struct Reservation {
  uint8_t* mapped = nullptr;    // Where all of it begins.
  uint8_t* base = nullptr;      // kAddressSpaceBytes, and a guard page that can only be read. At a
                                // multiple of what a huge page has.
  uint8_t* flags = nullptr;     // A byte a page, and one for the guard page.
  uint64_t* charged = nullptr;  // A bit a page.
  // A bit a page: the host may have a page there though its bytes are zeros; and how many they are,
  // with a page table for each granule that was ever used.
  uint64_t* spare = nullptr;
  uint64_t spare_pages = 0;
};

class ReservationPool {
 public:
  // The pool of the machine that `budget` belongs to, made when first asked for.
  static ReservationPool& Of(MemoryBudget* budget);
  ReservationPool() = default;
  ~ReservationPool();
  ReservationPool(const ReservationPool&) = delete;
  ReservationPool& operator=(const ReservationPool&) = delete;

  // All zeros, but for `spare`. Nothing: the host refuses (errno).
  std::optional<Reservation> Take();
  // Whether one with so many pages may be kept: then the caller makes it zeros, and gives it. If
  // not it should be freed.
  bool HasRoomFor(uint64_t spare_pages) const;
  void Give(const Reservation& reservation);
  static void Free(const Reservation& reservation);
  // The machine ends: nothing is kept from now on.
  void Close() { closed_ = true; }

  // The machine's address spaces.
  const std::vector<AddressSpace*>& spaces() const { return spaces_; }
  void Add(AddressSpace* space);
  void Remove(AddressSpace* space);
  void ResetSpaces(const std::vector<AddressSpace*>& spaces);

 private:
  static constexpr size_t kMaxSpare = 16;
  static constexpr uint64_t kMaxSparePages = 8192;

  std::vector<Reservation> spare_;
  uint64_t spare_pages_ = 0;  // Of all in spare_.
  bool closed_ = false;
  std::vector<AddressSpace*> spaces_;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_RESERVATION_H_
