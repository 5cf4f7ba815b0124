#include "shims/fork_point.h"

#include <string_view>

#include "shims/syscall_table.h"

namespace pollux::shims {

ForkPoint ForkPointOf(const interp::Cpu& cpu) {
  const SyscallRow* row = FindSyscall(cpu.x[interp::kA7]);
  if (row == nullptr) return ForkPoint::kNone;
  const std::string_view name = row->name;
  if (name == "clone" || name == "clone3") return ForkPoint::kMakesTask;
  const bool now = name == "prctl" &&
                   static_cast<uint32_t>(cpu.x[interp::kA0]) == kPrPolluxExplore &&
                   cpu.x[interp::kA1] == kExploreNow && cpu.x[interp::kA2] == 0 &&
                   cpu.x[interp::kA3] == 0 && cpu.x[interp::kA4] == 0;
  return now ? ForkPoint::kExploreNow : ForkPoint::kNone;
}

}  // namespace pollux::shims
