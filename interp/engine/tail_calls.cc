#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "abi/check.h"
#include "interp/engine/dispatch.h"
#include "interp/isa/effects.h"
#include "interp/isa/opcode_info.h"

// Sanitizers put things on the stack that a tail call would leave behind.
#if defined(__clang__) && defined(__x86_64__)
#if __has_cpp_attribute(clang::musttail) && __has_attribute(preserve_none) && \
    !__has_feature(address_sanitizer) && !__has_feature(undefined_behavior_sanitizer)
#define POLLUX_TAIL_CALLS 1
#endif
#endif

namespace pollux::interp {

#ifndef POLLUX_TAIL_CALLS

void RunTailCalls(Frame &, uint8_t *, const uint8_t *) {
  POLLUX_CHECK(false) << "not in this build";
}
uint32_t TailCallHandlerOf(Bytecode) { return 0; }
bool TailCallsWork() { return false; }

#else

namespace {

// Each handler is one function, and ends by calling the next. Its arguments stay in the registers
// of the host: preserve_none has twelve for them.
#define HANDLER __attribute__((preserve_none)) void
#define PARAMETERS                                                                              \
  [[maybe_unused]] Op *ip, [[maybe_unused]] Op *target, [[maybe_unused]] uintptr_t stop,        \
      [[maybe_unused]] Cpu *cpu, [[maybe_unused]] Frame *frame, [[maybe_unused]] uint8_t *base, \
      [[maybe_unused]] const uint8_t *flags, [[maybe_unused]] uint64_t a5,                      \
      [[maybe_unused]] uint64_t a4, [[maybe_unused]] uint64_t a3, [[maybe_unused]] uint64_t a0
#define ARGUMENTS ip, target, stop, cpu, frame, base, flags, a5, a4, a3, a0
#define NEXT_ARGUMENTS \
  ip, target, stop, cpu, frame, base, flags, pinned.a5, pinned.a4, pinned.a3, pinned.a0
#define TAIL_CALL [[clang::musttail]] return

typedef void (*Handler)(PARAMETERS) __attribute__((preserve_none));

// The programs that this is linked into are not position independent: 32 bits hold the address of a
// function.
Handler HandlerAt(const Op* ip) {
  return reinterpret_cast<Handler>(uintptr_t{static_cast<uint32_t>(ip->code)});
}

#define DISPATCH() TAIL_CALL HandlerAt(ip)(NEXT_ARGUMENTS)

// Whether it jumps only sometimes.
constexpr bool IsBranch(Bytecode code) {
  return static_cast<unsigned>(code) < kBaseOpcodes &&
         InfoOf(static_cast<Opcode>(code)).format == Format::kB;
}

// Whether it jumps more often than not: Bne ends most loops, the others look for what is rare.
constexpr bool IsMostlyTaken(Bytecode code) { return !IsBranch(code) || code == Bytecode::kBne; }

// The registers of the guest that are in registers of the host, too: Cpu::x always has the same.
struct PinnedRegisters {
  uint64_t a5, a4, a3, a0;

