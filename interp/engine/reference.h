// ReferenceStep: fetches, decodes and executes one instruction, integer-only in its floating point.
// The truth that the fast engine is tested against, and its slow path: whatever the bytecode does
// not do itself is done here, once.
#ifndef POLLUX_INTERP_ENGINE_REFERENCE_H_
#define POLLUX_INTERP_ENGINE_REFERENCE_H_

#include <optional>

#include "interp/engine/engine.h"

namespace pollux::interp {

class ReferenceStep {
 public:
  // Both must outlive it.
  ReferenceStep(memory::AddressSpace& memory, Counters& counters)
      : memory_(memory), counters_(counters) {}

  // Retires the instruction at cpu.pc, or says why it could not. An ecall is retired and stops.
  std::optional<Stop> Step(Cpu& cpu);

 private:
  memory::AddressSpace& memory_;
  Counters& counters_;
};

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_REFERENCE_H_
