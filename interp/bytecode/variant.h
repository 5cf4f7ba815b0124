// Variants: one operation for each combination of places where its operands are.
//
// The engine that calls in tail position (engine/tail_calls.cc) keeps the registers that compilers
// use most in registers of the host while it runs bytecode. Which registers an instruction names is
// known when it is translated, so each combination is an operation of its own: nothing is looked up
// for an operand in a host register. Codes from Bytecode::kCount on are such variants; the engine
// without tail calls has only those below.
#ifndef POLLUX_INTERP_BYTECODE_VARIANT_H_
#define POLLUX_INTERP_BYTECODE_VARIANT_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "interp/bytecode/fusion.h"
#include "interp/bytecode/op.h"
#include "interp/engine/cpu.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {

// Where an operand is while bytecode runs.
enum class Place : uint8_t {
  kMemory,  // In Cpu::x.
  kA5,      // In a register of the host, from here ...
  kA4,
  kA3,
  kA0,    // ... to here.
  kZero,  // It is x0.
};
// The registers with a place of their own, by Place - kA5: those that compilers use most.
inline constexpr std::array<uint8_t, 4> kPinned = {kA5, kA4, kA3, kA0};

constexpr Place PlaceOf(uint8_t number) {
  for (size_t i = 0; i < kPinned.size(); ++i) {
    if (kPinned[i] == number) return static_cast<Place>(i + 1);
  }
  return number == 0 ? Place::kZero : Place::kMemory;
}

// How an operation rounds.
enum class Rounding : uint8_t {
  kAny,          // As its rm and frm say.
  kDynamic,      // As frm says.
  kNearestEven,  // As its rm says.
  kTowardZero,
};

// An operation for operands in these places. Of a fusion they are the first's.
struct Variant {
  Bytecode code = Bytecode::kIllegal;
  Place rd = Place::kMemory;
  Place rs1 = Place::kMemory;
  Place rs2 = Place::kMemory;
  Rounding rounding = Rounding::kAny;
  Place other =
      Place::kMemory;  // Of a fusion: the operand of the second that the pattern leaves open.
  Place other_rs1 = Place::kMemory;  // Of a free fusion, whose `other` is the second's rd.
};

// By how many places an operand is told apart: the first so many of Place (or Rounding). 1: it is
// not.
struct Shape {
  uint8_t rd = 1;
  uint8_t rs1 = 1;
  uint8_t rs2 = 1;
  uint8_t rounding = 1;
  uint8_t other = 1;

  constexpr unsigned Count() const { return unsigned{rd} * rs1 * rs2 * rounding * other; }
};

namespace internal {

inline constexpr uint8_t kWithPinned = 1 + kPinned.size(), kWithZero = kWithPinned + 1;

// Instructions that are rare enough to read what they read from memory.
constexpr bool IsRare(Opcode opcode) {
  const OpcodeInfo& info = InfoOf(opcode);
  if (info.extension == Extension::kM) return opcode != Opcode::kMul && opcode != Opcode::kMulw;
  return info.extension == Extension::kA;
}

constexpr Shape ShapeOfSingle(Bytecode code) {
  if (code == Bytecode::kMove) return {.rd = kWithPinned, .rs1 = kWithPinned};
  if (code == Bytecode::kConstant) return {.rd = kWithPinned};
  if (code == Bytecode::kCallRegister) return {.rs1 = kWithPinned};
  if (code == Bytecode::kIllegal || static_cast<unsigned>(code) >= kBaseOpcodes) return {};
  const auto opcode = static_cast<Opcode>(code);
  if (InfoOf(opcode).extension == Extension::kZicsr) return {};
  if (IsRare(opcode)) return {.rd = kWithPinned};
  const auto places = [&](Member member) -> uint8_t {
    return RegistersOf(opcode, member) == RegisterClass::kX ? kWithPinned : 1;
  };
  Shape shape{.rd = places(Member::kRd), .rs1 = places(Member::kRs1), .rs2 = places(Member::kRs2)};
  const Format format = InfoOf(opcode).format;
  if (format == Format::kB || format == Format::kStore) shape.rs2 = kWithZero;
  if (format == Format::kJ || format == Format::kJalr) shape.rd = kWithZero;
  if (HasRoundingMode(opcode)) shape.rounding = 4;
  return shape;
}

// An operation of a free fusion reads its rs2 from memory, and its rs1, too, unless that is the
// register it writes, or it writes none. By how many ways it does is told apart here, what each is
// by PlacesInFree.
constexpr uint8_t WaysInFree(Shape shape) {
  if (shape.rd == 1) return shape.rs1;
  return shape.rs1 == 1 ? shape.rd : static_cast<uint8_t>(shape.rd + kPinned.size());
}
struct RdAndRs1 {
  Place rd, rs1;
};
constexpr RdAndRs1 PlacesInFree(Shape shape, unsigned way) {
  if (shape.rd == 1) return {Place::kMemory, static_cast<Place>(way)};
  if (way < kWithPinned) return {static_cast<Place>(way), Place::kMemory};
  const auto place = static_cast<Place>(way - kPinned.size());
  return {place, place};
}

constexpr Shape MakeShape(Bytecode code) {
  if (!IsFusion(code)) return ShapeOfSingle(code);
  const Fusion& fusion = FusionOf(code);
  if (fusion.pattern == Pattern::kFree)
    return {.rd = WaysInFree(ShapeOfSingle(fusion.first)),
            .other = WaysInFree(ShapeOfSingle(fusion.second))};
  Shape shape = ShapeOfSingle(fusion.first);
  const Shape second = ShapeOfSingle(fusion.second);
  if (IsInPlace(fusion.pattern)) shape.rs1 = 1;
  switch (OpenOf(fusion.pattern)) {
    case Open::kNothing:
      break;
    case Open::kRd:
      shape.other = second.rd;
      break;
    case Open::kRs1:
      shape.other = second.rs1;
      break;
    case Open::kRs2:
      shape.other = second.rs2;
      break;
  }
  return shape;
}

struct Variants {
  std::array<uint16_t, static_cast<size_t>(Bytecode::kCount)> first{};  // Its first variant's code.
  std::array<Shape, static_cast<size_t>(Bytecode::kCount)> shapes{};
  unsigned count = 0;  // Of codes, Bytecode::kCount among them.
};

constexpr Variants MakeVariants() {
  Variants variants;
  variants.count = static_cast<unsigned>(Bytecode::kCount);
  for (unsigned i = 0; i < static_cast<unsigned>(Bytecode::kCount); ++i) {
    variants.shapes[i] = MakeShape(static_cast<Bytecode>(i));
    if (variants.shapes[i].Count() == 1) continue;
    variants.first[i] = static_cast<uint16_t>(variants.count);
    variants.count += variants.shapes[i].Count();
  }
  return variants;
}
inline constexpr Variants kVariants = MakeVariants();

}  // namespace internal