  template <Place place>
  uint64_t& At() {
    static_assert(kPinned == std::array<uint8_t, 4>{kA5, kA4, kA3, kA0});
    if constexpr (place == Place::kA5) return a5;
    if constexpr (place == Place::kA4) return a4;
    if constexpr (place == Place::kA3) return a3;
    if constexpr (place == Place::kA0) return a0;
  }
};

PinnedRegisters ReadBack(const Cpu& cpu) {
  return {cpu.x[kPinned[0]], cpu.x[kPinned[1]], cpu.x[kPinned[2]], cpu.x[kPinned[3]]};
}

// What cannot be done here: bytecode ends.
[[gnu::noinline]] HANDLER Leave(PARAMETERS) {
  frame->ip = ip;
  frame->stop = stop;
}

// Goes to `to`, having retired `retired` instructions where ip is (1, or 0 for a goto).
#define JUMP(to, retired)                                                                       \
  do {                                                                                          \
    Op *const jump_target = (to);                                                               \
    stop +=                                                                                     \
        reinterpret_cast<uintptr_t>(jump_target) - reinterpret_cast<uintptr_t>(ip + (retired)); \
    ip = jump_target;                                                                           \
    target = TargetOf(ip);                                                                      \
    if (reinterpret_cast<uintptr_t>(ip) >= stop) [[unlikely]]                                   \
      TAIL_CALL Leave(NEXT_ARGUMENTS);                                                          \
    DISPATCH();                                                                                 \
  } while (false)

HANDLER Nop(PARAMETERS) {
  const PinnedRegisters pinned{a5, a4, a3, a0};
  ip += 1;
  DISPATCH();
}

HANDLER Goto(PARAMETERS) {
  const PinnedRegisters pinned{a5, a4, a3, a0};
  JUMP(target, 0);
}

// An operation for operands that are anywhere.
template <Bytecode code>
[[gnu::noinline]] HANDLER Anywhere(PARAMETERS) {
  BytecodeContext<fp::HostFp, Rounding::kAny> context(
      *frame, *cpu, ip, base, flags, target, cpu->x[ip->rs1], cpu->x[ip->rs2], &frame->fflags);
  RunEffect<code>(context);
  if constexpr (kSetsRd<code>) {
    if (!context.stopped()) cpu->x[ip->rd] = context.rd();
  }
  const PinnedRegisters pinned = ReadBack(*cpu);
  if (context.stopped()) [[unlikely]]
    TAIL_CALL Leave(NEXT_ARGUMENTS);
  if (context.jumped()) JUMP(context.next(), 1);
  ip += 1;
  if constexpr (IsBranch(code)) target = TargetOf(ip);
  DISPATCH();
}

template <Place place>
uint64_t Read(const Cpu& cpu, PinnedRegisters& pinned, uint8_t number) {
  if constexpr (place == Place::kZero) return 0;
  if constexpr (place == Place::kMemory) return cpu.x[number];
  if constexpr (place != Place::kZero && place != Place::kMemory) return pinned.At<place>();
}

template <Place place>
void Write(Cpu& cpu, PinnedRegisters& pinned, uint8_t number, uint64_t value) {
  if constexpr (place == Place::kMemory) cpu.x[number] = value;
  if constexpr (place != Place::kZero && place != Place::kMemory) {
    pinned.At<place>() = value;
    cpu.x[kPinned[static_cast<size_t>(place) - 1]] = value;
  }
}

// An operation for operands in the places that its variant says.
template <unsigned code>
HANDLER Run(PARAMETERS) {
  constexpr Variant kVariant = VariantOf(code);
  PinnedRegisters pinned{a5, a4, a3, a0};
  uint32_t fflags = 0;
  BytecodeContext<fp::InlineHostFp, kVariant.rounding> context(
      *frame, *cpu, ip, base, flags, target, Read<kVariant.rs1>(*cpu, pinned, ip->rs1),
      Read<kVariant.rs2>(*cpu, pinned, ip->rs2), &fflags);
  RunEffect<kVariant.code>(context);
  if (context.stopped()) [[unlikely]]
    TAIL_CALL Anywhere<kVariant.code>(ARGUMENTS);
  if (fflags != 0) [[unlikely]] {
    if ((fflags & fp::DeferredFp::kDeferred) != 0) TAIL_CALL Anywhere<kVariant.code>(ARGUMENTS);
    frame->fflags |= fflags;
  }
  if constexpr (kSetsRd<kVariant.code>) Write<kVariant.rd>(*cpu, pinned, ip->rd, context.rd());
  if (__builtin_expect(context.jumped(), IsMostlyTaken(kVariant.code))) JUMP(context.next(), 1);
  ip += 1;
  if constexpr (IsBranch(kVariant.code)) target = TargetOf(ip);
  DISPATCH();
}

// Two operations at once.
template <unsigned code>
HANDLER RunFused(PARAMETERS) {
  constexpr Variant kVariant = VariantOf(code);
  constexpr Fusion kFusion = FusionOf(kVariant.code);
  constexpr Pattern kPattern = kFusion.pattern;
  constexpr bool kInPlace = IsInPlace(kPattern);
  // What the first made, and the second makes anew, nobody else sees.
  constexpr bool kWritesFirst = kSetsRd<kFusion.first> && kPattern != Pattern::kSame;
  PinnedRegisters pinned{a5, a4, a3, a0};
  uint32_t fflags = 0;

  const uint64_t rs1 = kInPlace ? Read<kVariant.rd>(*cpu, pinned, ip->rd)
                                : Read<kVariant.rs1>(*cpu, pinned, ip->rs1);
  BytecodeContext<fp::InlineHostFp, Rounding::kAny> first(
      *frame, *cpu, ip, base, flags, target, rs1, Read<kVariant.rs2>(*cpu, pinned, ip->rs2),
      &fflags);
  RunEffect<kFusion.first>(first);
  if (first.stopped()) [[unlikely]]
    TAIL_CALL Anywhere<kFusion.first>(ARGUMENTS);
  if constexpr (kWritesFirst) Write<kVariant.rd>(*cpu, pinned, ip->rd, first.rd());
  if constexpr (kPattern == Pattern::kElse) {
    if (__builtin_expect(first.jumped(), IsMostlyTaken(kFusion.first))) JUMP(first.next(), 1);
    ip += 1;
    JUMP(TargetOf(ip), 0);
  }

  Op* const second_op = ip + 1;
  uint64_t second_rs1 = 0, second_rs2 = 0;
  if constexpr (kPattern == Pattern::kReversedTest) {
    second_rs1 = Read<kVariant.other>(*cpu, pinned, second_op->rs1);
    second_rs2 = first.rd();
  } else if constexpr (kPattern == Pattern::kStep) {
    second_rs1 = Read<kVariant.other>(*cpu, pinned, second_op->rd);
  } else if constexpr (kPattern == Pattern::kLoads) {
    second_rs1 = rs1;
  } else if constexpr (kPattern == Pattern::kFree) {
    second_rs1 = Read<kVariant.other_rs1>(*cpu, pinned, second_op->rs1);
    second_rs2 = cpu->x[second_op->rs2];
  } else {
    second_rs1 = kPattern == Pattern::kStores ? rs1 : first.rd();
    second_rs2 = Read<kVariant.other>(*cpu, pinned, second_op->rs2);
  }
  if constexpr (kPattern == Pattern::kTestOfZero) second_rs2 = 0;
  BytecodeContext<fp::InlineHostFp, Rounding::kAny> second(*frame, *cpu, second_op, base, flags,
                                                           target, second_rs1, second_rs2, &fflags);
  RunEffect<kFusion.second>(second);
  if constexpr (kPattern == Pattern::kSame) {
    if (second.stopped()) [[unlikely]]
      TAIL_CALL Anywhere<kFusion.first>(ARGUMENTS);
    Write<kVariant.rd>(*cpu, pinned, ip->rd, second.rd());
    ip += 2;
    DISPATCH();
  } else {
    ip += 1;
    if (second.stopped()) [[unlikely]]
      TAIL_CALL Anywhere<kFusion.second>(NEXT_ARGUMENTS);
    if constexpr (kSetsRd<kFusion.second>) {
      constexpr bool kOther = OpenOf(kPattern) == Open::kRd || kPattern == Pattern::kFree;
      Write<kOther ? kVariant.other : Place::kMemory>(*cpu, pinned, second_op->rd, second.rd());
    }
    if (__builtin_expect(second.jumped(), IsMostlyTaken(kFusion.second)))
      JUMP(second.next(), RetiredBy(kFusion.second));
    ip += 1;
    if constexpr (IsBranch(kFusion.second)) target = TargetOf(ip);
    DISPATCH();
  }
}

template <unsigned code>
constexpr Handler HandlerOf() {
  constexpr auto kCode = static_cast<Bytecode>(code);
  if constexpr (IsFusion(VariantOf(code).code)) {
    return &RunFused<code>;
  } else if constexpr (code >= static_cast<unsigned>(Bytecode::kCount)) {
    return &Run<code>;
  } else if constexpr (kCode == Bytecode::kNop) {
    return &Nop;
  } else if constexpr (kCode == Bytecode::kGoto) {
    return &Goto;
  } else if constexpr (kCode == Bytecode::kIllegal || kCode == Bytecode::kSlow ||
                       kCode == Bytecode::kTranslate || kCode == Bytecode::kEcall) {
    return &Leave;
  } else if constexpr (ShapeOf(kCode).Count() == 1 && (!NamesX(kCode) || NamesOnlyRa(kCode))) {
    return &Run<code>;
  } else {
    return &Anywhere<kCode>;
  }
}

template <size_t... codes>
constexpr std::array<Handler, sizeof...(codes)> AllHandlers(std::index_sequence<codes...>) {
  return {HandlerOf<codes>()...};
}
constexpr std::array<Handler, kCodes> kHandlers = AllHandlers(std::make_index_sequence<kCodes>());

}  // namespace

void RunTailCalls(Frame& frame, uint8_t* base, const uint8_t* flags) {
  const PinnedRegisters pinned = ReadBack(*frame.cpu);
  Op* const ip = frame.ip;
  HandlerAt(ip)(ip, TargetOf(ip), frame.stop, frame.cpu, &frame, base, flags, pinned.a5, pinned.a4,
                pinned.a3, pinned.a0);
}

uint32_t TailCallHandlerOf(Bytecode code) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(kHandlers[static_cast<size_t>(code)]));
}

bool TailCallsWork() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("bmi2") &&
         reinterpret_cast<uintptr_t>(kHandlers[0]) <= std::numeric_limits<uint32_t>::max();
}

#endif  // POLLUX_TAIL_CALLS

}  // namespace pollux::interp
