// Snapshot: the memory of a machine at one moment, to go back to again and again: all of its
// address spaces, and all of its SharedObjects (files in memory, shared memory). Made for
// exploring: run on, restore, run on differently, thousands of times a second.
//
// Taking one copies no page. It clears the changed marks of all pages, so that the first store to
// each takes the slow path, which keeps the page's bytes before they change; the same is done
// before a page is dropped or moved. What was kept once stays kept: the next run copies nothing.
// Restoring copies back the pages that were changed since, and nothing else: it costs what the run
// changed, and asks nothing of the host, with these exceptions:
//  - Where mappings were changed, their flags are rewritten, and where they show objects the host
//  is
//    asked to map them again; the table of mappings is then copied as a whole.
//  - A private file mapping's page that was first stored to since has to be given back to the host,
//    so that it shows the file again.
//  - Pages of objects are written through the object's file, a call each.
//
// Afterwards everything that a guest can see is as at the snapshot: mappings, break, sizes, bytes,
// what is charged. The changed marks are clear, and CodeListeners were told of the code in pages
// that were put back.
//
// Two kinds of owners:
//
// Owners that go on: those of the random test under the address sanitizer, which has no arenas, and
// of the benchmark. A machine is in an arena. An address space that is destroyed is put back at
// once, refunds what it was charged, and leaves its reservation to the snapshot; Restore() makes a
// new AddressSpace of it, which TakeBack() gives to the owner. One that was made since is none of
// the snapshot's: its owner drops it, before Restore() or after. What mappings kept
// (MapRequest::keeps) does not come back: it goes when the guest lets go of it, as without a
// snapshot.
//
// Objects and names of mappings that were there are kept, and stay charged, as long as the snapshot
// lives, whoever lets go of them. An object that was made since goes with its last owner. An owner
// that is itself put back to an earlier state finds its object at the same address.
//
// Owners in an Arena, which go back themselves, with what mappings kept: the arena's image is taken
// right after Take(). Then RestoreHost(), Arena::Restore(), and AfterArena() together are what
// Restore() is; what was made since vanishes with its owners, and what ended is there again, at the
// address it had.
//
// What the snapshot keeps is not charged: it is bounded by what was charged when it was taken.
// Pages that a run touched first stay with the host as zeros, a bounded number of them.
//
// One at a time for a machine; it ends before the machine does. Single-threaded.
#ifndef POLLUX_MEMORY_SNAPSHOT_H_
#define POLLUX_MEMORY_SNAPSHOT_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "memory/address_space.h"
#include "memory/budget.h"
#include "memory/shared_object.h"

namespace pollux::memory {

class Snapshot {
 public:
  // `spaces`: all address spaces of the machine that `budget` belongs to.
  static std::unique_ptr<Snapshot> Take(MemoryBudget* budget,
                                        std::span<AddressSpace* const> spaces);
  // Everything stays as it is now.
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  void Restore();
  // For owners in an Arena, before and after it is put back. Returns the address spaces that had
  // ended, in the order of Take(): whoever translated their code has to forget it.
  void RestoreHost();
  std::vector<AddressSpace*> AfterArena();
  // After Restore(): the address space that was number `index` in Take() and had been destroyed.
  // Null: it had not, or was taken back already.
  std::unique_ptr<AddressSpace> TakeBack(size_t index);

 private:
  Snapshot() = default;

  MemoryBudget* budget_ = nullptr;
  std::vector<std::unique_ptr<AddressSpace::Saved>> spaces_;
  std::vector<std::unique_ptr<SharedObject::Saved>> objects_;
  std::vector<SharedObject*> changed_objects_;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_SNAPSHOT_H_
