// Writes docs/instructions.md to stdout, from the rows of instructions.inc and formats.inc.
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "interp/isa/format.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

constexpr char kHead[] = R"(# Instructions

<!-- Generated, do not edit: ./bazelw run //interp/isa:generate_docs > docs/instructions.md -->

The guest is RV64GC: RV64I with M, A, F, D, C, Zicsr and Zifencei (The RISC-V Instruction Set Manual, Volume I, version
20191213). Every instruction is one row of interp/isa/instructions.inc; decoder, disassembler, both engines and this page
come from it.

An encoding is written from the highest bit to the lowest. `imm[11:5]` are bits of the encoding that are these bits of the
immediate, `-` is a bit that is ignored. Effects are C++ on an execution context `c`; interp/isa/effects.h says what it
offers. Whatever no row matches is an illegal instruction, and so are:

- the rounding modes (`rm`) 5 and 6, in the instruction or, if that says 7 (dynamic), 5 to 7 in frm;
- compressed encodings for which the tables below say "not 0" and the field is 0; the halfword of all zeros is one of them;
- encodings longer than 32 bits.

HINT encodings execute as what they look like: they change nothing but the program counter.
)";

// A register that the compressed encoding `fields` gives for base member `member`, or an immediate,
// as text.
std::string CompressedOperand(const FormatInfo& fields, const Field& base_field) {
  const Field* field = fields.Find(base_field.member);
  if (field == nullptr) return base_field.style == Style::kX ? "x0" : "0";
  if (field->Pieces().empty()) return absl::StrCat("x", static_cast<unsigned>(field->bias));
  // Two members in the same bits have one name in the table: the first one's.
  for (const Field& other : fields.Fields()) {
    if (other.Mask() == field->Mask()) return std::string(other.name);
  }
  return std::string(field->name);
}

bool IsNameCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// "addi x2,x2,imm" for c.addi16sp.
std::string Expansion(const OpcodeInfo& row) {
  const OpcodeInfo& base = InfoOf(row.base);
  std::string text = absl::StrCat(std::string(base.mnemonic), " ");
  std::string name;
  for (char c : std::string(base.Fields().syntax) + ' ') {
    if (IsNameCharacter(c)) {
      name += c;
      continue;
    }
    for (const Field& field : base.Fields().Fields()) {
      if (!name.empty() && field.name == name) text += CompressedOperand(row.Fields(), field);
    }
    name.clear();
    text += c;
  }
  while (text.back() == ' ') text.pop_back();
  return text;
}

// The field and piece that own bit `bit`, or null.
const Field* OwnerOf(const FormatInfo& format, unsigned bit, Piece& piece) {
  for (const Field& field : format.Fields()) {
    for (const Piece& candidate : field.Pieces()) {
      if (bit <= candidate.high && bit >= candidate.low) {
        piece = candidate;
        return &field;
      }
    }
  }
  return nullptr;
}

// "imm[11:5] rs2 rs1 000 imm[4:0] 0100011"
std::string Encoding(const OpcodeInfo& row) {
  std::string text;
  bool in_literal = false;
  for (int bit = row.length * 8 - 1; bit >= 0;) {
    Piece piece;
    const Field* field =
        (row.mask >> bit & 1) ? nullptr : OwnerOf(row.Fields(), static_cast<unsigned>(bit), piece);
    if (field == nullptr) {
      if (!in_literal && !text.empty()) text += ' ';
      in_literal = true;
      text += (row.mask >> bit & 1) ? static_cast<char>('0' + (row.match >> bit & 1)) : '-';
      --bit;
      continue;
    }
    in_literal = false;
    if (!text.empty()) text += ' ';
    text += field->name;
    if (field->member == Member::kImm && (field->Pieces().size() > 1 || piece.to != 0)) {
      const unsigned high = piece.to + static_cast<unsigned>(piece.high - piece.low);
      absl::StrAppend(&text, "[", high);
      if (high != piece.to) absl::StrAppend(&text, ":", static_cast<unsigned>(piece.to));
      text += "]";
    }
    if (field->bias == 8) text += "-8";
    bit = static_cast<int>(piece.low) - 1;
  }
  return text;
}

std::string Code(const std::string& text) {
  if (text.empty()) return "";
  return absl::StrCat("`", absl::StrReplaceAll(text, {{"|", "\\|"}}), "`");
}

// The syntax, with the registers that the encoding implies.
std::string Assembly(const OpcodeInfo& row) {
  std::string text(row.mnemonic);
  const FormatInfo& format = row.Fields();
  if (format.Find(Member::kAqrl) != nullptr) text += "[.aq][.rl]";
  std::string syntax(format.syntax);
  for (const Field& field : format.Fields()) {
    if (!field.Pieces().empty()) continue;
    syntax = absl::StrReplaceAll(
        syntax, {{std::string(field.name), absl::StrCat("x", static_cast<unsigned>(field.bias))}});
  }
  if (!syntax.empty()) absl::StrAppend(&text, " ", syntax);
  return text;
}

std::string ReservedFields(const FormatInfo& format) {
  std::string text;
  for (const Field& field : format.Fields()) {
    if (field.zero == Zero::kReserved)
      absl::StrAppend(&text, text.empty() ? "" : ", ", std::string(field.name));
  }
  return text;
}

void PrintBase(Extension extension, const char* title) {
  std::cout << "\n## " << title << "\n\n| Assembly | Encoding | Effect |\n| --- | --- | --- |\n";
  for (const OpcodeInfo& row : kOpcodeInfo) {
    if (row.opcode == Opcode::kIllegal || row.extension != extension) continue;
    std::cout << "| " << Code(Assembly(row)) << " | " << Code(Encoding(row)) << " | "
              << Code(std::string(row.effect)) << " |\n";
  }
}

void PrintCompressed() {
  std::cout << "\n## C: compressed instructions\n\n"
            << "Each is another spelling of a base instruction. `rd-8`: three bits that name x8 to "
               "x15 (f8 to f15).\n\n"
            << "| Assembly | Encoding | Means | Not 0 |\n| --- | --- | --- | --- |\n";
  for (const OpcodeInfo& row : kOpcodeInfo) {
    if (row.opcode == Opcode::kIllegal || row.extension != Extension::kC) continue;
    std::cout << "| " << Code(Assembly(row)) << " | " << Code(Encoding(row)) << " | "
              << Code(Expansion(row)) << " | " << ReservedFields(row.Fields()) << " |\n";
  }
}

void PrintAll() {
  std::cout << kHead;
  PrintBase(Extension::kI, "I: RV32I and RV64I");
  PrintBase(Extension::kZifencei, "Zifencei: instruction-fetch fence");
  PrintBase(Extension::kZicsr, "Zicsr: control and status registers");
  PrintBase(Extension::kM, "M: multiplication and division");
  PrintBase(Extension::kA, "A: atomics");
  PrintBase(Extension::kF, "F: single precision");
  PrintBase(Extension::kD, "D: double precision");
  PrintCompressed();
}

}  // namespace
}  // namespace pollux::interp

int main() { pollux::interp::PrintAll(); }
