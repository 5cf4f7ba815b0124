#include "machine/host_clock.h"

#include <ctime>
#include <optional>

namespace pollux::machine {
namespace {

// The two clocks are adjusted alike; more than this between two looks means that one was set.
constexpr int64_t kStepNanos = 1'000'000;
// How close two readings of CLOCK_MONOTONIC must be, so that the one of CLOCK_REALTIME between them
// is comparable: the host may take the processor away at any time.
constexpr int64_t kCloseNanos = 100'000;
constexpr int kTries = 10;

Nanos Read(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return {now.tv_sec * kNanosPerSecond + now.tv_nsec};
}

std::optional<Nanos> RealtimeAhead() {
  for (int i = 0; i < kTries; ++i) {
    const Nanos before = Read(CLOCK_MONOTONIC);
    const Nanos realtime = Read(CLOCK_REALTIME);
    const Nanos after = Read(CLOCK_MONOTONIC);
    if ((after - before).value <= kCloseNanos) return realtime - before;
  }
  return std::nullopt;
}

}  // namespace

HostClock::HostClock(os_emu::Kernel& kernel)
    : kernel_(kernel),
      boot_(Read(CLOCK_MONOTONIC) - kernel.clock().Monotonic()),
      host_ahead_(RealtimeAhead().value_or(Read(CLOCK_REALTIME) - Read(CLOCK_MONOTONIC))) {
  kernel_.SetRealtime(kernel_.clock().Monotonic() + boot_ + host_ahead_);
}

void HostClock::Tell() { kernel_.clock().AdvanceTo(Read(CLOCK_MONOTONIC) - boot_); }

void HostClock::TellAndFollowSteps() {
  Tell();
  const std::optional<Nanos> ahead = RealtimeAhead();
  if (!ahead.has_value()) return;
  const Nanos step = *ahead - host_ahead_;
  if (step.value < kStepNanos && step.value > -kStepNanos) return;
  host_ahead_ = *ahead;
  // The guest may have set its own clock: it moves by as much.
  kernel_.SetRealtime(kernel_.clock().Realtime() + step);
}

}  // namespace pollux::machine
