// A loop around one switch, an interpreter as many are written: a machine with a stack, which runs
// a program on Collatz's sequences.
#include <cstdlib>
#include <vector>

#include "benchmarks/engines/workload.h"

namespace {

enum class Op : uint8_t {
  kConstant,  // pushes the operand
  kLoad,      // pushes the variable of that number
  kStore,     // pops into it
  kAdd,       // takes the two on top and pushes the result, as the next ones
  kMultiply,
  kXor,
  kShiftRight,
  kAnd,
  kLess,        // 1 or 0
  kJump,        // to the label
  kJumpIfZero,  // pops
  kCall,        // pushes the place after it
  kReturn,      // takes the top off, goes to the place below it, puts the top back
  kStop,        // the top is the result
  kLabel,       // only in the source
};

struct Instruction {
  Op op;
  int32_t operand = 0;
};

enum Variable : int32_t { kNumber, kLast, kValue, kSteps, kSum, kVariables };
enum Label : int32_t { kLoop, kEnd, kLength, kNext, kEven, kDone, kLabels };

constexpr Instruction kSource[] = {
    // for (; number < last; ++number) sum = (sum ^ length(number)) * 31;
    {Op::kLabel, kLoop},
    {Op::kLoad, kNumber},
    {Op::kLoad, kLast},
    {Op::kLess},
    {Op::kJumpIfZero, kEnd},
    {Op::kLoad, kNumber},
    {Op::kStore, kValue},
    {Op::kCall, kLength},
    {Op::kLoad, kSum},
    {Op::kXor},
    {Op::kConstant, 31},
    {Op::kMultiply},
    {Op::kStore, kSum},
    {Op::kLoad, kNumber},
    {Op::kConstant, 1},
    {Op::kAdd},
    {Op::kStore, kNumber},
    {Op::kJump, kLoop},
    {Op::kLabel, kEnd},
    {Op::kLoad, kSum},
    {Op::kStop},
    // for (steps = 0; 1 < value; ++steps) value = value & 1 ? 3 * value + 1 : value >> 1;
    {Op::kLabel, kLength},
    {Op::kConstant, 0},
    {Op::kStore, kSteps},
    {Op::kLabel, kNext},
    {Op::kConstant, 1},
    {Op::kLoad, kValue},
    {Op::kLess},
    {Op::kJumpIfZero, kDone},
    {Op::kLoad, kSteps},
    {Op::kConstant, 1},
    {Op::kAdd},
    {Op::kStore, kSteps},
    {Op::kLoad, kValue},
    {Op::kConstant, 1},
    {Op::kAnd},
    {Op::kJumpIfZero, kEven},
    {Op::kLoad, kValue},
    {Op::kConstant, 3},
    {Op::kMultiply},
    {Op::kConstant, 1},
    {Op::kAdd},
    {Op::kStore, kValue},
    {Op::kJump, kNext},
    {Op::kLabel, kEven},
    {Op::kLoad, kValue},
    {Op::kConstant, 1},
    {Op::kShiftRight},
    {Op::kStore, kValue},
    {Op::kJump, kNext},
    {Op::kLabel, kDone},
    {Op::kLoad, kSteps},
    {Op::kReturn},
};

// The source with places instead of labels.
std::vector<Instruction> Assemble() {
  std::vector<Instruction> program;
  int32_t places[kLabels] = {};
  for (const Instruction& instruction : kSource) {
    if (instruction.op == Op::kLabel)
      places[instruction.operand] = static_cast<int32_t>(program.size());
    else
      program.push_back(instruction);
  }
  for (Instruction& instruction : program) {
    if (instruction.op == Op::kJump || instruction.op == Op::kJumpIfZero ||
        instruction.op == Op::kCall)
      instruction.operand = places[instruction.operand];
  }
  return program;
}

uint64_t Run(const Instruction* program, uint64_t number, uint64_t last) {
  uint64_t variables[kVariables] = {};
  variables[kNumber] = number;
  variables[kLast] = last;
  uint64_t stack[8];
  uint64_t* top = stack;  // The first free place.
  for (const Instruction* next = program;;) {
    const Instruction instruction = *next++;
    switch (instruction.op) {
      case Op::kConstant:
        *top++ = static_cast<uint64_t>(instruction.operand);
        break;
      case Op::kLoad:
        *top++ = variables[instruction.operand];
        break;
      case Op::kStore:
        variables[instruction.operand] = *--top;
        break;
      case Op::kAdd:
        --top;
        top[-1] += top[0];
        break;
      case Op::kMultiply:
        --top;
        top[-1] *= top[0];
        break;
      case Op::kXor:
        --top;
        top[-1] ^= top[0];
        break;
      case Op::kShiftRight:
        --top;
        top[-1] >>= top[0] & 63;
        break;
      case Op::kAnd:
        --top;
        top[-1] &= top[0];
        break;
      case Op::kLess:
        --top;
        top[-1] = top[-1] < top[0];
        break;
      case Op::kJump:
        next = program + instruction.operand;
        break;
      case Op::kJumpIfZero:
        if (*--top == 0) next = program + instruction.operand;
        break;
      case Op::kCall:
        *top++ = static_cast<uint64_t>(next - program);
        next = program + instruction.operand;
        break;
      case Op::kReturn:
        --top;
        next = program + top[-1];
        top[-1] = top[0];
        break;
      case Op::kStop:
        return *--top;
      case Op::kLabel:
        std::abort();
    }
  }
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  const std::vector<Instruction> program = Assemble();
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    const uint64_t first = 1 + i % 1000 * 50;
    checksum = Mix(checksum, Run(program.data(), first, first + 50));
  }
  return checksum;
}
