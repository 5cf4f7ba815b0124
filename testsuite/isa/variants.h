// Variants: the forms of an instruction that are worth running: registers that coincide, x0, edges
// of the immediate, all rounding modes, near and far targets.
#ifndef POLLUX_TESTSUITE_ISA_VARIANTS_H_
#define POLLUX_TESTSUITE_ISA_VARIANTS_H_

#include <vector>

#include "interp/isa/instruction.h"
#include "interp/isa/opcode_info.h"
#include "testsuite/isa/operands.h"

namespace pollux::testsuite {

// How an instruction is run: what it needs before, and what is looked at after.
enum class Shape {
  kCompute,  // Registers to a register.
  kLoad,
  kStore,
  kLoadReserved,
  kStoreConditional,
  kAmo,
  kBranch,
  kJump,
  kJumpRegister,
  kCsr,
  kFence,
  kExcluded,
};

Shape ShapeOf(interp::Opcode base);

struct Variant {
  interp::Instruction instruction;
  unsigned frm = 0;  // The dynamic rounding mode in which it runs.
};

std::vector<Variant> VariantsOf(const interp::OpcodeInfo& row, Random& random);

}  // namespace pollux::testsuite

#endif  // POLLUX_TESTSUITE_ISA_VARIANTS_H_
