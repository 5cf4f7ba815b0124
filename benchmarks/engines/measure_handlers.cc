// measure_handlers: how long the handlers of the tail-call engine are.
//
//   objdump -d --no-show-raw-insn POLLUX | measure_handlers
//
// Looks at each handler up to its first jump to the next one, which is the way that it takes unless
// something is out of the ordinary. Prints lines "NAME FIGURE":
//
//   mean.GROUP        instructions of the host a handler of that group, in the mean
//   stack.OPERATION   how many variants of that operation push, pop, call or name the stack
//                     pointer; none, where there is no line
//   leaves.OPERATION  how many variants of that operation never jump to the next handler
//                     themselves; they count in no other figure
//
// Exit status: 0; 1 the handlers are not all there.
#include <re2/re2.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "interp/bytecode/fusion.h"
#include "interp/bytecode/op.h"
#include "interp/bytecode/variant.h"
#include "interp/isa/opcode_info.h"

namespace pollux::benchmarks {
namespace {

using interp::Bytecode;
using interp::Format;
using interp::Pattern;

// By Bytecode below kFirstSeries.
constexpr absl::string_view kNames[] = {
    "Illegal",
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) #id,
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
    "Nop",     "Slow", "Goto", "Translate",
#define OPERATION(id, ...) #id,
#include "interp/bytecode/operations.inc"
#undef OPERATION
#define FUSION(first, second, pattern) #first "Then" #second #pattern,
#include "interp/bytecode/fusions.inc"
#undef FUSION
};
static_assert(std::size(kNames) == static_cast<size_t>(Bytecode::kFirstSeries));

absl::string_view GroupOf(Pattern pattern) {
  switch (pattern) {
    case Pattern::kSame:
      return "fused.Same";
    case Pattern::kCount:
      return "fused.Count";
    case Pattern::kTest:
      return "fused.Test";
    case Pattern::kReversedTest:
      return "fused.ReversedTest";
    case Pattern::kTestOfZero:
      return "fused.TestOfZero";
    case Pattern::kStep:
      return "fused.Step";
    case Pattern::kLoads:
      return "fused.Loads";
    case Pattern::kStores:
      return "fused.Stores";
    case Pattern::kJump:
      return "fused.Jump";
    case Pattern::kElse:
      return "fused.Else";
    case Pattern::kFree:
      return "fused.Free";
  }
  return "fused.other";
}

absl::string_view GroupOf(Bytecode code) {
  if (interp::IsSeries(code)) return "series";
  if (interp::IsFusion(code)) return GroupOf(interp::FusionOf(code).pattern);
  // Those of the bytecode's own that have handlers of this kind move values.
  if (static_cast<unsigned>(code) >= interp::kBaseOpcodes) return "alu";
  const interp::OpcodeInfo& info = InfoOf(static_cast<interp::Opcode>(code));
  if (info.extension == interp::Extension::kF || info.extension == interp::Extension::kD)
    return "fp";
  switch (info.format) {
    case Format::kB:
      return "branch";
    case Format::kJ:
    case Format::kJalr:
      return "jump";
    case Format::kLoad:
      return "load";
    case Format::kStore:
      return "store";
    default:
      return "alu";
  }
}

struct Group {
  uint64_t handlers = 0, instructions = 0;
};

class Measurement {
 public:
  void AddLine(const std::string& line) {
    // 0000000000532180 <_ZN6pollux6interp12_GLOBAL__N_13RunILj107EEEvPNS0_2OpEm...>:
    if (absl::EndsWith(line, ">:")) {
      static const RE2 handler("<_ZN6pollux6interp12_GLOBAL__N_1(?:3Run|8RunFused|9RunSeries)ILj([0-9]+)EE");
      End();
      within_ = RE2::PartialMatch(line, handler, &code_) && code_ < interp::kCodes;
      return;
    }
    if (!within_) return;
    //   532180:	push   %rbp
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('\t', 1));
    const absl::string_view instruction = parts.second;
    if (instruction.empty()) return;
    ++instructions_;
    touches_stack_ = touches_stack_ || absl::StartsWith(instruction, "push") ||
                     absl::StartsWith(instruction, "pop") ||
                     absl::StartsWith(instruction, "call") ||
                     absl::StrContains(instruction, "%rsp");
    // To the next handler.
    if (absl::StartsWith(instruction, "jmp") && absl::StrContains(instruction, '*')) {
      goes_on_ = true;
      End();
    }
  }

  // After the last line. False: handlers are missing, about which it has complained.
  bool Finish() {
    End();
    unsigned missing = 0;
    for (unsigned code = static_cast<unsigned>(Bytecode::kCount); code < interp::kCodes; ++code)
      if (!seen_[code]) ++missing;
    if (missing == 0) return true;
    std::cerr << absl::StrFormat("measure_handlers: %u of the %u variants have no handler\n",
                                 missing, interp::kCodes - static_cast<unsigned>(Bytecode::kCount));
    return false;
  }

  void Print() const {
    for (const auto& [name, group] : groups_) {
      std::cout << absl::StrFormat(
          "mean.%s %.2f\n", name,
          static_cast<double>(group.instructions) / static_cast<double>(group.handlers));
    }
    for (const auto& [name, handlers] : touching_)
      std::cout << absl::StrCat("stack.", name, " ", handlers, "\n");
    for (const auto& [name, handlers] : leaving_)
      std::cout << absl::StrCat("leaves.", name, " ", handlers, "\n");
  }

 private:
  // Of the handler whose lines were added.
  void End() {
    if (within_) {
      const Bytecode code = interp::VariantOf(code_).code;
      const absl::string_view name =
          interp::IsSeries(code) ? "Series" : kNames[static_cast<size_t>(code)];
      if (goes_on_) {
        Group& group = groups_[GroupOf(code)];
        ++group.handlers;
        group.instructions += instructions_;
        if (touches_stack_) ++touching_[name];
      } else {
        ++leaving_[name];
      }
      seen_[code_] = true;
    }
    within_ = touches_stack_ = goes_on_ = false;
    instructions_ = 0;
  }

  bool within_ = false, touches_stack_ = false, goes_on_ = false;
  unsigned code_ = 0;
  uint64_t instructions_ = 0;
  std::map<absl::string_view, Group> groups_;
  std::map<absl::string_view, uint64_t> touching_, leaving_;
  std::array<bool, interp::kCodes> seen_{};
};

}  // namespace
}  // namespace pollux::benchmarks

int main() {
  pollux::benchmarks::Measurement measurement;
  for (std::string line; std::getline(std::cin, line);) measurement.AddLine(line);
  if (!measurement.Finish()) return 1;
  measurement.Print();
  return 0;
}
