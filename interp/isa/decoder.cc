#include "interp/isa/decoder.h"

#include <array>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

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

// Some bits of an encoding, packed: equal keys share a short list of candidate rows.
// 32-bit: opcode [6:2], funct3 [14:12], funct7 [31:25].
constexpr uint32_t WideKey(uint32_t bits) {
  return (bits >> 2 & 0x1f) | (bits >> 12 & 7) << 5 | (bits >> 25) << 8;
}
constexpr uint32_t kWideKeys = 1 << 15;
// 16-bit: quadrant [1:0], [6:5], [15:10].
constexpr uint32_t NarrowKey(uint32_t bits) {
  return (bits & 3) | (bits >> 5 & 3) << 2 | (bits >> 10 & 0x3f) << 4;
}
constexpr uint32_t kNarrowKeys = 1 << 10;

struct Candidate {
  uint32_t match;
  uint32_t mask;
  Opcode opcode;
  Opcode spelling;
  DecodeFields decode;
};

// For each key, where in `candidates` the rows begin that an encoding with this key can be, in the
// rows' order. Every list ends with one that matches everything and is kIllegal.
class Tables {
 public:
  Tables() {
    Build<&WideKey>(4, kWideKeys, wide_.data());
    Build<&NarrowKey>(2, kNarrowKeys, narrow_.data());
  }

  const Candidate* Find(uint32_t bits, bool compressed) const {
    const uint16_t first = compressed ? narrow_[NarrowKey(bits)] : wide_[WideKey(bits)];
    const Candidate* candidate = &candidates_[first];
    while ((bits & candidate->mask) != candidate->match) ++candidate;
    return candidate;
  }

 private:
  template <auto key_of>
  void Build(int length, uint32_t keys, uint16_t* starts) {
    std::vector<std::vector<unsigned>> rows_of_key(keys);
    const uint32_t all_bits = length == 4 ? 0xffffffff : 0xffff;
    for (unsigned i = 1; i < kOpcodes; ++i) {
      const OpcodeInfo& info = kOpcodeInfo[i];
      if (info.length != length) continue;
      // Every key that agrees with the row: count through the subsets of the key's bits that the
      // row leaves free.
      const uint32_t match = key_of(info.match);
      const uint32_t free = key_of(all_bits) & ~key_of(info.mask);
      uint32_t subset = 0;
      do {
        rows_of_key[match | subset].push_back(i);
        subset = (subset - free) & free;
      } while (subset != 0);
    }
    std::map<std::vector<unsigned>, uint16_t> known;
    for (uint32_t key = 0; key < keys; ++key) {
      auto [entry, is_new] =
          known.try_emplace(rows_of_key[key], static_cast<uint16_t>(candidates_.size()));
      if (is_new) {
        for (unsigned row : entry->first) {
          const OpcodeInfo& info = kOpcodeInfo[row];
          candidates_.push_back({info.match, info.mask, info.base, info.opcode,
                                 kDecodeFormat[static_cast<size_t>(info.format)]});
        }
        candidates_.push_back({0, 0, Opcode::kIllegal, Opcode::kIllegal, kDecodeFormat[0]});
      }
      starts[key] = entry->second;
    }
  }

  std::vector<Candidate> candidates_;
  std::array<uint16_t, kWideKeys> wide_;
  std::array<uint16_t, kNarrowKeys> narrow_;
};

}  // namespace

Instruction Decode(uint32_t bits) {
  static const Tables& tables = *new Tables();
  const bool compressed = IsCompressed(bits);
  if (compressed) bits &= 0xffff;
  const Candidate* candidate = tables.Find(bits, compressed);
  Instruction instruction;
  instruction.length = compressed ? 2 : 4;
  instruction.bits = bits;
  instruction.opcode = candidate->opcode;
  instruction.spelling = candidate->spelling;
  if (!candidate->decode(bits, instruction)) [[unlikely]] {
    Instruction illegal;
    illegal.length = instruction.length;
    illegal.bits = bits;
    return illegal;
  }
  return instruction;
}

}  // namespace pollux::interp
