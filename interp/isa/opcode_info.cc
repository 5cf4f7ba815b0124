#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

// The bits that fields of the format fill must be free in the mask, and the row's own bits inside
// the mask.
constexpr bool RowsAreConsistent() {
  for (unsigned i = 1; i < kOpcodes; ++i) {
    const OpcodeInfo& info = kOpcodeInfo[i];
    if (static_cast<unsigned>(info.opcode) != i) return false;
    if ((info.match & ~info.mask) != 0) return false;
    for (const Field& field : info.Fields().Fields()) {
      // c.addi16sp's rd is implied; a field may be fixed by a row only where the row says so
      // (fence.tso).
      if ((field.Mask() & info.mask) != 0 && info.opcode != Opcode::kFenceTso) return false;
    }
    if ((info.match & 3) == 3 ? info.length != 4 : info.length != 2) return false;
  }
  return true;
}
static_assert(RowsAreConsistent());

}  // namespace

std::string_view NameOf(Extension extension) {
  switch (extension) {
    case Extension::kI:
      return "I";
    case Extension::kM:
      return "M";
    case Extension::kA:
      return "A";
    case Extension::kF:
      return "F";
    case Extension::kD:
      return "D";
    case Extension::kC:
      return "C";
    case Extension::kZicsr:
      return "Zicsr";
    case Extension::kZifencei:
      return "Zifencei";
  }
  return "";
}

}  // namespace pollux::interp
