#include "interp/bytecode/fusion.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

namespace pollux::interp {
namespace {

constexpr size_t kSingles = static_cast<size_t>(Bytecode::kFirstFusion);

// The rows by their first operation: those of `code` are rows[begins[code]] up to
// rows[begins[code + 1]], in the order of the table, in which the first that matches counts.
struct ByFirst {
  std::array<uint16_t, kSingles + 1> begins{};
  std::array<Fusion, std::size(kFusions)> rows{};
};
constexpr ByFirst kByFirst = [] {
  ByFirst table;
  for (const Fusion& row : kFusions) ++table.begins[static_cast<size_t>(row.first) + 1];
  for (size_t i = 1; i <= kSingles; ++i) table.begins[i] += table.begins[i - 1];
  std::array<uint16_t, kSingles + 1> next = table.begins;
  for (const Fusion& row : kFusions) table.rows[next[static_cast<size_t>(row.first)]++] = row;
  return table;
}();

std::span<const Fusion> RowsOf(Bytecode first) {
  const auto code = static_cast<size_t>(first);
  if (code >= kSingles) return {};
  return std::span(kByFirst.rows)
      .subspan(kByFirst.begins[code], kByFirst.begins[code + 1] - kByFirst.begins[code]);
}

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
    case Pattern::kElse:
    case Pattern::kFree:
      return true;
  }
  return false;
}

}  // namespace

bool Fuse(Op* op, bool free) {
  Op& first = op[0];
  Op& second = op[1];
  for (const Fusion& row : RowsOf(first.code)) {
    if (row.second != second.code) continue;
    if ((row.pattern == Pattern::kFree) != free) continue;
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
