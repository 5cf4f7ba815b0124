#include "interp/bytecode/fusion.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

#include "interp/bytecode/variant.h"
#include "interp/engine/cpu.h"
#include "interp/isa/opcode_info.h"

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

// Or not at all.
bool RoundsAsFrmSays(const Op& op) {
  const auto number = static_cast<unsigned>(op.code);
  return number >= kBaseOpcodes || !HasRoundingMode(static_cast<Opcode>(number)) ||
         op.rm == kRmDynamic;
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
      return true;
    case Pattern::kFree:
      return RoundsAsFrmSays(first) && RoundsAsFrmSays(second);
  }
  return false;
}

// A row that two operations are, and whose operands have to be exchanged for it (bit 0: the
// first's, bit 1: the second's).
struct Match {
  const Fusion* row;
  int exchanged;
};

Match Find(const Op& first, const Op& second, bool free) {
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
      if (Matches(row.pattern, a, b)) return {&row, exchanged};
    }
  }
  return {nullptr, 0};
}

Match Find(const Op& first, const Op& second) {
  const Match match = Find(first, second, false);
  return match.row != nullptr ? match : Find(first, second, true);
}

// ---- What an operation costs, in sixths of a cycle: what a processor issues six of in each
// (docs/PERFORMANCE.md).

// However little it does, the jump to the next takes this long.
constexpr int kLeast = 12;
constexpr int kDispatch = 3;

constexpr int WithoutDispatch(Bytecode code) {
  switch (code) {
    case Bytecode::kGoto:
    case Bytecode::kJump:
    case Bytecode::kCall:
    case Bytecode::kCallRegister:
    case Bytecode::kReturn:
      return 10;
    default:
      break;
  }
  if (static_cast<unsigned>(code) >= kBaseOpcodes) return 5;
  const OpcodeInfo& info = InfoOf(static_cast<Opcode>(code));
  switch (info.format) {
    case Format::kLoad:
    case Format::kStore:
    case Format::kFLoad:
    case Format::kFStore:
      return 15;
    default:
      return info.extension == Extension::kF || info.extension == Extension::kD ? 12 : 7;
  }
}

constexpr int Cost(int without_dispatch) { return std::max(kLeast, kDispatch + without_dispatch); }

constexpr std::array<uint8_t, static_cast<size_t>(Bytecode::kCount)> kCosts = [] {
  std::array<uint8_t, static_cast<size_t>(Bytecode::kCount)> costs{};
  for (unsigned i = 0; i < costs.size(); ++i) {
    const auto code = static_cast<Bytecode>(i);
    int cost = 0;
    if (IsSeries(code)) {
      cost = Cost(11 + 3 * SeriesOf(code).count);
    } else if (IsFusion(code)) {
      cost = Cost(WithoutDispatch(FusionOf(code).first) + WithoutDispatch(FusionOf(code).second));
    } else {
      cost = Cost(WithoutDispatch(code));
    }
    costs[i] = static_cast<uint8_t>(cost);
  }
  return costs;
}();

}  // namespace

int CostOf(Bytecode code) { return kCosts[static_cast<size_t>(code)]; }

Bytecode FusionOf(const Op& first, const Op& second) {
  const Match match = Find(first, second);
  return match.row == nullptr ? Bytecode::kIllegal : match.row->fused;
}

void Fuse(Op* op) {
  const Match match = Find(op[0], op[1]);
  if ((match.exchanged & 1) != 0) std::swap(op[0].rs1, op[0].rs2);
  if ((match.exchanged & 2) != 0) std::swap(op[1].rs1, op[1].rs2);
  op->code = match.row->fused;
}

int LengthOfSeries(const Op* op, int most) {
  const Bytecode operation = op->code;
  if (operation != Bytecode::kLd && operation != Bytecode::kSd) return 1;
  // A handler of a series knows no pinned registers.
  const auto belongs = [&](const Op& other) {
    return other.code == operation && other.rs1 == kSp &&
           (operation == Bytecode::kSd ||
            (PlaceOf(other.rd) == Place::kMemory && other.rd != kSp && other.rd != kSink));
  };
  if (!belongs(op[0])) return 1;
  int count = 1;
  while (count < std::min(most, kLongestSeries) && belongs(op[count]) &&
         op[count].imm == op[count - 1].imm - int32_t{sizeof(uint64_t)}) {
    ++count;
  }
  return count;
}

}  // namespace pollux::interp
