// AddressSpace: the memory of one guest process, as the riscv64 Sv39 user half: 2^38 bytes, pages
// of 4 KiB.
//
// Host shape: one flat reservation (guest address a is host byte base + a) and one byte of flags a
// page. The flags alone decide what a guest access may do; host page protections carry no guest
// meaning. Nothing here trusts a guest address or length.
//
// Single-threaded: one host thread runs one machine. Not copyable; fork makes a copy explicitly.
//
// The mapping calls behave as Linux 6.18's mm/mmap.c, vma.c, mprotect.c, mremap.c and madvise.c do;
// each function names its errors, and its deviations. oracle_test.cc compares them with the host's
// kernel. Shared memory and mapped files are SharedObjects, whose pages are the host's pages here
// too; a page of theirs gets its fast bits when it is first used after a change of the mapping.
//
// Host memory is charged to a MemoryBudget: a page when it is first written, and for every 2 MiB in
// which a page may be accessed one page table of the host's (reading alone makes the host build
// that). Not charged, because bounded: 8 MiB of bookkeeping for the pages and 200 bytes for each of
// at most kMaxMappings mappings.
#ifndef POLLUX_MEMORY_ADDRESS_SPACE_H_
#define POLLUX_MEMORY_ADDRESS_SPACE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "memory/budget.h"
#include "memory/reservation.h"
#include "memory/shared_object.h"

namespace pollux::memory {

inline constexpr unsigned kPageShift = 12;
inline constexpr uint64_t kPageBytes = uint64_t{1} << kPageShift;
inline constexpr unsigned kAddressBits = 38;
inline constexpr uint64_t kAddressSpaceBytes = uint64_t{1} << kAddressBits;
inline constexpr uint64_t kPages = kAddressSpaceBytes >> kPageShift;
// The lowest address mmap(2) gives to an unprivileged process (vm.mmap_min_addr's usual value).
inline constexpr uint64_t kMinMapAddress = 0x10000;
// The most mappings one process may have (vm.max_map_count's usual value).
inline constexpr size_t kMaxMappings = 65530;
// The most mappings of SharedObjects in all processes of a machine: each takes one or two of the
// mappings that the host gives to a process (vm.max_map_count).
inline constexpr uint64_t kMaxObjectMappings = 16384;
// Linux keeps this much free below a mapping that grows down, unless the guest insists
// (stack_guard_gap).
inline constexpr uint64_t kStackGuardBytes = 256 * kPageBytes;

// The flags byte of a page. All zero: nothing may touch it without the slow path.
// The two kFast bits are derived from the others, so that the engine's check of an access is one
// test of one bit.
enum PageFlags : uint8_t {
  kFastLoad = 1 << 0,   // Readable.
  kFastStore = 1 << 1,  // Writable, dirty already, holds no translated code and is not watched.
  kRead = 1 << 2,
  kWrite = 1 << 3,
  kExec = 1 << 4,
  kDirty = 1 << 5,  // Written, or written before and dropped, since the last ClearDirty(). Outlives
                    // the mapping.
  kWatched = 1 << 6,    // A store goes the slow path and is noticed (memory/store_watch.h).
  kHoldsCode = 1 << 7,  // The engine has translated instructions of this page.
};

// PROT_* of mmap(2).
enum Protection : uint32_t { kProtNone = 0, kProtRead = 1, kProtWrite = 2, kProtExec = 4 };

enum class Access { kLoad, kStore, kFetch };

// Why an access cannot be made: the si_code of SIGSEGV, or SIGBUS.
enum class FaultKind {
  kNotMapped,    // SEGV_MAPERR
  kProtection,   // SEGV_ACCERR
  kBeyondFile,   // SIGBUS BUS_ADRERR: past the end of a mapped file.
  kOutOfMemory,  // The machine's memory limit is reached: the guest is killed as the OOM killer
                 // would.
};

// What pages are brought into memory for (mm/gup.c).
enum class Populating {
  kLoads,     // MADV_POPULATE_READ
  kStores,    // MADV_POPULATE_WRITE
  kAsMapped,  // mlock(2), MAP_POPULATE: stores to private pages that may be written, else loads.
};

// The first byte that could not be accessed, and why.
struct Fault {
  GuestAddr addr;
  FaultKind kind = FaultKind::kNotMapped;
};

// A word of memory that several processes may share, however they mapped it: what a futex between
// processes is known by. The object lives at least as long.
struct SharedWord {
  std::shared_ptr<const SharedObject> object;
  uint64_t offset = 0;  // Bytes, in the object.

