// Encode: the inverse of Decode, for tests and test generators.
#ifndef POLLUX_INTERP_ISA_ENCODER_H_
#define POLLUX_INTERP_ISA_ENCODER_H_

#include <cstdint>
#include <optional>

#include "interp/isa/instruction.h"

namespace pollux::interp {

// The encoding of row `spelling` (a base or a compressed one) with the operands of `operands`: rd,
// rs1, rs2, rs3, rm, aqrl and imm as Decode would give them; its other members are not looked at.
// Nothing where the row cannot say these operands: an immediate out of range, odd or zero where
// that is reserved, a register outside x8 to x15, an operand that the row implies and that differs
// (c.add: rd == rs1), or one that it does not have and that is not 0.
std::optional<uint32_t> Encode(Opcode spelling, const Instruction& operands);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_ENCODER_H_
