// What clone(2) asks for (include/uapi/linux/sched.h). Kernel::Clone() does it.
#ifndef POLLUX_OS_EMU_TASK_CLONE_H_
#define POLLUX_OS_EMU_TASK_CLONE_H_

#include <cstdint>

#include "abi/types.h"
#include "os_emu/task/blocked_call.h"

namespace pollux::os_emu {

inline constexpr uint64_t kCloneVm = 0x100, kCloneFs = 0x200, kCloneFiles = 0x400,
                          kCloneSigHand = 0x800, kClonePidFd = 0x1000, kClonePtrace = 0x2000,
                          kCloneVfork = 0x4000, kCloneParent = 0x8000, kCloneThread = 0x10000,
                          kCloneNewNs = 0x20000, kCloneSysVSem = 0x40000, kCloneSetTls = 0x80000,
                          kCloneParentSetTid = 0x100000, kCloneChildClearTid = 0x200000,
                          kCloneDetached = 0x400000, kCloneUntraced = 0x800000,
                          kCloneChildSetTid = 0x1000000, kCloneNewCgroup = 0x2000000,
                          kCloneNewUts = 0x4000000, kCloneNewIpc = 0x8000000,
                          kCloneNewUser = 0x10000000, kCloneNewPid = 0x20000000,
                          kCloneNewNet = 0x40000000, kCloneIo = 0x80000000,
                          kCloneClearSigHand = 0x100000000, kCloneIntoCgroup = 0x200000000;

struct CloneRequest {
  uint64_t flags = 0;   // kClone*.
  int exit_signal = 0;  // What the parent of a new process gets at its end.
  // Where the new tid goes: in the caller's memory (kCloneParentSetTid), in the child's
  // (kCloneChildSetTid, kCloneChildClearTid). Where nothing can be written, nothing is.
  GuestAddr parent_tid, child_tid;
};

class Process;

// wait_for_vfork_done(): the caller, who made `child` with kCloneVfork, waits until that has ended
// or executed a program. Answers the child's pid.
CallResult StartVforkWait(Process& child);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CLONE_H_
