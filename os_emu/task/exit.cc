// How threads and processes end, and what their relatives are told (kernel/exit.c).
#include <algorithm>
#include <utility>

#include "os_emu/file/witness.h"
#include "os_emu/task/child_wait.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/robust_list.h"

namespace pollux::os_emu {
namespace {

// do_notify_pidfd(): whoever polls a pidfd of the thread.
void TellOfEnd(Thread& thread) {
  if (thread.pid_record == nullptr) return;
  thread.pid_record->thread = nullptr;
  thread.pid_record->ended.NotifyAll(kReadable);
}

// reparent_leader(): what the child has asked for with PR_SET_PDEATHSIG, from the parent that ends
// (SEND_SIG_NOINFO).
void TellOfParentsEnd(Process& child, const Process& parent) {
  for (const auto& [tid, thread] : child.threads) {
    if (thread->parent_death_signal == 0) continue;
    SignalInfo info;
    info.signal = thread->parent_death_signal;
    info.code = kSiUser;
    info.sender_pid = static_cast<int32_t>(parent.pid());
    info.sender_uid = parent.credentials.uid;
    child.kernel().RaiseSignal(child, info);
  }
}

}  // namespace

// ---- Threads.

void Kernel::LeaveMemory(Thread& thread) {
  Process& process = thread.process();
  if (process.memory == nullptr) return;
  ExitRobustList(thread);
  if (!thread.clear_child_tid.IsNull()) {
    // An address that cannot be written is no error.
    if (process.memory->WriteObject<uint32_t>(thread.clear_child_tid, 0).ok()) {
      (void)FutexWake(thread, {thread.clear_child_tid}, 1, kFutexAnyBit).ok();
    }
    thread.clear_child_tid = GuestAddr();
  }
}

void Kernel::LeaveFiles(Thread& thread) {
  const std::shared_ptr<FdTable> fds = std::move(thread.fds_);
  if (fds != nullptr && fds.use_count() == 1) fds->CloseAll();
  thread.fs_.reset();
}

void Kernel::RemoveThread(Thread& thread, Ended& ended, bool replaced) {
  Process& process = thread.process();
  auto node = process.threads.extract(thread.tid());
  POLLUX_CHECK(!node.empty()) << "the thread has ended before";
  threads_.erase(thread.tid());
  tasks_.Release();
  thread.Retire();
  TellOfEnd(thread);
  if (thread.IsLeader() && !replaced) {
    process.ended_leader = std::move(node.mapped());
    ended.leaders.push_back(&thread);
  } else {
    thread.cpu_clock->gone = true;
    ended.threads.push_back(std::move(node.mapped()));
  }
}

void Kernel::EndThread(Thread& thread, int status) {
  Process& process = thread.process();
  if (process.threads.size() == 1) {
    // synchronize_group_exit(): the status of who ends last is the process's.
    EndProcess(process, ExitState{.status = status & 0xff});
    return;
  }
  if (thread.blocked()) thread.Unblock();
  // exit_signals(): what was meant for this thread goes to others.
  Retarget(thread, ~thread.signal_mask());
  LeaveMemory(thread);
  Ended ended;
  RemoveThread(thread, ended);
  LeaveFiles(thread);
  for (Process* child : process.children) {
    if (child->forked_by == thread.tid()) TellOfParentsEnd(*child, process);
  }
  ended_.push_back(std::move(ended));
}

// ---- Processes.

void Kernel::EndProcess(Process& process, ExitState state) {
  if (process.exit.has_value()) return;
  for (const auto& [tid, thread] : process.threads) {
    if (thread->blocked()) thread->Unblock();
  }
  for (const auto& [tid, thread] : process.threads) LeaveMemory(*thread);
  process.exit = state;
  process.stop_signal = 0;
  process.stop_unreported = process.continue_unreported = false;
  --living_;
  process.real_timer.Set({});
  process.virtual_timer.Set({});
  process.profiling_timer.Set({});
  process.cpu_limit.Disarm();
  for (auto& [id, timer] : process.timers) timer->Delete();
  process.timers.clear();
  Ended ended;
  while (!process.threads.empty()) {
    Thread& thread = *process.threads.begin()->second;
    RemoveThread(thread, ended);
    LeaveFiles(thread);
  }
  process.executable_use.reset();
  process.earlier_minor_faults_ = process.minor_faults();
  ended.memory = std::move(process.memory);
  process.shares_memory_until_exec = false;
  ended_.push_back(std::move(ended));
  process.memory_released.NotifyAll(0);
  LeaveTerminal(process);
  if (Witness* const witness = Witness::Present()) witness->OnProcessEnds(process);
  HandChildrenOn(process);
  process.pid_record->ended.NotifyAll(kReadable);
  HangUpIfOrphaned(process, process.parent);
  TellParentOfEnd(process);
}

void Kernel::LeaveTerminal(Process& process) {
  const std::shared_ptr<ControllingTerminal> terminal = std::move(process.terminal);
  if (!process.LeadsSession()) return;
  if (terminal != nullptr) {
    terminal->LeaveSession(/*ends=*/true);
  } else if (process.former_foreground != Tid{0}) {
    for (const int signal : {kSigHup, kSigCont}) SignalGroup(process.former_foreground, signal);
  }
}

void Kernel::TellParentOfEnd(Process& process) {
  if (process.awaited_outside) return;
  Process* parent = process.parent;
  if (parent == nullptr) {
    Reap(process);
    return;
  }
  bool forget = false;
  int signal = process.exit_signal;
  const SignalAction& action = parent->actions[kSigChld];
  if (signal == kSigChld && (action.handler == kSigIgn || (action.flags & kSaNoCldWait) != 0)) {
    // Nobody will wait for it; with SA_NOCLDWAIT the signal comes all the same.
    forget = true;
    if (action.handler == kSigIgn) signal = 0;
  }
  // clone(2) takes numbers that are no signals, too; such a child ends in silence (valid_signal()).
  if (signal >= 1 && signal <= kSignals) RaiseSignal(*parent, SignalOf(EndOf(process), signal));
  // Without children left to wait for, a wait ends, too.
  if (forget) Reap(process);
  parent->child_events.NotifyAll(0);
}

void Kernel::Reap(Process& process) {
  POLLUX_CHECK(process.exit.has_value()) << "the process has not ended";
  Adopt(nullptr, process);
  auto node = processes_.extract(process.pid());
  POLLUX_CHECK(!node.empty()) << "it was waited for before";
  process.cpu_clock->gone = true;
  if (process.ended_leader != nullptr) process.ended_leader->cpu_clock->gone = true;
  // Its number means nobody from now on.
  process.pid_record->process = nullptr;
  Ended ended;
  ended.process = std::move(node.mapped());
  ended_.push_back(std::move(ended));
}

void Kernel::ReleaseEnded(const std::function<void(Thread&)>& on_thread) {
  if (ended_.empty()) return;
  current_ = nullptr;
  // What is freed may end more: the last reference to a description goes with a thread's call.
  std::vector<Ended> now = std::exchange(ended_, {});
  if (on_thread != nullptr) {
    for (const Ended& ended : now) {
      for (const std::unique_ptr<Thread>& thread : ended.threads) on_thread(*thread);
      for (Thread* leader : ended.leaders) on_thread(*leader);
    }
  }
  // A thread refers to its process, which may come later.
  for (Ended& ended : now) ended.threads.clear();
}

// ---- The family.

void Kernel::Adopt(Process* parent, Process& child) {
  if (child.parent != nullptr) std::erase(child.parent->children, &child);
  child.parent = parent;
  if (parent != nullptr) parent->children.push_back(&child);
}

// find_new_reaper(), forget_original_parent()
void Kernel::HandChildrenOn(Process& process) {
  Process* reaper = process.parent;
  while (reaper != nullptr && (!reaper->is_child_subreaper || reaper->exit.has_value()))
    reaper = reaper->parent;
  const std::vector<Process*> children = process.children;
  for (Process* child : children) {
    Adopt(reaper, *child);
    TellOfParentsEnd(*child, process);
    child->forked_by = Tid{0};
    child->exit_signal = kSigChld;
    if (child->exit.has_value()) {
      TellParentOfEnd(*child);
    } else {
      HangUpIfOrphaned(*child, &process);
    }
  }
}

bool Kernel::IsOrphanedGroup(Tid group, const Process* without) {
  for (const auto& [pid, process] : processes_) {
    if (process->group != group || process.get() == without || process->exit.has_value()) continue;
    const Process* parent = process->parent;
    if (parent != nullptr && parent->group != group && parent->session == process->session)
      return false;
  }
  return true;
}

void Kernel::HangUpIfOrphaned(Process& process, Process* former_parent) {
  // The ending process, or the one whose parent has ended, connected its group with the session.
  const bool ends = process.exit.has_value();
  if (former_parent == nullptr || former_parent->group == process.group ||
      former_parent->session != process.session) {
    return;
  }
  if (!IsOrphanedGroup(process.group, ends ? &process : nullptr)) return;
  bool any_stopped = false;
  ForEachInGroup(process.group, [&](Process& member) { any_stopped |= member.stopped(); });
  if (!any_stopped) return;
  const Tid group = process.group;
  for (const int signal : {kSigHup, kSigCont}) SignalGroup(group, signal);
}

}  // namespace pollux::os_emu
