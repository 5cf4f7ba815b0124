// Decode: machine code to Instruction.
//
// Total: every 32-bit value has an answer. Opcode::kIllegal (operands 0) for what no row matches,
// for encodings that the manual reserves (a reserved rounding mode among them) and for encodings
// longer than 32 bits. HINT encodings are what they look like (c.li x0,5 is an addi to x0). A
// rounding mode kRmDynamic is left for the time of execution.
#ifndef POLLUX_INTERP_ISA_DECODER_H_
#define POLLUX_INTERP_ISA_DECODER_H_

#include <cstdint>

#include "interp/isa/instruction.h"

namespace pollux::interp {

// True if the instruction that begins with this halfword has 2 bytes.
constexpr bool IsCompressed(uint32_t bits) { return (bits & 3) != 3; }

// `bits`: the 4 bytes at the instruction, little endian. Of a compressed one the upper half is not
// looked at, and may be anything.
Instruction Decode(uint32_t bits);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_DECODER_H_
