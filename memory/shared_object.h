// SharedObject: pages that several mappings show: those of a mapped file, or of shared anonymous
// memory (Linux's address_space). Page n holds the bytes from n * kPageBytes on.
//
// The pages of all objects of a machine lie in one host memory file, SharedStore, and
// AddressSpace maps them from there with MAP_SHARED, or with MAP_PRIVATE for a private file
// mapping: the host copies such a page when it is first stored to. A page that was never touched
// is a hole: it reads as zeros (or as Load() says), and no host memory is spent for it. Guests only
// reach pages that are present, and making one present is charged to the MemoryBudget, because the
// host spends a page even for a load. Everything here is machine state, which a Snapshot keeps and
// restores (memory/snapshot.h).
//
// Accesses past size_bytes(), rounded up to a page, raise kBeyondFile in all mappings, from the
// moment of SetSize() on. A change of a page, through whichever mapping or by Write(), drops the
// code that was translated from it in all mappings.
//
// Single-threaded. Held by shared_ptr: by the mappings, and by the file that the pages belong to.
#ifndef POLLUX_MEMORY_SHARED_OBJECT_H_
#define POLLUX_MEMORY_SHARED_OBJECT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "abi/result.h"
#include "memory/budget.h"

namespace pollux::memory {

class AddressSpace;
class SharedObject;
class Snapshot;

// The host memory file of one machine, as a sparse array of chunks that are as large as an address
// space. Made by the first object that needs it.
class SharedStore {
 public:
  static constexpr uint64_t kChunkBytes = uint64_t{1} << 38;

  // The store of the machine that `budget` belongs to; null: the host has no descriptor left, or
  // limits the size of files.
  static std::shared_ptr<SharedStore> Of(MemoryBudget* budget);
  explicit SharedStore(int fd) : fd_(fd) {}
  ~SharedStore();
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;

  int fd() const { return fd_; }
  // A chunk of zeros; nothing: all are in use.
  std::optional<uint64_t> TakeChunk();
  void GiveChunk(uint64_t chunk);
  // Makes [offset, offset + bytes) of the host file zeros, and gives the memory back.
  void Discard(uint64_t offset, uint64_t bytes);

  // All that live.
  const std::vector<SharedObject*>& objects() const { return objects_; }

 private:
  friend class SharedObject;
  int fd_;
  std::vector<SharedObject*> objects_;
  uint64_t chunks_ = 0;  // So many were taken so far.
  std::vector<uint64_t> free_;
};

class SharedObject : public std::enable_shared_from_this<SharedObject> {
 public:
  // What a page costs at most when it becomes present: itself, and what the host and we note of it.
  static constexpr uint64_t kPageCostBytes = 4096 + 2048;

  // kNoMem: the budget is spent or the host refuses.
  static Result<std::shared_ptr<SharedObject>> Create(MemoryBudget* budget, uint64_t size_bytes);
  // For subclasses; others use Create().
  SharedObject(MemoryBudget* budget, std::shared_ptr<SharedStore> store, uint64_t size_bytes);
  virtual ~SharedObject();
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;

  uint64_t size_bytes() const { return size_bytes_; }
  // Where kBeyondFile begins; saturates at 2^63.
  uint64_t mapped_end() const;
  // ftruncate(2): pages past the new end are dropped, in private mappings their copies too, and the
  // rest of the last page becomes zeros.
  void SetSize(uint64_t bytes);
  // Makes whole pages [first, end) holes again; private copies stay (FALLOC_FL_PUNCH_HOLE).
  void DropPages(uint64_t first, uint64_t end);

  bool Has(uint64_t page) const;
  // Whether mincore(2) finds the page, which lies before mapped_end().
  virtual bool IsInCore(uint64_t page) const { return Has(page); }
  // The first page at or above `page` that is present.
  std::optional<uint64_t> NextPresent(uint64_t page) const;
  uint64_t present_pages() const { return present_pages_; }
  // Shared mappings that may store to it, or be made to (i_mmap_writable).
  uint64_t writable_mappings() const { return writable_mappings_; }
  // False: the budget is spent, or no chunk is left.
  bool MakePresent(uint64_t page);

