// PidRecord: what a process id or thread id means, for longer than the task lives (Linux's struct
// pid). A pidfd holds one: the number may go to somebody else, the record does not.
#ifndef POLLUX_OS_EMU_TASK_PID_RECORD_H_
#define POLLUX_OS_EMU_TASK_PID_RECORD_H_

#include <cstdint>
#include <memory>

#include "abi/types.h"
#include "os_emu/file/wait_queue.h"

namespace pollux::os_emu {

class Process;
class Thread;

struct PidRecord {
  // The task, or null once it is gone for good: a process that was waited for, a thread that ended.
  Process* process = nullptr;
  Thread* thread = nullptr;  // Of a thread's record.
  // Of a thread's record: that of its process.
  std::shared_ptr<PidRecord> group;
  Tid number{0};
  uint64_t inode = 0;  // What pidfs knows it by; 0: no pidfd was made yet.
  // Notified with kReadable when the task ends and with 0 when it is gone for good.
  WaitQueue ended;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_PID_RECORD_H_
