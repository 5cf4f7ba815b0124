#include "shims/cpu_clocks.h"

#include "os_emu/task/kernel.h"
#include "os_emu/time/clock.h"

namespace pollux::shims {

std::optional<CpuClockName> FindCpuClock(SyscallContext& context, int32_t id, bool gettime) {
  constexpr int32_t kPerThread = 4, kClockMask = 3, kScheduled = 2;
  const os_emu::Thread& caller = context.thread();
  const os_emu::Process& process = context.process();
  if (id == static_cast<int32_t>(os_emu::ClockId::kProcessCpu))
    return CpuClockName{.clock = process.cpu_clock, .of_caller = true};
  if (id == static_cast<int32_t>(os_emu::ClockId::kThreadCpu))
    return CpuClockName{.clock = caller.cpu_clock, .of_thread = true, .of_caller = true};
  if (id >= 0 || (id & kClockMask) > kScheduled) return std::nullopt;
  const bool coarse = (id & kClockMask) != kScheduled;
  const Tid number{~(id >> 3)};
  if ((id & kPerThread) != 0) {
    const os_emu::Thread* thread = number == Tid{0} ? &caller : context.kernel().FindTask(number);
    if (thread == nullptr || &thread->process() != &process) return std::nullopt;
    return CpuClockName{.clock = thread->cpu_clock,
                        .of_thread = true,
                        .of_caller = thread == &caller,
                        .coarse = coarse};
  }
  const bool own = number == Tid{0} || (gettime && number == caller.tid());
  const os_emu::Process* named = own ? &process : context.kernel().FindProcess(number);
  if (named == nullptr) return std::nullopt;
  return CpuClockName{.clock = named->cpu_clock, .of_caller = own, .coarse = coarse};
}

}  // namespace pollux::shims
