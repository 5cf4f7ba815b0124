// Assembler: machine code at a fixed address, for test programs that are written by programs.
//
// Operands are checked by the encoder: what cannot be encoded is a failed CHECK.
#ifndef POLLUX_TESTSUITE_ISA_ASSEMBLER_H_
#define POLLUX_TESTSUITE_ISA_ASSEMBLER_H_

#include <cstdint>
#include <vector>

#include "interp/isa/instruction.h"

namespace pollux::testsuite {

class Assembler {
 public:
  explicit Assembler(uint64_t base) : base_(base) {}

  uint64_t Here() const { return base_ + code_.size(); }
  const std::vector<uint8_t>& code() const { return code_; }

  // An encoding of 2 or 4 bytes, as it is.
  void Raw(uint32_t bits, unsigned length);
  void Emit(interp::Opcode opcode, const interp::Instruction& operands);
  // Zeros up to `address`: illegal instructions.
  void PadTo(uint64_t address);

  void R(interp::Opcode opcode, unsigned rd, unsigned rs1, unsigned rs2);
  // Arithmetic, loads and jalr: rd, rs1, imm.
  void I(interp::Opcode opcode, unsigned rd, unsigned rs1, int32_t imm);
  // Stores: rs2 to imm(rs1).
  void S(interp::Opcode opcode, unsigned rs2, unsigned rs1, int32_t imm);
  void Branch(interp::Opcode opcode, unsigned rs1, unsigned rs2, uint64_t target);
  void Jump(uint64_t target);
  // csrrw and its kin; `source` is a register or an immediate.
  void Csr(interp::Opcode opcode, unsigned rd, unsigned csr, unsigned source);
  // rd = value, which is below 2^31 - 2^11; always 8 bytes.
  void Li(unsigned rd, uint64_t value);

  // A jump whose target is not known yet; Land makes it go to Here().
  uint64_t JumpLater();
  void Land(uint64_t jump);

 private:
  void Put(uint64_t address, uint32_t bits);

  uint64_t base_;
  std::vector<uint8_t> code_;
};

}  // namespace pollux::testsuite

#endif  // POLLUX_TESTSUITE_ISA_ASSEMBLER_H_
