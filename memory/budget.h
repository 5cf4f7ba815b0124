// MemoryBudget: the machine-wide count of the host memory that guests use. Plain data, shared by
// all address spaces, files and other objects of one machine.
#ifndef POLLUX_MEMORY_BUDGET_H_
#define POLLUX_MEMORY_BUDGET_H_

#include <cstdint>
#include <memory>

namespace pollux::memory {

class ReservationPool;  // memory/reservation.h
class SharedStore;      // memory/shared_object.h
class StoreWatch;       // memory/store_watch.h

struct MemoryBudget {
  uint64_t limit_bytes = UINT64_MAX;
  uint64_t used_bytes = 0;
  // A fault (shims/faults.h): the system call under way finds no memory for what the kernel makes.
  bool short_for_kernel = false;
  bool objects_refused = false;  // It has, since this was cleared.

  // Whether so many bytes more may be charged.
  bool Fits(uint64_t bytes) const {
    return used_bytes <= limit_bytes && bytes <= limit_bytes - used_bytes;
  }
  // The same for an object that the kernel makes during a call, where Linux's kmalloc() may fail
  // and the call with it. Pages that a guest touches, and data on its way, are none.
  bool FitsObject(uint64_t bytes) {
    if (short_for_kernel) objects_refused = true;
    return !short_for_kernel && Fits(bytes);
  }

  // Mappings of SharedObjects in all address spaces: each is one of the host's, whose number is
  // limited.
  uint64_t object_mappings = 0;
  // Where SharedObjects keep their pages; made when the first one needs it.
  std::shared_ptr<SharedStore> shared_store;
  // What ended processes left for the next ones; made with the first address space.
  std::shared_ptr<ReservationPool> reservations;
  // The first of those that watch; each is its owner's.
  StoreWatch* watches = nullptr;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_BUDGET_H_
