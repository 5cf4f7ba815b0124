// The address space: brk(2), mmap(2) and their relatives (mm/mmap.c, mprotect.c, mremap.c,
// madvise.c, mlock.c, msync.c).
#include <algorithm>
#include <string>

#include "os_emu/file/file_status.h"
#include "os_emu/vfs/open_file.h"
#include "shims/context.h"
#include "shims/flag_names.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using memory::kPageBytes;
using memory::kProtExec;
using memory::kProtRead;
using memory::kProtWrite;
using memory::Locking;

constexpr uint64_t kPageMask = kPageBytes - 1;
// PROT_SEM, PROT_GROWSDOWN, PROT_GROWSUP.
constexpr uint64_t kProtSem = 8, kProtGrowsDown = 0x01000000, kProtGrowsUp = 0x02000000;

// mmap's flags.
constexpr uint64_t kMapShared = 1, kMapPrivate = 2, kMapSharedValidate = 3, kMapDroppable = 8,
                   kMapType = 0xf, kMapFixed = 0x10, kMapAnonymous = 0x20, kMapGrowsDown = 0x100,
                   kMapLocked = 0x2000, kMapPopulate = 0x8000, kMapNonBlock = 0x10000,
                   kMapHugeTlb = 0x40000, kMapSync = 0x80000, kMapFixedNoReplace = 0x100000;
// LEGACY_MAP_MASK: what MAP_SHARED_VALIDATE accepts.
constexpr uint64_t kMapLegacy = kMapType | kMapFixed | kMapAnonymous | 0x800 | 0x1000 | 0x1000000 |
                                kMapGrowsDown | kMapLocked | 0x4000 | kMapPopulate | kMapNonBlock |
                                0x20000 | kMapHugeTlb | kMapFixedNoReplace | 0x4000000 |
                                uint64_t{0x3f} << 26;

// A page that can be written can be read: there is no write-only one (the Sv39 page table entry W
// without R is reserved).
uint32_t PageProtection(uint64_t prot) {
  uint32_t result = static_cast<uint32_t>(prot) & (kProtRead | kProtWrite | kProtExec);
  if ((result & kProtWrite) != 0) result |= kProtRead;
  return result;
}

// Rounds up to pages; 0 where that overflows.
uint64_t PageAlign(uint64_t bytes) { return (bytes + kPageMask) & ~kPageMask; }

// Whether all pages of [start, end) are mapped.
bool AllMapped(memory::AddressSpace& memory, uint64_t start, uint64_t end) {
  if (start >= end) return true;
  for (const memory::Mapping& mapping : memory.Mappings()) {
    if (mapping.end <= start) continue;
    if (mapping.start > start) return false;
    start = mapping.end;
    if (start >= end) return true;
  }
  return false;
}

// How many of the bytes [start, start + bytes) are mapped.
uint64_t MappedIn(memory::AddressSpace& memory, uint64_t start, uint64_t bytes) {
  uint64_t mapped = 0;
  for (const memory::Mapping& mapping : memory.Mappings()) {
    const uint64_t from = std::max(mapping.start, start);
    const uint64_t to = std::min(mapping.end, start + bytes);
    if (from < to) mapped += to - from;
  }
  return mapped;
}

