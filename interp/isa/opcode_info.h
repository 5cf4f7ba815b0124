// OpcodeInfo: what a row of instructions.inc says about an opcode, as data.
#ifndef POLLUX_INTERP_ISA_OPCODE_INFO_H_
#define POLLUX_INTERP_ISA_OPCODE_INFO_H_

#include <cstdint>
#include <string_view>

#include "interp/isa/format.h"
#include "interp/isa/instruction.h"

namespace pollux::interp {

enum class Extension : uint8_t { kI, kM, kA, kF, kD, kC, kZicsr, kZifencei };

struct OpcodeInfo {
  std::string_view id;        // "CAddi4spn": Opcode::kCAddi4spn.
  std::string_view mnemonic;  // "c.addi4spn"
  Format format = Format::kNone;
  Extension extension = Extension::kI;
  uint32_t match = 0;
  uint32_t mask = 0;
  Opcode opcode = Opcode::kIllegal;  // The row itself.
  Opcode base = Opcode::kIllegal;    // What it does: the row itself, or a compressed row's base.
  uint8_t length = 0;                // Bytes.
  std::string_view effect;           // The C++ text of the effect; empty for compressed rows.

  constexpr const FormatInfo& Fields() const { return InfoOf(format); }
};

// By Opcode; [0] is kIllegal.
inline constexpr OpcodeInfo kOpcodeInfo[kOpcodes] = {
    {"Illegal",
     "illegal",
     Format::kNone,
     Extension::kI,
     0,
     0,
     Opcode::kIllegal,
     Opcode::kIllegal,
     0,
     {}},
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...)                           \
  {#id,           mnemonic, Format::format, Extension::k##extension, match, mask, Opcode::k##id, \
   Opcode::k##id, 4,        #__VA_ARGS__},
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...)
#define COMPRESSED(id, mnemonic, format, match, mask, base)                                   \
  {#id, mnemonic, Format::format, Extension::kC, match, mask, Opcode::k##id, Opcode::k##base, \
   2,   {}},
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
};

constexpr const OpcodeInfo& InfoOf(Opcode opcode) {
  return kOpcodeInfo[static_cast<unsigned>(opcode)];
}

// The registers that member `member` (kRd to kRs3) of an instruction of this row names.
enum class RegisterClass : uint8_t { kNone, kX, kF };

constexpr RegisterClass RegistersOf(Opcode opcode, Member member) {
  const Field* field = InfoOf(opcode).Fields().Find(member);
  if (field == nullptr) return RegisterClass::kNone;
  if (field->style == Style::kX) return RegisterClass::kX;
  if (field->style == Style::kF) return RegisterClass::kF;
  return RegisterClass::kNone;
}

// Whether instructions of this row round as a field of theirs says; with an invalid frm a dynamic
// one is illegal.
constexpr bool HasRoundingMode(Opcode opcode) {
  return InfoOf(opcode).Fields().Find(Member::kRm) != nullptr;
}

std::string_view NameOf(Extension extension);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_OPCODE_INFO_H_
