// What the next instruction of a hart will do that others could see, before it does it: for who
// wants to choose when that happens.
#ifndef POLLUX_INTERP_ENGINE_NEXT_ACCESS_H_
#define POLLUX_INTERP_ENGINE_NEXT_ACCESS_H_

#include <cstdint>

#include "interp/engine/cpu.h"
#include "memory/address_space.h"

namespace pollux::interp {

enum class AccessKind : uint8_t {
  kNone,  // Registers only; or it faults before it accesses anything.
  kLoad,
  kStore,
  kLoadReserved,
  kStoreConditional,
  kAmo,
  kFence,
  kEcall,
};

struct NextAccess {
  AccessKind kind = AccessKind::kNone;
  uint8_t bytes = 0;  // 1 to 8, of memory.
  uint64_t addr = 0;
};

// Changes nothing. Whether the access will succeed is not looked at.
NextAccess NextAccessOf(memory::AddressSpace& memory, const Cpu& cpu);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_NEXT_ACCESS_H_
