// Fingerprint: where threads are, as a number that costs microseconds: alike where they came to the
// same places by the same ways, and almost never otherwise. For who meets one end of a guest
// thousands of times, and wants its stacks once.
#ifndef POLLUX_MACHINE_FINGERPRINT_H_
#define POLLUX_MACHINE_FINGERPRINT_H_

#include <cstdint>
#include <span>

#include "machine/thread_stacks.h"

namespace pollux::machine {

// Of their program counters, and of the addresses of code that lie on their stacks (return
// addresses, and what is left of earlier ones). The same in one process of pollux only.
uint64_t FingerprintOf(std::span<const StackSubject> subjects);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_FINGERPRINT_H_
