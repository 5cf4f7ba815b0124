// Fusion: two neighbouring operations that run as one (bytecode/fusions.inc).
#ifndef POLLUX_INTERP_BYTECODE_FUSION_H_
#define POLLUX_INTERP_BYTECODE_FUSION_H_

#include <array>
#include <cstddef>

#include "interp/bytecode/op.h"

namespace pollux::interp {

// Which registers of the two are the same. Each is of the form in which compilers write such a
// pair, so that few operands are left that can be anywhere.
enum class Pattern : uint8_t {
  kSame,          // The second's rd and rs1 are the first's rd, and its rs2 is not.
  kCount,         // The second's rs1, and the first's own rs1, are the first's rd.
  kTest,          // The second's rs1 is the first's rd.
  kReversedTest,  // The second's rs2 is the first's rd.
  kTestOfZero,    // The second's rs1 is the first's rd, and its rs2 is x0.
  kStep,          // The second's rd and rs1 are the same.
  kLoads,         // Both have the same rs1, which is not the first's rd.
  kStores,        // Both have the same rs1.
  kJump,          // The second jumps and names no register.
  kElse,          // The first branches, and where it does not the second jumps.
  kFree,          // Any; and no rounding mode but frm.
};

// Which operand of the second a pattern leaves open.
enum class Open : uint8_t { kNothing, kRd, kRs1, kRs2 };
constexpr Open OpenOf(Pattern pattern) {
  switch (pattern) {
    case Pattern::kSame:
    case Pattern::kCount:
    case Pattern::kTest:
    case Pattern::kStores:
      return Open::kRs2;
    case Pattern::kReversedTest:
      return Open::kRs1;
    case Pattern::kStep:
    case Pattern::kLoads:
      return Open::kRd;
    case Pattern::kTestOfZero:
    case Pattern::kJump:
    case Pattern::kElse:
    case Pattern::kFree:
      return Open::kNothing;
  }
  return Open::kNothing;
}

// Whether the first's rs1 is its rd.
constexpr bool IsInPlace(Pattern pattern) { return pattern == Pattern::kCount; }

struct Fusion {
  Bytecode first, second, fused;
  Pattern pattern;
};

// By Bytecode - Bytecode::kFirstFusion.
inline constexpr Fusion kFusions[] = {
#define FUSION(first, second, pattern)                                                 \
  {Bytecode::k##first, Bytecode::k##second, Bytecode::k##first##Then##second##pattern, \
   Pattern::k##pattern},
#include "interp/bytecode/fusions.inc"
#undef FUSION
};

// `fused` is one.
constexpr const Fusion& FusionOf(Bytecode fused) {
  return kFusions[static_cast<size_t>(fused) - static_cast<size_t>(Bytecode::kFirstFusion)];
}

// A series: neighbours that load, or store, doublewords of the stack, each below the one before. So
// functions save and restore registers.
struct Series {
  Bytecode operation;  // kLd, or kSd.
  int count;           // 2 to kLongestSeries.
};
// `code` is one.
constexpr Series SeriesOf(Bytecode code) {
  constexpr int kCounts = kLongestSeries - 1;
  const int number = static_cast<int>(code) - static_cast<int>(Bytecode::kFirstSeries);
  return {number < kCounts ? Bytecode::kLd : Bytecode::kSd, number % kCounts + 2};
}

// How many operations are run as one by `code`, which is below Bytecode::kCount.
constexpr int LengthOf(Bytecode code) {
  return IsSeries(code) ? SeriesOf(code).count : IsFusion(code) ? 2 : 1;
}

constexpr Bytecode CodeOfSeries(Series series) {
  const int first = series.operation == Bytecode::kLd ? 0 : kLongestSeries - 1;
  return static_cast<Bytecode>(static_cast<int>(Bytecode::kFirstSeries) + first + series.count - 2);
}

// How many operations from op[0] on, of `most`, are a series; 1 if there is none.
int LengthOfSeries(const Op* op, int most);

// What runs both as one, or kIllegal. A row of another pattern comes before one that is free.
Bytecode FusionOf(const Op& first, const Op& second);

// op[0] gets the code FusionOf(op[0], op[1]), which is one. May exchange operands of both where
// their order does not matter.
void Fuse(Op* op);

// How long an operation takes, roughly, and only to be compared.
int CostOf(Bytecode code);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_BYTECODE_FUSION_H_
