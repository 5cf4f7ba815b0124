#include "interp/engine/fast.h"

#include <algorithm>

#include "interp/engine/context.h"
#include "interp/fp/host_fp.h"
#include "interp/isa/effects.h"

namespace pollux::interp {
namespace {

// With fewer instructions left than this, the budget could end inside straight-line code.
constexpr uint64_t kMargin = CodeCache::kStraightOps + 2;
// More than any run needs; keeps `stop` far from wrapping.
constexpr uint64_t kMaxBudget = uint64_t{1} << 48;

// What every operation needs and none changes.
struct Frame {
  uint8_t* base;
  const uint8_t* flags;
  const Op* ops;
  const uint64_t* pcs;
  const CodeCache::JumpEntry* jumps;
};

class FastContext : public OperandContext<FastContext, Op, fp::HostFp> {
 public:
  FastContext(Cpu& cpu, Op* ip, const Frame& frame, uint32_t* fflags)
      : OperandContext(cpu, *ip, frame.base, fflags), frame_(frame), ip_(ip), next_(ip + 1) {}

  void WriteX(uint8_t rd, uint64_t value) { cpu_.x[rd] = value; }

  uint64_t Pc() const { return frame_.pcs[ip_ - frame_.ops]; }
  uint64_t NextPc() const { return Pc() + operands_.length; }
  void Branch(bool taken) {
    if (taken) JumpTo(ip_ + operands_.target);
  }
  void JumpAndLink() {
    SetRd(NextPc());
    JumpTo(ip_ + operands_.target);
  }
  void JumpAndLinkRegister() {
    const uint64_t target = (Rs1() + Imm()) & ~uint64_t{1};
    const CodeCache::JumpEntry& entry = frame_.jumps[CodeCache::JumpIndex(target)];
    if (entry.pc != target) [[unlikely]] {
      stopped_ = true;
      return;
    }
    SetRd(NextPc());
    JumpTo(entry.op);
  }

  template <typename T>
  bool Accessible(memory::Access access, uint64_t addr) {
    const uint8_t wanted = access == memory::Access::kLoad ? memory::kFastLoad : memory::kFastStore;
    const uint64_t page = addr >> memory::kPageShift;
    if (page < memory::kPages && (frame_.flags[page] & wanted) != 0) [[likely]] {
      if (sizeof(T) == 1 || (addr & (sizeof(T) - 1)) == 0) [[likely]]
        return true;
      if ((addr % memory::kPageBytes) + sizeof(T) <= memory::kPageBytes) return true;
    }
    stopped_ = true;
    return false;
  }
  template <typename T>
  bool Aligned(memory::Access, uint64_t addr) {
    if (addr % sizeof(T) == 0) [[likely]]
      return true;
    stopped_ = true;
    return false;
  }

  // Never translated to their own operation: the reference step does them.
  void Csr(CsrOp, uint64_t, bool) { stopped_ = true; }
  void Fence() { stopped_ = true; }
  void FenceI() { stopped_ = true; }
  void Ecall() { stopped_ = true; }
  void Ebreak() { stopped_ = true; }

  // The instruction could not be done here, and nothing was changed.
  bool stopped() const { return stopped_; }
  bool jumped() const { return jumped_; }
  Op* next() const { return next_; }

 private:
  void JumpTo(Op* target) {
    next_ = target;
    jumped_ = true;
  }

  const Frame& frame_;
  Op* ip_;
  Op* next_;
  bool stopped_ = false;
  bool jumped_ = false;
};

}  // namespace

Op* FastEngine::RunBytecode(Cpu& cpu, Op* ip, uint64_t budget) {
  static constexpr void* kHandlers[] = {
      &&L_kSlow,  // kIllegal is translated to kSlow.
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) &&L_##id,
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
      &&L_kNop,  &&L_kSlow, &&L_kGoto,
      &&L_kSlow,  // kTranslate: Run links it.
#define FUSION(first, second) &&L_##first##Then##second,
#include "interp/bytecode/fusions.inc"
#undef FUSION
  };
  static_assert(std::size(kHandlers) == static_cast<size_t>(Bytecode::kCount));

