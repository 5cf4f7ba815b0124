#include "interp/isa/disassembler.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "interp/isa/format.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

std::string CsrName(uint32_t number) {
  switch (number) {
    case 0x001:
      return "fflags";
    case 0x002:
      return "frm";
    case 0x003:
      return "fcsr";
    case 0xc00:
      return "cycle";
    case 0xc01:
      return "time";
    case 0xc02:
      return "instret";
  }
  if (number >= 0xc03 && number <= 0xc1f) return absl::StrCat("hpmcounter", number - 0xc00);
  return Hex(number);
}

// The set of accesses that 4 bits of a fence name.
std::string FenceSet(uint32_t bits) {
  if (bits == 0) return "unknown";
  std::string set;
  if (bits & 8) set += 'i';
  if (bits & 4) set += 'o';
  if (bits & 2) set += 'r';
  if (bits & 1) set += 'w';
  return set;
}

constexpr std::string_view kRoundingModeNames[] = {"rne", "rtz",     "rdn",     "rup",
                                                   "rmm", "unknown", "unknown", "dyn"};

// Empty where the value is not written at all.
std::string OperandText(const Field& field, int32_t value, uint64_t pc) {
  switch (field.style) {
    case Style::kX:
      return absl::StrCat("x", value);
    case Style::kF:
      return absl::StrCat("f", value);
    case Style::kDecimal:
      return absl::StrCat(value);
    case Style::kHex:
      return Hex(static_cast<uint32_t>(value));
    case Style::kUpper:
      return Hex(static_cast<uint32_t>(value) >> 12);
    case Style::kTarget:
      return Hex(pc + static_cast<uint64_t>(int64_t{value}));
    case Style::kCsr:
      return CsrName(static_cast<uint32_t>(value));
    case Style::kRoundingMode:
      return value == kRmDynamic ? "" : std::string(kRoundingModeNames[value & 7]);
    case Style::kRoundingModeOfExact:
      return value == 0 ? "" : std::string(kRoundingModeNames[value & 7]);
    case Style::kFenceSets:
      return absl::StrCat(FenceSet(value >> 4 & 15), ",", FenceSet(value & 15));
    case Style::kOrdering: {
      constexpr std::string_view kSuffixes[] = {"", ".rl", ".aq", ".aqrl"};
      return std::string(kSuffixes[value & 3]);
    }
  }
  return "";
}

constexpr bool IsNameCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string Disassemble(const Instruction& instruction, uint64_t pc) {
  if (instruction.opcode == Opcode::kIllegal) {
    return absl::StrCat(instruction.length == 2 ? ".2byte " : ".4byte ", Hex(instruction.bits));
  }
  const OpcodeInfo& info = InfoOf(instruction.spelling);
  const FormatInfo& format = info.Fields();
  std::string text(info.mnemonic);
  if (const Field* ordering = format.Find(Member::kAqrl)) {
    text += OperandText(*ordering, instruction.aqrl, pc);
  }
  // The syntax is names of fields and punctuation; a name that gives no text takes the comma before
  // it away.
  std::string operands;
  std::string_view syntax = format.syntax;
  while (!syntax.empty()) {
    size_t length = 0;
    while (length < syntax.size() && IsNameCharacter(syntax[length])) ++length;
    if (length == 0) {
      operands += syntax[0];
      syntax.remove_prefix(1);
      continue;
    }
    for (const Field& field : format.Fields()) {
      if (field.name != syntax.substr(0, length)) continue;
      const std::string operand = OperandText(field, Get(instruction, field.member), pc);
      if (operand.empty()) {
        operands.pop_back();
      } else {
        operands += operand;
      }
    }
    syntax.remove_prefix(length);
  }
  if (!operands.empty()) absl::StrAppend(&text, " ", operands);
  return text;
}

}  // namespace pollux::interp