  // Any bytes; holes are zeros (Load() is not asked).
  void Read(uint64_t offset, std::span<uint8_t> to) const;
  // Makes the pages present; returns how many bytes were written: fewer where memory ends. Does not
  // change the size.
  uint64_t Write(uint64_t offset, std::span<const uint8_t> from);
  // As Write(), for the pages that are present only.
  void WritePresent(uint64_t offset, std::span<const uint8_t> from);

  // ---- Dirty tracking. While there is a Snapshot it is the Snapshot's.
  void ClearDirty();
  // Changed since ClearDirty(), ascending: written, stored to, or dropped.
  std::vector<uint64_t> DirtyPages() const;

  // ---- For owners with a place behind the pages (mounted files)
  // Brings what guests stored to that place. kIo.
  virtual Result<void> WriteBack() { return {}; }
  // madvise(MADV_REMOVE).
  virtual Result<void> PunchHole(uint64_t offset, uint64_t bytes);

 protected:
  // The first contents of a page that becomes present; `to` is zeros.
  virtual void Load(uint64_t /*page*/, std::span<uint8_t> /*to*/) {}
  // Pages that were stored to through a mapping since the last call.
  std::vector<uint64_t> TakeStoredPages();

 private:
  friend class AddressSpace;
  friend class Snapshot;
  friend class StoreWatch;
  // What is known of 64 pages, a bit each.
  struct Group {
    uint64_t present = 0;
    uint64_t dirty = 0;   // Since ClearDirty(), and so stores need not be noticed.
    uint64_t stored = 0;  // Through a mapping, since TakeStoredPages().
    uint64_t code = 0;    // Some mapping has translated it.
  };
  // What mappings have to be told of pages [first, end).
  enum class Change {
    kSize,       // The end has moved, and lies in there.
    kDropped,    // They are holes now.
    kCode,       // Their bytes have changed.
    kNoteStore,  // The next store must be noticed.
  };

  // -- For AddressSpace
  void Attach(const std::weak_ptr<AddressSpace*>& space);
  uint64_t HostOffset(uint64_t page) const;  // In store().fd(); its chunk exists.
  bool EnsureChunks(uint64_t first, uint64_t end);
  const SharedStore& store() const { return *store_; }
  // A store through a shared mapping comes: the page is present from here on.
  void NoteStore(uint64_t page);
  bool StoresAreNoted(uint64_t page) const;
  void NoteCode(uint64_t page);

  // -- object_snapshot.cc
  struct Saved;  // memory/saved_state.h
  // Null: this is being destroyed.
  std::unique_ptr<Saved> Save(std::vector<SharedObject*>* changed_objects);
  void RestoreSaved();
  // Whoever has translated a page since the snapshot still has it after an Arena went back.
  void KeepCoded(uint64_t page);
  void RestoreCoded();
  // What its chunks hold is no more; they stay its own.
  void DiscardChunks() const;
  // Come before anything changes, the size too; before what is known of a group of pages changes;
  // and before a page's bytes do, or that it is present.
  void NoteChange();
  void SaveGroup(uint64_t index);
  void SavePage(uint64_t page);
  void BeforeChange(uint64_t page) {
    if (saved_ == nullptr) return;
    const Group* group = FindGroup(page);
    if (group == nullptr || ((group->dirty >> (page % 64)) & 1) == 0) SavePage(page);
  }

  void Tell(uint64_t first, uint64_t end, Change change);
  // Its bytes have changed.
  void Changed(uint64_t page);
  void WriteHost(uint64_t offset, std::span<const uint8_t> from);
  void ZeroPresent(uint64_t offset, uint64_t bytes);  // Within one page.
  const Group* FindGroup(uint64_t page) const;
  bool FitsBudget(uint64_t bytes) const;

  MemoryBudget* budget_;
  std::shared_ptr<SharedStore> store_;
  uint64_t size_bytes_;
  uint64_t present_pages_ = 0;
  uint64_t writable_mappings_ = 0;
  uint64_t charged_bytes_ = 0;
  std::map<uint64_t, Group> groups_;                  // By page / 64.
  std::map<uint64_t, uint64_t> chunks_;               // Chunk of this object -> chunk of the store.
  std::map<uint64_t, uint64_t> idle_chunks_;          // Zeros, and paid by nobody.
  size_t index_ = 0;                                  // In store_->objects_.
  Saved* saved_ = nullptr;                            // The snapshot's, while there is one.
  std::vector<std::weak_ptr<AddressSpace*>> spaces_;  // Who may map it.
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_SHARED_OBJECT_H_
