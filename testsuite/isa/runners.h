// Runners: ways to run a test program and to have what it writes to standard output.
#ifndef POLLUX_TESTSUITE_ISA_RUNNERS_H_
#define POLLUX_TESTSUITE_ISA_RUNNERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "interp/engine/engine.h"

namespace pollux::testsuite {

struct Outcome {
  std::string output;
  std::string error;  // Empty if the program ended with status 0.
};

// Runs `command` and the ELF, which is written to a file for that, by the shell.
Outcome RunCommand(const std::string& command, const std::vector<uint8_t>& elf);

// Runs the ELF on an engine in this process. Of the kernel there are write(2) and exit_group(2),
// and no more.
Outcome RunInProcess(interp::EngineKind kind, const std::vector<uint8_t>& elf);

}  // namespace pollux::testsuite

#endif  // POLLUX_TESTSUITE_ISA_RUNNERS_H_
