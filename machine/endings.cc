// How a run ended, in a machine's words and in those for people.

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "machine/fingerprint.h"
#include "machine/machine_impl.h"
#include "machine/thread_stacks.h"

namespace pollux::machine {

using os_emu::Process;
using os_emu::Thread;

namespace {

constexpr std::string_view KindOfFault(memory::FaultKind kind) {
  switch (kind) {
    case memory::FaultKind::kNotMapped:
      return "nothing is mapped there";
    case memory::FaultKind::kProtection:
      return "the page does not allow it";
    case memory::FaultKind::kBeyondFile:
      return "it is past the end of the mapped file";
    case memory::FaultKind::kOutOfMemory:
      return "the machine's memory is used up (--max_memory)";
  }
  return "";
}

std::string FramesText(const std::vector<Frame>& stack) {
  std::string text;
  for (const Frame& frame : stack)
    absl::StrAppend(&text, text.empty() ? "" : "\n", FrameText(frame));
  return text;
}

}  // namespace

std::string DescribeStop(const interp::Stop& stop, uint64_t pc) {
  switch (stop.reason) {
    case interp::StopReason::kFault: {
      const char* what = stop.access == memory::Access::kLoad    ? "a load from"
                         : stop.access == memory::Access::kStore ? "a store to"
                                                                 : "executing";
      const std::string_view why = KindOfFault(stop.fault.kind);
      return absl::StrFormat("at pc %#x, %s %#x: %s", pc, what, stop.fault.addr.value,
                             absl::string_view(why.data(), why.size()));
    }
    case interp::StopReason::kMisaligned:
      return absl::StrFormat("at pc %#x, an atomic access to the misaligned address %#x", pc,
                             stop.fault.addr.value);
    case interp::StopReason::kIllegal:
      return absl::StrFormat("at pc %#x, illegal instruction %#x", pc, stop.bits);
    case interp::StopReason::kEbreak:
      return absl::StrFormat("at pc %#x, an ebreak", pc);
    default:
      return "";
  }
}

void Machine::Impl::NoteDeath(Thread& thread, memory::AddressSpace& memory) {
  if (thread.process().pid() != first_process_) return;
  const interp::Cpu& cpu = harts_.at(&thread)->cpu;
  const int signal = thread.process().exit->signal;
  // A fault that a handler has taken is not what it died of.
  if (last_fault_.thread != &thread || last_fault_.retired != cpu.retired) last_fault_ = {};
  if (last_fault_.text.empty() && os_emu::DefaultActionOf(signal) != os_emu::DefaultAction::kCore)
    return;
  const StackSubject subject{&memory, &cpu};
  if (!stacks_) {
    death_fingerprint_ = FingerprintOf({&subject, 1});
    return;
  }
  death_ = {.pid = static_cast<int>(first_process_),
            .tid = static_cast<int>(thread.tid()),
            .pc = cpu.pc,
            .state = absl::StrCat("killed by ", os_emu::SignalName(signal)),
            .stack = StacksOf(kernel_.files(), {&subject, 1}).front()};
}

Outcome Machine::Impl::Ended(const os_emu::ExitState& state) {
  if (outside_ != nullptr) outside_->Finish();
  Outcome outcome{.kind = state.signal != 0 ? Outcome::Kind::kKilled : Outcome::Kind::kExited,
                  .status = state.status,
                  .signal = state.signal,
                  .instructions = retired_,
                  .operations = operations_,
                  .reference_steps = reference_steps_,
                  .virtual_time = kernel_.clock().Monotonic() - os_emu::Clock::kBootNanos,
                  .fingerprint = death_fingerprint_};
  if (state.signal != 0) {
    outcome.explanation = absl::StrCat("guest killed by ", os_emu::SignalName(state.signal),
                                       last_fault_.text.empty() ? "" : " ", last_fault_.text);
    if (death_.has_value()) {
      outcome.explanation += StackText(death_->stack);
      outcome.threads.push_back(*std::move(death_));
    }
  }
  if (historian_ != nullptr) {
    std::vector<Explanation> explanations = ExplainLints(*historian_);
    NoteLints(explanations, outcome);
    // No reason of a failure.
    std::erase_if(explanations,
                  [](const Explanation& one) { return one.lint == LintKind::kLeakedChild; });
    if (options_.explain_preemptions) {
      for (Explanation& one : ExplainPreemptions(*historian_))
        explanations.push_back(std::move(one));
    }
    if (outcome.ExitCode() != 0) Explain(explanations, outcome);
    outcome.history = historian_->HandOut();
  }
  return outcome;
}

void Machine::Impl::NoteLints(const std::vector<Explanation>& explanations, Outcome& outcome) {
  constexpr size_t kMostStacks = 16;
  std::vector<StackSubject> subjects;
  std::vector<size_t> places;
  std::vector<std::shared_ptr<memory::AddressSpace>> memories;
  for (const Explanation& one : explanations) {
    // Who ends well may have been interrupted to end.
    if (one.lint == LintKind::kInterruptedCall && outcome.ExitCode() == 0) continue;
    if (!one.lint.has_value() || (options_.lints >> static_cast<int>(*one.lint) & 1) == 0) continue;
    outcome.lints.push_back({std::string(RowOf(*one.lint).name), one.text, {}});
    if (one.cited.empty() || one.cited.front().stack == nullptr || places.size() == kMostStacks)
      continue;
    const StackCopy& stack = *one.cited.front().stack;
    std::shared_ptr<memory::AddressSpace> memory = stack.memory.lock();
    if (memory == nullptr) continue;
    subjects.push_back({memory.get(), &stack.cpu, &stack});
    places.push_back(outcome.lints.size() - 1);
    memories.push_back(std::move(memory));
  }
  if (places.empty()) return;
  if (!stacks_) {
    outcome.fingerprint = absl::HashOf(outcome.fingerprint, FingerprintOf(subjects));
    for (const Outcome::Lint& lint : outcome.lints)
      outcome.fingerprint = absl::HashOf(outcome.fingerprint, lint.name);
    return;
  }
  std::vector<std::vector<Frame>> stacks = StacksOf(kernel_.files(), subjects);
  for (size_t i = 0; i < places.size(); ++i) outcome.lints[places[i]].stack = std::move(stacks[i]);
}

void Machine::Impl::Explain(const std::vector<Explanation>& explanations, Outcome& outcome) {
  constexpr size_t kMost = 8;
  const std::span<const Explanation> shown(explanations.data(),
                                           std::min(explanations.size(), kMost));
  // Of what a thread waits in, its stack is shown below.
  std::vector<const Explanation::Cited*> cited;
  std::vector<StackSubject> subjects;
  std::vector<std::shared_ptr<memory::AddressSpace>> memories;
  for (const Explanation& explanation : shown) {
    for (const Explanation::Cited& one : explanation.cited) {
      if (one.stack == nullptr || one.is_open) continue;
      std::shared_ptr<memory::AddressSpace> memory = one.stack->memory.lock();
      if (memory == nullptr) continue;
      subjects.push_back({memory.get(), &one.stack->cpu, one.stack.get()});
      cited.push_back(&one);
      memories.push_back(std::move(memory));
    }
  }
  std::vector<std::vector<Frame>> stacks;
  if (stacks_) stacks = StacksOf(kernel_.files(), subjects);
  for (const Explanation& explanation : shown) {
    outcome.reasons.push_back(explanation.text);
    absl::StrAppend(&outcome.explanation,
                    outcome.explanation.empty() ? "" : "\npollux: ", "why: ", explanation.text);
    for (const Explanation::Cited& one : explanation.cited) {
      const auto at = std::find(cited.begin(), cited.end(), &one);
      if (at == cited.end() || stacks.empty()) continue;
      const std::vector<Frame>& stack = stacks[static_cast<size_t>(at - cited.begin())];
      if (one.call != 0) outcome.call_stacks[one.call] = FramesText(stack);
      absl::StrAppend(&outcome.explanation, "\npollux:   ", one.title, ":", StackText(stack));
    }
  }
}

Outcome Machine::Impl::Hangs(Outcome::Kind kind) {
  Outcome outcome{.kind = kind,
                  .instructions = retired_,
                  .operations = operations_,
                  .reference_steps = reference_steps_,
                  .virtual_time = kernel_.clock().Monotonic() - os_emu::Clock::kBootNanos};
  outcome.explanation =
      kind == Outcome::Kind::kDeadlock
          ? "deadlock: every thread waits, and nothing that could wake one is left"
          : absl::StrCat("the guest was stopped after ", retired_, " instructions (--max_steps)");
  std::vector<StackSubject> subjects;
  for (auto& [pid, process] : kernel_.processes()) {
    for (auto& [tid, thread] : process->threads) {
      const Hart& hart = *harts_.at(thread.get());
      subjects.push_back({process->memory.get(), &hart.cpu});
      outcome.threads.push_back({.pid = static_cast<int>(pid),
                                 .tid = static_cast<int>(tid),
                                 .pc = hart.cpu.pc,
                                 .state = process->stopped() ? "stopped"
                                          : thread->blocked()
                                              ? abi_->DescribeBlocked(*thread, hart.call)
                                              : "running"});
    }
  }
  if (historian_ != nullptr) {
    if (kind == Outcome::Kind::kDeadlock) {
      for (auto& [pid, process] : kernel_.processes()) historian_->OnProcessHangs(*process);
    }
    NoteLints(ExplainLints(*historian_), outcome);
    std::vector<Explanation> waits = ExplainWaits(*historian_, kernel_);
    if (kind == Outcome::Kind::kDeadlock) {
      NoteLints(waits, outcome);
      outcome.unowned_words = UnownedWords(*historian_, kernel_);
    } else {
      std::vector<Explanation> running = ExplainRunning(*historian_, kernel_);
      waits.insert(waits.begin(), std::make_move_iterator(running.begin()),
                   std::make_move_iterator(running.end()));
    }
    Explain(waits, outcome);
    outcome.history = historian_->HandOut();
  }
  if (!stacks_) {
    // Where a thread that runs on happens to be says nothing.
    if (kind == Outcome::Kind::kDeadlock) outcome.fingerprint = FingerprintOf(subjects);
    return outcome;
  }
  std::vector<std::vector<Frame>> stacks = StacksOf(kernel_.files(), subjects);
  for (size_t i = 0; i < stacks.size(); ++i) {
    outcome.threads[i].stack = std::move(stacks[i]);
    if (historian_ != nullptr) {
      const CallRecord* const call = historian_->history().LastOf(Tid{outcome.threads[i].tid});
      if (call != nullptr && call->state == CallRecord::State::kOpen)
        outcome.call_stacks[call->id] = FramesText(outcome.threads[i].stack);
    }
    outcome.explanation += ThreadText(outcome.threads[i]);
  }
  return outcome;
}

int Outcome::ExitCode() const {
  switch (kind) {
    case Kind::kExited:
      return status;
    case Kind::kKilled:
      return 128 + signal;
    case Kind::kDeadlock:
    case Kind::kStepLimit:
      return 124;
    case Kind::kAbandoned:
      return 125;
  }
  return 125;
}

}  // namespace pollux::machine
