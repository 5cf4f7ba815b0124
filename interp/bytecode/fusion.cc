#include "interp/bytecode/fusion.h"

#include <array>
#include <utility>

namespace pollux::interp {
namespace {

constexpr size_t kSingles = static_cast<size_t>(Bytecode::kFirstFusion);

// Rows by first operation: where those of one begin. Sorted by the order of the table, so that the
// first row that matches counts.
constexpr auto kIsFirst = [] {
  std::array<bool, kSingles> is_first{};
  for (const Fusion& row : kFusions) is_first[static_cast<size_t>(row.first)] = true;
  return is_first;
}();

bool IsCommutative(Bytecode code) {
  switch (code) {
    case Bytecode::kAdd:
    case Bytecode::kAddw:
    case Bytecode::kAnd:
    case Bytecode::kOr:
    case Bytecode::kXor:
    case Bytecode::kMul:
    case Bytecode::kMulw:
    case Bytecode::kBeq:
    case Bytecode::kBne:
      return true;
    default:
      return false;
  }
}

bool Matches(Pattern pattern, const Op& first, const Op& second) {
  switch (pattern) {
    case Pattern::kSame:
      return second.rd == first.rd && second.rs1 == first.rd && second.rs2 != first.rd;
    case Pattern::kCount:
      return second.rs1 == first.rd && first.rs1 == first.rd;
    case Pattern::kTest:
      return second.rs1 == first.rd;
    case Pattern::kReversedTest:
      return second.rs2 == first.rd;
    case Pattern::kTestOfZero:
      return second.rs1 == first.rd && second.rs2 == 0;
    case Pattern::kStep:
      return second.rd == second.rs1;
    case Pattern::kLoads:
      return second.rs1 == first.rs1 && first.rs1 != first.rd;
    case Pattern::kStores:
      return second.rs1 == first.rs1;
    case Pattern::kJump:
      return true;
  }
  return false;
}

}  // namespace

bool Fuse(Op* op) {
  if (op->code >= Bytecode::kFirstFusion || !kIsFirst[static_cast<size_t>(op->code)]) return false;
  Op& first = op[0];
  Op& second = op[1];
  for (const Fusion& row : kFusions) {
    if (row.first != first.code || row.second != second.code) continue;
    // Either order of either's operands may suit.
    for (int exchanged = 0; exchanged < 4; ++exchanged) {
      const bool of_first = (exchanged & 1) != 0, of_second = (exchanged & 2) != 0;
      if ((of_first && !IsCommutative(first.code)) || (of_second && !IsCommutative(second.code)))
        continue;
      Op a = first, b = second;
      if (of_first) std::swap(a.rs1, a.rs2);
      if (of_second) std::swap(b.rs1, b.rs2);
      if (!Matches(row.pattern, a, b)) continue;
      first = a;
      second = b;
      first.code = row.fused;
      return true;
    }
  }
  return false;
}

}  // namespace pollux::interp
