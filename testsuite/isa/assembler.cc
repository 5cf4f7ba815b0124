#include "testsuite/isa/assembler.h"

#include <optional>

#include "abi/check.h"
#include "interp/isa/encoder.h"
#include "interp/isa/opcode_info.h"

namespace pollux::testsuite {

using interp::Instruction;
using interp::Opcode;

namespace {

uint8_t Register(unsigned number) { return static_cast<uint8_t>(number); }

uint32_t EncodeOrDie(Opcode opcode, const Instruction& operands) {
  const std::optional<uint32_t> bits = interp::Encode(opcode, operands);
  POLLUX_CHECK(bits.has_value()) << interp::InfoOf(opcode).mnemonic
                                 << " cannot have these operands";
  return *bits;
}

}  // namespace

void Assembler::Raw(uint32_t bits, unsigned length) {
  for (unsigned i = 0; i < length; ++i) code_.push_back(static_cast<uint8_t>(bits >> (8 * i)));
}

void Assembler::Emit(Opcode opcode, const Instruction& operands) {
  Raw(EncodeOrDie(opcode, operands), interp::InfoOf(opcode).length);
}

void Assembler::PadTo(uint64_t address) {
  POLLUX_CHECK(address >= Here()) << "code is in the way";
  code_.resize(address - base_);
}

void Assembler::R(Opcode opcode, unsigned rd, unsigned rs1, unsigned rs2) {
  Emit(opcode, {.rd = Register(rd), .rs1 = Register(rs1), .rs2 = Register(rs2)});
}

void Assembler::I(Opcode opcode, unsigned rd, unsigned rs1, int32_t imm) {
  Emit(opcode, {.rd = Register(rd), .rs1 = Register(rs1), .imm = imm});
}

void Assembler::S(Opcode opcode, unsigned rs2, unsigned rs1, int32_t imm) {
  Emit(opcode, {.rs1 = Register(rs1), .rs2 = Register(rs2), .imm = imm});
}

void Assembler::Branch(Opcode opcode, unsigned rs1, unsigned rs2, uint64_t target) {
  Emit(opcode,
       {.rs1 = Register(rs1), .rs2 = Register(rs2), .imm = static_cast<int32_t>(target - Here())});
}

void Assembler::Jump(uint64_t target) {
  Emit(Opcode::kJal, {.imm = static_cast<int32_t>(target - Here())});
}

void Assembler::Csr(Opcode opcode, unsigned rd, unsigned csr, unsigned source) {
  Emit(opcode, {.rd = Register(rd), .rs1 = Register(source), .imm = static_cast<int32_t>(csr)});
}

void Assembler::Li(unsigned rd, uint64_t value) {
  POLLUX_CHECK(value < 0x7ffff800) << "constant too large: " << value;
  const int32_t low = static_cast<int32_t>((value & 0xfff) ^ 0x800) - 0x800;
  Emit(Opcode::kLui, {.rd = Register(rd), .imm = static_cast<int32_t>(value) - low});
  I(Opcode::kAddi, rd, rd, low);
}

uint64_t Assembler::JumpLater() {
  const uint64_t jump = Here();
  Raw(0, 4);
  return jump;
}

void Assembler::Land(uint64_t jump) {
  Put(jump, EncodeOrDie(Opcode::kJal, {.imm = static_cast<int32_t>(Here() - jump)}));
}

void Assembler::Put(uint64_t address, uint32_t bits) {
  for (unsigned i = 0; i < 4; ++i)
    code_[address - base_ + i] = static_cast<uint8_t>(bits >> (8 * i));
}

}  // namespace pollux::testsuite
