// small_machine: an interpreter within the interpreter: a stack machine with a jump table, running
// loops, recursion and memory.
#include <cinttypes>
#include <cstdint>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

enum Op : int64_t {
  kPush,
  kLoad,
  kStore,
  kAdd,
  kSub,
  kMul,
  kMod,
  kLess,
  kJump,
  kJumpIfZero,
  kCall,
  kReturn,
  kPrint,
  kHalt
};

class Machine {
 public:
  explicit Machine(std::vector<int64_t> code) : code_(std::move(code)), memory_(64) {}
  uint64_t Run() {
    static void* const kLabels[] = {&&push, &&load,    &&store, &&add,  &&sub,
                                    &&mul,  &&mod,     &&less,  &&jump, &&jump_if_zero,
                                    &&call, &&return_, &&print, &&halt};
    uint64_t steps = 0;
    size_t pc = 0;
#define NEXT \
  ++steps;   \
  goto* kLabels[code_[pc++]]
    NEXT;
  push:
    stack_.push_back(code_[pc++]);
    NEXT;
  load:
    stack_.push_back(memory_[code_[pc++]]);
    NEXT;
  store:
    memory_[code_[pc++]] = Pop();
    NEXT;
  add: {
    const int64_t b = Pop();
    stack_.back() += b;
  }
    NEXT;
  sub: {
    const int64_t b = Pop();
    stack_.back() -= b;
  }
    NEXT;
  mul: {
    const int64_t b = Pop();
    stack_.back() = static_cast<int64_t>(static_cast<uint64_t>(stack_.back()) * b);
  }
    NEXT;
  mod: {
    const int64_t b = Pop();
    stack_.back() %= b;
  }
    NEXT;
  less: {
    const int64_t b = Pop();
    stack_.back() = stack_.back() < b;
  }
    NEXT;
  jump:
    pc = code_[pc];
    NEXT;
  jump_if_zero: {
    const size_t target = code_[pc++];
    if (Pop() == 0) pc = target;
  }
    NEXT;
  call:
    calls_.push_back(pc + 1);
    pc = code_[pc];
    NEXT;
  return_:
    pc = calls_.back();
    calls_.pop_back();
    NEXT;
  print:
    std::printf("%" PRId64 "\n", Pop());
    NEXT;
  halt:
    return steps;
#undef NEXT
  }

 private:
  int64_t Pop() {
    const int64_t value = stack_.back();
    stack_.pop_back();
    return value;
  }
  std::vector<int64_t> code_, stack_, memory_;
  std::vector<size_t> calls_;
};

}  // namespace

int main() {
  // A linear congruential generator, 300000 steps, modulo a prime.
  Machine loop({kPush, 1, kStore, 0,      kPush, 0,           kStore,     1,                 // 0
                kLoad, 1, kPush,  300000, kLess, kJumpIfZero, 34,                            // 8
                kLoad, 0, kPush,  48271,  kMul,  kPush,       2147483647, kMod,  kStore, 0,  // 15
                kLoad, 1, kPush,  1,      kAdd,  kStore,      1,          kJump, 8,          // 25
                kLoad, 0, kPrint, kHalt});                                                   // 34
  std::printf("%" PRIu64 " steps\n", loop.Run());

  // fib(20), recursive: the argument on the stack, the result too.
  Machine fibonacci({kPush,  20, kCall,   6, kPrint, kHalt,                          // 0
                     kStore, 0,  kLoad,   0, kPush,  2,     kLess, kJumpIfZero, 18,  // 6
                     kLoad,  0,  kReturn,                                            // 15
                     kLoad,  0,                                 // 18: kept below the call
                     kLoad,  0,  kPush,   1, kSub,   kCall, 6,  // 20
                     kStore, 1,  kStore,  0, kLoad,  1,         // 27
                     kLoad,  0,  kPush,   2, kSub,   kCall, 6,     kAdd,        kReturn});  // 33
  std::printf("%" PRIu64 " steps\n", fibonacci.Run());
  return 0;
}
