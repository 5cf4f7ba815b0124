// FutexWord: a word of memory on which threads wait by futex(2), in a process.
#ifndef POLLUX_MACHINE_HISTORY_FUTEX_WORD_H_
#define POLLUX_MACHINE_HISTORY_FUTEX_WORD_H_

#include <compare>
#include <cstdint>

#include "abi/types.h"

namespace pollux::machine {

struct FutexWord {
  Tid pid{0};
  uint64_t addr = 0;
  auto operator<=>(const FutexWord&) const = default;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_FUTEX_WORD_H_
