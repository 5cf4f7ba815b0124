// What execve(2) makes of a file (fs/exec.c, fs/binfmt_elf.c, fs/binfmt_script.c): a process image:
// memory with the program, its dynamic linker and its stack, and the registers of its start. For
// the first program of a machine and for those that guests execute.
#ifndef POLLUX_MACHINE_PROCESS_IMAGE_H_
#define POLLUX_MACHINE_PROCESS_IMAGE_H_

#include <cstdint>
#include <string>

#include "abi/result.h"
#include "interp/engine/cpu.h"
#include "os_emu/file/description.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/random.h"
#include "shims/task_host.h"

namespace pollux::machine {

// The resource limits that a login shell on Linux gives.
void SetDefaultLimits(os_emu::Process& process);

// do_open_execat() of a path: its errors, kAcces (not a regular file, no permission).
Result<os_emu::DescriptionRef> OpenProgram(os_emu::Thread& thread, const std::string& path);

struct ProcessImage {
  os_emu::NewProgram program;
  interp::Cpu cpu;
  // RLIMIT_DATA or RLIMIT_AS lets no such program be: it ends where it would begin.
  bool exceeds_limits = false;
};

// Builds the image beside what the thread's process has now, which does not change. `random`
// decides the addresses and AT_RANDOM. Errors: kNoExec (no program for this machine), kNoMem,
// k2Big, kLoop (scripts of scripts), and of the interpreter those of OpenProgram; `why` says it for
// people, in words that go on after the file's name.
Result<ProcessImage> BuildImage(os_emu::Thread& thread, const shims::ExecRequest& request,
                                os_emu::RandomStream& random, std::string* why);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_PROCESS_IMAGE_H_
