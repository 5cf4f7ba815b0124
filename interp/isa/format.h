// Format: which fields an encoding has, where their bits are, and how assembly writes them.
//
// One row a format and one row a field, in formats.inc. The decoder, the encoder, the disassembler
// and the generated documentation read these tables and nothing else. Everything is constexpr.
#ifndef POLLUX_INTERP_ISA_FORMAT_H_
#define POLLUX_INTERP_ISA_FORMAT_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "interp/isa/instruction.h"

namespace pollux::interp {

enum class Format : uint8_t {
#define FIELD(...)
#define FORMAT(id, syntax, ...) k##id,
#include "interp/isa/formats.inc"
#undef FIELD
#undef FORMAT
  kCount,
};

// The members of Instruction that fields fill.
enum class Member : uint8_t { kRd, kRs1, kRs2, kRs3, kRm, kAqrl, kImm };
inline constexpr Member kAllMembers[] = {Member::kRd, Member::kRs1,  Member::kRs2, Member::kRs3,
                                         Member::kRm, Member::kAqrl, Member::kImm};

// How a field's value is written.
enum class Style : uint8_t {
  kX,                    // x5
  kF,                    // f5
  kDecimal,              // -5
  kHex,                  // 0x5
  kUpper,                // the upper 20 bits of 32: 0xfffff
  kTarget,               // the address pc + value: 0x10074
  kCsr,                  // a CSR's name, or its number
  kRoundingMode,         // rne; not written if dynamic
  kRoundingModeOfExact,  // of an operation that never rounds: not written if 0
  kFenceSets,            // rw,w
  kOrdering,             // part of the mnemonic: .aq, .rl, .aqrl
};

enum class Zero : uint8_t { kAny, kReserved };

struct Piece {
  uint8_t high, low;  // Bits of the encoding.
  uint8_t to;         // Where bit `low` goes in the value.

  // As many ones as the piece has bits.
  constexpr uint32_t Mask() const { return (uint32_t{2} << (high - low)) - 1; }
};

struct Field {
  static constexpr unsigned kMaxPieces = 8;

  std::string_view name;
  Member member = Member::kRd;
  Style style = Style::kX;
  uint8_t sign_width = 0;  // 0: unsigned.
  Zero zero = Zero::kAny;
  uint8_t bias = 0;
  uint8_t piece_count = 0;
  Piece piece_array[kMaxPieces] = {};

  static constexpr Field Make(std::string_view name, Member member, Style style, int sign_width,
                              Zero zero, int bias, std::initializer_list<Piece> pieces) {
    Field field{
        name, member, style, static_cast<uint8_t>(sign_width), zero, static_cast<uint8_t>(bias)};
    for (const Piece& piece : pieces) field.piece_array[field.piece_count++] = piece;
    return field;
  }

  constexpr std::span<const Piece> Pieces() const { return {piece_array, piece_count}; }

  // The bits of the encoding that belong to the field.
  constexpr uint32_t Mask() const {
    uint32_t mask = 0;
    for (const Piece& piece : Pieces()) mask |= piece.Mask() << piece.low;
    return mask;
  }

  // What the pieces of `bits` say, without sign and bias.
  constexpr uint32_t Gather(uint32_t bits) const {
    uint32_t value = 0;
    for (const Piece& piece : Pieces()) {
      value |= ((bits >> piece.low) & piece.Mask()) << piece.to;
    }
    return value;
  }

  // The value of the field in `bits`.
  constexpr int32_t Extract(uint32_t bits) const { return FromGathered(Gather(bits)); }

  constexpr int32_t FromGathered(uint32_t value) const {
    if (sign_width != 0) {
      const unsigned unused = 32u - sign_width;
      return static_cast<int32_t>(value << unused) >> unused;
    }
    return static_cast<int32_t>(value + bias);
  }

  // The inverse of Extract: the bits that say `value`. Bits of `value` that no piece holds are
  // lost.
  constexpr uint32_t Scatter(int32_t value) const {
    const uint32_t plain = static_cast<uint32_t>(value) - bias;
    uint32_t bits = 0;
    for (const Piece& piece : Pieces()) {
      bits |= ((plain >> piece.to) & piece.Mask()) << piece.low;
    }
    return bits;
  }
};

namespace fields {
#define FIELD(id, name, member, style, sign, zero, bias, ...) \
  inline constexpr Field id =                                 \
      Field::Make(name, Member::member, Style::style, sign, Zero::zero, bias, {__VA_ARGS__});
#define FORMAT(...)
#include "interp/isa/formats.inc"
#undef FIELD
#undef FORMAT
}  // namespace fields

struct FormatInfo {
  static constexpr unsigned kMaxFields = 5;

  std::string_view name;
  std::string_view syntax;
  uint8_t field_count = 0;
  Field field_array[kMaxFields] = {};

  static constexpr FormatInfo Make(std::string_view name, std::string_view syntax,
                                   std::initializer_list<Field> fields) {
    FormatInfo info{name, syntax};
    for (const Field& field : fields) info.field_array[info.field_count++] = field;
    return info;
  }

  constexpr std::span<const Field> Fields() const { return {field_array, field_count}; }

  // Null if the format has no field for `member`.
  constexpr const Field* Find(Member member) const {
    for (const Field& field : Fields()) {
      if (field.member == member) return &field;
    }
    return nullptr;
  }
};

// By Format.
inline constexpr FormatInfo kFormats[] = {
#define FIELD(...)
#define FORMAT(id, syntax, ...)                          \
  []() constexpr {                                       \
    using namespace fields;                              \
    return FormatInfo::Make(#id, syntax, {__VA_ARGS__}); \
  }(),
#include "interp/isa/formats.inc"
#undef FIELD
#undef FORMAT
};

constexpr const FormatInfo& InfoOf(Format format) {
  return kFormats[static_cast<unsigned>(format)];
}

// The value of the member of `instruction`.
constexpr int32_t Get(const Instruction& instruction, Member member) {
  switch (member) {
    case Member::kRd:
      return instruction.rd;
    case Member::kRs1:
      return instruction.rs1;
    case Member::kRs2:
      return instruction.rs2;
    case Member::kRs3:
      return instruction.rs3;
    case Member::kRm:
      return instruction.rm;
    case Member::kAqrl:
      return instruction.aqrl;
    case Member::kImm:
      return instruction.imm;
  }
  return 0;
}

constexpr void Set(Instruction& instruction, Member member, int32_t value) {
  switch (member) {
    case Member::kRd:
      instruction.rd = static_cast<uint8_t>(value);
      break;
    case Member::kRs1:
      instruction.rs1 = static_cast<uint8_t>(value);
      break;
    case Member::kRs2:
      instruction.rs2 = static_cast<uint8_t>(value);
      break;
    case Member::kRs3:
      instruction.rs3 = static_cast<uint8_t>(value);
      break;
    case Member::kRm:
      instruction.rm = static_cast<uint8_t>(value);
      break;
    case Member::kAqrl:
      instruction.aqrl = static_cast<uint8_t>(value);
      break;
    case Member::kImm:
      instruction.imm = value;
      break;
  }
}

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_FORMAT_H_
