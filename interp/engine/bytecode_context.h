// BytecodeContext: what an operation of the bytecode sees (isa/effects.h). FpPolicy is fp::HostFp,
// or fp::InlineHostFp: then what is rare (misaligned accesses, all that DeferredFp defers) is not
// done, and little code is left.
#ifndef POLLUX_INTERP_ENGINE_BYTECODE_CONTEXT_H_
#define POLLUX_INTERP_ENGINE_BYTECODE_CONTEXT_H_

#include <bit>
#include <cstdint>
#include <type_traits>

#include "interp/bytecode/code_cache.h"
#include "interp/bytecode/variant.h"
#include "interp/engine/context.h"
#include "interp/fp/host_fp.h"
#include "memory/address_space.h"

namespace pollux::interp {

// What is the same while bytecode runs, and few operations need.
struct Frame {
  Cpu* cpu;
  CodeCache* cache;
  const Op* ops;
  const CodeCache::Origin* origins;
  const CodeCache::JumpEntry* jumps;
  CodeCache::Returns* returns;
  const CodeCache::Ways* ways;
  uint32_t fflags = 0;  // What the host's hardware does not collect.
  // Where it ended, and what was left then (engine/fast.h).
  Op* ip = nullptr;
  uintptr_t stop = 0;
};

// The operands of one operation come as values, and its result is taken from it when nothing has
// stopped it, so that one context serves an instruction wherever its operands are.
template <typename FpPolicy, Rounding rounding>
class BytecodeContext : public OperandContext<BytecodeContext<FpPolicy, rounding>, Op, FpPolicy> {
 public:
  // `op` is what is at `ip`, or a copy of it.
  BytecodeContext(const Frame& frame, Cpu& cpu, const Op& op, Op* ip, uint8_t* base,
                  const uint8_t* flags, Op* target, uint64_t rs1, uint64_t rs2, uint32_t* fflags)
      : OperandContext<BytecodeContext, Op, FpPolicy>(cpu, op, base, fflags),
        frame_(frame),
        flags_(flags),
        rs1_(rs1),
        rs2_(rs2),
        ip_(ip),
        target_(target),
        next_(ip + 1) {}

  uint64_t Rs1() const { return rs1_; }
  uint64_t Rs2() const { return rs2_; }
  void SetRd(uint64_t value) { rd_ = value; }
  // What is deferred has no result.
  void SetFdS(uint32_t value) {
    if (!Deferred()) this->cpu_.f[this->operands_.rd] = fp::BoxF32(value);
  }
  void SetFdD(uint64_t value) {
    if (!Deferred()) this->cpu_.f[this->operands_.rd] = value;
  }
  fp::RoundingMode Rm() const {
    if constexpr (rounding == Rounding::kNearestEven) return fp::kRne;
    if constexpr (rounding == Rounding::kTowardZero) return fp::kRtz;
    if constexpr (rounding == Rounding::kDynamic)
      return static_cast<fp::RoundingMode>(this->cpu_.frm);
    return this->RmOfFields();
  }

  uint64_t Pc() const { return frame_.origins[ip_ - frame_.ops].Pc(); }
  uint64_t NextPc() const { return frame_.origins[ip_ + 1 - frame_.ops].Pc(); }
  void Jump() { JumpTo(target_); }
  void Branch(bool taken) {
    if (taken) Jump();
  }
  void JumpAndLink() {
    SetRd(NextPc());
    Jump();
  }
  [[gnu::always_inline]] void JumpAndLinkRegister() {
    Op* const target = FindTarget();
    if (stopped_) [[unlikely]]
      return;
    SetRd(NextPc());
    JumpTo(target);
  }