  friend bool operator==(const SharedWord& a, const SharedWord& b) = default;
};

// madvise(2) of mappings: what becomes of them when the process forks, and in a core file.
enum class MappingAdvice {
  kDontFork,    // MADV_DONTFORK: the child has no such mapping.
  kDoFork,      // MADV_DOFORK
  kWipeOnFork,  // MADV_WIPEONFORK: the child finds zeros.
  kKeepOnFork,  // MADV_KEEPONFORK
  kDontDump,    // MADV_DONTDUMP
  kDoDump,      // MADV_DODUMP
};

// mlock2(2): what is locked is brought into memory at once, or when it is touched
// (VM_LOCKONFAULT).
enum class Locking : uint8_t { kNone, kAtOnce, kOnFault };

// Told when translated code is no longer what the guest's memory says. Implemented by the engine's
// code cache. `first_page` and `pages` count pages of kPageBytes. The kHoldsCode flags of those
// pages are already cleared.
class CodeListener {
 public:
  virtual ~CodeListener() = default;
  virtual void OnCodeChanged(uint64_t first_page, uint64_t pages) = 0;
};

// A run of pages with one protection and one origin: a line of /proc/self/maps.
struct Mapping {
  uint64_t start = 0;  // Page aligned, inclusive.
  uint64_t end = 0;    // Page aligned, exclusive.
  uint32_t prot = 0;   // Protection bits.
  bool shared = false;
  uint64_t file_offset = 0;  // 0 for anonymous memory.
  uint64_t inode = 0;        // 0 for anonymous memory.
  std::string name;          // "" or a path, "[heap]", "[stack]".
  bool grows_down = false;
  bool has_file = false;  // vm_file: also of shared memory without a name.
  bool dont_dump = false;
  Locking locking = Locking::kNone;

  // is_data_mapping(): RLIMIT_DATA counts it.
  bool IsData() const { return (prot & kProtWrite) != 0 && !shared && !grows_down; }
};

class AddressSpace {
 public:
  // `budget` must outlive the AddressSpace. kNoMem: the host refuses the reservation of
  // kAddressSpaceBytes.
  static Result<std::unique_ptr<AddressSpace>> Create(MemoryBudget* budget);
  ~AddressSpace();
  // What fork(2) gives the child (dup_mmap() in mm/mmap.c): the same mappings, break, map top and
  // stack limit; copies of the private pages that were written; the same objects behind the shared
  // ones. Charged as this one is. All pages that it has count as changed, and it holds no
  // translated code. kNoMem: the budget, the mappings of objects or the host's memory do not
  // suffice; nothing is left behind.
  Result<std::unique_ptr<AddressSpace>> Fork();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  // ---- For the engine's fast path

  // Host address of guest address 0. [0, kAddressSpaceBytes) may be accessed; the guard page above
  // it only read.
  uint8_t* base() const { return base_; }
  // One PageFlags byte a page, kPages of them and a zero for the guard page.
  const uint8_t* flags() const { return flags_; }

  // The slow path of an access of `size` bytes (1 to 8) at `addr`, which may be misaligned and
  // cross a page. Does what the access needs (marks dirty, charges the budget, drops translated
  // code, watch callbacks). On success the bytes [addr, addr + size) may be accessed at base() +
  // addr until the next call that changes the mappings. On failure `fault` says which byte and why,
  // and no byte, flag or charge was changed (a stack may have grown).
  bool Prepare(Access access, GuestAddr addr, uint64_t size, Fault* fault);

  // Reads up to 4 bytes of instructions at `pc` into `halfwords` (2 bytes if the second halfword is
  // not needed or not executable). Returns how many bytes could be read: 4, 2 or 0; at 0 `fault` is
  // set.
  unsigned Fetch(GuestAddr pc, uint16_t halfwords[2], Fault* fault);

