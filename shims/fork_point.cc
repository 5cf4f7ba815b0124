#include "shims/fork_point.h"

namespace pollux::shims {

ForkPoint ForkPointOf(const interp::Cpu& cpu) {
  constexpr uint64_t kPrctl = 167, kClone = 220, kClone3 = 435;
  constexpr int kA0 = 10, kA1 = 11, kA7 = 17;
  switch (cpu.x[kA7]) {
    case kClone:
    case kClone3:
      return ForkPoint::kMakesTask;
    case kPrctl:
      return static_cast<uint32_t>(cpu.x[kA0]) == kPrPolluxExplore && cpu.x[kA1] == kExploreNow
                 ? ForkPoint::kExploreNow
                 : ForkPoint::kNone;
    default:
      return ForkPoint::kNone;
  }
}

}  // namespace pollux::shims
