// Unwinding by reading the code, where no table says how: as compilers leave tables out of C code
// for RISC-V, glibc's own among it, this is no rare case.
#ifndef POLLUX_MACHINE_STACK_CODE_WALK_H_
#define POLLUX_MACHINE_STACK_CODE_WALK_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "machine/stack/registers.h"
#include "memory/address_space.h"

namespace pollux::machine {

// The caller's registers, from what the function at `start` has done to the stack on a way from
// there to the instruction that has the byte at `at`: the pc of the innermost frame, else the byte
// before the return address. ra is looked for in its register only if `innermost`. Without `start`
// the nearest place is taken where a function may begin and from which all of this holds. Nothing:
// what the function does is not understood, or leads to no address that `is_return_address`.
std::optional<Registers> UnwindByCode(memory::AddressSpace& memory, std::optional<uint64_t> start,
                                      uint64_t at, const Registers& registers, bool innermost,
                                      const std::function<bool(uint64_t)>& is_return_address);

// Whether the instruction before `address` is a call.
bool FollowsCall(memory::AddressSpace& memory, uint64_t address);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_CODE_WALK_H_
