// FutexKey: which word of memory a futex(2) call is about (union futex_key, kernel/futex/core.c).
//
// With FUTEX_PRIVATE_FLAG a word is its address space and address, and nothing is looked at.
// Without it the memory decides: a word of a shared object is the object and its offset, the same
// in every process that maps it; any other word is its address space and address again, but not the
// word that FUTEX_PRIVATE_FLAG means: the two kinds do not wake each other.
#ifndef POLLUX_OS_EMU_TASK_FUTEX_KEY_H_
#define POLLUX_OS_EMU_TASK_FUTEX_KEY_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "abi/result.h"
#include "abi/types.h"
#include "memory/shared_object.h"

namespace pollux::os_emu {

class Thread;

// Whether a word may be known to other processes: kPrivate is FUTEX_PRIVATE_FLAG.
enum class FutexScope : uint8_t { kAny, kPrivate };

// A word as a call names it.
struct FutexWord {
  GuestAddr address;
  FutexScope scope = FutexScope::kAny;
};

struct FutexKey {
  const void* owner = nullptr;  // The AddressSpace, or `object`.
  uint64_t offset = 0;          // The address, or the offset in the object.
  FutexScope scope = FutexScope::kAny;
  // Keeps a shared word's object, so that none that is made later is taken for it. Else null.
  std::shared_ptr<const memory::SharedObject> object;

  friend bool operator==(const FutexKey& a, const FutexKey& b) {
    return a.owner == b.owner && a.offset == b.offset && a.scope == b.scope;
  }
  template <typename H>
  friend H AbslHashValue(H state, const FutexKey& key) {
    return H::combine(std::move(state), key.owner, key.offset, key.scope);
  }
};

// What the call will do to the word.
enum class FutexAccess { kRead, kWrite };

// get_futex_key(). Errors, in this order: kInval (not a multiple of 4), kFault (not an address of
// user space; without FUTEX_PRIVATE_FLAG also a word that cannot be accessed so, and one of private
// memory that cannot be written).
Result<FutexKey> KeyOf(Thread& thread, FutexWord word, FutexAccess access);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_FUTEX_KEY_H_
