#include "interp/isa/encoder.h"

#include "interp/isa/decoder.h"
#include "interp/isa/format.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {

std::optional<uint32_t> Encode(Opcode spelling, const Instruction& operands) {
  if (spelling == Opcode::kIllegal) return std::nullopt;
  const OpcodeInfo& info = InfoOf(spelling);
  uint32_t bits = info.match;
  for (const Field& field : info.Fields().Fields()) {
    bits |= field.Scatter(Get(operands, field.member)) & ~info.mask;
  }
  // What did not fit was lost on the way: the decoder sees it.
  const Instruction decoded = Decode(bits);
  if (decoded.spelling != spelling) return std::nullopt;
  for (Member member : kAllMembers) {
    if (Get(decoded, member) != Get(operands, member)) return std::nullopt;
  }
  return bits;
}

}  // namespace pollux::interp
