#include "interp/isa/decoder.h"

#include <array>
#include <cstddef>
#include <utility>

#include "interp/isa/format.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

// Fills the operands; false if the encoding is reserved.
using DecodeFields = bool (*)(uint32_t bits, Instruction& instruction);

template <Format format, size_t index>
constexpr Field kFieldOf = InfoOf(format).field_array[index];

// Field::Gather with everything about the field known to the compiler, and no loop.
template <Format format, size_t index, size_t... piece>
[[gnu::always_inline]] inline uint32_t Gather(uint32_t bits, std::index_sequence<piece...>) {
  constexpr const Piece* kPieces = kFieldOf<format, index>.piece_array;
  return (0u | ... | (((bits >> kPieces[piece].low) & kPieces[piece].Mask()) << kPieces[piece].to));
}

template <Format format, size_t index>
[[gnu::always_inline]] inline bool DecodeField(uint32_t bits, Instruction& instruction) {
  constexpr const Field& kField = kFieldOf<format, index>;
  uint32_t value =
      Gather<format, index>(bits, std::make_index_sequence<kFieldOf<format, index>.piece_count>());
  if constexpr (kField.zero == Zero::kReserved) {
    if (value == 0) return false;
  }
  if constexpr (kField.member == Member::kRm) {
    if (value == 5 || value == 6) return false;
  }
  Set(instruction, kField.member, kField.FromGathered(value));
  return true;
}

template <Format format>
bool DecodeFormat(uint32_t bits, Instruction& instruction) {
  return []<size_t... i>([[maybe_unused]] uint32_t word, [[maybe_unused]] Instruction& out,
                         std::index_sequence<i...>) {
    return (DecodeField<format, i>(word, out) && ...);
  }(bits, instruction, std::make_index_sequence<InfoOf(format).field_count>());
}

constexpr auto kDecodeFormat = []<size_t... i>(std::index_sequence<i...>) {
  return std::array<DecodeFields, sizeof...(i)>{&DecodeFormat<static_cast<Format>(i)>...};
}(std::make_index_sequence<static_cast<size_t>(Format::kCount)>());

// What the search needs of a row, by Opcode. kIllegal's matches everything.
struct Row {
  uint32_t match = 0;
  uint32_t mask = 0;
  Opcode base = Opcode::kIllegal;
  DecodeFields decode = kDecodeFormat[0];
};
constexpr auto kRows = [] {
  std::array<Row, kOpcodes> rows{};
  for (unsigned i = 1; i < kOpcodes; ++i) {
    const OpcodeInfo& info = kOpcodeInfo[i];
    rows[i] = {info.match, info.mask, info.base, kDecodeFormat[static_cast<size_t>(info.format)]};
  }
  return rows;
}();

// Some bits of an encoding, packed into a small number: encodings with equal keys share a short list of candidate rows.
struct KeyBits {
  uint32_t value;  // What the encodings of a key have in common,
  uint32_t mask;   // in these bits.
};

// 16-bit: quadrant [1:0], [6:5], [15:10].
constexpr uint32_t kNarrowKeys = 1 << 10;
constexpr uint32_t NarrowKey(uint32_t bits) {
  return (bits & 3) | (bits >> 5 & 3) << 2 | (bits >> 10 & 0x3f) << 4;
}
constexpr KeyBits BitsOfNarrowKey(uint32_t key) {
  return {(key & 3) | (key >> 2 & 3) << 5 | (key >> 4) << 10, 0xfc63};
}

// 32-bit: opcode [6:2] and funct3 [14:12]; of OP-FP, which has the most rows, funct7 [31:25].
constexpr uint32_t kWideKeys = 256 + 128;
constexpr uint32_t kOpFp = 0x53 >> 2;
constexpr uint32_t WideKey(uint32_t bits) {
  const uint32_t opcode = bits >> 2 & 0x1f;
  return opcode == kOpFp ? 256 + (bits >> 25) : opcode << 3 | (bits >> 12 & 7);
}
constexpr KeyBits BitsOfWideKey(uint32_t key) {
  if (key >= 256) return {(key - 256) << 25 | kOpFp << 2 | 3, 0xfe00007f};
  return {(key & 7) << 12 | (key >> 3) << 2 | 3, 0x707f};
}

// For each key the rows that an encoding with this key can be, in the rows' order, ended by kIllegal.
template <uint32_t keys>
struct Index {
  std::array<uint16_t, keys> start{};  // In `candidates`.
  std::array<Opcode, 4 * keys> candidates{};
  size_t used = 0;
};

template <uint32_t keys>
constexpr Index<keys> MakeIndex(uint8_t length, KeyBits (*bits_of)(uint32_t)) {
  Index<keys> index;
  for (uint32_t key = 0; key < keys; ++key) {
    const KeyBits bits = bits_of(key);
    index.start[key] = static_cast<uint16_t>(index.used);
    for (unsigned i = 1; i < kOpcodes; ++i) {
      const OpcodeInfo& info = kOpcodeInfo[i];
      if (info.length != length || ((info.match ^ bits.value) & info.mask & bits.mask) != 0) continue;
      index.candidates[index.used++] = info.opcode;
    }
    index.candidates[index.used++] = Opcode::kIllegal;
  }
  return index;
}

constexpr auto kNarrow = MakeIndex<kNarrowKeys>(2, &BitsOfNarrowKey);
constexpr auto kWide = MakeIndex<kWideKeys>(4, &BitsOfWideKey);

}  // namespace

Instruction Decode(uint32_t bits) {
  const bool compressed = IsCompressed(bits);
  if (compressed) bits &= 0xffff;
  const Opcode* candidate = compressed ? &kNarrow.candidates[kNarrow.start[NarrowKey(bits)]]
                                       : &kWide.candidates[kWide.start[WideKey(bits)]];
  const auto row_of = [](Opcode opcode) -> const Row& { return kRows[static_cast<size_t>(opcode)]; };
  while ((bits & row_of(*candidate).mask) != row_of(*candidate).match) ++candidate;
  Instruction instruction;
  instruction.length = compressed ? 2 : 4;
  instruction.bits = bits;
  instruction.opcode = row_of(*candidate).base;
  instruction.spelling = *candidate;
  if (!row_of(*candidate).decode(bits, instruction)) [[unlikely]] {
    Instruction illegal;
    illegal.length = instruction.length;
    illegal.bits = bits;
    return illegal;
  }
  return instruction;
}

}  // namespace pollux::interp
