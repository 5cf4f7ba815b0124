#include "machine/stack/code_walk.h"

#include <array>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "interp/isa/decoder.h"

namespace pollux::machine {
namespace {

using interp::Instruction;
using interp::Opcode;

// How much of a function is looked at.
constexpr size_t kMostInstructions = 20'000;
// How far before a pc its function may begin where no symbol says so, and how many beginnings are
// tried.
constexpr uint64_t kFarthestStart = 16 * 1024;
constexpr int kMostStarts = 64;
// More than a frame ever has.
constexpr int64_t kLargestFrame = int64_t{1} << 30;

constexpr int kT0 = 5;

std::optional<Instruction> ReadInstruction(memory::AddressSpace& memory, uint64_t address) {
  uint8_t bytes[4] = {};
  const size_t read = memory.Read(GuestAddr{address}, bytes);
  if (read < 2) return std::nullopt;
  const uint32_t bits = static_cast<uint32_t>(bytes[0]) | uint32_t{bytes[1]} << 8 |
                        uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
  if (!interp::IsCompressed(bits) && read < 4) return std::nullopt;
  const Instruction instruction = interp::Decode(bits);
  if (instruction.opcode == Opcode::kIllegal) return std::nullopt;
  return instruction;
}

// What is known at an instruction. The CFA is sp at the function's start.
struct State {
  uint64_t pc = 0;
  std::optional<int64_t> depth = 0;      // CFA - sp.
  std::optional<int64_t> frame_pointer;  // CFA - s0, where s0 was made from sp.
  std::optional<int64_t> constant;       // Of t0, for frames that an immediate does not reach.
  std::array<int64_t, kIntegerRegisters> saved{};  // CFA - the address of its copy; 0: none.
};

bool IsKept(int number) { return number == interp::kRa || (kCalleeSaved >> number & 1) != 0; }

// CFA - the address `offset` bytes from register `base`; 0: not known.
int64_t PlaceOf(int base, int64_t offset, const State& state) {
  if (base == interp::kSp && state.depth.has_value()) return *state.depth - offset;
  if (base == kS0 && state.frame_pointer.has_value()) return *state.frame_pointer - offset;
  return 0;
}

// Arithmetic of the F and D extensions, by its major opcode: MADD, MSUB, NMSUB, NMADD, OP-FP.
bool IsFloatingPoint(const Instruction& instruction) {
  const uint32_t major = instruction.bits & 0x7f;
  return instruction.length == 4 &&
         (major == 0x43 || major == 0x47 || major == 0x4b || major == 0x4f || major == 0x53);
}

// What is in the register now is not known.
void Forget(int number, State& state) {
  if (number == interp::kSp) state.depth.reset();
  if (number == kS0) state.frame_pointer.reset();
  // A call, too, leaves nothing in t0.
  if (number == kT0 || number == interp::kRa) state.constant.reset();
}

// The effect on what is known. Control flow is the caller's.
void Apply(const Instruction& instruction, State& state) {
  const int rd = instruction.rd, rs1 = instruction.rs1, rs2 = instruction.rs2;
  const int64_t immediate = instruction.imm;
  switch (instruction.opcode) {
    case Opcode::kSd:
      // The first copy is the caller's value, if it is on the stack of this function.
      if (const int64_t place = PlaceOf(rs1, immediate, state);
          IsKept(rs2) && place > 0 && state.saved[rs2] == 0 &&
          (rs2 != kS0 || !state.frame_pointer.has_value()))
        state.saved[rs2] = place;
      return;
    case Opcode::kLd:
      // Restored: the caller's value is in the register again.
      if (IsKept(rd) && state.saved[rd] != 0 && state.saved[rd] == PlaceOf(rs1, immediate, state))
        state.saved[rd] = 0;
      Forget(rd, state);
      break;
    case Opcode::kAddi:
      if (rd == interp::kSp) {
        if (rs1 == kS0) {
          state.depth = state.frame_pointer;
        } else if (rs1 != interp::kSp) {
          state.depth.reset();
        }
        if (state.depth.has_value()) *state.depth -= immediate;
      } else if (rd == kS0) {
        state.frame_pointer.reset();
        if (rs1 == interp::kSp && state.depth.has_value())
          state.frame_pointer = *state.depth - immediate;
      } else if (rd == kT0) {
        if (rs1 == 0) {
          state.constant = immediate;
        } else if (rs1 == kT0 && state.constant.has_value()) {
          *state.constant += immediate;
        } else {
          Forget(rd, state);
        }
      }
      break;
    case Opcode::kLui:
      Forget(rd, state);
      if (rd == kT0) state.constant = immediate;
      break;
    case Opcode::kAdd:
      if (rd == interp::kSp && rs1 == interp::kSp && rs2 == kT0 && state.constant.has_value() &&
          state.depth.has_value()) {
        *state.depth -= *state.constant;
      } else {
        Forget(rd, state);
      }
      break;
    case Opcode::kFlw:
    case Opcode::kFld:
      return;  // Their rd is a floating-point register.
    default:
      // Formats without a destination have rd 0.
      if (!IsFloatingPoint(instruction)) Forget(rd, state);
      break;
  }
  if (state.depth.has_value() && (*state.depth < 0 || *state.depth > kLargestFrame))
    state.depth.reset();
}

bool IsBranch(Opcode opcode) {
  switch (opcode) {
    case Opcode::kBeq:
    case Opcode::kBne:
    case Opcode::kBlt:
    case Opcode::kBge:
    case Opcode::kBltu:
    case Opcode::kBgeu:
      return true;
    default:
      return false;
  }
}

// What is known when control comes from `start` to the instruction that has the byte at `at`, on
// the way with the fewest branches. Where only a table of cases leads there, and `through_tables`:
// what is known at the first jump through one.
std::optional<State> WalkTo(memory::AddressSpace& memory, uint64_t start, uint64_t at,
                            bool through_tables) {
  std::optional<State> at_table;
  std::deque<State> ways = {{.pc = start}};
  absl::flat_hash_set<uint64_t> seen;
  while (!ways.empty() && seen.size() < kMostInstructions) {
    State state = ways.front();
    ways.pop_front();
    for (;;) {
      if (seen.size() >= kMostInstructions) break;
      if (!seen.insert(state.pc).second) break;
      const std::optional<Instruction> instruction = ReadInstruction(memory, state.pc);
      if (!instruction.has_value()) break;
      if (at >= state.pc && at - state.pc < instruction->length) return state;
      Apply(*instruction, state);
      const uint64_t target = state.pc + static_cast<int64_t>(instruction->imm);
      const uint64_t next = state.pc + instruction->length;
      if (IsBranch(instruction->opcode)) {
        ways.push_back(state);
        ways.back().pc = target;
      } else if (instruction->opcode == Opcode::kJal && instruction->rd == 0) {
        state.pc = target;
        continue;
      } else if (instruction->opcode == Opcode::kJalr && instruction->rd == 0) {
        const bool returns = instruction->rs1 == interp::kRa;
        if (!returns && !at_table.has_value() && state.saved[interp::kRa] != 0) at_table = state;
        break;
      }
      state.pc = next;
    }
  }
  return through_tables ? at_table : std::nullopt;
}

// The caller's registers where `cfa` is the callee's.
std::optional<Registers> CallerOf(memory::AddressSpace& memory, const State& state, uint64_t cfa,
                                  const Registers& registers, bool innermost) {
  Registers caller;
  for (int number = 1; number < kIntegerRegisters; ++number) {
    if (!IsKept(number)) continue;
    if (state.saved[number] != 0) {
      const std::optional<uint64_t> value =
          ReadWord(memory, cfa - static_cast<uint64_t>(state.saved[number]));
      if (value.has_value()) caller.Set(number, *value);
    } else if (registers.Knows(number) && (number != interp::kRa || innermost)) {
      caller.Set(number, registers.x[number]);
    }
  }
  caller.Set(interp::kSp, cfa);
  if (!caller.Knows(interp::kRa)) return std::nullopt;
  caller.pc = caller.x[interp::kRa];
  // Not what the caller had in it: that was lost with the call.
  caller.known &= ~(1u << interp::kRa);
  return caller;
}

// What takes room on the stack, as functions begin.
bool TakesRoom(const Instruction& instruction) {
  return instruction.opcode == Opcode::kAddi && instruction.rd == interp::kSp &&
         instruction.rs1 == interp::kSp && instruction.imm < 0;
}

// Behind which nothing goes on: another function, or another part of the same one.
bool EndsFlow(const Instruction& instruction) {
  return (instruction.opcode == Opcode::kJal || instruction.opcode == Opcode::kJalr) &&
         instruction.rd == 0;
}

// Whether a function may begin there. `with_room` only: by taking room on the stack.
bool MayBegin(memory::AddressSpace& memory, uint64_t place, bool with_room) {
  const std::optional<Instruction> first = ReadInstruction(memory, place);
  if (!first.has_value()) return false;
  if (TakesRoom(*first) || with_room) return TakesRoom(*first);
  for (const uint64_t length : {2, 4}) {
    const std::optional<Instruction> before = ReadInstruction(memory, place - length);
    if (before.has_value() && before->length == length && EndsFlow(*before)) return true;
  }
  return false;
}

using ReturnAddressTest = std::function<bool(uint64_t)>;

std::optional<Registers> UnwindFrom(memory::AddressSpace& memory, uint64_t start, uint64_t at,
                                    bool is_certain, bool through_tables,
                                    const Registers& registers, bool innermost,
                                    const ReturnAddressTest& is_return_address) {
  const std::optional<State> state = WalkTo(memory, start, at, through_tables);
  if (!state.has_value()) return std::nullopt;
  // Left by a call that was made before, if that call is on the way, too.
  if (!is_certain && innermost && state->saved[interp::kRa] == 0 &&
      WalkTo(memory, start, registers.x[interp::kRa] - 1, false).has_value())
    return std::nullopt;
  // sp is misleading where room was taken in a loop, and s0 where it was a pointer that has moved.
  std::optional<uint64_t> cfas[2];
  if (state->depth.has_value() && registers.Knows(interp::kSp))
    cfas[0] = registers.x[interp::kSp] + static_cast<uint64_t>(*state->depth);
  if (state->frame_pointer.has_value() && registers.Knows(kS0))
    cfas[1] = registers.x[kS0] + static_cast<uint64_t>(*state->frame_pointer);
  for (const std::optional<uint64_t>& cfa : cfas) {
    if (!cfa.has_value()) continue;
    std::optional<Registers> caller = CallerOf(memory, *state, *cfa, registers, innermost);
    if (caller.has_value() && is_return_address(caller->pc)) return caller;
  }
  return std::nullopt;
}

}  // namespace

bool FollowsCall(memory::AddressSpace& memory, uint64_t address) {
  for (const uint64_t length : {4, 2}) {
    const std::optional<Instruction> instruction = ReadInstruction(memory, address - length);
    if (instruction.has_value() && instruction->length == length &&
        instruction->rd == interp::kRa &&
        (instruction->opcode == Opcode::kJal || instruction->opcode == Opcode::kJalr))
      return true;
  }
  return false;
}

std::optional<Registers> UnwindByCode(memory::AddressSpace& memory, std::optional<uint64_t> start,
                                      uint64_t at, const Registers& registers, bool innermost,
                                      const ReturnAddressTest& is_return_address) {
  if (start.has_value())
    return UnwindFrom(memory, *start, at, true, true, registers, innermost, is_return_address);
  for (const bool through_tables : {false, true}) {
    int tried = 0;
    const uint64_t last = at & ~uint64_t{1};
    for (uint64_t back = 0; back <= kFarthestStart && back + 4 <= last && tried < kMostStarts;
         back += 2) {
      if (!MayBegin(memory, last - back, through_tables)) continue;
      ++tried;
      std::optional<Registers> caller = UnwindFrom(memory, last - back, at, false, through_tables,
                                                   registers, innermost, is_return_address);
      if (caller.has_value()) return caller;
    }
  }
  return std::nullopt;
}

}  // namespace pollux::machine
