// The robust list of a thread: the locks that it told the kernel of with set_robust_list(2)
// (kernel/futex/core.c, Documentation/locking/robust-futexes.rst).
#ifndef POLLUX_OS_EMU_TASK_ROBUST_LIST_H_
#define POLLUX_OS_EMU_TASK_ROBUST_LIST_H_

namespace pollux::os_emu {

class Thread;

// futex_cleanup(): what a thread leaves behind when it ends or executes another program, before
// clear_child_tid is cleared. Walks its robust list in its memory: each word that holds its tid
// gets FUTEX_OWNER_DIED, and one waiter is woken. Then hands its priority-inheriting locks on. The
// list is the guest's: whatever it holds, the walk ends after 2048 entries at the latest, and at
// the first address that cannot be read. A thread that has done so has no list any more; doing it
// again does nothing. The thread must not be blocked, or others would hand it their locks.
void ExitRobustList(Thread& thread);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_ROBUST_LIST_H_
