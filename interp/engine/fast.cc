#include "interp/engine/fast.h"

#include <algorithm>
#include <array>

#include "interp/bytecode/variant.h"
#include "interp/engine/dispatch.h"
#include "interp/fp/host_fp.h"
#include "interp/isa/format.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

// More than any run needs; keeps `stop` far from wrapping.
constexpr uint64_t kMaxBudget = uint64_t{1} << 48;

// ---- What operations access.

enum class Reach : uint8_t {
  kNothing,  // Goes on with the next operation.
  kJumps,    // Accesses nothing; where it goes on is seen there.
  kGoto,     // No instruction.
  kAccess,   // Memory.
  kEcall,    // Or a fence.
  kNotTold,  // The operation does not tell: the instruction does.
};

Reach ReachOf(Opcode opcode, AccessKind kind) {
  switch (kind) {
    case AccessKind::kFence:
    case AccessKind::kEcall:
      return Reach::kEcall;
    case AccessKind::kNone:
      break;
    default:
      return Reach::kAccess;
  }
  const bool jumps =
      InfoOf(opcode).format == Format::kB || opcode == Opcode::kJal || opcode == Opcode::kJalr;
  return jumps ? Reach::kJumps : Reach::kNothing;
}

Reach ReachOf(Bytecode single) {
  switch (single) {
    case Bytecode::kGoto:
      return Reach::kGoto;
    case Bytecode::kMove:
    case Bytecode::kConstant:
      return Reach::kNothing;
    case Bytecode::kJump:
    case Bytecode::kCall:
    case Bytecode::kCallRegister:
    case Bytecode::kReturn:
      return Reach::kJumps;
    default:
      break;
  }
  // A fence is a kNop, too, and kSlow is what the reference step does.
  const auto number = static_cast<unsigned>(single);
  if (number == 0 || number >= kBaseOpcodes) return Reach::kNotTold;
  const auto opcode = static_cast<Opcode>(number);
  return ReachOf(opcode, AccessRowOf(opcode).kind);
}

// By code below Bytecode::kFirstFusion.
using ReachTable = std::array<Reach, static_cast<size_t>(Bytecode::kFirstFusion)>;
ReachTable MakeReachTable() {
  ReachTable table;
  for (unsigned code = 0; code < table.size(); ++code) table[code] = ReachOf(Bytecode{code});
  return table;
}
const ReachTable kReaches = MakeReachTable();

// Of a fusion: of its first instruction.
Reach ReachOf(const CodeCache& cache, const Op* op) {
  return kReaches[static_cast<size_t>(SingleOf(cache.CodeOf(op)))];
}

// How many instructions from `op` on access nothing, as far as it goes straight on.
uint64_t QuietSteps(const CodeCache& cache, const Op* op) {
  constexpr int kMostOps = CodeCache::kStraightOps;
  uint64_t steps = 0;
  for (int i = 0; i < kMostOps; ++i) {
    switch (ReachOf(cache, op)) {
      case Reach::kNothing:
        ++steps;
        ++op;
        break;
      case Reach::kJumps:
        return steps + 1;
      case Reach::kGoto:
        op = TargetOf(op);
        break;
      case Reach::kAccess:
      case Reach::kEcall:
      case Reach::kNotTold:
        return steps;
    }
  }
  return steps;
}

}  // namespace

Dispatch FastEngine::BestDispatch() {
  static const bool tail_calls = TailCallsWork();
  return tail_calls ? Dispatch::kTailCalls : Dispatch::kGotos;
}

Op* FastEngine::RunBytecode(Cpu& cpu, Op* ip, uint64_t budget) {
  const bool one_by_one = budget < kMargin || dispatch_ == Dispatch::kCounted;
  const uint64_t before_stop = one_by_one ? budget : budget - kMargin;
  Frame frame{.cpu = &cpu,
              .cache = &cache_,
              .ops = cache_.ops(),
              .origins = cache_.origins(),
              .jumps = cache_.jumps(),
              .returns = &cache_.returns(),
              .ways = cache_.ways(),
              .ip = ip,
              .stop = reinterpret_cast<uintptr_t>(ip) + before_stop * sizeof(Op)};
  fp::HostFpEnter();
  if (dispatch_ == Dispatch::kCounted) {
    counters_.CountOperations(RunCounted(frame, memory_.base(), memory_.flags()));
  } else if (one_by_one) {
    RunOneByOne(frame, memory_.base(), memory_.flags());
  } else if (dispatch_ == Dispatch::kTailCalls) {
    RunTailCalls(frame, memory_.base(), memory_.flags());
  } else {
    RunGotos(frame, memory_.base(), memory_.flags());
  }
  cpu.fflags |= static_cast<uint8_t>(frame.fflags | fp::HostFpCollect());
  const auto left = static_cast<intptr_t>(frame.stop - reinterpret_cast<uintptr_t>(frame.ip)) /
                    static_cast<intptr_t>(sizeof(Op));
  cpu.retired += before_stop - static_cast<uint64_t>(left);
  cpu.pc = cache_.PcOf(frame.ip);
  return frame.ip;
}