bool Fits(uint64_t bytes, uint64_t have, uint64_t limit) {
  limit &= ~kPageMask;
  return have <= limit && bytes <= limit - have;
}
bool FitsAddressLimit(SyscallContext& context, uint64_t bytes) {
  return Fits(bytes, context.memory().mapped_bytes(),
              context.process().rlimits[os_emu::kRlimitAddressSpace].soft);
}
// A limit of 0 means the hard one: that lets Valgrind do its work.
bool FitsDataLimit(SyscallContext& context, uint64_t bytes) {
  const os_emu::Rlimit& limit = context.process().rlimits[os_emu::kRlimitData];
  if (limit.soft == UINT64_MAX) return true;
  return Fits(bytes, context.memory().data_bytes(), limit.soft == 0 ? limit.hard : limit.soft);
}
// may_expand_vm(): whether RLIMIT_AS, and RLIMIT_DATA of what is data, let so many more bytes be
// mapped.
bool MayExpand(SyscallContext& context, uint64_t bytes, bool data) {
  return FitsAddressLimit(context, bytes) && (!data || FitsDataLimit(context, bytes));
}
// can_do_mlock()
bool MayLockAnything(SyscallContext& context) {
  return context.Has(os_emu::Capability::kIpcLock) ||
         context.process().rlimits[os_emu::kRlimitLockedMemory].soft != 0;
}
// mlock_future_ok(): of so many bytes more.
bool MayLock(SyscallContext& context, uint64_t bytes) {
  return context.Has(os_emu::Capability::kIpcLock) ||
         Fits(bytes, context.memory().locked_bytes(),
              context.process().rlimits[os_emu::kRlimitLockedMemory].soft);
}
// mm_populate(): what cannot be had is left out.
void Populate(SyscallContext& context, GuestAddr start, uint64_t bytes) {
  (void)context.memory().BringIn(start, bytes, memory::Populating::kAsMapped).ok();
}
bool HasLimit(SyscallContext& context) { return !MayExpand(context, INT64_MAX, /*data=*/true); }

// mprotect_fixup(): up to where pages of [start, end) may become writable. What was data before may
// be so again.
uint64_t EndOfRoomForData(SyscallContext& context, uint64_t start, uint64_t end) {
  uint64_t more = 0;
  for (const memory::Mapping& mapping : context.memory().Mappings()) {
    const uint64_t from = std::max(mapping.start, start), to = std::min(mapping.end, end);
    if (from >= to || mapping.shared || mapping.grows_down || mapping.IsData()) continue;
    // It asks may_expand_vm() for what is there already, so that RLIMIT_AS may hide the other.
    if (FitsAddressLimit(context, to - from) && !FitsDataLimit(context, more + (to - from)))
      return from;
    more += to - from;
  }
  return end;
}

}  // namespace

CallResult SysBrk(SyscallContext& context) {
  const GuestAddr now = context.memory().Brk(GuestAddr());
  const uint64_t wanted = PageAlign(context.Arg(0)), have = PageAlign(now.value);
  // check_data_rlimit(): of a smaller heap, too.
  const bool too_large = context.memory().HeapAndDataBytes(context.Addr(0)) >
                         context.process().rlimits[os_emu::kRlimitData].soft;
  const bool locks = context.memory().future_locking() != Locking::kNone;
  if (too_large || (wanted > have && !MayExpand(context, wanted - have, /*data=*/true)) ||
      (wanted > have && locks && !MayLock(context, wanted - have))) {
    return static_cast<int64_t>(now.value);
  }
  const GuestAddr end = context.memory().Brk(context.Addr(0));
  if (locks && PageAlign(end.value) > have)
    Populate(context, GuestAddr{have}, PageAlign(end.value) - have);
  return static_cast<int64_t>(end.value);
}

namespace {

// The part of do_mmap() that is about the file: what the mapping shows, and its name.
Result<void> MapFile(SyscallContext& context, os_emu::FileDescription& file,
                     memory::AddressSpace::MapRequest* request) {
  const uint64_t prot = context.Arg(2), flags = context.Arg(3);
  const uint64_t type = flags & kMapType;
  if (request->file_offset > INT64_MAX - PageAlign(request->length)) return Errno::kOverflow;
  switch (type) {
    case kMapShared:
    case kMapSharedValidate:
      if (type == kMapSharedValidate && (flags & ~kMapLegacy) != 0) return Errno::kOpNotSupp;
      if ((prot & kProtWrite) != 0 && !file.writable()) return Errno::kAcces;
      request->shared = true;
      request->may_write = file.writable();
      // shmem_mmap(): a sealed file cannot be stored to.
      if (auto* regular = dynamic_cast<os_emu::RegularFile*>(&file)) {
        constexpr uint32_t kNoStores = os_emu::kSealWrite | os_emu::kSealFutureWrite;
        Result<uint32_t> seals = regular->Seals();
        if (seals.ok() && (*seals & kNoStores) != 0) {
          if ((prot & kProtWrite) != 0) return Errno::kPerm;
          request->may_write = false;
        }
      }
      break;
    case kMapPrivate:
      break;
    default:
      return Errno::kInval;
  }
  if (!file.readable()) return Errno::kAcces;
  POLLUX_ASSIGN_OR_RETURN(request->object, file.MapPages());
  if (auto* regular = dynamic_cast<os_emu::RegularFile*>(&file); regular != nullptr) {
    // seal_check_write() of mm/shmem.c.
    const Result<uint32_t> seals = regular->Seals();
    constexpr uint32_t kNoWriting = os_emu::kSealWrite | os_emu::kSealFutureWrite;
    if (request->shared && seals.ok() && (*seals & kNoWriting) != 0) {
      if ((prot & kProtWrite) != 0) return Errno::kPerm;
      request->may_write = false;
    }
  }
  if (request->grows_down) return Errno::kInval;
  request->keeps =
      std::shared_ptr<const void>(&file, [held = DescriptionRef(&file)](const void*) {});
  os_emu::FileStatus status;
  if (file.Stat(&status).ok()) request->inode = status.ino;
  request->name = file.LinkText();
  // /dev/zero: memory of its own, and shared a new object.
  if (request->object == nullptr && request->shared) {
    request->keeps = nullptr;  // shmem_zero_setup() gives it another file.
    POLLUX_ASSIGN_OR_RETURN(
        request->object,
        memory::SharedObject::Create(&context.kernel().budget(),
                                     request->file_offset + PageAlign(request->length)));
  }
  return {};
}

}  // namespace

