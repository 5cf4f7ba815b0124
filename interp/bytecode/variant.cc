#include "interp/bytecode/variant.h"

namespace pollux::interp {
namespace {

// A place that is not told apart is memory: Cpu::x has a zero, and a sink.
unsigned PlaceWithin(uint8_t places, uint8_t number) {
  const auto place = static_cast<unsigned>(number == kSink ? Place::kZero : PlaceOf(number));
  return place < places ? place : 0;
}

unsigned RoundingWithin(uint8_t roundings, uint8_t rm) {
  if (roundings == 1) return 0;
  switch (rm) {
    case kRmDynamic:
      return static_cast<unsigned>(Rounding::kDynamic);
    case fp::kRne:
      return static_cast<unsigned>(Rounding::kNearestEven);
    case fp::kRtz:
      return static_cast<unsigned>(Rounding::kTowardZero);
    default:
      return static_cast<unsigned>(Rounding::kAny);
  }
}

unsigned WayInFree(Bytecode code, const Op& op) {
  const Shape shape = ShapeOf(code);
  const unsigned ways = internal::WaysInFree(shape);
  if (ways == 1) return 0;
  if (shape.rd == 1) return PlaceWithin(shape.rs1, op.rs1);
  const unsigned place = PlaceWithin(internal::kWithPinned, op.rd);
  const bool in_place = ways > internal::kWithPinned && place != 0 && op.rs1 == op.rd;
  return in_place ? place + kPinned.size() : place;
}

}  // namespace

Bytecode VariantFor(const Op* op) {
  const Bytecode code = op->code;
  const Shape shape = ShapeOf(code);
  if (shape.Count() == 1) return code;
  unsigned number = 0;
  if (IsFusion(code) && FusionOf(code).pattern == Pattern::kFree) {
    const Fusion& fusion = FusionOf(code);
    number = WayInFree(fusion.second, op[1]) * shape.rd + WayInFree(fusion.first, op[0]);
    return static_cast<Bytecode>(internal::kVariants.first[static_cast<size_t>(code)] + number);
  }
  if (shape.other > 1) {
    const Open open = OpenOf(FusionOf(code).pattern);
    const uint8_t other = open == Open::kRd ? op[1].rd : open == Open::kRs1 ? op[1].rs1 : op[1].rs2;
    number = PlaceWithin(shape.other, other);
  }
  number = number * shape.rounding + RoundingWithin(shape.rounding, op->rm);
  number = number * shape.rs2 + PlaceWithin(shape.rs2, op->rs2);
  number = number * shape.rs1 + PlaceWithin(shape.rs1, op->rs1);
  number = number * shape.rd + PlaceWithin(shape.rd, op->rd);
  return static_cast<Bytecode>(internal::kVariants.first[static_cast<size_t>(code)] + number);
}

}  // namespace pollux::interp
