#include "interp/engine/reference.h"

#include "interp/engine/context.h"
#include "interp/isa/decoder.h"
#include "interp/isa/effects.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

// The CSRs that user mode has (RISC-V manual, chapter "CSR listing").
enum CsrNumber : uint32_t {
  kCsrFrm = 0x002,
  kCsrFcsr = 0x003,
  kCsrCycle = 0xc00,
  kCsrTime = 0xc01,
  kCsrInstret = 0xc02,
};

class ReferenceContext : public OperandContext<ReferenceContext, Instruction, fp::SoftFp> {
 public:
  ReferenceContext(Cpu& cpu, const Instruction& instruction, memory::AddressSpace& memory,
                   Counters& counters)
      : OperandContext(cpu, instruction, memory.base(), &new_flags_),
        memory_(memory),
        counters_(counters),
        next_pc_(cpu.pc + instruction.length) {}

  uint64_t Rs1() const { return cpu_.x[operands_.rs1]; }
  uint64_t Rs2() const { return cpu_.x[operands_.rs2]; }
  void SetRd(uint64_t value) {
    if (operands_.rd != 0) cpu_.x[operands_.rd] = value;
  }
  fp::RoundingMode Rm() const { return RmOfFields(); }

  uint64_t Pc() const { return cpu_.pc; }
  uint64_t NextPc() const { return cpu_.pc + operands_.length; }
  void Branch(bool taken) {
    if (taken) next_pc_ = Pc() + Imm();
  }
  void JumpAndLink() {
    next_pc_ = Pc() + Imm();
    SetRd(NextPc());
  }
  void JumpAndLinkRegister() {
    const uint64_t target = (Rs1() + Imm()) & ~uint64_t{1};
    SetRd(NextPc());
    next_pc_ = target;
  }

  template <typename T>
  bool Accessible(memory::Access access, uint64_t addr) {
    memory::Fault fault;
    if (memory_.Prepare(access, GuestAddr{addr}, sizeof(T), &fault)) return true;
    stop_ = Stop{.reason = StopReason::kFault, .access = access, .fault = fault};
    return false;
  }
  template <typename T>
  bool Aligned(memory::Access access, uint64_t addr) {
    if (addr % sizeof(T) == 0) return true;
    stop_ = Stop{.reason = StopReason::kMisaligned, .access = access, .fault = {.addr = {addr}}};
    return false;
  }

  void Csr(CsrOp op, uint64_t source, bool writes) {
    const std::optional<uint64_t> old = ReadCsr(static_cast<uint32_t>(Imm()), writes);
    if (!old.has_value()) {
      stop_ = Stop{.reason = StopReason::kIllegal, .bits = operands_.bits};
      return;
    }
    if (writes) {
      const uint64_t value = op == CsrOp::kWrite ? source
                             : op == CsrOp::kSet ? (*old | source)
                                                 : (*old & ~source);
      WriteCsr(static_cast<uint32_t>(Imm()), value);
    }
    SetRd(*old);
  }
  // One host thread runs all harts, one instruction at a time: memory is sequentially consistent.
  void Fence() {}
  // Stores to translated code take effect at once (AddressSpace::Prepare), so there is nothing left
  // to do.
  void FenceI() {}
  void Ecall() { stop_ = Stop{.reason = StopReason::kEcall}; }
  void Ebreak() { stop_ = Stop{.reason = StopReason::kEbreak}; }

  // Whether an effect with a rounding mode can run at all.
  bool RmValid() const { return Rm() <= fp::kRmm; }

  // Ends the instruction: its stop if it has one, else its results become the hart's.
  std::optional<Stop> Finish() {
    if (stop_.has_value() && stop_->reason != StopReason::kEcall) return stop_;
    cpu_.fflags |= static_cast<uint8_t>(new_flags_);
    cpu_.pc = next_pc_;
    ++cpu_.retired;
    return stop_;
  }

 private:
  std::optional<uint64_t> ReadCsr(uint32_t number, bool writes) {
    switch (number) {
      case kCsrFflags:
        return cpu_.fflags;
      case kCsrFrm:
        return cpu_.frm;
      case kCsrFcsr:
        return uint64_t{cpu_.frm} << 5 | cpu_.fflags;
      default:
        break;
    }
    if (writes)
      return std::nullopt;  // The counters are read-only: bits 11:10 of their numbers are 11.
    switch (number) {
      case kCsrCycle:
        return counters_.Cycle(cpu_);
      case kCsrTime:
        return counters_.Time(cpu_);
      case kCsrInstret:
        return counters_.Instret(cpu_);
      default:
        return std::nullopt;
    }
  }
  void WriteCsr(uint32_t number, uint64_t value) {
    if (number != kCsrFrm) cpu_.fflags = value & 0x1f;
    if (number == kCsrFrm) cpu_.frm = value & 7;
    if (number == kCsrFcsr) cpu_.frm = (value >> 5) & 7;
  }

  memory::AddressSpace& memory_;
  Counters& counters_;
  uint64_t next_pc_;
  uint32_t new_flags_ = 0;
  std::optional<Stop> stop_;
};

// One function an opcode, found by number.
using Execute = void (*)(ReferenceContext&);
constexpr Execute kExecute[] = {
    nullptr,  // kIllegal
#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) \
  [](ReferenceContext& c) { Effect<Opcode::k##id>::Run(c); },
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED
};

}  // namespace

std::optional<Stop> ReferenceStep::Step(Cpu& cpu) {
  uint16_t halfwords[2] = {0, 0};
  memory::Fault fault;
  const unsigned bytes = memory_.Fetch(GuestAddr{cpu.pc}, halfwords, &fault);
  if (bytes == 0)
    return Stop{.reason = StopReason::kFault, .access = memory::Access::kFetch, .fault = fault};
  const bool compressed = (halfwords[0] & 3) != 3;
  if (!compressed && bytes == 2) {
    // The second half is on a page that cannot be executed: that page's address is the one that
    // faults.
    memory_.Fetch(GuestAddr{cpu.pc + 2}, halfwords, &fault);
    return Stop{.reason = StopReason::kFault, .access = memory::Access::kFetch, .fault = fault};
  }
  const uint32_t bits = compressed ? halfwords[0] : uint32_t{halfwords[1]} << 16 | halfwords[0];
  const Instruction instruction = Decode(bits);
  if (instruction.opcode == Opcode::kIllegal)
    return Stop{.reason = StopReason::kIllegal, .bits = bits};

  ReferenceContext context(cpu, instruction, memory_, counters_);
  if (HasRoundingMode(instruction.opcode) && !context.RmValid()) {
    return Stop{.reason = StopReason::kIllegal, .bits = bits};
  }
  kExecute[static_cast<unsigned>(instruction.opcode)](context);
  return context.Finish();
}

}  // namespace pollux::interp