  const Frame frame{memory_.base(), memory_.flags(), cache_.ops(), cache_.pcs(), cache_.jumps()};
  uint32_t fflags = 0;
  constexpr uintptr_t kOpBytes = sizeof(Op);
  uintptr_t stop = reinterpret_cast<uintptr_t>(ip) + budget * kOpBytes;
  fp::HostFpEnter();

#define DISPATCH() goto* kHandlers[static_cast<uint16_t>(ip->code)]
// Goes to `to` from `from`, having retired `retired` instructions there (1, or 0 for a goto).
#define JUMP(from, to, retired)                                                   \
  do {                                                                            \
    Op* const jump_target = (to);                                                 \
    stop += reinterpret_cast<uintptr_t>(jump_target) -                            \
            reinterpret_cast<uintptr_t>((from) + (retired));                      \
    ip = jump_target;                                                             \
    if (stop - reinterpret_cast<uintptr_t>(ip) < kMargin * kOpBytes) [[unlikely]] \
      goto leave;                                                                 \
    DISPATCH();                                                                   \
  } while (false)

  DISPATCH();

#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) \
  L_##id : {                                                           \
    FastContext context(cpu, ip, frame, &fflags);                      \
    Effect<Opcode::k##id>::Run(context);                               \
    if (context.stopped()) [[unlikely]]                                \
      goto leave;                                                      \
    if (context.jumped()) JUMP(ip, context.next(), 1);                 \
    ip += 1;                                                           \
    DISPATCH();                                                        \
  }
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED

#define FUSION(first, second)                                              \
  L_##first##Then##second : {                                              \
    FastContext context(cpu, ip, frame, &fflags);                          \
    Effect<Opcode::k##first>::Run(context);                                \
    if (context.stopped()) [[unlikely]]                                    \
      goto leave;                                                          \
    ip += 1;                                                               \
    FastContext context_of_second(cpu, ip, frame, &fflags);                \
    Effect<Opcode::k##second>::Run(context_of_second);                     \
    if (context_of_second.stopped()) [[unlikely]]                          \
      goto leave;                                                          \
    if (context_of_second.jumped()) JUMP(ip, context_of_second.next(), 1); \
    ip += 1;                                                               \
    DISPATCH();                                                            \
  }
#include "interp/bytecode/fusions.inc"
#undef FUSION

L_kNop:
  ip += 1;
  DISPATCH();

L_kGoto:
  JUMP(ip, ip + ip->target, 0);

L_kSlow:
leave:
  cpu.fflags |= static_cast<uint8_t>(fflags | fp::HostFpCollect());
  cpu.retired += budget - (stop - reinterpret_cast<uintptr_t>(ip)) / kOpBytes;
  return ip;
#undef JUMP
#undef DISPATCH
}

Stop FastEngine::Run(Cpu& cpu, uint64_t budget) {
  const uint64_t end = cpu.retired + std::min(budget, kMaxBudget);
  cpu.pc &= ~uint64_t{1};
  Op* stub = nullptr;  // The kTranslate Op that led to cpu.pc.
  while (cpu.retired < end) {
    // With an invalid frm every dynamic rounding is illegal, which only the reference step looks
    // at.
    if (end - cpu.retired >= kMargin && cpu.frm <= fp::kRmm) {
      const uint64_t generation = cache_.generation();
      Op* ip = cache_.FindOrTranslate(cpu.pc);
      if (ip != nullptr) {
        if (stub != nullptr && generation == cache_.generation()) cache_.Link(stub, ip);
        ip = RunBytecode(cpu, ip, end - cpu.retired);
        cpu.pc = cache_.PcOf(ip);
        stub = ip->code == Bytecode::kTranslate ? ip : nullptr;
        // Reached code to be translated, or the margin: the instruction at ip is not tried yet.
        if (stub != nullptr || end - cpu.retired < kMargin) continue;
      }
    }
    stub = nullptr;
    if (const std::optional<Stop> stop = reference_.Step(cpu)) return *stop;
  }
  return Stop{.reason = StopReason::kBudget};
}

}  // namespace pollux::interp