  // Marks page number `page`, which is executable, as holding translated code; stores to it then go
  // the slow path.
  void MarkHoldsCode(uint64_t page);
  // Null: nobody listens. Not owned.
  void SetCodeListener(CodeListener* listener) { listener_ = listener; }

  // ---- For the kernel: copies that stop at the first byte that may not be accessed

  // All return how many bytes were copied: to.size() unless a page is missing or lacks the
  // permission.
  size_t Read(GuestAddr from, std::span<uint8_t> to) {
    if (!LiesInOnePage(kFastLoad, from, to.size())) return ReadRuns(from, to);
    std::memcpy(to.data(), base_ + from.value, to.size());
    return to.size();
  }
  size_t Write(GuestAddr to, std::span<const uint8_t> from) {
    if (!LiesInOnePage(kFastStore, to, from.size())) return WriteRuns(to, from);
    std::memcpy(base_ + to.value, from.data(), from.size());
    return from.size();
  }
  // Where [to, to + bytes) is, if it lies within one page that may be stored to without more ado;
  // good until the next call of any other function. Null: Write() knows.
  uint8_t* ToStoreAt(GuestAddr to, uint64_t bytes) {
    return LiesInOnePage(kFastStore, to, bytes) ? base_ + to.value : nullptr;
  }
  size_t Zero(GuestAddr to, uint64_t bytes);
  // As Write, but the page's permissions do not matter. For the loader and debuggers only.
  size_t WriteForced(GuestAddr to, std::span<const uint8_t> from);
  // A NUL-terminated string of at most `limit` bytes with its NUL. kFault: unreadable before the
  // NUL; kNameTooLong: no NUL.
  Result<std::string> ReadString(GuestAddr from, size_t limit);
  // Fixed-size objects; kFault if any byte is not accessible.
  template <typename T>
  Result<T> ReadObject(GuestAddr from) {
    static_assert(std::is_trivially_copyable_v<T>);
    T object;
    if (Read(from, {reinterpret_cast<uint8_t*>(&object), sizeof(T)}) != sizeof(T))
      return Errno::kFault;
    return object;
  }
  template <typename T>
  Result<void> WriteObject(GuestAddr to, const T& object) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (Write(to, {reinterpret_cast<const uint8_t*>(&object), sizeof(T)}) != sizeof(T))
      return Errno::kFault;
    return {};
  }

  // ---- Mappings

  // [start, start + bytes) is soon written as a whole: the host may use huge pages for it, which
  // nobody is charged for beyond what is stored to. Costs up to two of them (memory/huge_pool.h).
  void PreferHugePages(GuestAddr start, uint64_t bytes);

