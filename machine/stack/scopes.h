// DescribeScopes: which functions an address is in, by a compilation unit's DWARF.
#ifndef POLLUX_MACHINE_STACK_SCOPES_H_
#define POLLUX_MACHINE_STACK_SCOPES_H_

#include <elfutils/libdw.h>

#include <cstdint>
#include <vector>

#include "machine/stack/frame.h"

namespace pollux::machine {

// The innermost first; the last is the function that has the code, and all before it are inlined.
// Empty: the unit knows no function there; one without a name, but with a line, if it knows only
// that.
std::vector<Frame> DescribeScopes(const Dwarf_Die& unit, uint64_t address);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_SCOPES_H_
