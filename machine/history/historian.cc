#include "machine/history/historian.h"

#include <algorithm>
#include <utility>

#include "machine/history/calls.h"
#include "memory/arena.h"
#include "memory/user_buffer.h"
#include "os_emu/task/kernel.h"
#include "shims/arg_types.h"
#include "shims/syscall_table.h"

namespace pollux::machine {

using os_emu::EventMask;
using os_emu::FileDescription;
using os_emu::Thread;

namespace {

constexpr uint64_t kStackBytes = 4096;
// A process that has ended is kept for the stack that is shown.
constexpr size_t kMostLintsWithMemory = 16;

// The descriptors among a call's arguments, by what its row says.
std::vector<int32_t> NumbersOf(const CallRecord& call) {
  std::vector<int32_t> numbers;
  const shims::SyscallRow* const row = shims::FindSyscall(call.number);
  for (int i = 0; row != nullptr && i < row->arg_count(); ++i) {
    if (row->args[i].type == &shims::kFdType) numbers.push_back(static_cast<int32_t>(call.args[i]));
  }
  return numbers;
}

// Waits of loops end with EINTR on purpose, often: these do not.
bool IsToBeRepeated(const CallRecord& call) {
  const std::string_view name = NameOf(call);
  return TakesBytes(call) || GivesBytes(call) || name == "connect" || name == "openat" ||
         name == "wait4" || name == "waitid";
}

std::shared_ptr<const StackCopy> CopyStack(Thread& thread, const interp::Cpu& cpu) {
  auto copy = std::make_shared<StackCopy>();
  copy->cpu = cpu;
  copy->memory = thread.process().memory;
  copy->start = GuestAddr{cpu.x[interp::kSp]};
  copy->bytes.resize(kStackBytes);
  memory::UserBuffer from(thread.process().memory.get(), copy->start, kStackBytes);
  copy->bytes.resize(from.CopyFrom(copy->bytes));
  return copy;
}

}  // namespace

const CallRecord* History::LastOf(Tid tid, CallId before) const {
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    if (call->tid == tid && (before == 0 || call->id < before)) return &*call;
  }
  const auto wait = long_waits.find(tid);
  if (wait != long_waits.end() && (before == 0 || wait->second.id < before)) return &wait->second;
  return nullptr;
}

CallRecord* Historian::Find(CallId id) { return const_cast<CallRecord*>(history_.Find(id)); }

DescriptionId Historian::IdOf(FileDescription& description) {
  const auto known = ids_.find(&description);
  if (known != ids_.end()) return known->second;
  const auto id = static_cast<DescriptionId>(history_.descriptions.size() + 1);
  if (history_.descriptions.size() >= History::kMostOthers) return 0;
  ids_.emplace(&description, id);
  open_.emplace(id, &description);
  history_.descriptions.emplace(id, DescriptionRecord{.id = id, .type = description.TypeName()});
  return id;
}