  // A JumpAndLink that will return.
  void Call() {
    const uint64_t link = LinkOf(*ip_);
    frame_.returns->Push({link, ip_ + 1});
    SetRd(link);
    Jump();
  }
  // A JumpAndLinkRegister that will return.
  [[gnu::always_inline]] void CallRegister() {
    Op* const target = FindTarget();
    if (stopped_) [[unlikely]]
      return;
    const uint64_t link = NextPc();
    frame_.returns->Push({link, ip_ + 1});
    SetRd(link);
    JumpTo(target);
  }
  // A JumpAndLinkRegister that goes where a call came from.
  void Return() {
    const uint64_t target_pc = Rs1() & ~uint64_t{1};
    const CodeCache::JumpEntry& expected = frame_.returns->Top();
    if (expected.pc == target_pc) [[likely]] {
      Op* const target = expected.op;
      frame_.returns->Pop();
      JumpTo(target);
      return;
    }
    if constexpr (kInline) {
      stopped_ = true;
    } else if (const CodeCache::JumpEntry* entry = FindEntry(target_pc)) {
      frame_.returns->Pop();
      JumpTo(entry->op);
    }
  }

  template <typename T>
  bool Accessible(memory::Access access, uint64_t addr) {
    const uint8_t wanted = access == memory::Access::kLoad ? memory::kFastLoad : memory::kFastStore;
    if (IsAddressOf<T>(addr) && (FlagsOf(addr) & wanted) != 0) [[likely]]
      return true;
    if constexpr (!kInline) {
      if (addr < memory::kAddressSpaceBytes &&
          (addr % memory::kPageBytes) + sizeof(T) <= memory::kPageBytes &&
          (flags_[addr >> memory::kPageShift] & wanted) != 0) {
        return true;
      }
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

  // Of fflags alone (CodeCache leaves all others to the reference step).
  void Csr(CsrOp op, uint64_t source, bool writes) {
    const uint64_t raised = fp::HostFpRaised();
    const uint64_t old = this->cpu_.fflags | *this->fflags_ | raised;
    *this->fflags_ = 0;
    const uint64_t value = !writes               ? old
                           : op == CsrOp::kWrite ? source
                           : op == CsrOp::kSet   ? old | source
                                                 : old & ~source;
    this->cpu_.fflags = static_cast<uint8_t>(value & kFflagsMask);
    // What stays raised on the hardware is raised again when it is collected, which often is right.
    if ((raised & ~value) != 0) fp::HostFpCollect();
    SetRd(old);
  }
  // Never translated to their own operation: the reference step does them.
  void Fence() { stopped_ = true; }
  void FenceI() { stopped_ = true; }
  void Ecall() { stopped_ = true; }
  void Ebreak() { stopped_ = true; }

  // The instruction could not be done here, and nothing was changed.
  bool stopped() const { return stopped_; }
  uint64_t rd() const { return rd_; }
  bool jumped() const { return jumped_; }
  Op* next() const { return next_; }

 private:
  // Whether what is rare is left to a context with HostFp.
  static constexpr bool kInline = std::is_same_v<FpPolicy, fp::InlineHostFp>;

  // Null, and stopped, where the table of jumps does not know it.
  const CodeCache::JumpEntry* FindEntry(uint64_t target) {
    const CodeCache::JumpEntry& entry = frame_.jumps[CodeCache::JumpIndex(target)];
    if (entry.pc == target) [[likely]]
      return &entry;
    stopped_ = true;
    return nullptr;
  }

  // Where an indirect jump leads, if it has not stopped.
  [[gnu::always_inline]] Op* FindTarget() {
    const uint64_t target = (Rs1() + this->Imm()) & ~uint64_t{1};
    [[maybe_unused]] const CodeCache::JumpEntry* way = nullptr;
    if constexpr (kInline) {
      way = WayTo(target);
      if (way->pc == target) [[likely]]
        return way->op;
    }
    const CodeCache::JumpEntry* const entry = FindEntry(target);
    if (entry == nullptr) [[unlikely]]
      return nullptr;
    if constexpr (!kInline) {
      frame_.cache->RememberWay(ip_, *entry);
    } else if (way->pc == CodeCache::kNoPc) {
      stopped_ = true;  // To be remembered there.
      return nullptr;
    }
    return entry->op;
  }

  // ways[WayOf(target)] of this jump. Where that is does not depend on the target as the processor
  // sees it, but on which case is taken: what follows goes on from the predicted one, while the
  // target is still being loaded.
  [[gnu::always_inline]] const CodeCache::JumpEntry* WayTo(uint64_t target) {
    const CodeCache::Ways& ways = frame_.ways[this->operands_.target];
    const CodeCache::JumpEntry* way = nullptr;
    switch (CodeCache::WayOf(target)) {
#define POLLUX_WAY(number) \
  case number:             \
    way = &ways[number];   \
    asm("" : "+r"(way));   \
    break;
#define POLLUX_WAYS(first) \
  POLLUX_WAY(first)        \
  POLLUX_WAY(first + 1)    \
  POLLUX_WAY(first + 2)    \
  POLLUX_WAY(first + 3)    \
  POLLUX_WAY(first + 4) POLLUX_WAY(first + 5) POLLUX_WAY(first + 6) POLLUX_WAY(first + 7)
      POLLUX_WAYS(0)
      POLLUX_WAYS(8)
      POLLUX_WAYS(16)
      POLLUX_WAYS(24)
#undef POLLUX_WAYS
#undef POLLUX_WAY
      default:
        __builtin_unreachable();
    }
    return way;
  }

  // Whether an aligned T can be there, within the address space. Rotated so that what must be zero
  // is on top of 32 bits: the bits of a misaligned address, and those above one.
  template <typename T>
  static bool IsAddressOf(uint64_t addr) {
    constexpr int kLow = std::countr_zero(sizeof(T));
    constexpr uint32_t kMost = (uint32_t{1} << (memory::kAddressBits - 32 - kLow)) - 1;
    const auto top = static_cast<uint32_t>(std::rotr(addr, 32 + kLow));
#if defined(__x86_64__)
    // What compilers make of it has a longer constant, for which processors take twice as long.
    bool more;
    asm("cmpl %[most], %[top]" : "=@cca"(more) : [top] "r"(top), [most] "i"(kMost));
    return !more;
#else
    return top <= kMost;
#endif
  }
  uint32_t FlagsOf(uint64_t addr) const {
    uint32_t flags = flags_[addr >> memory::kPageShift];
    asm("" : "+r"(flags));  // In a register it is tested and branched upon at once.
    return flags;
  }

  bool Deferred() const {
    if constexpr (kInline) {
      return (*this->fflags_ & fp::DeferredFp::kDeferred) != 0;
    } else {
      return false;
    }
  }
  void JumpTo(Op* target) {
    next_ = target;
    jumped_ = true;
  }

  const Frame& frame_;
  const uint8_t* flags_;
  uint64_t rs1_;
  uint64_t rs2_;
  uint64_t rd_ = 0;
  Op* ip_;
  Op* target_;
  Op* next_;
  bool stopped_ = false;
  bool jumped_ = false;
};

// Whether what `code` does has a result in an x register.
constexpr bool SetsRd(Bytecode code) {
  switch (code) {
    case Bytecode::kJump:
    case Bytecode::kReturn:
    case Bytecode::kGoto:
      return false;
    default:
      return static_cast<unsigned>(code) >= kBaseOpcodes ||
             RegistersOf(static_cast<Opcode>(code), Member::kRd) == RegisterClass::kX;
  }
}
template <Bytecode code>
inline constexpr bool kSetsRd = SetsRd(code);

// The effect of a code below Bytecode::kCount that is no fusion.
template <Bytecode code, typename C>
[[gnu::always_inline]] inline void RunEffect(C& c) {
  if constexpr (static_cast<unsigned>(code) < kBaseOpcodes) {
    Effect<static_cast<Opcode>(code)>::Run(c);
  } else {
    OperationEffect<code>::Run(c);
  }
}

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_BYTECODE_CONTEXT_H_
