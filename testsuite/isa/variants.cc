#include "testsuite/isa/variants.h"

#include <optional>

#include "interp/isa/decoder.h"
#include "interp/isa/encoder.h"
#include "interp/isa/format.h"

namespace pollux::testsuite {
namespace {

using interp::Field;
using interp::Format;
using interp::Instruction;
using interp::Member;
using interp::Opcode;
using interp::OpcodeInfo;
using interp::RegisterClass;
using interp::Style;

constexpr int kRandomVariants = 4;
constexpr unsigned kRoundingModes = 5;
constexpr int kLongestJump = 40000;  // More would make the program long, and prove no more.

class Maker {
 public:
  Maker(const OpcodeInfo& row, Random& random)
      : row_(row),
        shape_(ShapeOf(row.base)),
        imm_(row.Fields().Find(Member::kImm)),
        random_(random) {}

  std::vector<Variant> Make() {
    for (int i = 0; i < kRandomVariants; ++i) Try(RandomLegal());
    Registers();
    if (shape_ == Shape::kBranch || shape_ == Shape::kJump) {
      Targets();
    } else if (shape_ == Shape::kCsr) {
      Csrs();
    } else if (imm_ != nullptr) {
      Immediates();
    }
    if (row_.Fields().Find(Member::kRm) != nullptr) RoundingModes();
    return std::move(variants_);
  }

 private:
  // Random operands that the row can have, and that can be run.
  Instruction RandomLegal() {
    for (;;) {
      const uint32_t bits = (static_cast<uint32_t>(random_()) & ~row_.mask) | row_.match;
      Instruction instruction = interp::Decode(bits);
      if (instruction.spelling != row_.opcode) continue;
      if (shape_ == Shape::kCsr) instruction.imm = 1 + static_cast<int32_t>(random_() % 3);
      if (shape_ == Shape::kBranch || shape_ == Shape::kJump) instruction.imm = NearTarget();
      if (IsRunnable(instruction)) return instruction;
    }
  }

  int32_t NearTarget() { return row_.length + 8 + 2 * static_cast<int32_t>(random_() % 60); }

  bool IsRunnable(const Instruction& instruction) const {
    switch (shape_) {
      case Shape::kLoad:
      case Shape::kStore:
      case Shape::kLoadReserved:
      case Shape::kStoreConditional:
      case Shape::kAmo:
      case Shape::kJumpRegister:
        return instruction.rs1 != 0;
      // Room for the two instructions behind it, or for those at the target.
      case Shape::kBranch:
      case Shape::kJump:
        return instruction.imm >= row_.length + 8
                   ? instruction.imm <= kLongestJump
                   : instruction.imm <= -12 && instruction.imm >= -kLongestJump;
      default:
        return true;
    }
  }

  // Whether it could be had.
  bool Try(Instruction operands, std::optional<unsigned> frm = std::nullopt) {
    const std::optional<uint32_t> bits = interp::Encode(row_.opcode, operands);
    if (!bits.has_value()) return false;
    const Instruction instruction = interp::Decode(*bits);
    if (!IsRunnable(instruction)) return false;
    variants_.push_back(
        {instruction, frm.value_or(static_cast<unsigned>(random_() % kRoundingModes))});
    return true;
  }

  template <typename Change>
  void TryChanged(Change change) {
    Instruction operands = RandomLegal();
    change(operands);
    Try(operands);
  }

  void Registers() {
    const auto has = [this](Member member) {
      return RegistersOf(row_.base, member) != RegisterClass::kNone;
    };
    const bool rd = has(Member::kRd), rs1 = has(Member::kRs1), rs2 = has(Member::kRs2);
    if (rd && rs1) TryChanged([](Instruction& o) { o.rd = o.rs1; });
    if (rd && rs2) TryChanged([](Instruction& o) { o.rd = o.rs2; });
    if (rs1 && rs2) TryChanged([](Instruction& o) { o.rs2 = o.rs1; });
    if (rd && rs1 && rs2) TryChanged([](Instruction& o) { o.rd = o.rs2 = o.rs1; });
    if (has(Member::kRs3)) {
      TryChanged([](Instruction& o) { o.rd = o.rs3; });
      TryChanged([](Instruction& o) { o.rd = o.rs3 = o.rs2 = o.rs1; });
    }
    // Register 0 is x0, or f0, which is like all others.
    if (rd) TryChanged([](Instruction& o) { o.rd = 0; });
    if (rs1) TryChanged([](Instruction& o) { o.rs1 = 0; });
    if (rs2) TryChanged([](Instruction& o) { o.rs2 = 0; });
    if (rs1 && rs2) TryChanged([](Instruction& o) { o.rs1 = o.rs2 = 0; });
    if (rd && rs1) TryChanged([](Instruction& o) { o.rd = o.rs1 = 0; });
  }