  // Where and how Map puts pages.
  struct MapRequest {
    GuestAddr hint;       // 0: anywhere. Otherwise used if the pages from there on are free.
    uint64_t length = 0;  // Bytes; rounded up to pages. 0: kInval.
    uint32_t prot = 0;    // Protection bits.
    bool fixed = false;   // MAP_FIXED: replaces what is there.
    bool fixed_noreplace = false;  // MAP_FIXED_NOREPLACE: kExist if anything is there.
    bool shared = false;
    // Grows downwards when the guest touches the pages below it, to SetStackLimit() bytes at most,
    // and keeps kStackGuardBytes from the mapping below (mm/vma.c, expand_downwards).
    bool grows_down = false;
    uint64_t file_offset = 0;  // Only for reports; contents are given by `contents`.
    uint64_t inode = 0;
    std::string name;
    // Initial bytes; what is longer than `length` rounded up to pages is ignored, what is shorter
    // is followed by zeros. Copied now: costs 4 KiB of host memory and about 0.4 us a page; pages
    // of zeros cost only the look. `from_file`: a private file mapping, whose pages wholly past the
    // end of `contents` raise kBeyondFile.
    std::span<const uint8_t> contents;
    bool from_file = false;
    // The pages to show from `file_offset` (page aligned) on, instead of `contents`; with `shared`,
    // stores go there, else to copies. Without it, `shared` makes a new object of its own.
    std::shared_ptr<SharedObject> object;
    // VM_MAYWRITE: false for a shared mapping of a file that is not open for writing.
    bool may_write = true;
    // MAP_LOCKED. LockFuture() locks all that is mapped.
    bool locked = false;
    // Held as long as a page of it is mapped somewhere, forked copies included: the open file
    // (vm_file).
    std::shared_ptr<const void> keeps;
  };
  // Where Map would put it: its errors up to kExist, for callers that check more before they map.
  Result<GuestAddr> Place(const MapRequest& request) const;
  // Errors, in this order: kInval (length 0), kOverflow (file_offset too large), kNoMem (too large,
  // too many mappings), kInval (unaligned fixed address), kPerm (fixed below kMinMapAddress),
  // kExist (fixed_noreplace), kNoMem (no gap, memory limit).
  Result<GuestAddr> Map(const MapRequest& request);
  // Errors: kInval (unaligned, length 0, outside the address space).
  Result<void> Unmap(GuestAddr addr, uint64_t length);
  // Errors: kInval (unaligned, unknown bits in prot), kAcces (kProtWrite where `may_write` is
  // false), kNoMem (a page in the range is not mapped; too many mappings; memory limit). Pages
  // before the one with the error are changed, as on Linux.
  Result<void> Protect(GuestAddr addr, uint64_t length, uint32_t prot);
  // mremap(2). may_move: MREMAP_MAYMOVE; fixed: MREMAP_FIXED at new_addr (implies may_move);
  // dont_unmap: MREMAP_DONTUNMAP, where new_addr is a hint unless `fixed`. old_length 0 maps shared
  // pages once more. Errors: kInval (unaligned, new_length 0, outside, overlapping, old_length 0 of
  // a private mapping, lengths that differ with dont_unmap), kPerm (to an address below
  // kMinMapAddress), kNoMem (no room, memory limit), kFault
  // (not mapped, more than one mapping unless only moved). Moving costs a copy of the private pages
  // that were written. Deviation: a file mapping made from `contents` does not grow over bytes of
  // the file that were not given to Map (kNoMem).
  Result<GuestAddr> Remap(GuestAddr old_addr, uint64_t old_length, uint64_t new_length,
                          bool may_move, bool fixed, GuestAddr new_addr, bool dont_unmap = false);
  // What Remap refuses whatever is mapped (check_mremap_params() of mm/mremap.c): kInval, kNoMem.
  Result<void> CheckRemap(GuestAddr old_addr, uint64_t old_length, uint64_t new_length,
                          bool may_move, bool fixed, GuestAddr new_addr, bool dont_unmap) const;
  // MADV_DONTNEED: private pages read as zeros, or as their file, again and are given back to the
  // host; shared ones keep their bytes. Errors: kInval (unaligned, wraps), kNoMem (a hole in the
  // range; the rest is done). `anonymous_only`: MADV_FREE, kInval at anything else. Deviation:
  // where `contents` was mapped, it is left alone if not writable, and gives kInval if it is.
  // kInval, too, at what is locked, but with `locked_too` (MADV_DONTNEED_LOCKED).
  Result<void> Discard(GuestAddr addr, uint64_t length, bool anonymous_only = false,
                       bool locked_too = false);
  // MADV_REMOVE: makes a hole of the pages in the objects behind them. Errors: kInval (unaligned,
  // wraps, locked, not a mapping of an object), kAcces (not shared, or may not be written), kNoMem
  // (a hole in the range; the rest is done), those of SharedObject::PunchHole.
  Result<void> Remove(GuestAddr addr, uint64_t length);
  // Brings pages into memory, as an access of each would. Errors: kInval (unaligned, wraps, not
  // allowed by the protection), kNoMem (a hole, memory limit), kFault (past the end of a file).
  // What lies before the error is done.
  Result<void> BringIn(GuestAddr addr, uint64_t length, Populating how);
  // madvise(2)'s advice for Fork() and core files. Errors: kInval (unaligned, wraps; kWipeOnFork of
  // anything but private anonymous memory), kAgain (too many mappings), kNoMem (a hole in the
  // range). What lies before the error is done, and with a hole all the rest.
  Result<void> Advise(GuestAddr addr, uint64_t length, MappingAdvice advice);
  // msync(2): brings what was stored to the mapped files. kIo; with `invalidates` kBusy at what is
  // locked.
  Result<void> WriteBack(GuestAddr addr, uint64_t length, bool invalidates = false);

