// LocksOfMachine: the advisory locks of a machine's files: kernel.Part<LocksOfMachine>().
#ifndef POLLUX_OS_EMU_TASK_LOCKS_OF_MACHINE_H_
#define POLLUX_OS_EMU_TASK_LOCKS_OF_MACHINE_H_

#include "os_emu/file/file_locks.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

struct LocksOfMachine {
  explicit LocksOfMachine(Kernel& kernel) : locks(&kernel.budget()) {}
  FileLocks locks;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_LOCKS_OF_MACHINE_H_
