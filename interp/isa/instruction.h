// Instruction: one decoded RV64GC instruction, and Opcode, its name.
#ifndef POLLUX_INTERP_ISA_INSTRUCTION_H_
#define POLLUX_INTERP_ISA_INSTRUCTION_H_

#include <cstdint>

namespace pollux::interp {

// One enumerator a row of instructions.inc, in its order, after kIllegal. Base instructions come
// first, so that [1, kBaseOpcodes) are the ones that have an effect of their own.
enum class Opcode : uint16_t {
  kIllegal,  // No row matches, or a reserved encoding.
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) k##id,
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
  kFirstCompressed,
  kBeforeCompressed = kFirstCompressed - 1,
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...)
#define COMPRESSED(id, mnemonic, format, match, mask, base) k##id,
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
  kCount,
};

inline constexpr unsigned kBaseOpcodes = static_cast<unsigned>(Opcode::kFirstCompressed);
inline constexpr unsigned kOpcodes = static_cast<unsigned>(Opcode::kCount);

// The value of a rounding-mode field that means "as frm says".
inline constexpr uint8_t kRmDynamic = 7;

// Operands that the format does not have are 0. Registers are numbers 0 to 31; whether x or f, the
// format says.
struct Instruction {
  Opcode opcode = Opcode::kIllegal;    // What it does: always a base instruction, or kIllegal.
  Opcode spelling = Opcode::kIllegal;  // How it is encoded: the row that matched (a compressed one,
                                       // or == opcode).
  uint8_t length = 0;  // Bytes: 2 or 4. For kIllegal: 2 if the low two bits are not 11, else 4.
  uint8_t rd = 0;
  uint8_t rs1 = 0;
  uint8_t rs2 = 0;
  uint8_t rs3 = 0;
  uint8_t rm = 0;    // Rounding mode field (0 to 4, or kRmDynamic).
  uint8_t aqrl = 0;  // Bit 1: aq, bit 0: rl.
  int32_t imm =
      0;  // Sign-extended immediate, shift amount, CSR number, zero-extended 5-bit immediate in rs1
          // for csrr*i (rs1 holds it), fence's fm|pred|succ. lui and auipc: the shifted value.
  uint32_t bits = 0;  // The encoding; the upper half is 0 for a compressed one.
};

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_INSTRUCTION_H_
