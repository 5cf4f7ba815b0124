// InProcessKernel: the emulated kernel under a walk in the same process: the system-call ABI, one
// process with one thread, some memory, and no interpreter.
#ifndef POLLUX_TESTSUITE_FUZZ_IN_PROCESS_KERNEL_H_
#define POLLUX_TESTSUITE_FUZZ_IN_PROCESS_KERNEL_H_

#include <array>
#include <cstdint>
#include <memory>

#include "testsuite/fuzz/kernel.h"

namespace fuzz {

class InProcessKernel final : public Kernel {
 public:
  InProcessKernel();
  ~InProcessKernel() override;

  // CHECK-fails where the call would wait for ever.
  int64_t Call(Sys call, std::initializer_list<uint64_t> args) override;
  uint8_t* memory() override;
  uint64_t Address(const void* place) override;
  bool packed_events() const override { return false; }

 private:
  struct World;
  std::unique_ptr<World> world_;
};

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_IN_PROCESS_KERNEL_H_