constexpr Shape ShapeOf(Bytecode code) {
  return internal::kVariants.shapes[static_cast<size_t>(code)];
}

// Whether an instruction that `code` does names x registers.
constexpr bool NamesX(Bytecode code) {
  if (static_cast<unsigned>(code) >= kBaseOpcodes) return true;
  for (const Member member : {Member::kRd, Member::kRs1, Member::kRs2}) {
    if (RegistersOf(static_cast<Opcode>(code), member) == RegisterClass::kX) return true;
  }
  return false;
}

// Whether ra is the only x register that it names. ra is not pinned.
constexpr bool NamesOnlyRa(Bytecode code) {
  return code == Bytecode::kCall || code == Bytecode::kReturn;
}
static_assert(PlaceOf(kRa) == Place::kMemory);

// All codes are below.
inline constexpr unsigned kCodes = internal::kVariants.count;
static_assert(kCodes <= UINT16_MAX);

namespace internal {

constexpr std::array<Variant, kCodes> MakeVariantTable() {
  std::array<Variant, kCodes> table{};
  const auto single = [](Bytecode code) { return kVariants.shapes[static_cast<size_t>(code)]; };
  for (unsigned base = 0; base < static_cast<unsigned>(Bytecode::kCount); ++base) {
    const auto code = static_cast<Bytecode>(base);
    table[base].code = code;
    const Shape shape = kVariants.shapes[base];
    if (shape.Count() == 1) continue;
    size_t next = kVariants.first[base];
    for (unsigned other = 0; other < shape.other; ++other) {
      for (unsigned rounding = 0; rounding < shape.rounding; ++rounding) {
        for (unsigned rs2 = 0; rs2 < shape.rs2; ++rs2) {
          for (unsigned rs1 = 0; rs1 < shape.rs1; ++rs1) {
            for (unsigned rd = 0; rd < shape.rd; ++rd) {
              if (IsFusion(code) && FusionOf(code).pattern == Pattern::kFree) {
                const RdAndRs1 first = PlacesInFree(single(FusionOf(code).first), rd);
                const RdAndRs1 second = PlacesInFree(single(FusionOf(code).second), other);
                table[next++] = {.code = code,
                                 .rd = first.rd,
                                 .rs1 = first.rs1,
                                 .other = second.rd,
                                 .other_rs1 = second.rs1};
                continue;
              }
              table[next++] = {code,
                               static_cast<Place>(rd),
                               static_cast<Place>(rs1),
                               static_cast<Place>(rs2),
                               static_cast<Rounding>(rounding),
                               static_cast<Place>(other)};
            }
          }
        }
      }
    }
  }
  return table;
}
inline constexpr std::array<Variant, kCodes> kVariantTable = MakeVariantTable();

}  // namespace internal

// The variant that the code `code` stands for; itself, if it is below Bytecode::kCount.
constexpr Variant VariantOf(unsigned code) { return internal::kVariantTable[code]; }

namespace internal {
inline constexpr std::array<Bytecode, kCodes> kSingleTable = [] {
  std::array<Bytecode, kCodes> table{};
  for (unsigned code = 0; code < kCodes; ++code) {
    const Bytecode base = kVariantTable[code].code;
    table[code] = IsSeries(base)   ? SeriesOf(base).operation
                  : IsFusion(base) ? FusionOf(base).first
                                   : base;
  }
  return table;
}();
}  // namespace internal

// What the code `code`, which may be a variant's, does for the one instruction at its place: a
// fusion's or a series' first operation.
constexpr Bytecode SingleOf(Bytecode code) {
  return internal::kSingleTable[static_cast<size_t>(code)];
}

// The code of the variant that suits the operands of op[0], whose code is below Bytecode::kCount;
// and those of op[1], if it is a fusion.
Bytecode VariantFor(const Op* op);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_BYTECODE_VARIANT_H_
