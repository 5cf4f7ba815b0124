// Registers: what is known of a frame's registers while a stack is unwound.
#ifndef POLLUX_MACHINE_STACK_REGISTERS_H_
#define POLLUX_MACHINE_STACK_REGISTERS_H_

#include <array>
#include <cstdint>
#include <optional>

#include "interp/engine/cpu.h"
#include "memory/address_space.h"

namespace pollux::machine {

inline constexpr int kS0 = 8;
inline constexpr int kIntegerRegisters = 32;

// The registers that a function gives back as it found them: sp, gp, tp, s0 to s11. A bit each.
inline constexpr uint32_t kCalleeSaved =
    1u << interp::kSp | 1u << interp::kGp | 1u << interp::kTp | 3u << 8 | 0x3ffu << 18;

struct Registers {
  uint64_t pc = 0;
  std::array<uint64_t, kIntegerRegisters> x{};
  uint32_t known = 0;  // A bit a register.

  bool Knows(int number) const { return (known >> number & 1) != 0; }
  void Set(int number, uint64_t value) {
    x[number] = value;
    known |= 1u << number;
  }
};

inline std::optional<uint64_t> ReadWord(memory::AddressSpace& memory, uint64_t address) {
  const Result<uint64_t> word = memory.ReadObject<uint64_t>(GuestAddr{address});
  if (!word.ok()) return std::nullopt;
  return *word;
}

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_REGISTERS_H_