// ksys_mmap_pgoff() and do_mmap(): the length, the address, the file.
CallResult SysMmap(SyscallContext& context) {
  const uint64_t length = context.Arg(1), prot = context.Arg(2), flags = context.Arg(3),
                 offset = context.Arg(5);
  if ((offset & kPageMask) != 0) return Errno::kInval;
  const bool anonymous = (flags & kMapAnonymous) != 0;
  DescriptionRef file;
  if (!anonymous) {
    Result<DescriptionRef> found = context.File(4);
    if (!found.ok()) return found.error();
    file = *std::move(found);
    if ((flags & kMapHugeTlb) != 0) return Errno::kInval;
  } else if ((flags & kMapHugeTlb) != 0) {
    return context.Refuse(Errno::kNoMem, "MAP_HUGETLB");
  }
  if (length == 0) return Errno::kInval;
  if (PageAlign(length) == 0) return Errno::kNoMem;
  // The sum wraps in units of pages, so never in bytes.
  if (!anonymous && offset / kPageBytes + PageAlign(length) / kPageBytes < offset / kPageBytes)
    return Errno::kOverflow;

  memory::AddressSpace::MapRequest request;
  request.hint = context.Addr(0);
  request.length = length;
  request.prot = PageProtection(prot);
  request.fixed = (flags & kMapFixed) != 0;
  request.fixed_noreplace = (flags & kMapFixedNoReplace) != 0;
  request.grows_down = (flags & kMapGrowsDown) != 0;
  Result<GuestAddr> address = context.memory().Place(request);
  if (!address.ok()) return address.error();
  request.locked = (flags & kMapLocked) != 0;
  if (request.locked && !MayLockAnything(context)) return Errno::kPerm;
  const bool locks = request.locked || context.memory().future_locking() != Locking::kNone;
  if (locks && !MayLock(context, PageAlign(length))) return Errno::kAgain;
  if (anonymous) {
    const uint64_t type = flags & kMapType;
    if (type == kMapDroppable) return context.Refuse(Errno::kInval, "MAP_DROPPABLE");
    if (type != kMapShared && type != kMapPrivate) return Errno::kInval;
    if (type == kMapShared && request.grows_down) return Errno::kInval;
    request.shared = type == kMapShared;
  } else {
    request.file_offset = offset;
    Result<void> mapped = MapFile(context, *file, &request);
    if (!mapped.ok()) return mapped.error();
  }
  if (HasLimit(context)) {
    // What is replaced makes room, whether or not it is data.
    const uint64_t replaced =
        request.fixed ? MappedIn(context.memory(), address->value, PageAlign(length)) : 0;
    const bool data = (request.prot & kProtWrite) != 0 && !request.shared && !request.grows_down;
    if (!MayExpand(context, PageAlign(length) - replaced, data)) return Errno::kNoMem;
  }
  address = context.memory().Map(request);
  if (!address.ok()) return address.error();
  if (locks || (flags & (kMapPopulate | kMapNonBlock)) == kMapPopulate)
    Populate(context, *address, length);
  return static_cast<int64_t>(address->value);
}

