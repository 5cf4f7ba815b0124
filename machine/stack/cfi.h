// Unwinding by the DWARF call frame information of a file.
#ifndef POLLUX_MACHINE_STACK_CFI_H_
#define POLLUX_MACHINE_STACK_CFI_H_

#include <elfutils/libdw.h>

#include <optional>

#include "machine/stack/registers.h"
#include "memory/address_space.h"

namespace pollux::machine {

struct CallerByCfi {
  Registers registers;
  bool exact_pc = false;  // The frame is a signal's: its caller was interrupted at pc.
};

// The registers of the caller of the frame that has `registers`. `innermost`: its pc is where it
// stopped, not where a call will return to. Nothing: there is no caller, or it cannot be known.
std::optional<CallerByCfi> UnwindByCfi(Dwarf_Frame* frame, const Registers& registers,
                                       bool innermost, memory::AddressSpace& memory);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_CFI_H_
