#include <array>
#include <cstddef>
#include <cstring>
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

// To what is seldom called: from a place of its own at the handler's end, so that the jump there is
// a short one.
#define SELDOM(call)  \
  do {                \
    asm volatile(""); \
    TAIL_CALL call;   \
  } while (false)

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

// Goes to `to`, having retired `retired` instructions where ip is (1, or 0 for a goto). What is
// left of the budget is compared where it is taken from `stop`, in one operation of the host.
#define JUMP(to, retired)                                      \
  do {                                                         \
    Op *const jump_target = (to);                              \
    ip += (retired);                                           \
    const bool ends = stop <= reinterpret_cast<uintptr_t>(ip); \
    stop -= reinterpret_cast<uintptr_t>(ip);                   \
    stop += reinterpret_cast<uintptr_t>(jump_target);          \
    ip = jump_target;                                          \
    target = TargetOf(ip);                                     \
    if (ends) [[unlikely]]                                     \
      TAIL_CALL Leave(NEXT_ARGUMENTS);                         \
    DISPATCH();                                                \
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
      *frame, *cpu, *ip, ip, base, flags, target, cpu->x[ip->rs1], cpu->x[ip->rs2], &frame->fflags);
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

// Of an operation whose registers are always the same, they are known.
template <Bytecode code>
uint8_t Rs1(const Op* op) {
  return code == Bytecode::kReturn ? uint8_t{kRa} : op->rs1;
}
template <Bytecode code>
uint8_t Rd(const Op* op) {
  return code == Bytecode::kCall || code == Bytecode::kCallRegister ? uint8_t{kRa} : op->rd;
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

// Which members of an Op are looked at.
struct Members {
  bool rd = false, rs1 = false, rs2 = false;
  bool rs3 = false;  // Or rm.
};

// Those that `code` looks at to find its operands in these places.
constexpr Members MembersOf(Bytecode code, Place rd, Place rs1, Place rs2) {
  if (static_cast<unsigned>(code) >= kBaseOpcodes) return {};
  const auto opcode = static_cast<Opcode>(code);
  const auto looks = [&](Member member, Place place) {
    const RegisterClass registers = RegistersOf(opcode, member);
    return registers == RegisterClass::kF ||
           (registers == RegisterClass::kX && place == Place::kMemory);
  };
  return {.rd = looks(Member::kRd, rd),
          .rs1 = looks(Member::kRs1, rs1),
          .rs2 = looks(Member::kRs2, rs2),
          .rs3 = HasRoundingMode(opcode)};
}

// The Op at ip, of which `members` are looked at. Loads are what a processor can do fewest of at a
// time: three numbers of registers are taken out of one, in a register whose second byte can be
// named.
template <Members members>
[[gnu::always_inline]] inline Op Decoded(const Op* ip) {
  Op op;
  op.rs3 = ip->rs3;
  op.rm = ip->rm;
  op.imm = ip->imm;
  op.target = ip->target;
  if constexpr (members.rd && members.rs1 && members.rs2) {
    uint32_t word;
    std::memcpy(&word, &ip->rd, sizeof(word));
    asm("" : "+Q"(word));
    if constexpr (!members.rs3) __builtin_assume(word >> 24 == 0);
    op.rd = static_cast<uint8_t>(word);
    op.rs1 = static_cast<uint8_t>(word >> 8);
    op.rs2 = static_cast<uint8_t>(word >> 16);
  } else {
    op.rd = ip->rd;
    op.rs1 = ip->rs1;
    op.rs2 = ip->rs2;
  }
  return op;
}

// An operation for operands in the places that its variant says.
template <unsigned code>
HANDLER Run(PARAMETERS) {
  constexpr Variant kVariant = VariantOf(code);
  constexpr Members kMembers = MembersOf(kVariant.code, kVariant.rd, kVariant.rs1, kVariant.rs2);
  const Op op = Decoded<kMembers>(ip);
  PinnedRegisters pinned{a5, a4, a3, a0};
  uint32_t fflags = 0;
  BytecodeContext<fp::InlineHostFp, kVariant.rounding> context(
      *frame, *cpu, op, ip, base, flags, target,
      Read<kVariant.rs1>(*cpu, pinned, Rs1<kVariant.code>(&op)),
      Read<kVariant.rs2>(*cpu, pinned, op.rs2), &fflags);
  RunEffect<kVariant.code>(context);
  if (context.stopped()) [[unlikely]]
    SELDOM(Anywhere<kVariant.code>(ARGUMENTS));
  if (fflags != 0) [[unlikely]] {
    if ((fflags & fp::DeferredFp::kDeferred) != 0) SELDOM(Anywhere<kVariant.code>(ARGUMENTS));
    frame->fflags |= fflags;
  }
  if constexpr (kSetsRd<kVariant.code>)
    Write<kVariant.rd>(*cpu, pinned, Rd<kVariant.code>(&op), context.rd());
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

  constexpr Place kElsewhere = Place::kZero;
  constexpr Members kMembers =
      MembersOf(kFusion.first, kVariant.rd, kInPlace ? kElsewhere : kVariant.rs1, kVariant.rs2);
  const Op op = Decoded<kMembers>(ip);
  const uint64_t rs1 =
      kInPlace ? Read<kVariant.rd>(*cpu, pinned, op.rd) : Read<kVariant.rs1>(*cpu, pinned, op.rs1);
  BytecodeContext<fp::InlineHostFp, Rounding::kDynamic> first(
      *frame, *cpu, op, ip, base, flags, target, rs1, Read<kVariant.rs2>(*cpu, pinned, op.rs2),
      &fflags);
  RunEffect<kFusion.first>(first);
  if (first.stopped() || (fflags & fp::DeferredFp::kDeferred) != 0) [[unlikely]]
    SELDOM(Anywhere<kFusion.first>(ARGUMENTS));
  if constexpr (kWritesFirst) Write<kVariant.rd>(*cpu, pinned, op.rd, first.rd());
  if constexpr (kPattern == Pattern::kElse) {
    if (__builtin_expect(first.jumped(), IsMostlyTaken(kFusion.first))) JUMP(first.next(), 1);
    ip += 1;
    JUMP(TargetOf(ip), 0);
  }

  constexpr Members kSecondMembers = [] {
    switch (kPattern) {
      case Pattern::kReversedTest:
        return MembersOf(kFusion.second, kElsewhere, kVariant.other, kElsewhere);
      case Pattern::kStep:
        return MembersOf(kFusion.second, kVariant.other, kElsewhere, kElsewhere);
      case Pattern::kLoads:
        return MembersOf(kFusion.second, kVariant.other, kElsewhere, kElsewhere);
      case Pattern::kFree:
        return MembersOf(kFusion.second, kVariant.other, kVariant.other_rs1, Place::kMemory);
      case Pattern::kTestOfZero:
        return Members{};
      default:
        return MembersOf(kFusion.second, Place::kMemory, kElsewhere, kVariant.other);
    }
  }();
  const Op second_op = Decoded<kSecondMembers>(ip + 1);
  uint64_t second_rs1 = 0, second_rs2 = 0;
  if constexpr (kPattern == Pattern::kReversedTest) {
    second_rs1 = Read<kVariant.other>(*cpu, pinned, second_op.rs1);
    second_rs2 = first.rd();
  } else if constexpr (kPattern == Pattern::kStep) {
    second_rs1 = Read<kVariant.other>(*cpu, pinned, second_op.rd);
  } else if constexpr (kPattern == Pattern::kLoads) {
    second_rs1 = rs1;
  } else if constexpr (kPattern == Pattern::kFree) {
    second_rs1 = Read<kVariant.other_rs1>(*cpu, pinned, Rs1<kFusion.second>(&second_op));
    second_rs2 = cpu->x[second_op.rs2];
  } else {
    second_rs1 = kPattern == Pattern::kStores ? rs1 : first.rd();
    second_rs2 = Read<kVariant.other>(*cpu, pinned, second_op.rs2);
  }
  if constexpr (kPattern == Pattern::kTestOfZero) second_rs2 = 0;
  BytecodeContext<fp::InlineHostFp, Rounding::kDynamic> second(
      *frame, *cpu, second_op, ip + 1, base, flags, target, second_rs1, second_rs2, &fflags);
  RunEffect<kFusion.second>(second);
  if constexpr (kPattern == Pattern::kSame) {
    if (second.stopped()) [[unlikely]]
      SELDOM(Anywhere<kFusion.first>(ARGUMENTS));
    Write<kVariant.rd>(*cpu, pinned, op.rd, second.rd());
    ip += 2;
    DISPATCH();
  } else {
    ip += 1;
    if (second.stopped() || (fflags & fp::DeferredFp::kDeferred) != 0) [[unlikely]]
      SELDOM(Anywhere<kFusion.second>(NEXT_ARGUMENTS));
    if (fflags != 0) [[unlikely]]
      frame->fflags |= fflags;
    if constexpr (kSetsRd<kFusion.second>) {
      constexpr bool kOther = OpenOf(kPattern) == Open::kRd || kPattern == Pattern::kFree;
      Write<kOther ? kVariant.other : Place::kMemory>(*cpu, pinned, Rd<kFusion.second>(&second_op),
                                                      second.rd());
    }
    if (__builtin_expect(second.jumped(), IsMostlyTaken(kFusion.second)))
      JUMP(second.next(), RetiredBy(kFusion.second));
    ip += 1;
    if constexpr (IsBranch(kFusion.second)) target = TargetOf(ip);
    DISPATCH();
  }
}

// As many loads or stores as its series has, which are done at once if they are within a page.
template <unsigned code>
HANDLER RunSeries(PARAMETERS) {
  constexpr Series kSeries = SeriesOf(static_cast<Bytecode>(code));
  constexpr bool kLoads = kSeries.operation == Bytecode::kLd;
  constexpr uint64_t kBytes = kSeries.count * sizeof(uint64_t);
  const PinnedRegisters pinned{a5, a4, a3, a0};
  uint32_t fflags = 0;
  BytecodeContext<fp::InlineHostFp, Rounding::kAny> context(*frame, *cpu, *ip, ip, base, flags,
                                                            target, 0, 0, &fflags);
  // Where the last of them is, below the others.
  const uint64_t last = cpu->x[kSp] + static_cast<uint64_t>(int64_t{ip[kSeries.count - 1].imm});
  constexpr uint64_t kOthers = kBytes - sizeof(uint64_t);
  if ((last + kOthers) % memory::kPageBytes < kOthers ||
      !context.template Accessible<uint64_t>(
          kLoads ? memory::Access::kLoad : memory::Access::kStore, last)) [[unlikely]] {
    SELDOM(Anywhere<kSeries.operation>(ARGUMENTS));
  }
  uint8_t* const host = base + last;
#pragma unroll
  for (int i = 0; i < kSeries.count; ++i) {
    uint8_t* const at = host + kOthers - i * sizeof(uint64_t);
    if constexpr (kLoads) {
      std::memcpy(&cpu->x[ip[i].rd], at, sizeof(uint64_t));
    } else {
      std::memcpy(at, &cpu->x[ip[i].rs2], sizeof(uint64_t));
    }
  }
  ip += kSeries.count;
  DISPATCH();
}

template <unsigned code>
constexpr Handler HandlerOf() {
  constexpr auto kCode = static_cast<Bytecode>(code);
  if constexpr (IsSeries(kCode)) {
    return &RunSeries<code>;
  } else if constexpr (IsFusion(VariantOf(code).code)) {
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
  return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
         reinterpret_cast<uintptr_t>(kHandlers[0]) <= std::numeric_limits<uint32_t>::max();
}

#endif  // POLLUX_TAIL_CALLS

}  // namespace pollux::interp
