#include "shims/fork_point.h"

#include "shims/syscall_table.h"

namespace pollux::shims {

ForkPoint ForkPointOf(const interp::Cpu& cpu) {
  // Asked before every call: the rows are looked for by name once.
  static const uint64_t kClone = FindSyscall("clone")->number;
  static const uint64_t kClone3 = FindSyscall("clone3")->number;
  static const uint64_t kPrctl = FindSyscall("prctl")->number;
  const uint64_t number = cpu.x[interp::kA7];
  if (number == kClone || number == kClone3) return ForkPoint::kMakesTask;
  const bool now = number == kPrctl &&
                   static_cast<uint32_t>(cpu.x[interp::kA0]) == kPrPolluxExplore &&
                   cpu.x[interp::kA1] == kExploreNow && cpu.x[interp::kA2] == 0 &&
                   cpu.x[interp::kA3] == 0 && cpu.x[interp::kA4] == 0;
  return now ? ForkPoint::kExploreNow : ForkPoint::kNone;
}

}  // namespace pollux::shims
