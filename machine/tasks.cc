// Harts: one a thread, with the registers and the engine of its memory.

#include <utility>

#include "abi/check.h"
#include "machine/machine_impl.h"

namespace pollux::machine {

using os_emu::Process;
using os_emu::Thread;

void Machine::Impl::OnClone(Thread&, Thread& child, const interp::Cpu& cpu) {
  auto hart = std::make_unique<Hart>();
  hart->cpu = cpu;
  Enter(*hart, *child.process().memory);
  harts_[&child] = std::move(hart);
}

void Machine::Impl::OnExploreHint(bool now) {
  // What has begun does not stop.
  if (choices_ == Choices::kNotYet && !now) choices_ = Choices::kHeld;
}

void Machine::Impl::Enter(Hart& hart, memory::AddressSpace& memory) {
  hart.memory = &memory;
  hart.engine = &engines_.Use(memory);
}

void Machine::Impl::Leave(Hart& hart) {
  if (hart.memory != nullptr) engines_.Release(*hart.memory);
  hart.memory = nullptr;
  hart.engine = nullptr;
}

Result<void> Machine::Impl::Exec(Thread& thread, shims::ExecRequest request) {
  std::string why;  // The guest has its errno.
  POLLUX_ASSIGN_OR_RETURN(ProcessImage image, BuildImage(thread, request, layout_random_, &why));
  if (image.exceeds_limits) {
    // The kernel notices beyond the point of no return (bprm_execve()).
    kernel_.EndProcess(thread.process(), {.signal = os_emu::kSigSegv});
    return {};
  }
  Start(thread, std::move(image));
  return {};
}

void Machine::Impl::Start(Thread& thread, ProcessImage image) {
  Hart& hart = *harts_.at(&thread);
  kernel_.Exec(thread, std::move(image.program));
  const uint64_t retired = hart.cpu.retired;
  hart.cpu = image.cpu;
  hart.cpu.retired = retired;
  Leave(hart);
  Enter(hart, *thread.process().memory);
}

void Machine::Impl::ReleaseEnded() {
  if (!kernel_.HasEnded()) return;
  kernel_.ReleaseEnded([this](Thread& thread) {
    const auto hart = harts_.find(&thread);
    if (hart != harts_.end()) {
      Leave(*hart->second);
      harts_.erase(hart);
    }
    if (last_thread_ == &thread) last_thread_ = nullptr;
    for (KnownHart& known : known_harts_) {
      if (known.thread == &thread) known = {};
    }
  });
}

}  // namespace pollux::machine
