// Op: one operation of the bytecode that the fast engine runs: 16 bytes, decoded once, operands
// resolved.
//
// A base instruction is one Op, in program order, so that the distance between two Ops of
// straight-line code is the number of instructions between them; only kGoto and kTranslate stand
// for no instruction.
#ifndef POLLUX_INTERP_BYTECODE_OP_H_
#define POLLUX_INTERP_BYTECODE_OP_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "interp/isa/effects.h"
#include "interp/isa/instruction.h"
#include "memory/address_space.h"

namespace pollux::interp {

inline constexpr int kLongestSeries = 8;

// What an Op does. The first kBaseOpcodes are the instructions' own numbers (Opcode), so that
// translating one is a copy.
enum class Bytecode : uint32_t {
  kIllegal,
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) k##id,
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
  kNop,        // An instruction without effect here: results for x0, fences.
  kSlow,       // The reference step does it (illegal, ebreak, CSRs).
  kGoto,       // To where its target is; no instruction of the guest.
  kTranslate,  // Code that is not translated yet, or no longer: its pc is CodeCache::PcOf. No
               // instruction of the guest.
#define OPERATION(id, ...) k##id,
#include "interp/bytecode/operations.inc"
#undef OPERATION
  kFirstFusion,
  kBeforeFusions = kFirstFusion - 1,
#define FUSION(first, second, pattern) k##first##Then##second##pattern,
#include "interp/bytecode/fusions.inc"
#undef FUSION
  kFirstSeries,  // Those of loads, then those of stores (bytecode/fusion.h).
  kLastSeries = kFirstSeries + 2 * (kLongestSeries - 1) - 1,
  kCount,
};
constexpr bool IsFusion(Bytecode code) {
  return code >= Bytecode::kFirstFusion && code < Bytecode::kFirstSeries;
}
constexpr bool IsSeries(Bytecode code) {
  return code >= Bytecode::kFirstSeries && code <= Bytecode::kLastSeries;
}

static_assert(static_cast<unsigned>(Bytecode::kNop) == kBaseOpcodes);

// What an operation of the bytecode's own does, as Effect says it for instructions.
template <Bytecode code>
struct OperationEffect;

template <>
struct OperationEffect<Bytecode::kGoto> {
  template <typename C>
  [[gnu::always_inline]] static void Run(C& c) {
    c.Jump();
  }
};

#define OPERATION(id, ...)                         \
  template <>                                      \
  struct OperationEffect<Bytecode::k##id> {        \
    template <typename C>                          \
    [[gnu::always_inline]] static void Run(C& c) { \
      __VA_ARGS__;                                 \
    }                                              \
  };
#include "interp/bytecode/operations.inc"
#undef OPERATION

// How many instructions of the guest are done when it is.
constexpr int RetiredBy(Bytecode code) { return code == Bytecode::kGoto ? 0 : 1; }

// Trivial, so that an arena of them costs nothing before it is used; Op{.code = ...} zeroes the
// rest.
struct Op {
  Bytecode code;  // Once translated for an engine with handlers: the address of its handler, not a
                  // Bytecode (CodeCache::CodeOf).
  uint8_t rd;     // kSink where the instruction names x0.
  uint8_t rs1;
  uint8_t rs2;
  uint8_t rs3 : 5;
  uint8_t rm : 3;
  int32_t imm;     // kCall: a part of its link (LinkOf).
  int32_t target;  // Bytes from here to the Op to which the next branch, jal or goto from here on
                   // leads, this one among them; so it is known before that is reached. 0: none.
                   // kTranslate: bytes from here to the branch that leads here, or 0.
                   // A jalr: which CodeCache::Ways are its own, or 0.
};
static_assert(sizeof(Op) == 16);

inline Op* TargetOf(Op* op) {
  return reinterpret_cast<Op*>(reinterpret_cast<char*>(op) + op->target);
}
inline const Op* TargetOf(const Op* op) { return TargetOf(const_cast<Op*>(op)); }
inline int32_t Distance(const Op* from, const Op* to) {
  return static_cast<int32_t>((to - from) * static_cast<ptrdiff_t>(sizeof(Op)));
}

// The address behind a kCall, which is in its rs3, rm and imm, together 40 bits.
inline uint64_t LinkOf(const Op& call) {
  int64_t word;
  std::memcpy(&word, &call.rd, sizeof(word));
  return static_cast<uint64_t>(word >> 24);
}
inline void SetLink(Op& call, uint64_t pc) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word;
  std::memcpy(&word, &call.rd, sizeof(word));
  word = (word & 0xffffff) | pc << 24;
  std::memcpy(&call.rd, &word, sizeof(word));
}
static_assert(memory::kAddressBits < 40);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_BYTECODE_OP_H_
