// Effect<opcode>: what a base instruction does, from its row in instructions.inc, on any execution
// context.
//
// A context C is how an engine gives operands and takes results; the reference step and the fast
// engine have one each. It offers:
//   uint64_t Rs1(), Rs2()            values of x registers (x0 reads 0)
//   void SetRd(uint64_t)             x register; writing x0 does nothing
//   int64_t Imm()                    the immediate, sign-extended
//   uint64_t Rs1Number()             the rs1 field itself (csrr*i: the immediate)
//   uint64_t Pc(), NextPc()          address of this instruction and of the following one
//   void Branch(bool taken)          to Pc() + Imm() if taken
//   void JumpAndLink()               rd = NextPc(); to Pc() + Imm()
//   void JumpAndLinkRegister()       t = (Rs1() + Imm()) & ~1; rd = NextPc(); to t
//   void Load<T>()                   rd = memory at Rs1() + Imm(), extended as T (int8_t ...
//   uint64_t) says void Store<T>()                  memory at Rs1() + Imm() = low bits of Rs2()
//   void LoadFp<T>()                 T uint32_t (NaN-boxed) or uint64_t: fd = memory at Rs1() +
//   Imm() void StoreFp<T>()                memory at Rs1() + Imm() = low bits of fs2, as they are
//   void LoadReserved<T>()           T int32_t or int64_t: lr at Rs1()
//   void StoreConditional<T>()       sc at Rs1()
//   void Amo<T>(f)                   rd = old = memory at Rs1() as T (signed, sign-extended);
//   memory = f(old, T(Rs2()))
//                                    where f takes and gives the unsigned type of T's size or T,
//                                    converted
//   void Csr(CsrOp, uint64_t source, bool writes)   Imm() is the CSR; writes is false for csrrs/c
//   with a zero source field void Fence(), FenceI(), Ecall(), Ebreak() typename C::Fp the
//   arithmetic: fp::SoftFp or fp::HostFp (interp/fp) uint32_t Fs1S(), Fs2S(), Fs3S()  f registers
//   as binary32, unboxed (canonical NaN where not boxed) uint64_t Fs1D(), Fs2D(), Fs3D()  f
//   registers as binary64 uint64_t Fs1Raw(), Fs2Raw()      f registers' bits as they are (fmv.x.w)
//   void SetFdS(uint32_t)            boxes
//   void SetFdD(uint64_t)
//   fp::RoundingMode Rm()            the instruction's rounding mode, frm where it says dynamic;
//   always valid: the engine
//                                    has raised an illegal instruction before the effect otherwise
//   uint32_t* Flags()                where SoftFp and HostFp add exception flags
// An effect that faults (memory) has changed nothing; the context records the fault, and an effect
// does nothing after an access. An effect reads all its operands before it writes a result.
#ifndef POLLUX_INTERP_ISA_EFFECTS_H_
#define POLLUX_INTERP_ISA_EFFECTS_H_

#include <cstdint>

#include "interp/fp/soft_fp.h"
#include "interp/isa/arithmetic.h"
#include "interp/isa/instruction.h"

namespace pollux::interp {

enum class CsrOp { kWrite, kSet, kClear };

template <Opcode opcode>
struct Effect;

#define INSTRUCTION(id, mnemonic, format, match, mask, extension, ...) \
  template <>                                                          \
  struct Effect<Opcode::k##id> {                                       \
    template <typename C>                                              \
    [[gnu::always_inline]] static void Run(C& c) {                     \
      __VA_ARGS__;                                                     \
    }                                                                  \
  };
#define COMPRESSED(id, mnemonic, format, match, mask, base)
#include "interp/isa/instructions.inc"
#undef INSTRUCTION
#undef COMPRESSED

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ISA_EFFECTS_H_