  void Immediates() {
    const uint32_t field = imm_->Mask();
    const uint32_t sign =
        imm_->Scatter(int32_t{1} << (imm_->sign_width == 0 ? 31 : imm_->sign_width - 1));
    for (uint32_t imm_bits : {uint32_t{0}, field, sign, field & ~sign, field & (0 - field)}) {
      const uint32_t others = static_cast<uint32_t>(random_()) & ~row_.mask & ~field;
      const Instruction instruction = interp::Decode(row_.match | others | imm_bits);
      if (instruction.spelling == row_.opcode) Try(instruction);
    }
    for (int i = 0; i < kRandomVariants; ++i) Try(RandomLegal());
  }

  void Targets() {
    const int32_t nearest = row_.length + 8;
    const auto within = [this](int32_t most) {
      return 2 * static_cast<int32_t>(random_() % (most / 2));
    };
    for (int32_t distance :
         {nearest, nearest + within(400), nearest + within(4000), 254, 2046, 4094, 32766, -12,
          -12 - within(400), -12 - within(4000), -256, -2048, -4096, -32768}) {
      TryChanged([=](Instruction& o) { o.imm = distance; });
    }
  }

  void Csrs() {
    for (int32_t csr : {1, 2, 3}) {
      TryChanged([=](Instruction& o) { o.imm = csr; });
      TryChanged([=](Instruction& o) { o.imm = csr, o.rs1 = 31; });
      TryChanged([=](Instruction& o) { o.imm = csr, o.rs1 = 0; });
      TryChanged([=](Instruction& o) { o.imm = csr, o.rd = 0; });
      TryChanged([=](Instruction& o) { o.imm = csr, o.rd = o.rs1 = 0; });
    }
  }

  void RoundingModes() {
    for (unsigned mode = 0; mode < kRoundingModes; ++mode) {
      Instruction operands = RandomLegal();
      operands.rm = static_cast<uint8_t>(mode);
      Try(operands, (mode + 1 + random_() % (kRoundingModes - 1)) % kRoundingModes);
      operands = RandomLegal();
      operands.rm = interp::kRmDynamic;
      Try(operands, mode);
    }
  }

  const OpcodeInfo& row_;
  const Shape shape_;
  const Field* const imm_;
  Random& random_;
  std::vector<Variant> variants_;
};

}  // namespace

Shape ShapeOf(Opcode base) {
  switch (interp::InfoOf(base).format) {
    case Format::kLoad:
    case Format::kFLoad:
      return Shape::kLoad;
    case Format::kStore:
    case Format::kFStore:
      return Shape::kStore;
    case Format::kLoadReserved:
      return Shape::kLoadReserved;
    case Format::kAmo:
      return base == Opcode::kScW || base == Opcode::kScD ? Shape::kStoreConditional : Shape::kAmo;
    case Format::kB:
      return Shape::kBranch;
    case Format::kJ:
      return Shape::kJump;
    case Format::kJalr:
      return Shape::kJumpRegister;
    case Format::kCsr:
    case Format::kCsrI:
      return Shape::kCsr;
    case Format::kFence:
    case Format::kFenceTso:
    case Format::kFenceI:
      return Shape::kFence;
    case Format::kNone:
      return Shape::kExcluded;
    default:
      return Shape::kCompute;
  }
}

std::vector<Variant> VariantsOf(const OpcodeInfo& row, Random& random) {
  if (ShapeOf(row.base) == Shape::kExcluded) return {};
  return Maker(row, random).Make();
}

}  // namespace pollux::testsuite
