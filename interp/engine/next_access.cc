#include "interp/engine/next_access.h"

#include <array>

#include "interp/isa/decoder.h"
#include "interp/isa/format.h"
#include "interp/isa/instruction.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

constexpr AccessKind KindOf(const OpcodeInfo& row) {
  if (row.opcode == Opcode::kEcall) return AccessKind::kEcall;
  if (row.opcode == Opcode::kScW || row.opcode == Opcode::kScD)
    return AccessKind::kStoreConditional;
  switch (row.format) {
    case Format::kLoad:
    case Format::kFLoad:
      return AccessKind::kLoad;
    case Format::kStore:
    case Format::kFStore:
      return AccessKind::kStore;
    case Format::kLoadReserved:
      return AccessKind::kLoadReserved;
    case Format::kAmo:
      return AccessKind::kAmo;
    case Format::kFence:
    case Format::kFenceTso:
      return AccessKind::kFence;
    default:
      return AccessKind::kNone;
  }
}

// By base opcode. The low bits of funct3 are the size in all encodings that access memory.
constexpr std::array<AccessRow, kBaseOpcodes> kRows = [] {
  std::array<AccessRow, kBaseOpcodes> rows{};
  for (unsigned i = 1; i < kBaseOpcodes; ++i) {
    const OpcodeInfo& row = kOpcodeInfo[i];
    rows[i] = {KindOf(row), static_cast<uint8_t>(1u << (row.match >> 12 & 3))};
  }
  return rows;
}();

}  // namespace

AccessRow AccessRowOf(Opcode opcode) { return kRows[static_cast<unsigned>(opcode)]; }

NextAccess NextAccessOf(memory::AddressSpace& memory, const Cpu& cpu) {
  uint16_t halfwords[2] = {0, 0};
  memory::Fault fault;
  const unsigned bytes = memory.Fetch(GuestAddr{cpu.pc & ~uint64_t{1}}, halfwords, &fault);
  if (bytes == 0 || (bytes == 2 && !IsCompressed(halfwords[0]))) return {};
  const Instruction instruction = Decode(uint32_t{halfwords[1]} << 16 | halfwords[0]);
  const AccessRow row = AccessRowOf(instruction.opcode);
  switch (row.kind) {
    case AccessKind::kNone:
    case AccessKind::kFence:
    case AccessKind::kEcall:
      return {.kind = row.kind};
    default:
      // Atomics have no immediate: it is 0.
      return {.kind = row.kind,
              .bytes = row.bytes,
              .addr = cpu.x[instruction.rs1] + static_cast<uint64_t>(int64_t{instruction.imm})};
  }
}

}  // namespace pollux::interp
