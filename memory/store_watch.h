// StoreWatch: notices a store to one page of guest memory, whoever makes it: a thread of the
// process, one of another process that shows the same page, or the kernel. It is what a thread's
// reservation by lr needs while other threads run (RISC-V manual, chapter "Zalrsc": the set that is
// reserved may be larger than the word, and a store of another hart to it makes sc fail).
//
// Costs nothing but a slow path for the first store to a watched page. Machine state: a Snapshot
// keeps it and goes back to it. The address space may end first; the watch has then noticed that.
#ifndef POLLUX_MEMORY_STORE_WATCH_H_
#define POLLUX_MEMORY_STORE_WATCH_H_

#include <cstdint>

#include "abi/types.h"

namespace pollux::memory {

class AddressSpace;
class SharedObject;
struct MemoryBudget;

class StoreWatch {
 public:
  StoreWatch() = default;
  ~StoreWatch() { End(); }
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;

  // From here on. `addr` is mapped and readable; the watch was idle.
  void Begin(AddressSpace& space, GuestAddr addr);
  // Idle again. Whether the page is what it was at Begin(): nobody stored to it, and its mapping
  // did not change.
  bool End();
  bool idle() const { return state_ == State::kIdle; }

 private:
  friend class AddressSpace;
  friend class SharedObject;
  friend class Snapshot;
  enum class State : uint8_t { kIdle, kWatching, kNoticed };

  // Those of `budget`'s machine that watch pages [first, end) of `space`, or page `page` of
  // `object`.
  static void Notice(MemoryBudget& budget, const AddressSpace& space, uint64_t first, uint64_t end);
  static void Notice(MemoryBudget& budget, const SharedObject& object, uint64_t page);
  static bool Watches(const MemoryBudget& budget, const AddressSpace& space, uint64_t page);
  static bool Watches(const MemoryBudget& budget, const SharedObject& object, uint64_t page);
  // Tells the address spaces again what is watched: an Arena went back.
  static void Renew(MemoryBudget& budget);

  void Leave(State state);

  State state_ = State::kIdle;
  // While watching:
  AddressSpace* space_ = nullptr;
  uint64_t page_ = 0;
  const SharedObject* object_ = nullptr;  // Whose page it shows; null: it is a page of its own.
  uint64_t object_page_ = 0;
  // In MemoryBudget::watches.
  StoreWatch* previous_ = nullptr;
  StoreWatch* next_ = nullptr;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_STORE_WATCH_H_