CallResult SysMunmap(SyscallContext& context) {
  return context.memory().Unmap(context.Addr(0), context.Arg(1));
}

// do_mprotect_pkey()
CallResult SysMprotect(SyscallContext& context) {
  uint64_t prot = context.Arg(2);
  const uint64_t grows = prot & (kProtGrowsDown | kProtGrowsUp);
  prot &= ~(kProtGrowsDown | kProtGrowsUp);
  if (grows == (kProtGrowsDown | kProtGrowsUp)) return Errno::kInval;
  if ((context.Arg(0) & kPageMask) != 0) return Errno::kInval;
  if (context.Arg(1) == 0) return 0;
  const uint64_t length = PageAlign(context.Arg(1));
  if (length == 0 || context.Arg(0) + length <= context.Arg(0)) return Errno::kNoMem;
  if ((prot & ~(kProtRead | kProtWrite | kProtExec | kProtSem)) != 0) return Errno::kInval;
  if (grows != 0) return context.Refuse(Errno::kInval, "PROT_GROWSDOWN");
  const uint64_t end = context.Arg(0) + length;
  const uint64_t allowed = (prot & kProtWrite) != 0 && HasLimit(context)
                               ? EndOfRoomForData(context, context.Arg(0), end)
                               : end;
  Result<void> changed =
      context.memory().Protect(context.Addr(0), allowed - context.Arg(0), PageProtection(prot));
  if (!changed.ok()) return changed.error();
  return allowed < end ? CallResult(Errno::kNoMem) : CallResult(0);
}

CallResult SysMremap(SyscallContext& context) {
  constexpr uint64_t kMayMove = 1, kFixed = 2, kDontUnmap = 4;
  const uint64_t flags = context.Arg(3);
  if ((flags & ~(kMayMove | kFixed | kDontUnmap)) != 0) return Errno::kInval;
  if ((flags & kFixed) != 0 && (flags & kMayMove) == 0) return Errno::kInval;
  const uint64_t start = context.Arg(0), old_bytes = PageAlign(context.Arg(1)),
                 new_bytes = PageAlign(context.Arg(2));
  const bool may_move = (flags & kMayMove) != 0, fixed = (flags & kFixed) != 0,
             dont_unmap = (flags & kDontUnmap) != 0;
  POLLUX_RETURN_IF_ERROR(context.memory().CheckRemap(context.Addr(0), context.Arg(1),
                                                     context.Arg(2), may_move, fixed,
                                                     context.Addr(4), dont_unmap));
  // check_prep_vma(): of a range that may be moved at all.
  // What is locked already: growing locks the rest.
  const bool grows_locked = new_bytes > old_bytes && (start & kPageMask) == 0 &&
                            context.memory().LockedIn(context.Addr(0), kPageBytes) != 0 &&
                            old_bytes > 0 &&
                            MappedIn(context.memory(), start, old_bytes) == old_bytes;
  if (grows_locked && !MayLock(context, new_bytes - old_bytes)) return Errno::kAgain;
  if ((dont_unmap || new_bytes > old_bytes) && (start & kPageMask) == 0 && HasLimit(context) &&
      old_bytes > 0 && MappedIn(context.memory(), start, old_bytes) == old_bytes) {
    uint64_t more = dont_unmap ? old_bytes : new_bytes - old_bytes;
    // mremap_to() of what stays asks when the place has been made free.
    if (dont_unmap && fixed) more -= MappedIn(context.memory(), context.Arg(4), new_bytes);
    bool data = false;
    for (const memory::Mapping& mapping : context.memory().Mappings()) {
      if (mapping.start <= start && start < mapping.end) data = mapping.IsData();
    }
    if (!MayExpand(context, more, data)) return Errno::kNoMem;
  }
  Result<GuestAddr> address =
      context.memory().Remap(context.Addr(0), context.Arg(1), context.Arg(2), may_move, fixed,
                             context.Addr(4), dont_unmap);
  if (!address.ok()) return address.error();
  if (grows_locked) Populate(context, *address + old_bytes, new_bytes - old_bytes);
  return static_cast<int64_t>(address->value);
}

