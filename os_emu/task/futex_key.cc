#include "os_emu/task/futex_key.h"

#include <optional>

#include "memory/address_space.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// The word as all processes know it. A stand-in: an AddressSpace that cannot say it has no word
// that is shared.
template <typename Space>
std::optional<FutexKey> SharedKeyIn(const Space& memory, GuestAddr word) {
  if constexpr (requires { memory.SharedWordAt(word); }) {
    auto shared = memory.SharedWordAt(word);
    if (!shared.has_value()) return std::nullopt;
    const void* const owner = shared->object.get();
    return FutexKey{owner, shared->offset, FutexScope::kAny, std::move(shared->object)};
  } else {
    return std::nullopt;
  }
}

}  // namespace

Result<FutexKey> KeyOf(Thread& thread, FutexWord word, FutexAccess access) {
  constexpr uint64_t kBytes = sizeof(uint32_t);
  const GuestAddr address = word.address;
  if (address.value % kBytes != 0) return Errno::kInval;
  // access_ok(): of riscv64, as of x86-64, only the sign is looked at.
  if (address.value > static_cast<uint64_t>(INT64_MAX) - kBytes) return Errno::kFault;
  memory::AddressSpace& memory = *thread.process().memory;
  if (word.scope == FutexScope::kPrivate)
    return FutexKey{&memory, address.value, FutexScope::kPrivate, nullptr};
  // get_user_pages_fast(FOLL_WRITE): a private page becomes the process's own.
  memory::Fault fault;
  const bool writable = memory.Prepare(memory::Access::kStore, address, kBytes, &fault);
  if (!writable && (access == FutexAccess::kWrite ||
                    !memory.Prepare(memory::Access::kLoad, address, kBytes, &fault))) {
    return Errno::kFault;
  }
  if (std::optional<FutexKey> shared = SharedKeyIn(memory, address)) return *std::move(shared);
  // Private memory that cannot be written never changes: nobody could be woken.
  if (!writable) return Errno::kFault;
  return FutexKey{&memory, address.value, FutexScope::kAny, nullptr};
}

}  // namespace pollux::os_emu