  // ---- Locked memory (mm/mlock.c). Nothing is ever swapped, so a lock is only counted; who asks
  // brings the pages in, and holds the counts against RLIMIT_MEMLOCK.
  // apply_vma_lock_flags(): kInval (wraps), kNoMem (a hole, too many mappings); what lies before
  // the error is done.
  Result<void> Lock(GuestAddr addr, uint64_t length, Locking locking);
  // apply_mlockall_flags(): what there is, and unless it is kNone what comes.
  void LockAll(Locking locking);
  void LockFuture(Locking locking) { future_locking_ = locking; }
  Locking future_locking() const { return future_locking_; }
  uint64_t locked_bytes() const { return locked_bytes_; }  // VmLck
  // How much of [addr, addr + length) is locked.
  uint64_t LockedIn(GuestAddr addr, uint64_t length) const;
  // brk(2): sets where the heap may begin; Brk returns the new (or on failure the unchanged) break.
  // `start`: page aligned, inside the address space. `data_bytes`: of the program's own data
  // (mm_struct's end_data - start_data).
  void SetHeapStart(GuestAddr start, uint64_t data_bytes = 0);
  // How large the heap would be with its end there, together with the program's own data
  // (check_data_rlimit()); 0: it begins behind that.
  uint64_t HeapAndDataBytes(GuestAddr end) const {
    return end.value < heap_start_ ? 0 : end.value - heap_start_ + program_data_bytes_;
  }
  GuestAddr Brk(GuestAddr wanted);
  // The top of the area in which Map looks for gaps, searching downwards (mmap_base). Page aligned.
  // If there is none, Map searches upwards from a third of the address space, as Linux does.
  void SetMapTop(GuestAddr top);
  // How large a mapping that grows down may become by growing: RLIMIT_STACK.
  void SetStackLimit(uint64_t bytes) { stack_limit_bytes_ = bytes; }
  // How large all mappings together may become by growing: RLIMIT_AS. Map() and its like do not
  // ask.
  void SetAddressLimit(uint64_t bytes) { address_limit_bytes_ = bytes; }

  // In address order. Neighbours that are alike are one.
  std::vector<Mapping> Mappings() const;
  bool IsMapped(GuestAddr addr) const;
  // mincore(2): whether the page of `addr`, which is mapped, is in memory. Deviation: a private
  // page that was only read is not.
  bool IsInCore(GuestAddr addr) const;
  // The word at `addr` as all processes know it; nothing: it is private, or not mapped.
  std::optional<SharedWord> SharedWordAt(GuestAddr addr) const;
  uint64_t mapped_bytes() const;    // Sum of all mappings (VmSize).
  uint64_t data_bytes() const;      // Of those that are data (VmData).
  uint64_t resident_bytes() const;  // Pages written and not given back (VmRSS).
  // How many pages were brought in so far: written for the first time, or, of objects, touched when
  // there was nothing. What minor faults are counted by.
  uint64_t pages_brought_in() const { return pages_brought_in_; }

  // ---- For core files: what is mapped, whatever its protection; nothing is brought in by looking.
  // The first page at or above `from` and below `end`, which lie in one mapping, that may hold
  // anything but zeros (get_dump_page() of mm/gup.c finds one); `end`: there is none.
  uint64_t NextHeldPage(uint64_t from, uint64_t end) const;
  // The bytes of that page.
  void PeekPage(uint64_t addr, std::span<uint8_t> to) const;
  // Whether a page of [start, end), which is a private mapping, is the process's own
  // (vma::anon_vma). Deviation: of what Map copied from `contents`, whether it is not executable.
  bool HasOwnPages(uint64_t start, uint64_t end) const;

  // ---- Dirty tracking. While there is a Snapshot it is the Snapshot's.

  void ClearDirty();
  // Page numbers whose bytes may have changed since ClearDirty(), ascending: written, moved, or
  // written earlier and then discarded or unmapped.
  std::vector<uint64_t> DirtyPages() const;
  // Whether a shared mapping that may be stored to, now or after mprotect(2), shows the object.
  bool MayStoreTo(const SharedObject& object) const;

