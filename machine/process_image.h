// LoadProgram: what execve(2) does for the first process: the ELF file into memory, the stack with
// its arguments and auxiliary vector, the registers.
#ifndef POLLUX_MACHINE_PROCESS_IMAGE_H_
#define POLLUX_MACHINE_PROCESS_IMAGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "interp/engine/cpu.h"
#include "os_emu/task/kernel.h"

namespace pollux::machine {

// The resource limits that a login shell on Linux gives.
void SetDefaultLimits(os_emu::Process& process);

// Puts the program into the file system as "/bin/NAME" (NAME: the last component of `name`) and
// into the memory of the thread's process, which must be empty, and sets the registers for its
// first instruction. `random` decides the addresses and AT_RANDOM. kFailedPrecondition: it cannot
// be loaded; one line for people says why.
absl::Status LoadProgram(os_emu::Thread& thread, std::string_view file, std::string_view name,
                         const std::vector<std::string>& arguments, os_emu::RandomStream& random,
                         interp::Cpu* cpu);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_PROCESS_IMAGE_H_