CallResult SysMadvise(SyscallContext& context) {
  enum Advice : uint32_t {
    kDontNeed = 4,
    kFree = 8,
    kRemove = 9,
    kDontFork = 10,
    kDoFork = 11,
    kDontDump = 16,
    kDoDump = 17,
    kWipeOnFork = 18,
    kKeepOnFork = 19,
    kPopulateRead = 22,
    kPopulateWrite = 23,
    kDontNeedLocked = 24
  };
  const uint32_t advice = context.UInt(2);
  const char* name = NameOf(kMadviseAdvice, advice);
  if (name == nullptr) return Errno::kInval;
  if ((context.Arg(0) & kPageMask) != 0) return Errno::kInval;
  const uint64_t length = PageAlign(context.Arg(1));
  if (context.Arg(1) != 0 && length == 0) return Errno::kInval;
  const uint64_t end = context.Arg(0) + length;
  if (end < context.Arg(0)) return Errno::kInval;
  switch (advice) {
    case kDontNeed:
    case kFree:
    case kDontNeedLocked:
      if (length == 0) return 0;
      {
        Result<void> discarded =
            context.memory().Discard(context.Addr(0), length, /*anonymous_only=*/advice == kFree,
                                     /*locked_too=*/advice == kDontNeedLocked);
        // The range has been checked, so it is locked, or the program's own file as the loader
        // placed it.
        if (advice != kFree && !discarded.ok() && discarded.error() == Errno::kInval &&
            (advice == kDontNeedLocked || context.memory().LockedIn(context.Addr(0), length) == 0))
          return context.Refuse(Errno::kInval, "MADV_DONTNEED of the program's own data");
        return discarded;
      }
    case kRemove:
      return context.memory().Remove(context.Addr(0), length);
    case kDontFork:
      return context.memory().Advise(context.Addr(0), length, memory::MappingAdvice::kDontFork);
    case kDoFork:
      return context.memory().Advise(context.Addr(0), length, memory::MappingAdvice::kDoFork);
    case kWipeOnFork:
      return context.memory().Advise(context.Addr(0), length, memory::MappingAdvice::kWipeOnFork);
    case kKeepOnFork:
      return context.memory().Advise(context.Addr(0), length, memory::MappingAdvice::kKeepOnFork);
    case kDontDump:
      return context.memory().Advise(context.Addr(0), length, memory::MappingAdvice::kDontDump);
    case kDoDump:
      return context.memory().Advise(context.Addr(0), length, memory::MappingAdvice::kDoDump);
    case kPopulateRead:
    case kPopulateWrite:
      return context.memory().BringIn(
          context.Addr(0), length,
          advice == kPopulateRead ? memory::Populating::kLoads : memory::Populating::kStores);
    // What changes nothing that a guest could see: hints about paging.
    case 0:
    case 1:
    case 2:
    case 3:
    case 12:
    case 13:
    case 14:
    case 15:
    case 20:
    case 21:
    case 25:
      return AllMapped(context.memory(), context.Arg(0), end) ? CallResult(0)
                                                              : CallResult(Errno::kNoMem);
    default:
      return context.Refuse(Errno::kInval, name);
  }
}

CallResult SysMincore(SyscallContext& context) {
  const uint64_t start = context.Arg(0), length = context.Arg(1);
  if ((start & kPageMask) != 0) return Errno::kInval;
  if (!SyscallContext::AccessOk(start, length)) return Errno::kNoMem;
  const uint64_t pages = length / kPageBytes + (length % kPageBytes != 0 ? 1 : 0);
  if (!SyscallContext::AccessOk(context.Arg(2), pages)) return Errno::kFault;
  for (uint64_t i = 0; i < pages; ++i) {
    if (!context.memory().IsMapped(GuestAddr{start + i * kPageBytes})) return Errno::kNoMem;
    const uint8_t there = context.memory().IsInCore(GuestAddr{start + i * kPageBytes}) ? 1 : 0;
    Result<void> stored = context.Out<uint8_t>(context.Addr(2) + i, there);
    if (!stored.ok()) return stored.error();
  }
  return 0;
}

