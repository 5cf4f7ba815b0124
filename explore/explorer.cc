#include "explore/explorer.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_cat.h"

namespace pollux::explore {

using machine::Machine;
using machine::Outcome;

namespace {

// PCT's changes fall within so many choices at most: of a program that would run forever.
constexpr uint64_t kMostLength = 100'000;
// Runs to learn from what a strategy has to know.
constexpr uint64_t kLearningRuns = 4;

constexpr size_t kMostOutput = 16 << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<Machine>> LoadGuest(machine::Options options, std::string_view file,
                                                   const std::string& name,
                                                   const std::vector<std::string>& arguments) {
  absl::StatusOr<std::unique_ptr<Machine>> machine = Machine::Create(std::move(options));
  if (!machine.ok()) return machine.status();
  const absl::Status loaded = (*machine)->Load(file, name, arguments);
  if (absl::IsFailedPrecondition(loaded))
    return absl::FailedPreconditionError(absl::StrCat(name, ": ", loaded.message()));
  if (!loaded.ok()) return loaded;
  return machine;
}

absl::StatusOr<std::unique_ptr<Machine>> LoadGuest(machine::Options options, const Guest& guest) {
  return LoadGuest(std::move(options), guest.file, guest.name, guest.arguments);
}

void Written::Add(int stream, std::string_view bytes, const Expectation& expectation) {
  if (stream == 1 && expectation.out.has_value()) {
    const size_t most = expectation.out->size() + kMostOutput;
    out.append(bytes.substr(0, most - std::min(most, out.size())));
  }
  // A guest that writes without end costs no more than this.
  if (bytes.size() > kMostOutput) bytes.remove_prefix(bytes.size() - kMostOutput);
  const size_t all = tail.size() + bytes.size();
  if (all > kMostOutput) tail.erase(0, all - kMostOutput);
  tail.append(bytes);
}

absl::Status MayBeExplored(const machine::Options& options) {
  if (options.clock == machine::ClockSource::kHost)
    return absl::InvalidArgumentError("--clock=host: no two runs are the same");
  for (const std::string& mount : options.mounts) {
    if (mount.ends_with(":ro")) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--dir=", mount, ": schedules would see each other's changes; append :ro"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Explorer>> Explorer::Create(machine::Options options,
                                                           const Guest& guest,
                                                           Expectation expectation) {
  if (const absl::Status may = MayBeExplored(options); !may.ok()) return may;
  std::unique_ptr<Explorer> explorer(new Explorer(std::move(options), std::move(expectation)));
  if (const absl::Status prepared = explorer->Prepare(guest); !prepared.ok()) return prepared;
  return explorer;
}

absl::Status Explorer::Prepare(const Guest& guest) {
  guest_ = guest;
  if (const absl::Status booted = Boot(); !booted.ok()) return booted;
  first_written_ = written_;
  if (ended_.has_value()) {
    if (machine_->holds_choices() && options_.warn) {
      options_.warn(
          "warning: the guest asks that choices begin later (prctl 0x706c7578, 0), and ends "
          "without "
          "saying where (prctl 0x706c7578, 1): there is one schedule");
    }
    return absl::OkStatus();
  }
  if (options_.lints != 0) {
    starts_anew_ = true;  // What is remembered of a run cannot be put back.
  } else {
    const absl::Status saved = machine_->Save();
    starts_anew_ = absl::IsResourceExhausted(saved);
    if (!saved.ok() && !starts_anew_) return saved;
  }
  if (machine::WantsEvents(options_.strategy.kind)) Learn();
  return absl::OkStatus();
}

absl::Status Explorer::Boot() {
  machine_.reset();
  machine::Options options = options_;
  options.schedule_seed.reset();
  if (options.trace) {
    options.trace = [this](std::string_view line) {
      if (traces_) options_.trace(line);
    };
  }
  options.output = [this](int stream, std::string_view bytes) {
    written_.Add(stream, bytes, expectation_);
  };
  absl::StatusOr<std::unique_ptr<Machine>> machine = LoadGuest(std::move(options), guest_);
  if (!machine.ok()) return machine.status();
  machine_ = *std::move(machine);
  ended_ = machine_->RunToForkPoint();
  return absl::OkStatus();
}

void Explorer::GoBack() {
  if (starts_anew_) {
    const bool traced = std::exchange(traces_, false);
    const absl::Status booted = Boot();
    POLLUX_CHECK(booted.ok()) << "what could be loaded cannot be loaded again: " << booted;
    traces_ = traced;
  } else {
    machine_->Restore();
  }
  written_ = first_written_;
}

void Explorer::Learn() {
  machine::StrategyOptions options = options_.strategy;
  options.kind = machine::StrategyKind::kPos;
  options.early_deadlines = {};
  options.faults = {};
  uint64_t most_choices = 1;
  for (uint64_t seed = 1; seed <= kLearningRuns; ++seed) {
    const auto strategy = machine::MakeStrategy(options, seed, &shared_memory_);
    auto& learner = static_cast<machine::EventStrategy&>(*strategy);
    if (options_.strategy.kind == machine::StrategyKind::kExhaustive) learner.WantFootprints();
    RunOnce(*strategy);
    shared_memory_.Learn(learner.memory());
    most_choices = std::max(most_choices, learner.choices());
  }
  if (options_.strategy.length == 0) options_.strategy.length = std::min(most_choices, kMostLength);
}

Run Explorer::RunOnce(machine::Strategy& strategy) {
  if (on_run_) on_run_();
  GoBack();
  machine_->SetStrategy(&strategy);
  machine_->SetStacks(false);
  Run run{.outcome = machine_->Run()};
  run.written = std::move(written_);
  return run;
}

Run Explorer::RunWith(std::unique_ptr<machine::Strategy> strategy) {
  machine::Recorder recorder(std::move(strategy));
  Run run = RunOnce(recorder);
  run.schedule = recorder.schedule();
  const bool explains = !run.outcome.explanation.empty() || !run.outcome.lints.empty();
  if (explains && !run.schedule.truncated) Explain(&run);
  return run;
}

// Tens of milliseconds for the first of its kind, and nothing for those that follow.
void Explorer::Explain(Run* run) {
  const End end{run->outcome.kind, run->outcome.status, run->outcome.signal,
                run->outcome.fingerprint};
  auto known = explained_.find(end);
  if (known == explained_.end()) {
    machine::Replayer replayer(run->schedule);
    GoBack();
    const bool traced = std::exchange(traces_, false);
    machine_->SetStrategy(&replayer);
    known = explained_.emplace(end, machine_->Run()).first;
    traces_ = traced;
  }
  run->outcome.explanation = known->second.explanation;
  run->outcome.threads = known->second.threads;
  run->outcome.lints = known->second.lints;
}

Run Explorer::RunSeed(uint64_t schedule_seed) {
  if (ended_.has_value()) return {.outcome = *ended_, .written = first_written_};
  if (options_.strategy.kind == machine::StrategyKind::kExhaustive)
    return RunExhaustive(schedule_seed);
  if (options_.strategy.kind == machine::StrategyKind::kFeedback) return RunFeedback(schedule_seed);
  return RunWith(machine::MakeStrategy(options_.strategy, schedule_seed, &shared_memory_));
}

Run Explorer::RunFeedback(uint64_t seed) {
  constexpr uint64_t kCampaign = machine::FeedbackSearch::kCampaign;
  const uint64_t number = seed == 0 ? 0 : (seed - 1) / kCampaign;
  const uint64_t place = seed == 0 ? 0 : (seed - 1) % kCampaign;
  if (campaign_ == nullptr || campaign_number_ != number || campaign_->schedules() > place) {
    campaign_ = std::make_unique<machine::FeedbackSearch>(number);
    campaign_number_ = number;
  }
  for (;;) {
    Run run = RunWith(machine::WithChance(campaign_->Next(&shared_memory_), options_.strategy,
                                          number * kCampaign + campaign_->schedules()));
    campaign_->Ran();
    if (campaign_->schedules() == place + 1) return run;
  }
}

Run Explorer::RunSchedule(const machine::Schedule& schedule) {
  if (ended_.has_value()) return {.outcome = *ended_, .written = first_written_};
  return RunWith(std::make_unique<machine::Replayer>(schedule, /*whole=*/false));
}

Run Explorer::RunExhaustive(uint64_t number) {
  if (number == 0) return {.none = true};
  if (search_ == nullptr || search_->schedules() >= number)
    search_ = std::make_unique<machine::ExhaustiveSearch>(options_.strategy.preemption_bound);
  while (!search_->complete()) {
    Run run = RunWith(search_->Next(&shared_memory_));
    const bool abandoned = run.outcome.kind == Outcome::Kind::kAbandoned;
    if (search_->Ran(abandoned) && search_->schedules() == number) return run;
  }
  return {.cut = search_->cut(), .none = true, .bounded = search_->bounded()};
}

}  // namespace pollux::explore
