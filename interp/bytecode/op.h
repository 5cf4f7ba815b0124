// Op: one operation of the bytecode that the fast engine runs: 16 bytes, decoded once, operands
// resolved.
//
// A base instruction is one Op, in program order, so that the distance between two Ops of
// straight-line code is the number of instructions between them; only kGoto and kTranslate stand
// for no instruction.
#ifndef POLLUX_INTERP_BYTECODE_OP_H_
#define POLLUX_INTERP_BYTECODE_OP_H_

#include <cstdint>

#include "interp/isa/instruction.h"

namespace pollux::interp {

// What an Op does. The first kBaseOpcodes are the instructions' own numbers (Opcode), so that
// translating one is a copy.
enum class Bytecode : uint16_t {
  kIllegal,
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) k##id,
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
  kNop,        // An instruction without effect here: results for x0, fences.
  kSlow,       // The reference step does it (illegal, ecall, ebreak, CSRs).
  kGoto,       // To `target`; no instruction of the guest.
  kTranslate,  // Code that is not translated yet, or no longer: its pc is CodeCache::PcOf. No
               // instruction of the guest.
#define FUSION(first, second) k##first##Then##second,
#include "interp/bytecode/fusions.inc"
#undef FUSION
  kCount,
};

static_assert(static_cast<unsigned>(Bytecode::kNop) == kBaseOpcodes);

// Trivial, so that an arena of them costs nothing before it is used; Op{.code = ...} zeroes the
// rest.
struct Op {
  Bytecode code;
  uint8_t rd;  // kSink where the instruction names x0.
  uint8_t rs1;
  uint8_t rs2;
  uint8_t rs3;
  uint8_t rm;
  uint8_t length;  // Bytes of the instruction.
  int32_t imm;
  int32_t target;  // Of a branch, a jal, a goto: the Op to go to, counted from this one.
                   // kTranslate: the branch that leads here, counted from this one, or 0.
};
static_assert(sizeof(Op) == 16);

// The fused operation of the two, or kIllegal if there is none.
Bytecode FusionOf(Bytecode first, Bytecode second);
// A fused operation's first instruction; any other is its own.
Bytecode FirstOf(Bytecode code);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_BYTECODE_OP_H_
