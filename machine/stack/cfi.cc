#include "machine/stack/cfi.h"

#include <dwarf.h>

#include <cstdint>
#include <span>
#include <vector>

namespace pollux::machine {
namespace {

constexpr size_t kMostOperations = 1000, kMostValues = 64;

// A DWARF expression of call frame information (DWARF 5, 2.5 and 6.4.2): a stack machine without
// jumps, which compilers do not use here.
class Expression {
 public:
  Expression(const Registers& registers, std::optional<uint64_t> cfa, memory::AddressSpace& memory)
      : registers_(registers), cfa_(cfa), memory_(memory) {}

  // The result; nothing: it needs what is not known, or it is none. `is_value`: the result is the
  // value itself, and not the address of it.
  std::optional<uint64_t> Evaluate(std::span<const Dwarf_Op> operations, bool* is_value) {
    *is_value = false;
    if (operations.empty() || operations.size() > kMostOperations) return std::nullopt;
    for (const Dwarf_Op& operation : operations) {
      if (operation.atom == DW_OP_stack_value) {
        *is_value = true;
        break;
      }
      if (operation.atom == DW_OP_regx ||
          (operation.atom >= DW_OP_reg0 && operation.atom <= DW_OP_reg31)) {
        *is_value = true;
        const uint64_t number = operation.atom == DW_OP_regx
                                    ? operation.number
                                    : static_cast<uint64_t>(operation.atom - DW_OP_reg0);
        PushRegister(number, 0);
        break;
      }
      Do(operation);
      if (failed_) return std::nullopt;
    }
    if (failed_ || values_.empty()) return std::nullopt;
    return values_.back();
  }

 private:
  void Push(uint64_t value) {
    if (values_.size() >= kMostValues) failed_ = true;
    values_.push_back(value);
  }
  void PushRegister(uint64_t number, uint64_t offset) {
    if (number >= kIntegerRegisters || !registers_.Knows(static_cast<int>(number))) failed_ = true;
    Push(number < kIntegerRegisters ? registers_.x[number] + offset : 0);
  }
  uint64_t Pop() {
    if (values_.empty()) {
      failed_ = true;
      return 0;
    }
    const uint64_t value = values_.back();
    values_.pop_back();
    return value;
  }

  void Do(const Dwarf_Op& operation) {
    const uint8_t atom = operation.atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) return Push(atom - DW_OP_lit0);
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
      return PushRegister(atom - DW_OP_breg0, operation.number);
    switch (atom) {
      case DW_OP_bregx:
        return PushRegister(operation.number, operation.number2);
      case DW_OP_call_frame_cfa:
        if (!cfa_.has_value()) failed_ = true;
        return Push(cfa_.value_or(0));
      case DW_OP_const1u:
      case DW_OP_const1s:
      case DW_OP_const2u:
      case DW_OP_const2s:
      case DW_OP_const4u:
      case DW_OP_const4s:
      case DW_OP_const8u:
      case DW_OP_const8s:
      case DW_OP_constu:
      case DW_OP_consts:
        return Push(operation.number);
      case DW_OP_plus_uconst:
        return Push(Pop() + operation.number);
      case DW_OP_dup: {
        const uint64_t value = Pop();
        Push(value);
        return Push(value);
      }
      case DW_OP_deref: {
        const std::optional<uint64_t> word = ReadWord(memory_, Pop());
        if (!word.has_value()) failed_ = true;
        return Push(word.value_or(0));
      }
      case DW_OP_plus:
        return Push(Pop() + Pop());
      case DW_OP_minus: {
        const uint64_t subtrahend = Pop();
        return Push(Pop() - subtrahend);
      }
      case DW_OP_and:
        return Push(Pop() & Pop());
      case DW_OP_nop:
        return;
      default:
        failed_ = true;
    }
  }

  const Registers& registers_;
  std::optional<uint64_t> cfa_;
  memory::AddressSpace& memory_;
  std::vector<uint64_t> values_;
  bool failed_ = false;
};

}  // namespace

std::optional<CallerByCfi> UnwindByCfi(Dwarf_Frame* frame, const Registers& registers,
                                       bool innermost, memory::AddressSpace& memory) {
  Dwarf_Op* operations = nullptr;
  size_t count = 0;
  bool is_value = false;
  if (dwarf_frame_cfa(frame, &operations, &count) != 0) return std::nullopt;
  const std::optional<uint64_t> cfa =
      Expression(registers, std::nullopt, memory).Evaluate({operations, count}, &is_value);
  if (!cfa.has_value()) return std::nullopt;

  // The value that the caller had in a register; nothing: it is lost.
  const auto recover = [&](int number) -> std::optional<uint64_t> {
    Dwarf_Op simple[3];
    if (dwarf_frame_register(frame, number, simple, &operations, &count) != 0) return std::nullopt;
    if (count == 0) {
      // What the ABI says comes first: libdw says "undefined" of all that is not mentioned.
      const bool kept = operations == nullptr ||
                        (number < kIntegerRegisters && (kCalleeSaved >> number & 1) != 0);
      const bool in_place = kept || (number == interp::kRa && innermost);
      if (!in_place || number >= kIntegerRegisters || !registers.Knows(number)) return std::nullopt;
      return registers.x[number];
    }
    const std::optional<uint64_t> result =
        Expression(registers, cfa, memory).Evaluate({operations, count}, &is_value);
    if (!result.has_value() || is_value) return result;
    return ReadWord(memory, *result);
  };

  CallerByCfi caller;
  for (int number = 1; number < kIntegerRegisters; ++number) {
    if (number == interp::kSp) continue;
    if (const std::optional<uint64_t> value = recover(number); value.has_value())
      caller.registers.Set(number, *value);
  }
  // The CFA is the stack pointer before the call, unless the table says otherwise.
  std::optional<uint64_t> stack_pointer;
  Dwarf_Op simple[3];
  if (dwarf_frame_register(frame, interp::kSp, simple, &operations, &count) == 0 && count != 0)
    stack_pointer = recover(interp::kSp);
  caller.registers.Set(interp::kSp, stack_pointer.value_or(*cfa));

  const int return_address = dwarf_frame_info(frame, nullptr, nullptr, &caller.exact_pc);
  if (return_address < 0) return std::nullopt;
  const std::optional<uint64_t> pc = recover(return_address);
  if (!pc.has_value()) return std::nullopt;
  caller.registers.pc = *pc;
  return caller;
}

}  // namespace pollux::machine