 private:
  // A vm_area_struct: key in regions_ is its first address. Neighbours that are alike are merged.
  struct Region {
    uint64_t end = 0;
    uint32_t prot = 0;
    bool shared = false;
    bool grows_down = false;
    bool from_file = false;
    uint64_t file_offset = 0;  // Of the first byte; only if HasOffset().
    uint64_t inode = 0;
    uint64_t file_limit = UINT64_MAX;  // Offset in the file from which on pages raise kBeyondFile.
    std::shared_ptr<SharedObject> object;  // Whose pages it shows; null for memory of its own.
    bool may_write = true;
    bool dont_fork = false;
    bool wipe_on_fork = false;
    bool dont_dump = false;
    Locking locking = Locking::kNone;
    std::shared_ptr<const std::string> name;  // Null: "". Charged once, whoever holds it.
    std::shared_ptr<const void> keeps;        // The open file.

    bool HasFile() const { return from_file || inode != 0; }
    bool HasOffset() const { return HasFile() || object != nullptr; }
    uint64_t FileLimit() const { return object != nullptr ? object->mapped_end() : file_limit; }
    // The object's page at `addr`, for the region at `start`.
    uint64_t ObjectPage(uint64_t start, uint64_t addr) const {
      return (file_offset + (addr - start)) >> kPageShift;
    }
    // Up to where host page tables may be needed: an object may grow.
    uint64_t TablesEnd(uint64_t start) const { return object != nullptr ? end : BackedEnd(start); }
    // Whether all that lies in the file behind `at` raises kBeyondFile, so that nothing is needed
    // to map it.
    bool NeedsNoFileFrom(uint64_t start, uint64_t at) const {
      return !from_file || (file_limit != UINT64_MAX && file_limit <= file_offset + (at - start));
    }
    // Where the pages that raise kBeyondFile begin, for the region at `start`; `end` if there are
    // none.
    uint64_t BackedEnd(uint64_t start) const {
      const uint64_t limit = FileLimit();
      if (limit == UINT64_MAX) return end;
      if (limit <= file_offset) return start;
      return limit - file_offset < end - start ? start + (limit - file_offset) : end;
    }
  };
  using Regions = std::map<uint64_t, Region>;

  AddressSpace() = default;
  // To the pool, all zeros, or back to the host.
  void GiveReservation();

  // -- address_space.cc: pages, budget, accesses
  static uint8_t FlagsOfProtection(uint32_t prot);
  static uint8_t WithFastBits(uint8_t flags, bool charged);
  bool IsCharged(uint64_t page) const { return (charged_[page / 64] >> (page % 64)) & 1; }
  bool FitsBudget(uint64_t bytes) const;
  void Charge(uint64_t bytes);
  void Refund(uint64_t bytes);
  // Host page tables (and pages of flags_) that [start, end) still needs before its flags may be
  // set.
  uint64_t TableBytesNeeded(uint64_t start, uint64_t end) const;
  void ChargeTables(uint64_t start, uint64_t end);
  // Gives all pages of [start, end) the permissions `base`; what they held of translated code is
  // forgotten.
  // Without `fast` no page gets a fast bit.
  void RewriteFlags(uint64_t start, uint64_t end, uint8_t base, bool fast = true);
  // RewriteFlags with what the region at `region_start` says of [start, end).
  void ApplyRegion(const Region& region, uint64_t region_start, uint64_t start, uint64_t end);
  // Gives written pages back to the host; they become zeros. The caller rewrites the flags.
  void DropPages(uint64_t start, uint64_t end);
  void ReleaseTables(uint64_t start, uint64_t end);
  void MovePages(uint64_t from, uint64_t to, uint64_t bytes);
  void MarkDirty(uint64_t page);
  void NotifyCodeChanged(uint64_t first_page, uint64_t pages);

  // -- store_watch.cc
  friend class StoreWatch;
  void WatchPage(uint64_t page);
  void UnwatchPages(uint64_t first, uint64_t end);
  // What pages [first, end) hold or how they are mapped changes, though perhaps not by a store.
  void NoticeChange(uint64_t first, uint64_t end);

