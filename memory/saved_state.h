// What a Snapshot keeps of each address space and each object. Only for memory/.
#ifndef POLLUX_MEMORY_SAVED_STATE_H_
#define POLLUX_MEMORY_SAVED_STATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "memory/address_space.h"
#include "memory/shared_object.h"

namespace pollux::memory {

// The bytes that pages had when the snapshot was taken, of those that have been changed since, in
// this run or an earlier one.
class SavedPages {
 public:
  struct Page {
    uint64_t number = 0;
    uint8_t* bytes = nullptr;  // Null: there was nothing, which reads as zeros.
    // Of the pages with nothing, whether the host may keep one of zeros there.
    bool may_idle = false;
  };

  // `number` is about to change for the first time in this run. Null: its bytes are kept already.
  // Otherwise what to fill.
  Page* Touch(uint64_t number);
  // A place for the bytes of a page.
  uint8_t* NewBytes();
  // Whether one more page may be left with the host.
  bool MayIdle() { return idle_++ < kMaxIdle; }

  bool AnyTouched() const { return !touched_.empty(); }
  // Calls visit(const Page&) for those of this run, which ends.
  template <typename Visit>
  void TakeTouched(Visit visit) {
    for (const uint32_t index : touched_) visit(std::as_const(pages_[index]));
    touched_.clear();
  }

 private:
  static constexpr uint64_t kMaxIdle = 4096;
  static constexpr uint64_t kBlockPages = 64;

  absl::flat_hash_map<uint64_t, uint32_t> index_;  // Of pages_.
  std::vector<Page> pages_;
  std::vector<uint32_t> touched_;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  uint64_t free_pages_ = 0;  // Of the last block.
  uint64_t idle_ = 0;
};

struct AddressSpace::Saved {
  AddressSpace* original = nullptr;
  AddressSpace* space = nullptr;         // Null: destroyed.
  std::unique_ptr<AddressSpace> parked;  // What is left of it then, until it is taken back.

  // At the snapshot.
  Regions regions;
  std::vector<uint64_t> tables;
  std::vector<uint64_t> flag_pages;
  uint64_t own_bytes = 0;
  uint64_t charged_pages = 0;
  uint64_t mapped_bytes = 0;
  uint64_t map_top = 0;
  uint64_t stack_limit_bytes = 0;
  uint64_t address_limit_bytes = 0;
  uint64_t heap_start = 0;
  uint64_t heap_break = 0;
  uint64_t program_data_bytes = 0;
  uint64_t locked_bytes = 0;
  uint64_t pages_brought_in = 0;
  Locking future_locking = Locking::kNone;

  // Since then.
  SavedPages pages;
  bool regions_changed = false;
  bool tables_changed = false;
  std::vector<std::pair<uint64_t, uint64_t>> changed;  // Addresses, in any order.
  // Granules whose host page tables were left with the host though nobody pays for them.
  std::set<uint64_t> idle_tables;
};

struct SharedObject::Saved {
  struct Before {
    bool existed = false;
    bool touched = false;  // In this run.
    uint64_t present = 0;
    uint64_t stored = 0;
  };

  std::shared_ptr<SharedObject> object;
  std::vector<SharedObject*>* changed_objects = nullptr;  // Of the snapshot.

  // At the snapshot.
  uint64_t size_bytes = 0;
  uint64_t present_pages = 0;
  uint64_t charged_bytes = 0;
  std::set<uint64_t> chunks;

  // Since then.
  bool touched = false;  // In this run.
  SavedPages pages;
  std::map<uint64_t, Before> groups;  // Those that were touched in any run.
  std::set<uint64_t> coded;           // Pages that somebody has translated.
  std::vector<uint64_t> touched_groups;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_SAVED_STATE_H_
