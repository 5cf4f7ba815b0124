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

// Where the function begins that has the code at `pc`, as far as its code tells: the nearest place
// before it that takes room on the stack and from which control comes to `pc`.
std::optional<uint64_t> GuessFunctionStart(memory::AddressSpace& memory, uint64_t pc);

// The caller's registers, from what the function at `start` has done to the stack on a way from
// there to the instruction that has the byte at `at`: the pc of the innermost frame, else the byte
// before the return address. ra is looked for in its register only if `innermost`. Nothing: what
// the function does is not understood, or leads to no address that `is_return_address`.
std::optional<Registers> UnwindByCode(memory::AddressSpace& memory, uint64_t start, uint64_t at,
                                      const Registers& registers, bool innermost,
                                      const std::function<bool(uint64_t)>& is_return_address);

// Whether the instruction before `address` is a call.
bool FollowsCall(memory::AddressSpace& memory, uint64_t address);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_CODE_WALK_H_
