// Explorer: one guest, run again and again from its fork point, each time by another schedule. What
// comes before the fork point (the program's start, and what it does alone) runs once; going back
// costs what the run has changed.
//
// A schedule is what `pollux run --schedule_seed=S` with the same options does, to the byte: up to
// the fork point nothing is chosen. Single-threaded, and not for guests whose runs would see each
// other's changes: no writable directory of the host, no clock of the host.
#ifndef POLLUX_EXPLORE_EXPLORER_H_
#define POLLUX_EXPLORE_EXPLORER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "machine/machine.h"
#include "machine/strategy/event_strategy.h"
#include "machine/strategy/exhaustive.h"
#include "machine/strategy/feedback.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {

struct Guest {
  std::string file;                    // The ELF file's bytes.
  std::string name;                    // As the user named it.
  std::vector<std::string> arguments;  // argv[0] is the first.
};

// A machine with the guest loaded. Errors: Machine::Create()'s and Machine::Load()'s; where the
// file cannot be loaded they begin with its name.
absl::StatusOr<std::unique_ptr<machine::Machine>> LoadGuest(
    machine::Options options, std::string_view file, const std::string& name,
    const std::vector<std::string>& arguments);
absl::StatusOr<std::unique_ptr<machine::Machine>> LoadGuest(machine::Options options,
                                                            const Guest& guest);

// What a run has to do; anything else is a finding.
struct Expectation {
  int exit_status = 0;             // 128 + n where signal n shall end it.
  std::optional<std::string> out;  // All that goes to stdout; none: anything.
  bool lints = false;              // None of Options::lints is seen.
};

// What a guest has written.
struct Written {
  std::string tail;  // To stdout and stderr, in order; the last 16 KiB.
  std::string out;   // To stdout, as far as it is expected, and a little more. Empty: nobody asks.

  void Add(int stream, std::string_view bytes, const Expectation& expectation);
};

// What one schedule gave.
struct Run {
  // Of those that end alike the stacks were looked at once (machine/fingerprint.h): they, and the
  // explanation, are those of the first one that this Explorer has met.
  machine::Outcome outcome;
  Written written;
  machine::Schedule schedule;
  // Of kExhaustive: some were cut short (ExhaustiveSearch::cut()).
  bool cut = false;
  bool none = false;     // There is no such schedule: those before it were all (kExhaustive).
  bool bounded = false;  // Where there is none: but those with more preemptions than allowed.
};

// kInvalidArgument: runs with these options would see each other's changes.
absl::Status MayBeExplored(const machine::Options& options);

class Explorer {
 public:
  // Brings the guest to its fork point. `options.output` and schedule_seed are the Explorer's
  // business; a strategy.length of 0 is measured.
  // kInvalidArgument: an option that makes no sense; kFailedPrecondition: it cannot be loaded.
  static absl::StatusOr<std::unique_ptr<Explorer>> Create(machine::Options options,
                                                          const Guest& guest,
                                                          Expectation expectation = {});
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  const Expectation& expectation() const { return expectation_; }
  // Called before each run: one seed may take many.
  void set_on_run(std::function<void()> on_run) { on_run_ = std::move(on_run); }
  // Whether there is one schedule only: the guest has ended before the fork point, and all runs are
  // that one.
  bool only_one() const { return ended_.has_value(); }
  // With the length that was measured.
  const machine::StrategyOptions& strategy() const { return options_.strategy; }
  // What threads share, as far as first runs have shown: for strategies that choose before events.
  const machine::SharedMemory& shared_memory() const { return shared_memory_; }

  // Of kExhaustive: the schedule of this number, from 1. Of it and of kFeedback: cheap for the one
  // after the last one, else those before it are run, too.
  Run RunSeed(uint64_t schedule_seed);
  Run RunSchedule(const machine::Schedule& schedule);

 private:
  Explorer(machine::Options options, Expectation expectation)
      : options_(std::move(options)), expectation_(std::move(expectation)) {}
  absl::Status Prepare(const Guest& guest);
  // A machine that is at its fork point, or has ended.
  absl::Status Boot();
  // The machine is at its fork point again.
  void GoBack();
  // Measures and learns what the strategy has to know, by runs that are always the same.
  void Learn();
  // As it is, without stacks.
  Run RunOnce(machine::Strategy& strategy);
  // Recorded, and with stacks.
  Run RunWith(std::unique_ptr<machine::Strategy> strategy);
  void Explain(Run* run);
  Run RunExhaustive(uint64_t number);
  Run RunFeedback(uint64_t seed);

  machine::Options options_;
  const Expectation expectation_;
  std::unique_ptr<machine::Machine> machine_;
  std::function<void()> on_run_;
  Guest guest_;
  // The host has no room for a machine that goes back, or lints are looked for: it is slow.
  bool starts_anew_ = false;
  Written written_;
  Written first_written_;  // Before the fork point.
  std::optional<machine::Outcome> ended_;
  // Ends that were explained, by what identifies them.
  using End = std::tuple<machine::Outcome::Kind, int, int, uint64_t>;
  std::map<End, machine::Outcome> explained_;
  bool traces_ = true;
  machine::SharedMemory shared_memory_;
  std::unique_ptr<machine::ExhaustiveSearch> search_;  // Of kExhaustive, as far as it went.
  std::unique_ptr<machine::FeedbackSearch> campaign_;  // Of kFeedback, likewise.
  uint64_t campaign_number_ = 0;
};

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_EXPLORER_H_
