// What the next instruction of a hart will do that others could see, before it does it: for who
// wants to choose when that happens.
#ifndef POLLUX_INTERP_ENGINE_NEXT_ACCESS_H_
#define POLLUX_INTERP_ENGINE_NEXT_ACCESS_H_

#include <cstdint>

#include "interp/engine/cpu.h"
#include "interp/isa/instruction.h"
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

// And how far it may go.
struct Ahead {
  NextAccess next;
  // So many instructions, this one included, may be run before anybody has to look again: those
  // behind it certainly access nothing and are no ecall.
  uint64_t steps = 1;
};

// What an instruction accesses, but for the address.
struct AccessRow {
  AccessKind kind = AccessKind::kNone;
  uint8_t bytes = 0;
};
AccessRow AccessRowOf(Opcode opcode);

// Changes nothing. Whether the access will succeed is not looked at.
NextAccess NextAccessOf(memory::AddressSpace& memory, const Cpu& cpu);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_NEXT_ACCESS_H_
