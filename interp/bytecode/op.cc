#include "interp/bytecode/op.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace pollux::interp {
namespace {

struct Fusion {
  Bytecode first, second, fused;
};
constexpr Fusion kFusions[] = {
#define FUSION(first, second) \
  {Bytecode::k##first, Bytecode::k##second, Bytecode::k##first##Then##second},
#include "interp/bytecode/fusions.inc"
#undef FUSION
};

// By first and second instruction.
constexpr auto kFusionTable = [] {
  std::array<std::array<Bytecode, kBaseOpcodes>, kBaseOpcodes> table{};
  for (const Fusion& row : kFusions) {
    table[static_cast<size_t>(row.first)][static_cast<size_t>(row.second)] = row.fused;
  }
  return table;
}();

}  // namespace

Bytecode FusionOf(Bytecode first, Bytecode second) {
  if (first >= Bytecode::kNop || second >= Bytecode::kNop) return Bytecode::kIllegal;
  return kFusionTable[static_cast<size_t>(first)][static_cast<size_t>(second)];
}

Bytecode FirstOf(Bytecode code) {
  if (code <= Bytecode::kTranslate) return code;
  return kFusions[static_cast<size_t>(code) - static_cast<size_t>(Bytecode::kTranslate) - 1].first;
}

}  // namespace pollux::interp