  // -- snapshot.cc
  friend class Snapshot;
  struct Saved;  // memory/saved_state.h
  std::unique_ptr<Saved> Save();
  void RestoreSaved();
  // Returns what the mappings were until now.
  Regions RestoreMappings();
  uint64_t RestorePart(uint64_t at, uint64_t end);
  void RestorePages();
  void RestoreTables();
  void Park();
  static void Revive(Saved& saved);
  // Comes before a page's own bytes change, and before it is charged or is not any longer.
  void BeforeChange(uint64_t page) {
    if (saved_ != nullptr && !(flags_[page] & kDirty)) SavePage(page);
  }
  void SavePage(uint64_t page);
  // What is mapped in [start, end) changes; only how regions are cut and what they say of fork();
  // what is charged for tables.
  void NoteMapping(uint64_t start, uint64_t end);
  void NoteRegions();
  void NoteTables();

  // -- object_pages.cc: pages that show a SharedObject
  friend class SharedObject;
  struct ObjectPage {
    SharedObject* object = nullptr;  // Null: it is a page of its own.
    uint64_t page = 0;               // In the object.
    bool shared = false;
  };
  ObjectPage FindObjectPage(uint64_t addr) const;
  bool MayShowObject(uint64_t page) const { return (objects_[page >> 15] >> (page >> 9 & 63)) & 1; }
  // What a load, fetch or store of the page will charge.
  uint64_t AccessCost(Access access, uint64_t page) const;
  // Before such an access; the budget was checked. False: memory ended all the same.
  bool MakeAccessible(uint64_t page);
  bool MakeStorable(uint64_t page, const ObjectPage& at);
  void SetObjectFlags(uint64_t page, const ObjectPage& at, uint8_t flags);
  void ObjectChanged(const SharedObject& object, uint64_t first, uint64_t end,
                     SharedObject::Change change);
  void ForgetCode(uint64_t page);
  // Puts the object's pages, or pages of its own, at [start, end) on the host.
  bool MapObjectOnHost(const Region& region, uint64_t start, uint64_t end);
  void UnmapObjectOnHost(uint64_t start, uint64_t end);
  void CountObjects(const Region& region, int by);
  // Whether splitting at `start` and `end` stays within the limits.
  bool FitsRegions(uint64_t start, uint64_t end) const;
  // Why `access` to the page of `addr` would fault, from the mappings; nothing if it would not.
  std::optional<FaultKind> Classify(Access access, uint64_t addr) const;
  // As Classify, and lets a stack grow first.
  std::optional<FaultKind> CheckPage(Access access, uint64_t addr);
  // The page may be stored to: charges it, marks it dirty, forgets its code. The budget was
  // checked. False: memory ended all the same.
  bool MakeStorable(uint64_t page);
  bool PreparePage(Access access, uint64_t addr, Fault* fault);
  // Whether [start, start + bytes) lies within one page and nothing need be done for the access.
  // False, of no bytes, too: ask the slow path.
  bool LiesInOnePage(uint8_t fast, GuestAddr start, uint64_t bytes) const {
    if (start.value >= kAddressSpaceBytes || bytes - 1 >= kPageBytes - start.value % kPageBytes)
      return false;
    return (flags_[start.value >> kPageShift] & fast) != 0;
  }
  template <typename Visit>
  size_t VisitRuns(Access access, GuestAddr start, uint64_t bytes, Visit visit);
  size_t ReadRuns(GuestAddr from, std::span<uint8_t> to);
  size_t WriteRuns(GuestAddr to, std::span<const uint8_t> from);

  // -- advice.cc
  // Calls visit(region's start, region, start, end) for the parts of [addr, addr + length) that are
  // mapped, until it gives an error. kInval (unaligned, wraps), kNoMem (a hole).
  template <typename Visit>
  Result<void> ForEachRegion(GuestAddr addr, uint64_t length, Visit visit);

  // -- locking.cc
  // mlock_fixup(): of the part [start, end) of the region there. kNoMem: too many mappings.
  Result<void> SetLocking(uint64_t start, uint64_t end, Locking locking);
  void CountLocked(const Region& region, uint64_t bytes, bool more);

