// pollux shrink: a schedule that fails in the same way with far fewer preemptions.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/machine_flags.h"
#include "cli/progress.h"
#include "cli/schedules.h"
#include "cli/validators.h"
#include "explore/explorer.h"
#include "explore/finding.h"
#include "explore/shrink.h"

namespace pollux::cli {
namespace {

class ShrinkCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app, const std::string& name) override {
    shrink_ = app.add_subcommand(
        name,
        "pollux shrink [FLAG...] SCHEDULE [GUEST [ARG...]]: find a schedule that fails in the same "
        "way with far fewer preemptions. Exit status: 1, since it is a finding; 0 if the schedule "
        "that was saved does not fail.");
    shrink_->prefix_command();
    shrink_->add_option(
        "--output", output_,
        "Where the smaller schedule goes. Default: SCHEDULE, with .small appended.");
    shrink_->add_option("--tries", tries_, "How many schedules are tried at most. Default 10000.")
        ->check(NumberValidator());
    return shrink_;
  }

  int Run() override {
    const std::optional<std::vector<std::string>> words = WordsAfterFlags(*shrink_, "SCHEDULE");
    if (!words.has_value()) return kExitUsage;
    int status;
    std::optional<SavedRun> saved = ReadSavedRun(*words, &status);
    if (!saved.has_value()) return status;
    saved->options.warn = nullptr;
    absl::StatusOr<std::unique_ptr<explore::Explorer>> explorer =
        explore::Explorer::Create(saved->options, saved->guest, saved->file.expectation);
    if (!explorer.ok()) {
      PrintError(explorer.status().message());
      return ExitStatusOf(explorer.status());
    }
    const explore::Run first = (*explorer)->RunSchedule(saved->file.schedule);
    if (!explore::IsFinding(first, saved->file.expectation)) {
      PrintError(absl::StrCat(words->front(), ": the run does not fail: nothing to shrink"));
      return 0;
    }
    const std::string key = explore::FindingOf(first, saved->file.expectation, 0).key;
    Progress progress("shrink");
    const auto start = std::chrono::steady_clock::now();
    const explore::Shrunk shrunk = explore::Shrink(
        **explorer, first.schedule, key, tries_, [&](uint64_t tried, size_t preemptions) {
          progress.Show(
              std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::steady_clock::now() - start),
              absl::StrCat(tried, " schedules tried, ", preemptions, " preemptions left"));
          return !progress.interrupted();
        });
    progress.Clear();
    saved->file.schedule = shrunk.schedule;
    saved->file.finding = key;
    if (output_.empty()) output_ = words->front() + ".small";
    if (!WriteScheduleFile(output_, saved->file)) return kExitUsage;
    const auto size = [](const machine::Schedule& schedule) {
      const size_t faults = schedule.faults.size(), woken = schedule.woken.size();
      return absl::StrCat(schedule.preemptions(), " preemptions", faults == 0 ? "" : ", ",
                          faults == 0 ? "" : absl::StrCat(faults, " faults"),
                          woken == 0 ? "" : absl::StrCat(", ", woken, " wake-ups out of order"),
                          " and ", schedule.switches.size(), " switches in all");
    };
    std::printf("%s, from %s; %llu schedules tried%s\n", size(shrunk.schedule).c_str(),
                size(first.schedule).c_str(), static_cast<unsigned long long>(shrunk.tried),
                progress.interrupted() ? "; interrupted" : "");
    std::printf("repeat it: %s\n", ShellText({"pollux", "replay", output_}).c_str());
    return kExitFindings;
  }

 private:
  CLI::App* shrink_ = nullptr;
  std::string output_;
  uint64_t tries_ = 10'000;
};

}  // namespace

std::unique_ptr<Command> MakeShrinkCommand() { return std::make_unique<ShrinkCommand>(); }

}  // namespace pollux::cli