CallResult SysMsync(SyscallContext& context) {
  constexpr uint32_t kAsync = 1, kInvalidate = 2, kSync = 4;
  const uint32_t flags = context.UInt(2);
  if ((flags & ~(kAsync | kInvalidate | kSync)) != 0) return Errno::kInval;
  if ((context.Arg(0) & kPageMask) != 0) return Errno::kInval;
  if ((flags & kAsync) != 0 && (flags & kSync) != 0) return Errno::kInval;
  const uint64_t end = context.Arg(0) + PageAlign(context.Arg(1));
  if (end < context.Arg(0)) return Errno::kNoMem;
  // What is mapped is written back though there is a hole.
  return context.memory().WriteBack(context.Addr(0), context.Arg(1), (flags & kInvalidate) != 0);
}

// ---- Locking (mm/mlock.c): what is in memory stays there anyway.

namespace {

// do_mlock() and munlock(2).
CallResult Lock(SyscallContext& context, Locking locking) {
  const uint64_t start = context.Arg(0) & ~kPageMask;
  const uint64_t length = PageAlign(context.Arg(1) + (context.Arg(0) & kPageMask));
  memory::AddressSpace& memory = context.memory();
  if (locking != Locking::kNone) {
    if (!MayLockAnything(context)) return Errno::kPerm;
    // What is locked in the range counts once.
    const uint64_t limit = context.process().rlimits[os_emu::kRlimitLockedMemory].soft & ~kPageMask;
    const bool fits =
        Fits(length, memory.locked_bytes(), limit) ||
        Fits(length, memory.locked_bytes() - memory.LockedIn(GuestAddr{start}, length), limit);
    if (!fits && !context.Has(os_emu::Capability::kIpcLock)) return Errno::kNoMem;
  }
  const Result<void> locked = memory.Lock(GuestAddr{start}, length, locking);
  if (!locked.ok() || locking == Locking::kNone) return locked;
  // __mlock_posix_error_return()
  const Result<void> populated =
      memory.BringIn(GuestAddr{start}, length, memory::Populating::kAsMapped);
  return populated.ok() ? CallResult(0) : CallResult(Errno::kNoMem);
}

}  // namespace

CallResult SysMlock(SyscallContext& context) { return Lock(context, Locking::kAtOnce); }
CallResult SysMunlock(SyscallContext& context) { return Lock(context, Locking::kNone); }

CallResult SysMlock2(SyscallContext& context) {
  constexpr uint32_t kOnFault = 1;
  if ((context.UInt(2) & ~kOnFault) != 0) return Errno::kInval;
  return Lock(context, context.UInt(2) != 0 ? Locking::kOnFault : Locking::kAtOnce);
}

CallResult SysMlockall(SyscallContext& context) {
  constexpr uint32_t kCurrent = 1, kFuture = 2, kOnFault = 4;
  const uint32_t flags = context.UInt(0);
  if (flags == 0 || (flags & ~(kCurrent | kFuture | kOnFault)) != 0 || flags == kOnFault)
    return Errno::kInval;
  if (!MayLockAnything(context)) return Errno::kPerm;
  memory::AddressSpace& memory = context.memory();
  const uint64_t limit = context.process().rlimits[os_emu::kRlimitLockedMemory].soft & ~kPageMask;
  if ((flags & kCurrent) != 0 && memory.mapped_bytes() > limit &&
      !context.Has(os_emu::Capability::kIpcLock)) {
    return Errno::kNoMem;
  }
  // apply_mlockall_flags(): MCL_FUTURE alone leaves what there is as it is.
  const Locking locking = (flags & kOnFault) != 0 ? Locking::kOnFault : Locking::kAtOnce;
  memory.LockFuture((flags & kFuture) != 0 ? locking : Locking::kNone);
  if ((flags & kCurrent) == 0) return 0;
  memory.LockAll(locking);
  for (const memory::Mapping& mapping : memory.Mappings())
    Populate(context, GuestAddr{mapping.start}, mapping.end - mapping.start);
  return 0;
}

CallResult SysMunlockall(SyscallContext& context) {
  context.memory().LockFuture(Locking::kNone);
  context.memory().LockAll(Locking::kNone);
  return 0;
}

}  // namespace pollux::shims
