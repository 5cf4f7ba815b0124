// Disassemble: an instruction as assembly text, as `riscv64-linux-gnu-objdump -d -M
// no-aliases,numeric` writes it.
//
// One space stands between mnemonic and operands where objdump has a tab. Branch targets are
// absolute addresses with 0x. CSRs of unprivileged code are named, others are numbers. What is not
// an instruction is data: ".4byte 0x2b".
#ifndef POLLUX_INTERP_ISA_DISASSEMBLER_H_
#define POLLUX_INTERP_ISA_DISASSEMBLER_H_

#include <cstdint>
#include <string>

#include "interp/isa/instruction.h"

namespace pollux::interp {

// `pc` is the instruction's address.
std::string Disassemble(const Instruction& instruction, uint64_t pc);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_DISASSEMBLER_H_
