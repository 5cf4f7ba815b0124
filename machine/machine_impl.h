// Machine::Impl: what a machine is made of, all in its arena. setup.cc makes it, run_loop.cc runs
// it, tasks.cc adds and removes harts, endings.cc says how it ended, copies.cc puts it back. Only
// for machine/.
#ifndef POLLUX_MACHINE_MACHINE_IMPL_H_
#define POLLUX_MACHINE_MACHINE_IMPL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/result.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "interp/engine/engine.h"
#include "machine/engine_table.h"
#include "machine/findings.h"
#include "machine/history/explain.h"
#include "machine/history/historian.h"
#include "machine/machine.h"
#include "machine/outside.h"
#include "machine/process_image.h"
#include "machine/strategy/strategy.h"
#include "memory/arena.h"
#include "memory/huge_pool.h"
#include "memory/snapshot.h"
#include "memory/store_watch.h"
#include "os_emu/host_poller/host_poller.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/random.h"
#include "shims/shims.h"

namespace pollux::machine {

// What the machine keeps of a thread beside the kernel's.
struct Hart {
  interp::Cpu cpu;
  shims::Call call;
  memory::AddressSpace* memory = nullptr;
  interp::Engine* engine = nullptr;  // That of its memory.
  memory::StoreWatch reserved;       // Its reservation, while others run.
  bool before_event = false;         // It has stopped there; the event happens when it runs.
};

// Where a hart stopped and why, for people.
std::string DescribeStop(const interp::Stop& stop, uint64_t pc);

class Machine::Impl final : private shims::Sink,
                            private shims::TaskHost,
                            private shims::FaultSource,
                            private os_emu::WakeChooser,
                            private interp::Counters,
                            private Historian::Clock {
 public:
  explicit Impl(Options options);

  absl::Status SetUp();
  // A copy that lives as long as the kernel.
  std::string_view KeepProgram(std::string_view file);
  absl::Status Load(std::string_view file, std::string_view name,
                    const std::vector<std::string>& arguments);
  std::optional<Outcome> RunUntil(uint64_t instructions);
  std::optional<Outcome> RunToForkPoint();
  bool holds_choices() const { return choices_ == Choices::kHeld; }
  void SetStrategy(Strategy* strategy) {
    strategy_ = strategy;
    NoteWants();
  }
  void SetStacks(bool stacks) { stacks_ = stacks; }
  uint64_t instructions() const { return retired_; }

  // ---- Of a machine that is put back.
  absl::Status MayBeSaved() const;
  std::unique_ptr<memory::Snapshot> SaveMemory();
  void EndSave() { engines_.Unkeep(); }
  void BeforeArena(memory::Snapshot& snapshot);
  void AfterArena(memory::Snapshot& snapshot);

 private:
  // ---- shims::Sink. What listens is outside of the machine.
  void Report(std::string_view line) override;
  void Trace(os_emu::Thread& thread, std::string_view line) override;

  // ---- shims::TaskHost
  void OnClone(os_emu::Thread& parent, os_emu::Thread& child, const interp::Cpu& cpu) override;
  Result<void> Exec(os_emu::Thread& thread, shims::ExecRequest request) override;
  const interp::Cpu& RegistersOf(const os_emu::Thread& thread) override {
    return harts_.at(&thread)->cpu;
  }
  void OnExploreHint(bool now) override;

  // ---- shims::FaultSource
  bool Happens(os_emu::Thread& thread, shims::FaultKind kind) override;

  // ---- os_emu::WakeChooser
  size_t ChooseWoken(os_emu::Thread& waker, std::span<os_emu::Thread* const> waiters, size_t chosen,
                     size_t left) override;

  // ---- interp::Counters: the hart runs at one instruction a cycle; time is the machine's clock.
  void CountOperations(uint64_t operations) override { operations_ += operations; }
  void CountReferenceStep() override { ++reference_steps_; }
  uint64_t Cycle(const interp::Cpu& cpu) override { return cpu.retired; }
  uint64_t Instret(const interp::Cpu& cpu) override { return cpu.retired; }
  uint64_t Time(const interp::Cpu& cpu) override;

  // ---- Historian::Clock
  Step StepNow() override { return retired_; }
  Nanos TimeNow() override { return kernel_.clock().Monotonic() - os_emu::Clock::kBootNanos; }

  // Why a thread does not run on.
  enum class Turn {
    kPreempted,  // It could; its slice is spent, it has yielded, or the machine's steps are.
    kWaits,      // Or is stopped.
    kEnded,      // The thread is gone.
    kAtEvent,    // It could; who runs next is to be chosen.
    kPaused,     // The machine is to stop here, and to go on with it.
  };

  // Of the strategy. Before they are made everybody runs in order: of what comes before the fork
  // point there is one run only.
  enum class Choices {
    kNotYet,  // There is one thread.
    kHeld,    // Until the guest says so.
    kMade,
  };

  // Keeps the harts of some threads at hand.
  Hart& HartOf(const os_emu::Thread& thread) {
    KnownHart& known = known_harts_[static_cast<size_t>(thread.tid()) % known_harts_.size()];
    if (known.thread != &thread) known = {&thread, harts_.at(&thread).get()};
    return *known.hart;
  }
  // What the strategy wants, as long as it makes choices; asked once, not at every turn.
  void NoteWants() {
    wants_events_ = choices_ == Choices::kMade && strategy().wants_events();
    wants_deadlines_ = choices_ == Choices::kMade && strategy().wants_deadlines();
    wants_footprints_ = choices_ == Choices::kMade && strategy().wants_footprints();
    slices_end_with_turns_ = strategy().slices_end_with_turns();
  }
  // Null: the run is to end.
  os_emu::Thread* ChooseThread();
  Strategy& strategy() { return strategy_ != nullptr ? *strategy_ : *own_strategy_; }
  // Asks it: outside the arena if it is another's.
  template <typename Question>
  auto Ask(const Question& question) {
    if (choices_ != Choices::kMade) return question(*in_order_);
    if (strategy_ == nullptr) return question(*own_strategy_);
    const memory::OutsideArena outside;
    return question(*strategy_);
  }
  ChoicePoint PointOf(std::span<os_emu::Thread* const> runnable);
  size_t Choose(std::span<os_emu::Thread* const> runnable);
  shims::Footprint FootprintOf(os_emu::Thread& thread);
  // True: the next deadline was reached.
  bool ExpireEarly() { return wants_deadlines_ && AskToExpire(); }
  bool AskToExpire();
  uint64_t NextSlice(const os_emu::Thread& running);
  // Whether the system call that the thread is about to make begins the choices.
  bool IsForkPoint(const interp::Cpu& cpu) const;
  void BeginChoices();
  // Runs it until another one shall run.
  Turn RunThread(os_emu::Thread& thread);
  // Runs it; for who chooses before events at most to the next one, and says so.
  interp::Stop RunHart(os_emu::Thread& thread, Hart& hart, uint64_t budget, bool* at_event);
  bool StopsBefore(os_emu::Thread& thread, const Hart& hart, const interp::NextAccess& next);
  // The system call that it has come to. Nothing: it runs on.
  std::optional<Turn> MakeCall(os_emu::Thread& thread, Hart& hart);
  // Tells the historian how the call that began goes on; the thread may be gone.
  void Record(shims::Next next, Tid tid, os_emu::Thread& thread, const interp::Cpu& cpu);
  bool SpendsSlices();
  // Instructions that it may run now; 0: another one shall run. `spends_slices`: SpendsSlices().
  uint64_t Budget(const os_emu::Thread& thread, bool spends_slices);
  // The thread has retired so many instructions: brings the clocks up to date, and with the host's
  // clock looks at the host from time to time.
  void Account(os_emu::Thread& thread, uint64_t retired);
  void ReleaseEnded();
  // Its first three.
  void OpenStreams(os_emu::Thread& thread);
  // The hart runs in its process's memory from now on.
  void Enter(Hart& hart, memory::AddressSpace& memory);
  void Leave(Hart& hart);
  // The thread's process goes on with another program.
  void Start(os_emu::Thread& thread, ProcessImage image);
  // Everybody waits: waits for the host, or lets time pass. False: that would never end.
  bool Idle();
  bool IdleOnHostClock();
  const os_emu::Process& FirstProcess();
  void LookAtHost();
  // A signal has ended the thread's process, whose memory this was.
  void NoteDeath(os_emu::Thread& thread, memory::AddressSpace& memory);
  Outcome Ended(const os_emu::ExitState& state);
  Outcome Hangs(Outcome::Kind kind);
  void NoteLints(const std::vector<Explanation>& explanations, Outcome& outcome);
  // Adds to the outcome what the historian knows; nothing without one.
  void Explain(const std::vector<Explanation>& explanations, Outcome& outcome);
  uint64_t StepsToNextDeadline(const os_emu::Thread& thread);

  Options options_;
  const uint64_t max_steps_;  // Options::max_steps; UINT64_MAX: without limit.
  os_emu::RandomStream seed_;
  os_emu::HostPoller host_poller_;
  // The guest's file, as it was loaded; the kernel's file of it is lent from here. Outside the
  // arena, so that it is not copied when the machine is put back.
  std::unique_ptr<memory::HugePool> program_;
  os_emu::Kernel kernel_;
  std::unique_ptr<Outside> outside_;  // With --clock=host only.
  os_emu::RandomStream layout_random_;
  std::unique_ptr<shims::SyscallAbi> abi_;
  std::unique_ptr<Historian> historian_;  // Outside the arena. Null: nothing is remembered.
  EngineTable engines_;
  std::unique_ptr<Strategy> in_order_;      // Where nothing is chosen.
  std::unique_ptr<Strategy> own_strategy_;  // As the options say.
  Strategy* strategy_ = nullptr;
  Choices choices_ = Choices::kNotYet;
  bool pause_at_fork_point_ = false;
  bool call_pending_ = false;  // It stopped there, before the call.
  bool stacks_ = true;
  absl::flat_hash_map<const os_emu::Thread*, std::unique_ptr<Hart>> harts_;  // Only looked up.
  struct KnownHart {
    const os_emu::Thread* thread = nullptr;
    Hart* hart = nullptr;
  };
  std::array<KnownHart, 16> known_harts_;
  bool wants_events_ = false, wants_deadlines_ = false, wants_footprints_ = false;
  bool slices_end_with_turns_ = false;
  Tid first_process_{0};
  const os_emu::Thread* last_thread_ = nullptr;  // Who ran last; null: it is gone.
  bool leave_last_ = false;                      // Another one shall run next.
  uint64_t slice_left_ = 0;                      // Until the next preemption.
  std::vector<shims::Footprint> footprints_;     // Of a choice.
  uint64_t retired_ = 0;                         // By all harts.
  uint64_t operations_ = 0;                      // Outcome::operations.
  uint64_t reference_steps_ = 0;                 // Outcome::reference_steps.
  uint64_t pause_at_ = UINT64_MAX;               // Of them.
  os_emu::Thread* paused_ = nullptr;             // In the midst of whose turn it stopped.
  uint64_t slice_start_ = 0;  // cpu.retired of the running hart when the clock was last right.
  int calls_since_host_look_ = 0;
  uint64_t steps_since_host_look_ = 0;
  // The first process's last fault, which a handler may have taken: where and when, and in words.
  struct FaultNote {
    const os_emu::Thread* thread = nullptr;
    uint64_t retired = 0;  // The hart's.
    std::string text;
  };
  FaultNote last_fault_;
  std::optional<ThreadReport> death_;  // Of the first process, by a signal.
  uint64_t death_fingerprint_ = 0;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_MACHINE_IMPL_H_
