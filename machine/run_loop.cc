// The loop: who runs next and for how long, and what happens when everybody waits.

#include <algorithm>
#include <optional>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_format.h"
#include "interp/engine/next_access.h"
#include "machine/machine_impl.h"
#include "shims/fork_point.h"

namespace pollux::machine {

using os_emu::Process;
using os_emu::Thread;

namespace {

// The frequency of the time CSR, as QEMU's and many boards' timebase: 10 MHz.
constexpr int64_t kNanosPerTick = 100;

// How many system calls may pass before the host's streams are looked at again while threads are
// running.
constexpr int kCallsBetweenHostLooks = 64;
// With the host's clock, how many instructions may pass before it is read: less than a millisecond.
constexpr uint64_t kStepsBetweenHostTimes = 100'000;

}  // namespace

uint64_t Machine::Impl::Time(const interp::Cpu& cpu) {
  if (outside_ != nullptr) {
    outside_->clock().Tell();
    return static_cast<uint64_t>(kernel_.clock().Monotonic().value / kNanosPerTick);
  }
  const int64_t since =
      static_cast<int64_t>(cpu.retired - slice_start_) * os_emu::Clock::kNanosPerInstruction;
  return static_cast<uint64_t>((kernel_.clock().Monotonic().value + since) / kNanosPerTick);
}

[[gnu::always_inline]] inline size_t Machine::Impl::Choose(std::span<Thread* const> runnable) {
  ChoicePoint point = PointOf(runnable);
  if (wants_footprints_) {
    footprints_.clear();
    for (Thread* const thread : runnable) footprints_.push_back(FootprintOf(*thread));
    point.footprints = footprints_;
  }
  return Ask([&](Strategy& strategy) { return strategy.Choose(point); });
}

// What a thread that waits in a call does next, is the rest of it.
shims::Footprint Machine::Impl::FootprintOf(Thread& thread) {
  const Hart& hart = *harts_.at(&thread);
  const interp::Cpu& cpu = hart.cpu;
  if (thread.blocked())
    return shims::FootprintOf(thread, hart.call.number, hart.call.args, cpu.x[interp::kSp]);
  if (!hart.before_event) return {};
  shims::CallArgs args;
  for (size_t i = 0; i < args.size(); ++i) args[i] = cpu.x[interp::kA0 + i];
  return shims::FootprintOf(thread, cpu.x[interp::kA7], args, cpu.x[interp::kSp]);
}

uint64_t Machine::Impl::NextSlice(const Thread& running) {
  const uint64_t retired = HartOf(running).cpu.retired;
  return Ask([&](Strategy& strategy) { return strategy.NextSlice(running, retired); });
}

ChoicePoint Machine::Impl::PointOf(std::span<Thread* const> runnable) {
  return {.runnable = runnable,
          .last = last_thread_,
          .retired = last_thread_ == nullptr ? 0 : HartOf(*last_thread_).cpu.retired,
          .leave = leave_last_};
}

// A thread may be held up for as long as it takes: others' timeouts pass meanwhile.
bool Machine::Impl::AskToExpire() {
  if (outside_ != nullptr) return false;
  const Nanos deadline = kernel_.NextDeadline();
  if (deadline == kNanosMax) return false;
  const ChoicePoint point = PointOf(kernel_.run_queue().threads());
  if (!Ask([&](Strategy& strategy) { return strategy.ExpiresEarly(point); })) return false;
  kernel_.SetCurrent(nullptr);
  kernel_.clock().AdvanceTo(deadline);
  kernel_.ExpireTimers();
  return true;
}

Thread* Machine::Impl::ChooseThread() {
  const std::span<Thread* const> runnable = kernel_.run_queue().threads();
  const size_t place = Choose(runnable);
  if (place == Strategy::kAbandon) return nullptr;
  Thread& chosen = *runnable[place];
  Hart& next = HartOf(chosen);
  if (&chosen != last_thread_) {
    if (last_thread_ != nullptr) {
      Hart& last = HartOf(*last_thread_);
      if (last.cpu.reservation.bytes != 0)
        last.reserved.Begin(*last.memory, GuestAddr{last.cpu.reservation.addr});
    }
    if (!next.reserved.idle() && !next.reserved.End()) next.cpu.reservation = {};
  }
  if (next.cpu.reservation.bytes != 0 && abi_->MayLoseReservation() &&
      Happens(chosen, shims::FaultKind::kLostReservation)) {
    next.cpu.reservation = {};
  }
  if (historian_ != nullptr && last_thread_ != nullptr && &chosen != last_thread_ &&
      last_thread_->runnable()) {
    historian_->OnPreempted(const_cast<Thread&>(*last_thread_), HartOf(*last_thread_).cpu,
                            chosen.tid());
  }
  last_thread_ = &chosen;
  leave_last_ = false;
  return &chosen;
}

bool Machine::Impl::Happens(Thread& thread, shims::FaultKind kind) {
  if (choices_ != Choices::kMade) return false;
  const FaultPoint point{thread, harts_.at(&thread)->cpu.retired, kind};
  return Ask([&](Strategy& strategy) { return strategy.Fails(point); });
}

size_t Machine::Impl::ChooseWoken(Thread& waker, std::span<Thread* const> waiters, size_t chosen,
                                  size_t left) {
  if (choices_ != Choices::kMade) return 0;
  const WakePoint point{.waker = waker,
                        .retired = harts_.at(&waker)->cpu.retired,
                        .waiters = waiters,
                        .chosen = chosen,
                        .left = left};
  const size_t place = Ask([&](Strategy& strategy) { return strategy.ChooseWoken(point); });
  if (historian_ != nullptr && place > 0 && place < waiters.size()) {
    historian_->OnWokenOutOfOrder(waker, harts_.at(&waker)->cpu, waiters[place]->tid(),
                                  waiters.front()->tid());
  }
  return place;
}

inline uint64_t Machine::Impl::StepsToNextDeadline(const Thread& thread) {
  Nanos left = os_emu::Kernel::TimeToCpuDeadline(thread);
  if (outside_ == nullptr) left = std::min(left, kernel_.timers().TimeToNextDeadline());
  const auto steps =
      static_cast<uint64_t>(std::max<int64_t>(1, left.value / os_emu::Clock::kNanosPerInstruction));
  return outside_ == nullptr ? steps : std::min(steps, kStepsBetweenHostTimes);
}

// Alone, a thread is not preempted, but for a deadline that may be reached early.
bool Machine::Impl::SpendsSlices() {
  return wants_deadlines_ || kernel_.run_queue().threads().size() > 1;
}

inline uint64_t Machine::Impl::Budget(const Thread& thread, bool spends_slices) {
  // A timer expires at its instruction, also under a program that makes no call.
  uint64_t steps =
      std::min(StepsToNextDeadline(thread), std::min(max_steps_, pause_at_) - retired_);
  if (spends_slices) {
    if (slice_left_ == 0) slice_left_ = NextSlice(thread);
    steps = std::min(steps, slice_left_);
  }
  return steps;
}

inline void Machine::Impl::Account(Thread& thread, uint64_t retired) {
  retired_ += retired;
  const Nanos span{static_cast<int64_t>(retired) * os_emu::Clock::kNanosPerInstruction};
  kernel_.Compute(thread, span);
  if (outside_ == nullptr) {
    kernel_.clock().AdvanceBy(span);
    return;
  }
  outside_->clock().Tell();
  steps_since_host_look_ += retired;
  if (steps_since_host_look_ >= kStepsBetweenHostTimes) LookAtHost();
}

Machine::Impl::Turn Machine::Impl::RunThread(Thread& thread) {
  Hart& hart = HartOf(thread);
  if (thread.blocked()) {
    // A signal that it may take is reason enough to look: rt_sigtimedwait takes it without a
    // handler.
    if (historian_ != nullptr) historian_->OnCallGoesOn(thread);
    const bool returns = abi_->Resume(thread, hart.cpu, &hart.call);
    if (historian_ != nullptr && returns) historian_->OnCallReturns(thread, hart.cpu);
    if (historian_ != nullptr && !returns) historian_->OnCallWaits();
    if (!returns && !thread.HasSignalToTake()) return Turn::kWaits;
  }
  if (std::exchange(call_pending_, false)) {
    BeginChoices();
    if (const std::optional<Turn> turn = MakeCall(thread, hart); turn.has_value()) return *turn;
    ReleaseEnded();
    if (!thread.runnable()) return Turn::kWaits;
  }
  for (;;) {
    // Each handler's frame lies on the one before.
    while (thread.HasSignalToTake()) {
      // A process that ends lets go of it.
      const std::shared_ptr<memory::AddressSpace> memory = thread.process().memory;
      const bool waited = thread.blocked();
      const Tid tid = thread.tid();
      const auto signals = abi_->DeliverSignals(thread, hart.cpu, &hart.call);
      if (historian_ != nullptr && signals == shims::SyscallAbi::Signals::kHandler)
        historian_->OnHandler(thread, static_cast<int>(hart.cpu.x[interp::kA0]), waited);
      if (historian_ != nullptr && signals == shims::SyscallAbi::Signals::kProcessExited)
        historian_->OnTaskGone(tid);
      if (signals != shims::SyscallAbi::Signals::kNone) {
        hart.cpu.reservation = {};
        hart.before_event = false;
      }
      if (signals == shims::SyscallAbi::Signals::kProcessExited) {
        NoteDeath(thread, *memory);
        return Turn::kEnded;
      }
      if (!thread.runnable()) return Turn::kWaits;
    }
    if (retired_ >= max_steps_) return Turn::kPreempted;
    if (retired_ >= pause_at_) return Turn::kPaused;
    const bool spends = SpendsSlices();
    // What is left was counted from where it is now.
    if (!spends && slices_end_with_turns_) slice_left_ = 0;
    const uint64_t budget = Budget(thread, spends);
    if (budget == 0) return Turn::kPreempted;
    slice_start_ = hart.cpu.retired;
    bool at_event = false;
    const interp::Stop stop = RunHart(thread, hart, budget, &at_event);
    const uint64_t retired = hart.cpu.retired - slice_start_;
    Account(thread, retired);
    if (historian_ != nullptr) historian_->OnRan(thread);
    slice_start_ = hart.cpu.retired;
    if (spends) slice_left_ -= retired;
    kernel_.ExpireTimers();
    bool slice_is_spent = spends && slice_left_ == 0;
    switch (stop.reason) {
      case interp::StopReason::kBudget:
        break;
      case interp::StopReason::kEcall:
        if (choices_ != Choices::kMade && IsForkPoint(hart.cpu)) {
          if (pause_at_fork_point_) {
            call_pending_ = true;
            return Turn::kPaused;
          }
          BeginChoices();
          slice_is_spent = false;
        }
        if (const std::optional<Turn> turn = MakeCall(thread, hart); turn.has_value()) return *turn;
        break;
      default:
        hart.cpu.reservation = {};
        if (thread.process().pid() == first_process_)
          last_fault_ = {&thread, hart.cpu.retired, DescribeStop(stop, hart.cpu.pc)};
        abi_->RaiseFault(thread, stop, hart.cpu);
        break;
    }
    ReleaseEnded();  // Of an execve, and of children that nobody waits for.
    if (!thread.runnable()) return Turn::kWaits;  // A signal of its own making has stopped it.
    if (slice_is_spent) return Turn::kPreempted;
    if (at_event) return Turn::kAtEvent;
  }
}

namespace {

// A number for a word of an object: others have others, but by chance; then they are taken for one,
// which costs events and loses none. The objects of a machine have their places in its arena, so it
// is the same in all runs.
uint64_t ObjectAddress(const memory::SharedWord& word) {
  constexpr int kOffsetBits = 24, kAlignmentBits = 4;
  const auto place = reinterpret_cast<uintptr_t>(word.object.get());
  return (static_cast<uint64_t>(place) >> kAlignmentBits << kOffsetBits) + word.offset;
}

}  // namespace

bool Machine::Impl::StopsBefore(Thread& thread, const Hart& hart, const interp::NextAccess& next) {
  using Kind = interp::AccessKind;
  if (next.kind == Kind::kNone) return false;
  Tid space = thread.process().pid();
  uint64_t addr = next.addr;
  // What several processes have mapped is the same wherever they have it.
  if (next.bytes != 0 && kernel_.living() > 1) {
    if (const auto word = hart.memory->SharedWordAt(GuestAddr{addr}); word.has_value()) {
      space = Tid{0};
      addr = ObjectAddress(*word);
    }
  }
  Event event{.atomic = next.kind == Kind::kAmo || next.kind == Kind::kLoadReserved ||
                        next.kind == Kind::kStoreConditional,
              .bytes = next.bytes,
              .space = space,
              .addr = addr,
              .pc = hart.cpu.pc,
              .number = hart.cpu.x[interp::kA7]};
  switch (next.kind) {
    case Kind::kNone:
    case Kind::kLoad:
    case Kind::kLoadReserved:
      event.kind = Event::Kind::kRead;
      break;
    case Kind::kStore:
      event.kind = Event::Kind::kWrite;
      break;
    case Kind::kStoreConditional:
    case Kind::kAmo:
      event.kind = Event::Kind::kReadWrite;
      break;
    case Kind::kFence:
      event.kind = Event::Kind::kFence;
      break;
    case Kind::kEcall:
      event.kind = Event::Kind::kSystemCall;
      break;
  }
  return Ask([&](Strategy& strategy) { return strategy.StopsBefore(thread, event); });
}

interp::Stop Machine::Impl::RunHart(Thread& thread, Hart& hart, uint64_t budget, bool* at_event) {
  if (!wants_events_) return hart.engine->Run(hart.cpu, budget);
  while (budget > 0) {
    const interp::Ahead ahead = hart.engine->LookAhead(hart.cpu);
    if (!hart.before_event && StopsBefore(thread, hart, ahead.next)) {
      hart.before_event = true;
      *at_event = true;
      break;
    }
    hart.before_event = false;
    const uint64_t steps = std::min(budget, ahead.steps);
    const interp::Stop stop = hart.engine->Run(hart.cpu, steps);
    if (stop.reason != interp::StopReason::kBudget) return stop;
    budget -= steps;
  }
  return {.reason = interp::StopReason::kBudget};
}

[[gnu::always_inline]] inline std::optional<Machine::Impl::Turn> Machine::Impl::MakeCall(
    Thread& thread, Hart& hart) {
  // A trap into the kernel breaks the reservation, as Linux does on its way back to the user.
  hart.cpu.reservation = {};
  if (++calls_since_host_look_ >= kCallsBetweenHostLooks) LookAtHost();
  const Tid tid = thread.tid();
  if (historian_ != nullptr) historian_->OnCallBegins(thread, hart.cpu);
  const shims::Next next = abi_->Enter(thread, hart.cpu, &hart.call);
  if (historian_ != nullptr) Record(next, tid, thread, hart.cpu);
  switch (next) {
    case shims::Next::kContinue:
      return std::nullopt;
    case shims::Next::kYield:
      return Turn::kPreempted;
    case shims::Next::kBlocked:
      return Turn::kWaits;
    case shims::Next::kThreadExited:
    case shims::Next::kProcessExited:
      return Turn::kEnded;
  }
  return std::nullopt;
}

void Machine::Impl::Record(shims::Next next, Tid tid, Thread& thread, const interp::Cpu& cpu) {
  switch (next) {
    case shims::Next::kContinue:
    case shims::Next::kYield:
      return historian_->OnCallReturns(thread, cpu);
    case shims::Next::kBlocked:
      return historian_->OnCallWaits();
    case shims::Next::kThreadExited:
    case shims::Next::kProcessExited:
      return historian_->OnTaskGone(tid);
  }
}

void Machine::Impl::BeginChoices() {
  choices_ = Choices::kMade;
  slice_left_ = 0;  // Of running in order.
  NoteWants();
}

bool Machine::Impl::IsForkPoint(const interp::Cpu& cpu) const {
  switch (shims::ForkPointOf(cpu)) {
    case shims::ForkPoint::kMakesTask:
      return choices_ == Choices::kNotYet;
    case shims::ForkPoint::kExploreNow:
      return true;
    case shims::ForkPoint::kNone:
      return choices_ == Choices::kNotYet && abi_->MayFail(cpu.x[interp::kA7]);
  }
  return false;
}

std::optional<Outcome> Machine::Impl::RunToForkPoint() {
  pause_at_fork_point_ = true;
  std::optional<Outcome> outcome = RunUntil(UINT64_MAX);
  pause_at_fork_point_ = false;
  return outcome;
}

void Machine::Impl::LookAtHost() {
  calls_since_host_look_ = 0;
  steps_since_host_look_ = 0;
  if (outside_ != nullptr) {
    outside_->clock().TellAndFollowSteps();
  } else if (!host_poller_.HasWaiters()) {
    return;
  }
  const absl::StatusOr<bool> looked = host_poller_.Wait({0});
  POLLUX_CHECK(looked.ok()) << looked.status();
}

bool Machine::Impl::Idle() {
  kernel_.SetCurrent(nullptr);
  if (outside_ != nullptr) return IdleOnHostClock();
  const Nanos deadline = kernel_.NextDeadline();
  if (host_poller_.HasWaiters()) {
    // Input may come: until then the machine's time passes with the host's.
    const Nanos wait = deadline == kNanosMax ? kNanosMax : deadline - kernel_.clock().Monotonic();
    const absl::StatusOr<bool> changed = host_poller_.Wait(wait);
    POLLUX_CHECK(changed.ok()) << changed.status();
    if (*changed) return true;
  }
  if (deadline == kNanosMax) return false;
  kernel_.clock().AdvanceTo(deadline);
  kernel_.ExpireTimers();
  return true;
}

bool Machine::Impl::IdleOnHostClock() {
  outside_->clock().TellAndFollowSteps();
  const Nanos deadline = kernel_.NextDeadline();
  if (deadline == kNanosMax && !host_poller_.HasWaiters()) return false;
  const Nanos wait =
      deadline == kNanosMax
          ? kNanosMax
          : Nanos{std::max<int64_t>(0, (deadline - kernel_.clock().Monotonic()).value)};
  const absl::StatusOr<bool> changed = host_poller_.Wait(wait);
  POLLUX_CHECK(changed.ok()) << changed.status();
  outside_->clock().TellAndFollowSteps();
  kernel_.ExpireTimers();
  return true;
}

const Process& Machine::Impl::FirstProcess() {
  const Process* const first = kernel_.FindProcess(first_process_);
  POLLUX_CHECK(first != nullptr) << "the first process is waited for by nobody";
  return *first;
}

std::optional<Outcome> Machine::Impl::RunUntil(uint64_t instructions) {
  const os_emu::Witness::Scope witnessed(historian_.get());
  pause_at_ = instructions;
  for (;;) {
    // The last one's memory is left as it is: what was translated of it is of use after Restore().
    if (kernel_.living() == 0) return Ended(*FirstProcess().exit);
    ReleaseEnded();
    if (retired_ >= max_steps_) return Hangs(Outcome::Kind::kStepLimit);
    if (retired_ >= pause_at_) return std::nullopt;
    if (kernel_.run_queue().empty()) {
      if (Idle()) continue;
      const Process& first = FirstProcess();
      if (!first.exit.has_value()) return Hangs(Outcome::Kind::kDeadlock);
      // What it has left behind would wait forever.
      Report(absl::StrFormat(
          "warning: the guest has ended; %d process(es) that it left behind wait for what cannot "
          "come, and were ended",
          kernel_.living()));
      return Ended(*first.exit);
    }
    if (paused_ == nullptr && ExpireEarly()) continue;
    Thread* const thread = paused_ != nullptr ? std::exchange(paused_, nullptr) : ChooseThread();
    if (thread == nullptr)
      return Outcome{.kind = Outcome::Kind::kAbandoned, .instructions = retired_};
    const Turn turn = RunThread(*thread);
    if (turn == Turn::kPaused) {
      paused_ = thread;
      return std::nullopt;
    }
    leave_last_ = turn == Turn::kPreempted;
    if (choices_ == Choices::kMade && slices_end_with_turns_) slice_left_ = 0;
  }
}

}  // namespace pollux::machine
