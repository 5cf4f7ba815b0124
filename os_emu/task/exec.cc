// execve(2)'s point of no return (fs/exec.c).
#include <utility>

#include "os_emu/task/kernel.h"

namespace pollux::os_emu {

void Kernel::Exec(Thread& thread, NewProgram program) {
  Process& process = thread.process();
  // de_thread(): the others end without a trace, and the caller has the process's number.
  Ended ended;
  std::vector<Thread*> others;
  for (const auto& [tid, other] : process.threads) {
    if (other.get() != &thread) others.push_back(other.get());
  }
  for (Thread* other : others) {
    if (other->blocked()) other->Unblock();
    LeaveMemory(*other);
    RemoveThread(*other, ended, /*replaced=*/true);
    LeaveFiles(*other);
  }
  if (process.ended_leader != nullptr) ended.threads.push_back(std::move(process.ended_leader));
  if (!thread.IsLeader()) {
    process.credentials = thread.credentials();
    // exchange_tids(): what its own number meant is gone.
    if (thread.pid_record != nullptr) {
      thread.pid_record->thread = nullptr;
      thread.pid_record->ended.NotifyAll(kReadable);
      thread.pid_record.reset();
    }
    const bool could_run = thread.runnable_;
    if (could_run) run_queue_.Remove(thread);
    auto node = process.threads.extract(thread.tid());
    threads_.erase(thread.tid());
    thread.tid_ = process.pid();
    node.key() = process.pid();
    process.threads.insert(std::move(node));
    threads_[thread.tid()] = &thread;
    if (could_run) run_queue_.Add(thread);
  }

  LeaveMemory(thread);  // exec_mm_release()
  process.earlier_minor_faults_ = process.minor_faults();
  process.brought_in_before_ = 0;
  ended.memory = std::exchange(process.memory, std::move(program.memory));
  ended_.push_back(std::move(ended));
  process.shares_memory_until_exec = false;
  process.memory_released.NotifyAll(0);

  process.executable = std::move(program.executable);
  process.executable_use = std::move(program.executable_use);
  process.command_line = std::move(program.command_line);
  process.environment = std::move(program.environment);
  process.auxiliary_vector = std::move(program.auxiliary_vector);
  process.signal_trampoline = program.signal_trampoline;
  process.membarrier_registered = 0;
  process.dumpable = 1;
  process.credentials.AfterExec();
  process.has_executed = true;
  process.exit_signal = kSigChld;
  for (auto& [id, timer] : process.timers) timer->Delete();
  process.timers.clear();

  // flush_signal_handlers(): what is ignored stays so.
  for (SignalAction& action : process.actions) {
    action = {.handler = action.handler == kSigIgn ? kSigIgn : kSigDfl};
  }
  thread.alt_stack = AltStack();
  thread.restart_block.reset();
  thread.name = std::move(program.name);
  thread.UnshareFds();
  thread.fds().CloseForExec();
  thread.RecalculateSignals();
}

}  // namespace pollux::os_emu
