// OperandContext: what the execution contexts of both engines share (isa/effects.h says what a
// context offers): operands out of the register files, and memory instructions on top of one check
// that each engine answers in its own way.
//
// Operands is Instruction (reference step) or Op (bytecode): both have rd, rs1, rs2, rs3, rm and
// imm. FpPolicy is SoftFp or HostFp. Derived adds:
//   Rs1(), Rs2(), SetRd()                              x registers
//   Rm()                                               the rounding mode
//   bool Accessible<T>(memory::Access, uint64_t addr)  sizeof(T) bytes can be accessed there, else
//                                                      the instruction stops
//   bool Aligned<T>(memory::Access, uint64_t addr)     as atomics need it, else it stops
//   control transfers, Pc(), NextPc(), Csr(), Fence() ...
#ifndef POLLUX_INTERP_ENGINE_CONTEXT_H_
#define POLLUX_INTERP_ENGINE_CONTEXT_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "interp/engine/cpu.h"
#include "interp/fp/soft_fp.h"
#include "interp/isa/instruction.h"
#include "memory/address_space.h"

namespace pollux::interp {

template <typename Derived, typename Operands, typename FpPolicy>
class OperandContext {
 public:
  using Fp = FpPolicy;

  OperandContext(Cpu& cpu, const Operands& operands, uint8_t* base, uint32_t* fflags)
      : cpu_(cpu), operands_(operands), base_(base), fflags_(fflags) {}

  uint64_t Rs1Number() const { return operands_.rs1; }
  int64_t Imm() const { return operands_.imm; }

  // ---- f registers.
  uint32_t Fs1S() const { return fp::UnboxF32(cpu_.f[operands_.rs1]); }
  uint32_t Fs2S() const { return fp::UnboxF32(cpu_.f[operands_.rs2]); }
  uint32_t Fs3S() const { return fp::UnboxF32(cpu_.f[operands_.rs3]); }
  uint64_t Fs1D() const { return cpu_.f[operands_.rs1]; }
  uint64_t Fs2D() const { return cpu_.f[operands_.rs2]; }
  uint64_t Fs3D() const { return cpu_.f[operands_.rs3]; }
  uint64_t Fs1Raw() const { return cpu_.f[operands_.rs1]; }
  uint64_t Fs2Raw() const { return cpu_.f[operands_.rs2]; }
  void SetFdS(uint32_t value) { cpu_.f[operands_.rd] = fp::BoxF32(value); }
  void SetFdD(uint64_t value) { cpu_.f[operands_.rd] = value; }
  uint32_t* Flags() const { return fflags_; }

  // ---- Memory.
  template <typename T>
  void Load() {
    T value;
    if (LoadValue(derived().Rs1() + Imm(), &value)) derived().SetRd(Extend(value));
  }
  template <typename T>
  void Store() {
    StoreValue(derived().Rs1() + Imm(), static_cast<T>(derived().Rs2()));
  }
  template <typename T>
  void LoadFp() {
    T value;
    if (!LoadValue(derived().Rs1() + Imm(), &value)) return;
    if constexpr (sizeof(T) == 4) {
      SetFdS(value);
    } else {
      SetFdD(value);
    }
  }
  template <typename T>
  void StoreFp() {
    StoreValue(derived().Rs1() + Imm(), static_cast<T>(Fs2Raw()));
  }
  template <typename T>
  void LoadReserved() {
    const uint64_t addr = derived().Rs1();
    T value;
    if (!derived().template Aligned<T>(memory::Access::kLoad, addr) || !LoadValue(addr, &value))
      return;
    cpu_.reservation = {addr, sizeof(T)};
    derived().SetRd(Extend(value));
  }
  template <typename T>
  void StoreConditional() {
    const uint64_t addr = derived().Rs1();
    if (!derived().template Aligned<T>(memory::Access::kStore, addr)) return;
    const bool reserved = cpu_.reservation.bytes == sizeof(T) && cpu_.reservation.addr == addr;
    if (reserved && !StoreValue(addr, static_cast<T>(derived().Rs2()))) return;
    cpu_.reservation = {};
    derived().SetRd(reserved ? 0 : 1);
  }
  template <typename T, typename F>
  void Amo(F modify) {
    const uint64_t addr = derived().Rs1();
    T old;
    // The store permission alone decides: on RISC-V a writable page is readable.
    if (!derived().template Aligned<T>(memory::Access::kStore, addr) ||
        !derived().template Accessible<T>(memory::Access::kStore, addr)) {
      return;
    }
    std::memcpy(&old, base_ + addr, sizeof(T));
    const T result = static_cast<T>(modify(old, static_cast<T>(derived().Rs2())));
    std::memcpy(base_ + addr, &result, sizeof(T));
    derived().SetRd(Extend(old));
  }

 protected:
  template <typename T>
  static uint64_t Extend(T value) {
    if constexpr (std::is_signed_v<T>) {
      return static_cast<uint64_t>(static_cast<int64_t>(value));
    } else {
      return value;
    }
  }
  template <typename T>
  bool LoadValue(uint64_t addr, T* value) {
    if (!derived().template Accessible<T>(memory::Access::kLoad, addr)) return false;
    std::memcpy(value, base_ + addr, sizeof(T));
    return true;
  }
  template <typename T>
  bool StoreValue(uint64_t addr, T value) {
    if (!derived().template Accessible<T>(memory::Access::kStore, addr)) return false;
    std::memcpy(base_ + addr, &value, sizeof(T));
    return true;
  }

  // What an instruction's fields say, where nothing better is known.
  fp::RoundingMode RmOfFields() const {
    return static_cast<fp::RoundingMode>(operands_.rm == kRmDynamic ? cpu_.frm : operands_.rm);
  }

  Derived& derived() { return static_cast<Derived&>(*this); }

  Cpu& cpu_;
  const Operands& operands_;
  uint8_t* base_;
  uint32_t* fflags_;
};

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_CONTEXT_H_
