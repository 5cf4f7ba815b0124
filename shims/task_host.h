// TaskHost: what the machine does for the system calls that make and replace tasks: registers,
// engines and programs are the machine's.
#ifndef POLLUX_SHIMS_TASK_HOST_H_
#define POLLUX_SHIMS_TASK_HOST_H_

#include <string>
#include <string_view>
#include <vector>

#include "abi/result.h"
#include "interp/engine/cpu.h"
#include "os_emu/file/description.h"
#include "os_emu/task/kernel.h"

namespace pollux::shims {

// execve(2), with what it was given read from the guest.
struct ExecRequest {
  os_emu::DescriptionRef file;  // Open, and may be executed.
  std::string_view bytes;       // All that is in it, where that is at hand; else empty.
  std::string path;             // As the guest named it: AT_EXECFN.
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

class TaskHost {
 public:
  virtual ~TaskHost() = default;
  // `child` is new, and begins with the registers of `cpu`. Where it shares its memory with
  // `parent`, it shares its engine.
  virtual void OnClone(os_emu::Thread& parent, os_emu::Thread& child, const interp::Cpu& cpu) = 0;
  // Replaces the program of the thread's process (Kernel::Exec()), and the thread's registers by
  // those of the new one's start. After an error nothing has changed: kNoExec, kNoEnt, k2Big, ...
  virtual Result<void> Exec(os_emu::Thread& thread, ExecRequest request) = 0;
  // Those of a thread that does not run just now.
  virtual const interp::Cpu& RegistersOf(const os_emu::Thread& thread) = 0;
  // The guest says whether choices begin now, or later (fork_point.h).
  virtual void OnExploreHint(bool now) = 0;
};

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_TASK_HOST_H_
