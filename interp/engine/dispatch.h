// The ways to run bytecode. Two for speed: a loop of computed gotos, for any compiler that has
// them, and handlers that call each other in tail position, for compilers that can keep the state
// of the guest in registers across such calls (clang's musttail and preserve_none).
//
// How instructions are counted: `stop` is the address of the Op at which the budget would end, but
// for kMargin, if the code went straight on. Straight-line code leaves it alone; a jump by d Ops
// moves it by d - 1, so (stop - ip) is always what is left. Only jumps and gotos look at it, and
// straight-line code is at most kStraightOps long.
#ifndef POLLUX_INTERP_ENGINE_DISPATCH_H_
#define POLLUX_INTERP_ENGINE_DISPATCH_H_

#include <cstdint>

#include "interp/bytecode/code_cache.h"
#include "interp/engine/bytecode_context.h"
#include "interp/engine/cpu.h"

namespace pollux::interp {

// With fewer instructions left than this, the budget could end inside straight-line code.
inline constexpr uint64_t kMargin = CodeCache::kStraightOps + 2;

// Runs bytecode from frame.ip on until an Op that it does not do itself, which frame.ip is then, or
// until less than kMargin is left before frame.stop. The hart's pc and its count of instructions
// are not brought up to date, all else is.
void RunGotos(Frame& frame, uint8_t* base, const uint8_t* flags);
// Needs a CodeCache with TailCallHandlerOf, and a host for which TailCallsWork().
void RunTailCalls(Frame& frame, uint8_t* base, const uint8_t* flags);
// As these, but each operation by itself, and until exactly frame.stop is reached: kMargin does not
// count.
void RunOneByOne(Frame& frame, uint8_t* base, const uint8_t* flags);
// As RunOneByOne. Returns how many operations the others would have run for it, to which a fusion
// is one.
uint64_t RunCounted(Frame& frame, uint8_t* base, const uint8_t* flags);
// A CodeCache::HandlerOf.
uint32_t TailCallHandlerOf(Bytecode code);
// Whether this build has RunTailCalls and this processor can run it.
bool TailCallsWork();

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_ENGINE_DISPATCH_H_
