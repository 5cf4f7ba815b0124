// Cpu: the architectural state of one hart (a guest thread's registers). Plain data: copying it
// copies the thread's state.
#ifndef POLLUX_INTERP_ENGINE_CPU_H_
#define POLLUX_INTERP_ENGINE_CPU_H_

#include <array>
#include <cstdint>

namespace pollux::interp {

// The reservation of lr.w/lr.d (RISC-V manual, chapter A). sc succeeds only at the same address and
// size. Broken by any sc and by a trap into the kernel; the machine breaks it where another hart
// has run since, which may have stored there.
struct Reservation {
  uint64_t addr = 0;
  uint8_t bytes = 0;  // 4 or 8; 0: none.
};

struct Cpu {
  // x[0] is always 0. x[kSink] takes what the fast engine writes to x0; nothing reads it.
  std::array<uint64_t, 33> x{};
  std::array<uint64_t, 32> f{};  // Raw bits; binary32 values are NaN-boxed.
  uint64_t pc = 0;
  uint8_t fflags = 0;  // NV DZ OF UF NX, as in fcsr.
  uint8_t frm = 0;  // Rounding mode; 5 to 7 are invalid and make dynamic FP instructions illegal.
  Reservation reservation;
  uint64_t retired =
      0;  // Instructions retired by this hart. An instruction that faults is not; ecall is.
};

inline constexpr int kSink = 32;

// Where fflags is among the CSRs, and its bits.
inline constexpr uint32_t kCsrFflags = 0x001;
inline constexpr uint64_t kFflagsMask = 0x1f;

// Register numbers of the calling convention.
inline constexpr int kRa = 1, kSp = 2, kGp = 3, kTp = 4, kA0 = 10, kA1 = 11, kA2 = 12, kA3 = 13,
                     kA4 = 14, kA5 = 15, kA7 = 17;

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_CPU_H_