FileDescription* Historian::Open(DescriptionId id) const {
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

const InterestRecord* Historian::Find(const FileDescription& instance,
                                      const FileDescription& target, os_emu::FdLabel label) const {
  const auto by = ids_.find(&instance), of = ids_.find(&target);
  if (by == ids_.end() || of == ids_.end()) return nullptr;
  const auto interests = by_target_.find(of->second);
  const InterestRecord* found = nullptr;
  if (interests == by_target_.end()) return found;
  for (const uint32_t id : interests->second) {
    const InterestRecord& interest = history_.interests.at(id);
    if (interest.instance == by->second && interest.label == label) found = &interest;
  }
  return found;
}

Moment Historian::Now(EventMask events) {
  Moment moment{
      .call = acting_ == nullptr ? 0 : acting_call_, .step = clock_.StepNow(), .events = events};
  if (const CallRecord* const call = Find(moment.call)) {
    moment.tid = call->tid;
    moment.stack = call->stack;
  }
  return moment;
}

void Historian::Note(InterestEvent::Kind kind, uint32_t interest, EventMask events) {
  if (history_.interest_events.size() >= History::kMostOthers) history_.interest_events.pop_front();
  history_.interest_events.push_back({.kind = kind,
                                      .interest = interest,
                                      .events = events,
                                      .step = clock_.StepNow(),
                                      .at = clock_.TimeNow(),
                                      .call = acting_ == nullptr ? 0 : acting_call_});
}

// ---- Words of futexes

// One host thread runs one machine, turn by turn: what has changed since the last look, this thread
// has changed. What it has taken and let go of meanwhile is as it was.
void Historian::LookAtWords(Thread& thread) {
  const os_emu::Process& process = thread.process();
  if (process.memory == nullptr) return;
  const Tid pid = process.pid();
  for (auto word = history_.words.lower_bound({pid, 0});
       word != history_.words.end() && word->first.pid == pid; ++word) {
    FutexWordRecord& record = word->second;
    const Result<uint32_t> read = process.memory->ReadObject<uint32_t>(GuestAddr{word->first.addr});
    const uint32_t value = read.ok() ? *read : 0;
    if (value == record.value) continue;
    const bool was_free = std::exchange(record.value, value) == 0;
    if (was_free || value == 0) {
      record.locker = value == 0 ? Tid{0} : thread.tid();
      record.locked = clock_.StepNow();
      record.changed_by = Tid{0};
    } else {
      record.changed_by = thread.tid();
      record.changed = clock_.StepNow();
    }
  }
}

// ---- Calls

void Historian::OnCallBegins(Thread& thread, const interp::Cpu& cpu) {
  const memory::OutsideArena outside;
  CallRecord call{.id = ++last_id_,
                  .pid = thread.process().pid(),
                  .tid = thread.tid(),
                  .number = cpu.x[interp::kA7],
                  .began = clock_.StepNow(),
                  .began_at = clock_.TimeNow()};
  for (size_t i = 0; i < call.args.size(); ++i) call.args[i] = cpu.x[interp::kA0 + i];
  int place = 0;
  for (const int32_t number : NumbersOf(call)) {
    const Result<os_emu::DescriptionRef> description = thread.fds().Get(os_emu::Fd{number});
    if (!description.ok()) continue;
    const DescriptionId id = IdOf(**description);
    if (id == 0) continue;
    history_.descriptions.at(id).last_number = number;
    (place++ == 0 ? call.description : call.second) = id;
  }
  if (CommandOf(call) == FutexCommand::kWait && history_.words.size() < History::kMostWords) {
    const Result<uint32_t> now =
        thread.process().memory->ReadObject<uint32_t>(GuestAddr{call.args[0]});
    history_.words.try_emplace({call.pid, call.args[0]},
                               FutexWordRecord{.value = now.ok() ? *now : 0});
  }
  CheckNumbers(call);
  if (NameOf(call) == "close") CheckClosing(call);
  call.stack = CopyStack(thread, cpu);
  stacks_.push_back(call.id);
  if (stacks_.size() > History::kMostStacks) {
    if (CallRecord* const old = Find(stacks_.front())) old->stack = nullptr;
    stacks_.pop_front();
  }
  last_call_[call.tid] = call.id;
  acting_ = &thread;
  acting_call_ = call.id;
  if (!history_.long_waits.empty()) history_.long_waits.erase(call.tid);
  history_.calls.push_back(std::move(call));
  if (history_.calls.size() <= History::kMostCalls) return;
  CallRecord& oldest = history_.calls.front();
  if (oldest.state == CallRecord::State::kOpen)
    history_.long_waits.insert_or_assign(oldest.tid, std::move(oldest));
  history_.calls.pop_front();
}

void Historian::OnCallGoesOn(Thread& thread) {
  const memory::OutsideArena outside;
  acting_ = &thread;
  acting_call_ = last_call_[thread.tid()];
}

void Historian::OnCallWaits() {
  const memory::OutsideArena outside;
  const CallRecord* const call = acting_ == nullptr ? nullptr : Find(acting_call_);
  acting_ = nullptr;
  if (call == nullptr || call->woken != 0 || !TakesBytes(*call)) return;
  CheckWait(*call);
  CheckStale(*call);
}

void Historian::OnCallReturns(Thread& thread, const interp::Cpu& cpu) {
  const memory::OutsideArena outside;
  acting_ = nullptr;
  CallRecord* const call = Find(last_call_[thread.tid()]);
  if (call == nullptr || call->state != CallRecord::State::kOpen) return;
  call->state = CallRecord::State::kReturned;
  call->ended = clock_.StepNow();
  call->ended_at = clock_.TimeNow();
  call->result = static_cast<int64_t>(cpu.x[interp::kA0]);
  if (call->result == -static_cast<int64_t>(Errno::kAgain)) CheckStale(*call);
  if (call->result == 0 && NameOf(*call) == "close") CheckClosed(thread, *call);
  if (call->result == 0 && NameOf(*call) == "execve") CheckProgram(thread, *call);
  if (call->result != -static_cast<int64_t>(Errno::kIntr)) return;
  if (IsToBeRepeated(*call)) interrupted_[call->tid] = call->id;
  if (NameOf(*call) != "rt_sigreturn") return;
  // It is the answer of what the handler has interrupted.
  for (auto before = history_.calls.rbegin(); before != history_.calls.rend(); ++before) {
    if (before->tid != call->tid || before->state != CallRecord::State::kInterrupted) continue;
    before->state = CallRecord::State::kReturned;
    before->result = call->result;
    if (IsToBeRepeated(*before)) interrupted_[call->tid] = before->id;
    break;
  }
}

void Historian::OnTaskGone(Tid tid) {
  const memory::OutsideArena outside;
  acting_ = nullptr;
  if (CallRecord* const call = Find(last_call_[tid])) {
    if (call->state == CallRecord::State::kOpen) call->state = CallRecord::State::kGone;
    call->ended = clock_.StepNow();
    call->ended_at = clock_.TimeNow();
  }
  if (const auto was = interrupted_.find(tid); was != interrupted_.end()) {
    AddLint({.kind = LintKind::kInterruptedCall, .call = was->second, .step = clock_.StepNow()});
    interrupted_.erase(was);
  }
  last_call_.erase(tid);
  history_.long_waits.erase(tid);
  given_.erase(tid);
}

void Historian::OnHandler(Thread& thread, int signal, bool interrupted) {
  const memory::OutsideArena outside;
  const CallId last = last_call_[thread.tid()];
  if (CallRecord* const call = Find(last);
      interrupted && call != nullptr && call->state == CallRecord::State::kOpen) {
    call->state = CallRecord::State::kInterrupted;
    call->ended = clock_.StepNow();
    call->ended_at = clock_.TimeNow();
  }
  if (history_.signals.size() >= History::kMostOthers) history_.signals.pop_front();
  history_.signals.push_back({thread.tid(), signal, clock_.StepNow(), last});
}

void Historian::OnPreempted(Thread& from, const interp::Cpu& cpu, Tid to) {
  const memory::OutsideArena outside;
  if (history_.preemptions.size() >= History::kMostPreemptions) history_.preemptions.pop_front();
  history_.preemptions.push_back({from.tid(), to, clock_.StepNow(), CopyStack(from, cpu)});
}

void Historian::OnWokenOutOfOrder(Thread& waker, const interp::Cpu& cpu, Tid woken, Tid first) {
  const memory::OutsideArena outside;
  if (history_.wakes.size() >= History::kMostPreemptions) history_.wakes.pop_front();
  history_.wakes.push_back({waker.tid(), woken, first, clock_.StepNow(), CopyStack(waker, cpu)});
}

void Historian::OnTraceLine(Tid tid, std::string_view line) {
  const memory::OutsideArena outside;
  constexpr std::string_view kUnfinished = " <unfinished ...>", kResumed = " resumed>";
  CallRecord* const call = Find(last_call_[tid]);
  // Signals and ends have lines of their own.
  if (call == nullptr || line.starts_with("---") || line.starts_with("+++")) return;
  const size_t resumed = line.find(kResumed);
  if (line.starts_with("<... ") && resumed != std::string_view::npos) {
    if (call->text.ends_with(kUnfinished))
      call->text.resize(call->text.size() - kUnfinished.size());
    call->text += line.substr(resumed + kResumed.size());
  } else {
    call->text = std::string(line);
  }
  // A guest decides how long its lines are.
  constexpr size_t kMostText = 1000;
  if (call->text.size() > kMostText) call->text.resize(kMostText);
}

std::shared_ptr<const History> Historian::HandOut() {
  const memory::OutsideArena outside;
  for (CallRecord& call : history_.calls) call.stack = nullptr;
  for (auto& [tid, call] : history_.long_waits) call.stack = nullptr;
  for (Preemption& preemption : history_.preemptions) preemption.stack = nullptr;
  for (LintRecord& lint : history_.lints) lint.memory = nullptr;
  for (WakeOutOfOrder& wake : history_.wakes) wake.stack = nullptr;
  for (auto& [id, interest] : history_.interests) {
    for (Moment* const moment :
         {&interest.added, &interest.modified, &interest.noticed, &interest.delivered})
      moment->stack = nullptr;
  }
  return kept_;
}

// ---- What is looked at while it happens.

// A call is given a number: is it what the thread was told of?
void Historian::AddLint(LintRecord lint) {
  if (history_.lints.size() < History::kMostOthers) history_.lints.push_back(std::move(lint));
}

void Historian::CheckNumbers(const CallRecord& call) {
  if (const auto was = interrupted_.find(call.tid); was != interrupted_.end()) {
    const CallRecord* const before = Find(was->second);
    const bool repeated =
        before != nullptr && before->number == call.number && before->args[0] == call.args[0];
    if (repeated) interrupted_.erase(was);
  }
  stale_.erase(call.tid);
  const auto events = given_.find(call.tid);
  if (events == given_.end()) return;
  // The next batch: what is left of this one was not meant to be looked after.
  if (NameOf(call) == "epoll_pwait" || NameOf(call) == "epoll_pwait2") {
    events->second.clear();
    return;
  }
  if (!TakesBytes(call) || call.description == 0) return;
  const auto given = events->second.find(static_cast<int32_t>(call.args[0]));
  if (given == events->second.end()) return;
  // Who has closed the instance has begun something new.
  const InterestRecord& interest = history_.interests.at(given->second);
  if (interest.target != call.description && open_.contains(interest.instance))
    stale_[call.tid] = given->second;
  events->second.erase(given);
}

// The thread reads a number that was reused since it was told of it, and there is nothing: it was
// for the other one that it read.
void Historian::CheckStale(const CallRecord& call) {
  const auto stale = stale_.find(call.tid);
  if (stale == stale_.end()) return;
  AddLint({.kind = LintKind::kStaleEvent,
           .call = call.id,
           .cause = history_.interests.at(stale->second).delivered.call,
           .step = call.began,
           .interest = stale->second});
  stale_.erase(stale);
}

// Somebody waits with what is to be closed, and nobody has woken it.
void Historian::CheckClosing(const CallRecord& call) {
  if (call.description == 0) return;
  for (const auto& [tid, last] : last_call_) {
    const CallRecord* const waiting = Find(last);
    if (tid == call.tid || waiting == nullptr || waiting->state != CallRecord::State::kOpen ||
        waiting->woken != 0 || waiting->description != call.description)
      continue;
    AddLint({.kind = LintKind::kClosedUnderWaiter,
             .call = call.id,
             .cause = waiting->id,
             .step = call.began});
    return;
  }
}

// A number was closed: is anything still registered under it?
void Historian::CheckClosed(Thread& thread, const CallRecord& call) {
  const auto number = static_cast<int32_t>(call.args[0]);
  const auto found = by_number_.find(number);
  if (found == by_number_.end() || thread.fds().Get(os_emu::Fd{number}).ok()) return;
  for (const uint32_t id : found->second) {
    const InterestRecord& interest = history_.interests.at(id);
    if (interest.pid != call.pid || interest.target != call.description) continue;
    AddLint({.kind = LintKind::kOutlivedNumber,
             .call = call.id,
             .step = clock_.StepNow(),
             .interest = id});
  }
}

// A call that moves bytes waits, of a thread that was given an edge of its descriptor.
void Historian::CheckWait(const CallRecord& call) {
  const auto found = by_target_.find(call.description);
  if (call.description == 0 || found == by_target_.end()) return;
  for (const uint32_t id : found->second) {
    const InterestRecord& interest = history_.interests.at(id);
    if ((interest.asked & os_emu::kEdge) == 0 || !interest.delivered ||
        interest.delivered.tid != call.tid)
      continue;
    AddLint({.kind = LintKind::kEdgeOnBlocking,
             .call = call.id,
             .cause = interest.delivered.call,
             .step = call.began,
             .interest = id});
  }
}

// A new program begins.
void Historian::CheckProgram(Thread& thread, const CallRecord& call) {
  for (const os_emu::Fd fd : thread.fds().OpenNumbers()) {
    const Result<os_emu::DescriptionRef> description = thread.fds().Get(fd);
    if (!description.ok() || std::string_view((*description)->TypeName()) != "eventpoll") continue;
    AddLint({.kind = LintKind::kInheritedEpoll, .call = call.id, .step = clock_.StepNow()});
    return;
  }
}

// Children that `process` leaves behind with its last call, or will never wait for.
void Historian::CheckChildren(const os_emu::Process& process, const CallRecord& last,
                              bool only_ended) {
  const os_emu::SignalAction& action = process.actions[os_emu::kSigChld];
  if (action.handler == os_emu::kSigIgn || (action.flags & os_emu::kSaNoCldWait) != 0) return;
  LintRecord lint{.kind = LintKind::kLeakedChild, .call = last.id, .step = clock_.StepNow()};
  for (const os_emu::Process* const child : process.children) {
    const bool ended = child->exit.has_value();
    if ((only_ended && !ended) || child->session != process.session) continue;
    if (!ended && std::any_of(child->threads.begin(), child->threads.end(),
                              [](const auto& one) { return one.second->parent_death_signal != 0; }))
      continue;
    if (lint.children++ > 0) continue;
    lint.child = child->pid();
    lint.child_ended = ended;
  }
  if (lint.children == 0) return;
  for (auto call = history_.calls.rbegin(); call != history_.calls.rend(); ++call) {
    if (call->pid != process.pid() || call->result != static_cast<int32_t>(lint.child) ||
        !NameOf(*call).starts_with("clone"))
      continue;
    lint.cause = call->id;
    if (call->stack != nullptr && history_.lints.size() < kMostLintsWithMemory)
      lint.memory = call->stack->memory.lock();
    break;
  }
  AddLint(std::move(lint));
}

void Historian::OnProcessHangs(const os_emu::Process& process) {
  const memory::OutsideArena outside;
  const CallRecord* last = nullptr;
  for (const auto& [tid, thread] : process.threads) {
    const auto call = last_call_.find(tid);
    const CallRecord* const open = call == last_call_.end() ? nullptr : Find(call->second);
    if (open == nullptr) continue;
    if (NameOf(*open) == "wait4" || NameOf(*open) == "waitid") return;
    if (last == nullptr) last = open;
  }
  if (last != nullptr) CheckChildren(process, *last, /*only_ended=*/true);
}

// ---- os_emu::Witness

void Historian::OnProcessEnds(const os_emu::Process& process) {
  const memory::OutsideArena outside;
  // Who is killed has had no time to wait.
  const CallRecord* const call = Find(acting_call_);
  if (acting_ == nullptr || call == nullptr || call->pid != process.pid() ||
      process.exit->signal != 0)
    return;
  CheckChildren(process, *call, /*only_ended=*/false);
}

void Historian::OnInterestSet(const os_emu::InterestFacts& facts) {
  const memory::OutsideArena outside;
  if (history_.interests.size() >= History::kMostOthers) return;
  const auto [known, is_new] = interests_.try_emplace(facts.interest, 0);
  if (is_new) {
    known->second = ++last_interest_;
    InterestRecord record{.id = known->second, .label = facts.label, .data = facts.data};
    record.instance = IdOf(*facts.instance);
    record.target = IdOf(*facts.target);
    record.added = Now(facts.events);
    record.asked = facts.events;
    record.pid = acting_ == nullptr ? Tid{0} : acting_->process().pid();
    by_number_[record.label.Reported()].insert(record.id);
    by_target_[record.target].insert(record.id);
    Note(InterestEvent::Kind::kSet, record.id, facts.events);
    history_.interests.emplace(record.id, std::move(record));
    return;
  }
  InterestRecord& record = history_.interests.at(known->second);
  record.before = record.asked;
  record.asked = facts.events;
  record.data = facts.data;
  record.modified = Now(facts.events);
  Note(InterestEvent::Kind::kSet, record.id, facts.events);
}

void Historian::OnInterestGone(const void* interest) {
  const memory::OutsideArena outside;
  const auto known = interests_.find(interest);
  if (known == interests_.end()) return;
  InterestRecord& record = history_.interests.at(known->second);
  record.gone = true;
  by_number_[record.label.Reported()].erase(record.id);
  by_target_[record.target].erase(record.id);
  Note(InterestEvent::Kind::kGone, known->second, 0);
  interests_.erase(known);
}

void Historian::OnInterestReady(const void* interest, EventMask key) {
  const memory::OutsideArena outside;
  const auto known = interests_.find(interest);
  if (known == interests_.end()) return;
  history_.interests.at(known->second).noticed = Now(key);
  Note(InterestEvent::Kind::kNoticed, known->second, key);
}

void Historian::OnDelivered(const os_emu::InterestFacts& facts, EventMask events) {
  const memory::OutsideArena outside;
  const auto known = interests_.find(facts.interest);
  if (known == interests_.end() || acting_ == nullptr) return;
  InterestRecord& interest = history_.interests.at(known->second);
  interest.delivered = Now(events);
  ++interest.deliveries;
  Note(InterestEvent::Kind::kDelivered, interest.id, events);
  const int32_t number = facts.label.Reported();
  given_[acting_->tid()][number] = interest.id;
  const Result<os_emu::DescriptionRef> means = acting_->fds().Get(os_emu::Fd{number});
  if (means.ok() && &**means == facts.target) return;
  history_.lints.push_back({.kind = means.ok() ? LintKind::kReusedNumber : LintKind::kClosedNumber,
                            .call = acting_call_,
                            .step = clock_.StepNow(),
                            .interest = interest.id});
}

void Historian::OnReleased(const FileDescription& description) {
  const memory::OutsideArena outside;
  const auto known = ids_.find(&description);
  if (known == ids_.end()) return;
  history_.descriptions.at(known->second).released = clock_.StepNow();
  open_.erase(known->second);
  ids_.erase(known);
}

void Historian::OnWoken(Tid tid) {
  const memory::OutsideArena outside;
  const auto last = last_call_.find(tid);
  if (last == last_call_.end()) return;
  CallRecord* const call = Find(last->second);
  if (call == nullptr || call->state != CallRecord::State::kOpen || call->id == acting_call_)
    return;
  call->woken = clock_.StepNow();
  call->woken_by = acting_ == nullptr ? 0 : acting_call_;
}

}  // namespace pollux::machine