  // -- fork.cc
  // How many pages of [start, end) are charged, and how many copies the region at `start` has of
  // what is a hole in its object now.
  uint64_t CountCharged(uint64_t start, uint64_t end) const;
  uint64_t CountCopiesOfHoles(uint64_t start, const Region& region) const;
  bool ForkRegion(AddressSpace& child, uint64_t start, const Region& region) const;
  void ForkPages(AddressSpace& child, uint64_t first, uint64_t end, bool with_contents) const;

  // -- mappings.cc
  Regions::const_iterator Find(uint64_t addr) const;
  Regions::iterator Find(uint64_t addr);
  // Makes `addr` a border: returns the first region that starts at or above it.
  Regions::iterator SplitAt(uint64_t addr);
  // How many regions splitting at both ends of [start, end) would add.
  size_t SplitsNeeded(uint64_t start, uint64_t end) const;
  bool AnyIn(uint64_t start, uint64_t end) const;
  static bool CanMerge(const Region& low, uint64_t low_start, const Region& high,
                       uint64_t high_start);
  // Merges alike neighbours that touch [start, end].
  void MergeAround(uint64_t start, uint64_t end);
  // Inserts and sets flags; [start, region.end) is free and the budget was checked.
  void Insert(uint64_t start, Region region);
  void UnmapRange(uint64_t start, uint64_t end);
  bool TryGrowDown(uint64_t addr, bool* out_of_memory);
  std::optional<uint64_t> FindGap(uint64_t bytes) const;
  std::optional<uint64_t> FindGapUpwards(uint64_t bytes) const;
  Result<uint64_t> PlaceMapping(const MapRequest& request, uint64_t bytes) const;
  std::shared_ptr<const std::string> MakeName(const std::string& name);
  void CopyContents(uint64_t start, std::span<const uint8_t> contents);
  Result<void> MoveRegion(uint64_t old_start, uint64_t old_bytes, uint64_t new_start,
                          uint64_t new_bytes, bool dont_unmap);
  Result<GuestAddr> RemapTo(uint64_t old_start, uint64_t old_bytes, uint64_t new_start,
                            uint64_t new_bytes, bool dont_unmap);
  Result<GuestAddr> RemapGrow(uint64_t old_start, uint64_t old_bytes, uint64_t new_bytes,
                              bool may_move);

  uint8_t* base_ = nullptr;
  uint8_t* flags_ = nullptr;
  uint64_t* charged_ =
      nullptr;  // One bit a page: written, so it uses host memory. Not charged: it is all zeros.
  CodeListener* listener_ = nullptr;
  MemoryBudget* budget_ = nullptr;
  Reservation reservation_;  // Where the three are.
  uint64_t own_bytes_ = 0;   // What of budget_->used_bytes is ours.
  uint64_t charged_pages_ = 0;
  uint64_t mapped_bytes_ = 0;
  uint64_t map_top_ = kAddressSpaceBytes;
  uint64_t stack_limit_bytes_ = uint64_t{8} << 20;
  uint64_t address_limit_bytes_ = UINT64_MAX;
  uint64_t heap_start_ = 0;
  uint64_t heap_break_ = 0;
  uint64_t program_data_bytes_ = 0;
  uint64_t locked_bytes_ = 0;
  uint64_t pages_brought_in_ = 0;
  Locking future_locking_ = Locking::kNone;
  Regions regions_;
  // One bit for 2 MiB of guest memory: the host's page table for it is charged; it holds a page
  // with kDirty.
  std::vector<uint64_t> tables_;
  std::vector<uint64_t> dirty_;
  // One bit for 2 MiB of guest memory that may show pages of an object.
  std::vector<uint64_t> objects_;
  Saved* saved_ = nullptr;  // The snapshot's, while there is one.
  // How objects know this address space.
  std::shared_ptr<AddressSpace*> self_ = std::make_shared<AddressSpace*>(this);
  // One bit for the 16 MiB of guest memory whose flags share a host page: that page is charged
  // (until the end).
  std::vector<uint64_t> flag_pages_;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_ADDRESS_SPACE_H_
