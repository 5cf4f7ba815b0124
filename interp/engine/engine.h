// Engine: runs one hart on one address space until something needs the kernel. Two of them from the
// same instruction rows: the reference step decodes each instruction anew and is the truth; the
// fast engine runs pre-decoded, fused bytecode and is the speed. Both stop at exactly the same
// instruction with exactly the same state.
#ifndef POLLUX_INTERP_ENGINE_ENGINE_H_
#define POLLUX_INTERP_ENGINE_ENGINE_H_

#include <cstdint>
#include <memory>

#include "interp/engine/cpu.h"
#include "interp/engine/next_access.h"
#include "memory/address_space.h"

namespace pollux::interp {

enum class StopReason {
  kBudget,   // `budget` instructions were retired.
  kEcall,    // cpu.pc is at the instruction after the ecall, which is retired.
  kEbreak,   // cpu.pc is at the ebreak.
  kIllegal,  // cpu.pc is at the illegal instruction; Stop::bits holds its encoding.
  kFault,    // cpu.pc is at the faulting instruction, which changed nothing; Stop::fault and access
             // say why.
  kMisaligned,  // As kFault: an LR, SC or AMO at an address that is not a multiple of its size;
                // fault.addr is the address.
};

struct Stop {
  StopReason reason = StopReason::kBudget;
  memory::Access access = memory::Access::kLoad;
  memory::Fault fault = {};
  uint32_t bits = 0;
};

// What rdcycle, rdtime and rdinstret read. Called in the middle of Run with the hart's cpu.retired
// up to date.
class Counters {
 public:
  virtual ~Counters() = default;
  virtual uint64_t Cycle(const Cpu& cpu) = 0;
  virtual uint64_t Time(const Cpu& cpu) = 0;
  virtual uint64_t Instret(const Cpu& cpu) = 0;
  // So many operations of the bytecode were run; the reference step was asked for an instruction.
  // Only the counting engine tells.
  virtual void CountOperations(uint64_t) {}
  virtual void CountReferenceStep() {}
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Retires at most `budget` (> 0) instructions.
  virtual Stop Run(Cpu& cpu, uint64_t budget) = 0;
  // What Run() will do next that others could see. Changes nothing that a guest could see.
  virtual Ahead LookAhead(const Cpu& cpu) = 0;
  // The memory may have changed without having told.
  virtual void Forget() = 0;
  // Its memory is about to end: nothing of it is touched any more, until Attach() says that it is
  // there again, at the same address.
  virtual void Detach() = 0;
  virtual void Attach() = 0;
};

enum class EngineKind {
  kReference,
  kFast,      // By the best dispatch that this build has (engine/dispatch.h).
  kGotos,     // The fast engine by computed gotos, which every build has.
  kCounting,  // What the fast engine runs, an operation after the other, and counted.
};

// `memory` and `counters` must outlive the engine. One engine per address space; it serves all its
// harts.
std::unique_ptr<Engine> MakeEngine(EngineKind kind, memory::AddressSpace& memory,
                                   Counters& counters);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_ENGINE_H_
