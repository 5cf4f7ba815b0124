#include "interp/fp/host_fp.h"

// All these functions are out of line on purpose: calls that the compiler cannot see into, across
// which it moves no Pin.

namespace pollux::interp::fp {

#if !POLLUX_HOST_FP_HARDWARE

void HostFpEnter() {}
uint32_t HostFpRaised() { return 0; }
uint32_t HostFpCollect() { return 0; }

#else

namespace {

// MXCSR: all exceptions masked, round to nearest even, neither DAZ nor FTZ, no flag set.
constexpr uint32_t kMxcsrDefault = 0x1f80;
// Its sticky flags; bit 1 (denormal operand) is x86's own and says nothing to a guest.
constexpr uint32_t kMxcsrInvalid = 1 << 0;
constexpr uint32_t kMxcsrDivideByZero = 1 << 2;
constexpr uint32_t kMxcsrOverflow = 1 << 3;
constexpr uint32_t kMxcsrUnderflow = 1 << 4;
constexpr uint32_t kMxcsrPrecision = 1 << 5;
constexpr uint32_t kMxcsrAllFlags = 0x3f;

bool DetectFma() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("fma");
}

}  // namespace

// Still false while other static initialisers run, which costs only speed.
const bool g_host_has_fma = DetectFma();

// Writing it takes longer than looking whether it is right, which it mostly is.
void HostFpEnter() {
  if (_mm_getcsr() != kMxcsrDefault) _mm_setcsr(kMxcsrDefault);
}

namespace {

uint32_t FlagsOf(uint32_t mxcsr) {
  if ((mxcsr & kMxcsrAllFlags) == 0) return 0;
  uint32_t flags = 0;
  if (mxcsr & kMxcsrInvalid) flags |= kFlagNv;
  if (mxcsr & kMxcsrDivideByZero) flags |= kFlagDz;
  if (mxcsr & kMxcsrOverflow) flags |= kFlagOf;
  if (mxcsr & kMxcsrUnderflow) flags |= kFlagUf;
  if (mxcsr & kMxcsrPrecision) flags |= kFlagNx;
  return flags;
}

}  // namespace

uint32_t HostFpRaised() { return FlagsOf(_mm_getcsr()); }

uint32_t HostFpCollect() {
  const uint32_t mxcsr = _mm_getcsr();
  if ((mxcsr & kMxcsrAllFlags) != 0) _mm_setcsr(mxcsr & ~kMxcsrAllFlags);
  return FlagsOf(mxcsr);
}

#endif  // POLLUX_HOST_FP_HARDWARE

}  // namespace pollux::interp::fp
