// Where a run's choices begin: the system calls that make a second thread or process, or, where the
// guest asks for it, the hint that it gives: prctl(PR_POLLUX_EXPLORE, when, 0, 0, 0). It is
// harmless elsewhere: Linux answers EINVAL to an option that it does not know.
#ifndef POLLUX_SHIMS_FORK_POINT_H_
#define POLLUX_SHIMS_FORK_POINT_H_

#include <cstdint>

#include "interp/engine/cpu.h"

namespace pollux::shims {

// The option: "plux".
inline constexpr uint32_t kPrPolluxExplore = 0x706c7578;
// Its second argument. Later: given while there is one thread; all run in order until kExploreNow.
inline constexpr uint64_t kExploreLater = 0, kExploreNow = 1;

// What the system call that a thread is about to make means for the fork point; registers as at the
// ecall.
enum class ForkPoint { kNone, kMakesTask, kExploreNow };
ForkPoint ForkPointOf(const interp::Cpu& cpu);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_FORK_POINT_H_