bool FastEngine::KeepsCode(uint64_t addr, uint8_t bytes) const {
  const uint64_t last = addr + bytes - 1;
  return addr < memory::kAddressSpaceBytes && last < memory::kAddressSpaceBytes &&
         (memory_.flags()[addr >> memory::kPageShift] & memory::kFastStore) != 0 &&
         (memory_.flags()[last >> memory::kPageShift] & memory::kFastStore) != 0;
}

Ahead FastEngine::LookAhead(const Cpu& cpu) {
  const Op* const op = cache_.FindOrTranslate(cpu.pc & ~uint64_t{1});
  if (op == nullptr) return {};
  // Of an access, an ecall.
  const auto row = [this, op] {
    return AccessRowOf(static_cast<Opcode>(SingleOf(cache_.CodeOf(op))));
  };
  switch (ReachOf(cache_, op)) {
    case Reach::kNothing:
    case Reach::kJumps:
      return {.steps = QuietSteps(cache_, op)};
    case Reach::kEcall:
      return {.next = {.kind = row().kind}};
    case Reach::kAccess: {
      const auto [kind, bytes] = row();
      Ahead ahead{.next = {.kind = kind,
                           .bytes = bytes,
                           .addr = cpu.x[op->rs1] + static_cast<uint64_t>(int64_t{op->imm})}};
      const bool reads = kind == AccessKind::kLoad || kind == AccessKind::kLoadReserved;
      // What is behind a store may be other code when it is done.
      if (reads || KeepsCode(ahead.next.addr, ahead.next.bytes))
        ahead.steps += QuietSteps(cache_, op + 1);
      return ahead;
    }
    case Reach::kGoto:
    case Reach::kNotTold:
      break;
  }
  return {.next = NextAccessOf(memory_, cpu)};
}

Stop FastEngine::Run(Cpu& cpu, uint64_t budget) {
  const uint64_t end = cpu.retired + std::min(budget, kMaxBudget);
  cpu.pc &= ~uint64_t{1};
  Op* stub = nullptr;  // The kTranslate Op that led to cpu.pc.
  while (cpu.retired < end) {
    // With an invalid frm every dynamic rounding is illegal, which only the reference step looks
    // at.
    if (cpu.frm <= fp::kRmm) {
      const uint64_t generation = cache_.generation();
      Op* ip = cache_.FindOrTranslate(cpu.pc);
      if (ip != nullptr) {
        if (stub != nullptr && generation == cache_.generation()) cache_.Link(stub, ip);
        const bool had_margin = end - cpu.retired >= kMargin && dispatch_ != Dispatch::kCounted;
        ip = RunBytecode(cpu, ip, end - cpu.retired);
        if (cpu.retired == end) break;
        const Bytecode code = cache_.CodeOf(ip);
        if (code == Bytecode::kEcall) {
          cpu.pc = cache_.PcOf(ip + 1);
          ++cpu.retired;
          return Stop{.reason = StopReason::kEcall};
        }
        stub = code == Bytecode::kTranslate ? ip : nullptr;
        // Reached code to be translated, or the margin: the instruction at ip is not tried yet.
        if (stub != nullptr || (had_margin && end - cpu.retired < kMargin)) continue;
      }
    }
    stub = nullptr;
    if (dispatch_ == Dispatch::kCounted) counters_.CountReferenceStep();
    if (const std::optional<Stop> stop = reference_.Step(cpu)) return *stop;
  }
  return Stop{.reason = StopReason::kBudget};
}

}  // namespace pollux::interp
