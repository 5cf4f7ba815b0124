#include <array>
#include <cstddef>
#include <utility>

#include "interp/engine/dispatch.h"
#include "interp/isa/effects.h"

namespace pollux::interp {
namespace {

// What one operation meets, and changes.
struct Step {
  Frame& frame;
  uint8_t* base;
  const uint8_t* flags;
  Op* ip;
  uintptr_t stop;

  void JumpTo(Op* target, int retired) {
    stop += reinterpret_cast<uintptr_t>(target) - reinterpret_cast<uintptr_t>(ip + retired);
    ip = target;
  }
};

// Does one operation. False: it cannot be done here, and nothing has changed.
using Handler = bool (*)(Step& step);

bool Slow(Step&) { return false; }

bool Nop(Step& step) {
  ++step.ip;
  return true;
}

bool Goto(Step& step) {
  step.JumpTo(TargetOf(step.ip), 0);
  return true;
}

template <Bytecode code>
bool Single(Step& step) {
  Cpu& cpu = *step.frame.cpu;
  Op* const ip = step.ip;
  BytecodeContext<fp::HostFp, Rounding::kAny> context(step.frame, cpu, *ip, ip, step.base,
                                                      step.flags, TargetOf(ip), cpu.x[ip->rs1],
                                                      cpu.x[ip->rs2], &step.frame.fflags);
  RunEffect<code>(context);
  if (context.stopped()) return false;
  if constexpr (kSetsRd<code>) cpu.x[ip->rd] = context.rd();
  if (context.jumped()) {
    step.JumpTo(context.next(), 1);
  } else {
    ++step.ip;
  }
  return true;
}

template <size_t code>
constexpr Handler HandlerOf() {
  constexpr auto kCode = static_cast<Bytecode>(code);
  if constexpr (kCode == Bytecode::kNop) {
    return &Nop;
  } else if constexpr (kCode == Bytecode::kGoto) {
    return &Goto;
  } else if constexpr (kCode == Bytecode::kIllegal || kCode == Bytecode::kSlow ||
                       kCode == Bytecode::kTranslate || kCode == Bytecode::kEcall) {
    return &Slow;
  } else {
    return &Single<kCode>;
  }
}

constexpr size_t kSingles = static_cast<size_t>(Bytecode::kFirstFusion);

template <size_t... codes>
constexpr std::array<Handler, kSingles> AllHandlers(std::index_sequence<codes...>) {
  return {HandlerOf<codes>()...};
}
constexpr std::array<Handler, kSingles> kHandlers =
    AllHandlers(std::make_index_sequence<kSingles>());

}  // namespace

void RunOneByOne(Frame& frame, uint8_t* base, const uint8_t* flags) {
  Step step{frame, base, flags, frame.ip, frame.stop};
  while (reinterpret_cast<uintptr_t>(step.ip) < step.stop &&
         kHandlers[static_cast<size_t>(SingleOf(frame.cache->CodeOf(step.ip)))](step)) {
  }
  frame.ip = step.ip;
  frame.stop = step.stop;
}

uint64_t RunCounted(Frame& frame, uint8_t* base, const uint8_t* flags) {
  Step step{frame, base, flags, frame.ip, frame.stop};
  uint64_t operations = 0;
  // Of the operation that was begun: what comes next, and its end.
  const Op *next = nullptr, *end = nullptr;
  while (reinterpret_cast<uintptr_t>(step.ip) < step.stop) {
    const Op* const op = step.ip;
    const Bytecode code = frame.cache->CodeOf(op);
    if (!kHandlers[static_cast<size_t>(SingleOf(code))](step)) break;
    if (op != next || op == end) {
      ++operations;
      end = op + LengthOf(VariantOf(static_cast<unsigned>(code)).code);
    }
    next = op + 1;
  }
  frame.ip = step.ip;
  frame.stop = step.stop;
  return operations;
}

}  // namespace pollux::interp
