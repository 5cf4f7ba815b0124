// What a finding says of threads: where they are and how they came there.
#ifndef POLLUX_MACHINE_FINDINGS_H_
#define POLLUX_MACHINE_FINDINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "machine/stack/frame.h"

namespace pollux::machine {

struct ThreadReport {
  int pid = 0;
  int tid = 0;
  uint64_t pc = 0;
  std::string state;         // Its blocked call, decoded; or what else keeps it.
  std::vector<Frame> stack;  // The innermost frame first; empty where nothing could be found out.
};

// A line a frame, each with a newline before it.
std::string StackText(const std::vector<Frame>& stack);
// The same for a thread and its stack.
std::string ThreadText(const ThreadReport& thread);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_FINDINGS_H_
