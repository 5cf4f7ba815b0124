#include <iterator>

#include "interp/engine/dispatch.h"
#include "interp/isa/effects.h"

namespace pollux::interp {

void RunGotos(Frame& frame, uint8_t* base, const uint8_t* flags) {
  static constexpr void* kHandlers[] = {
      &&L_kSlow,  // kIllegal is translated to kSlow.
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) &&L_##id,
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
      &&L_kNop,  &&L_kSlow, &&L_kGoto,
      &&L_kSlow,  // kTranslate: FastEngine links it.
#define OPERATION(id, ...) &&L_##id,
#include "interp/bytecode/operations.inc"
#undef OPERATION
#define FUSION(first, second, pattern) &&L_##first##Then##second##pattern,
#include "interp/bytecode/fusions.inc"
#undef FUSION
  };
  static_assert(std::size(kHandlers) == static_cast<size_t>(Bytecode::kFirstSeries));

  Cpu& cpu = *frame.cpu;
  Op* ip = frame.ip;
  uintptr_t stop = frame.stop;

#define DISPATCH() goto* kHandlers[static_cast<uint32_t>(ip->code)]
// Goes to `to` from `from`, having retired `retired` instructions there (1, or 0 for a goto).
#define JUMP(from, to, retired)                               \
  do {                                                        \
    Op* const jump_target = (to);                             \
    stop += reinterpret_cast<uintptr_t>(jump_target) -        \
            reinterpret_cast<uintptr_t>((from) + (retired));  \
    ip = jump_target;                                         \
    if (reinterpret_cast<uintptr_t>(ip) >= stop) [[unlikely]] \
      goto leave;                                             \
    DISPATCH();                                               \
  } while (false)

  DISPATCH();

// Runs what `id` does at ip.
#define EFFECT(id, context)                                                             \
  BytecodeContext<fp::HostFp, Rounding::kAny> context(frame, cpu, *ip, ip, base, flags, \
                                                      TargetOf(ip), cpu.x[ip->rs1],     \
                                                      cpu.x[ip->rs2], &frame.fflags);   \
  RunEffect<Bytecode::k##id>(context);                                                  \
  if (context.stopped()) [[unlikely]]                                                   \
    goto leave;                                                                         \
  if constexpr (kSetsRd<Bytecode::k##id>) cpu.x[ip->rd] = context.rd();

#define SINGLE(id)                                     \
  L_##id : {                                           \
    EFFECT(id, context)                                \
    if (context.jumped()) JUMP(ip, context.next(), 1); \
    ip += 1;                                           \
    DISPATCH();                                        \
  }
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) SINGLE(id)
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
#define OPERATION(id, ...) SINGLE(id)
#include "interp/bytecode/operations.inc"
#undef OPERATION
#undef SINGLE

#define FUSION(first, second, pattern)                                                  \
  L_##first##Then##second##pattern : {                                                  \
    EFFECT(first, of_first)                                                             \
    if (of_first.jumped()) JUMP(ip, of_first.next(), 1);                                \
    ip += 1;                                                                            \
    EFFECT(second, of_second)                                                           \
    if (of_second.jumped()) JUMP(ip, of_second.next(), RetiredBy(Bytecode::k##second)); \
    ip += 1;                                                                            \
    DISPATCH();                                                                         \
  }
#include "interp/bytecode/fusions.inc"
#undef FUSION

L_kNop:
  ip += 1;
  DISPATCH();

L_kGoto:
  JUMP(ip, TargetOf(ip), 0);

L_kSlow:
leave:
  frame.ip = ip;
  frame.stop = stop;
#undef JUMP
#undef DISPATCH
}

}  // namespace pollux::interp
