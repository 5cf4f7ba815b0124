#include "os_emu/task/cpu_limit.h"

#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// Saturates: no limit.
Nanos Seconds(uint64_t seconds) {
  if (seconds >= INT64_MAX / kNanosPerSecond) return kNanosMax;
  return Nanos{static_cast<int64_t>(seconds) * kNanosPerSecond};
}

}  // namespace

void CpuLimit::Update() {
  Disarm();
  const Nanos soft = Seconds(process_.rlimits[kRlimitCpu].soft);
  if (soft != kNanosMax) Arm(TimeBase::kMonotonic, soft);
}

void CpuLimit::OnExpire() {
  Rlimit& limit = process_.rlimits[kRlimitCpu];
  SignalInfo info;
  info.code = kSiKernel;
  if (process_.cpu_clock->now() >= Seconds(limit.hard)) {
    info.signal = kSigKill;
    process_.kernel().RaiseSignal(process_, info);
    return;
  }
  ++limit.soft;
  info.signal = kSigXcpu;
  process_.kernel().RaiseSignal(process_, info);
  Update();
}

}  // namespace pollux::os_emu
