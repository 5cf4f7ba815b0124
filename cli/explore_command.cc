// pollux explore: many schedules of one guest.
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/command.h"
#include "cli/lint_flags.h"
#include "cli/machine_flags.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/schedules.h"
#include "cli/timeline.h"
#include "cli/validators.h"
#include "explore/campaign.h"
#include "explore/explained.h"
#include "explore/explorer.h"
#include "explore/finding.h"
#include "explore/schedule_file.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace pollux::cli {
namespace {

using explore::CampaignOptions;
using explore::Finding;
using explore::Summary;
using std::chrono::milliseconds;

// A schedule that has not ended by then hangs, as far as anybody can wait for thousands of them.
constexpr uint64_t kMaxSteps = 100'000'000;

// "30s", "500ms", "2m", "1h".
std::optional<milliseconds> ParseDuration(const std::string& text) {
  static const re2::RE2 kDuration("([0-9]{1,9})(ms|s|m|h)");
  uint64_t count = 0;
  std::string unit;
  if (!re2::RE2::FullMatch(text, kDuration, &count, &unit)) return std::nullopt;
  const uint64_t milliseconds_each = unit == "ms"  ? 1
                                     : unit == "s" ? 1000
                                     : unit == "m" ? 60'000
                                                   : 3'600'000;
  return milliseconds(count * milliseconds_each);
}

// "100": 1 to 100; "5..9": 5 to 9.
bool ParseSeeds(const std::string& text, CampaignOptions* options) {
  static const re2::RE2 kSeeds("(?:([0-9]{1,18})\\.\\.)?([0-9]{1,18})");
  std::string first;
  if (!re2::RE2::FullMatch(text, kSeeds, &first, &options->last_seed)) return false;
  options->first_seed = 1;
  if (!first.empty() && !absl::SimpleAtoi(first, &options->first_seed)) return false;
  return options->first_seed >= 1 && options->first_seed <= options->last_seed;
}

uint64_t ProcessorsOfHost() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<uint64_t>(CPU_COUNT(&set)) : 1;
}

std::string Count(uint64_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

class ExploreCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app, const std::string& name) override {
    explore_ = app.add_subcommand(
        name,
        "pollux explore [FLAG...] GUEST [ARG...]: run GUEST by many schedules, one for each seed, "
        "and say in what ways it fails. Exit status: 0 nothing was found, 1 there are findings.");
    explore_->prefix_command();
    explore_->add_option("--seeds", seeds_,
                         "N: seeds 1 to N; A..B: seeds A to B, a part of a larger range. Default "
                         "1000.");
    explore_
        ->add_option("--jobs", jobs_,
                     "How many processes run schedules. Default: one for each processor.")
        ->check(NumberValidator());
    explore_->add_flag("--keep_going", keep_going_,
                       "Run all seeds; without, the first finding is the last.");
    explore_->add_option("--time", time_, "Stop after so long: 500ms, 30s, 10m, 2h.");
    explore_->add_option("--save_schedule", save_schedule_,
                         "Write the schedule of the first finding to this file, for pollux replay "
                         "and pollux shrink.");
    explore_->add_option("--report", report_,
                         "Write a page for a browser to this file: the run of the first finding, "
                         "shrunk, and the nearest one that does not fail, beside each other.");
    explore_->add_option("--timeline", timeline_,
                         "Write the run of the first finding, shrunk, to this file, in the Chrome "
                         "trace format, which Perfetto opens.");
    explore_->add_flag("--hash_traces", hash_traces_,
                       "Trace all schedules, and print one hash of all that they did: the same for "
                       "the same seeds, whatever the host and --jobs. Implies --keep_going.");
    explore_
        ->add_option("--expected_exit", expected_exit_,
                     "The exit status that is no finding, 0 to 255; 128+n where signal n ends it. "
                     "Default 0.")
        ->check(NumberValidator());
    explore_->add_option("--expected_stdout", expected_stdout_,
                         "A file: what the guest prints; a run that prints anything else is a "
                         "finding.");
    explore_->add_flag("--json", json_, "Print one JSON object on stdout instead of text.");
    lint_.Declare(*explore_,
                  "A schedule that ends well and shows one is a finding. Each starts the program "
                  "anew then, and remembers it: it takes longer.");
    machine_.Declare(*explore_, kMaxSteps);
    return explore_;
  }

  int Run() override {
    std::optional<std::vector<std::string>> words = WordsAfterFlags(*explore_, "GUEST");
    if (!words.has_value()) return kExitUsage;
    std::optional<CampaignOptions> options = MakeOptions();
    if (!options.has_value()) return kExitUsage;
    absl::StatusOr<std::string> file = ReadHostFile(words->front());
    if (!file.ok()) {
      PrintError(file.status().message());
      return ExitStatusOf(file.status());
    }
    const explore::Guest guest{
        .file = *std::move(file), .name = words->front(), .arguments = *words};

    Progress progress("explore");
    options->progress = [&](const CampaignOptions::Progress& now) {
      progress.Show(now.elapsed, Line(now, *options));
      return !progress.interrupted();
    };
    options->machine.warn = [&](std::string_view line) {
      progress.Clear();
      PrintError(std::string(line));
    };
    absl::StatusOr<Summary> summary = explore::RunCampaign(*options, guest);
    progress.Clear();
    if (!summary.ok()) {
      PrintError(summary.status().message());
      return ExitStatusOf(summary.status());
    }
    Explain(*summary, *options, guest);
    if (json_) {
      PrintJson(*summary, guest);
    } else {
      Print(*summary, *options, guest, progress.interrupted());
    }
    if (!save_schedule_.empty() && !summary->findings.empty() && !Save(*summary, *options, guest))
      return kExitUsage;
    if (!summary->findings.empty() && !Show(*summary, *options, guest)) return kExitUsage;
    return summary->findings.empty() ? 0 : kExitFindings;
  }

 private:
  std::optional<CampaignOptions> MakeOptions() {
    CampaignOptions options;
    std::optional<machine::Options> machine = machine_.Options();
    if (!machine.has_value()) return std::nullopt;
    options.machine = *std::move(machine);
    if (!lint_.Apply(&options.machine)) return std::nullopt;
    options.expectation.lints = options.machine.lints != 0;
    if (!ParseSeeds(seeds_, &options)) {
      PrintError(absl::StrCat("explore: --seeds=", seeds_,
                              ": must be a number, or a range such as 1..500"));
      return std::nullopt;
    }
    constexpr uint64_t kMostJobs = 256;
    if (jobs_ > kMostJobs) {
      PrintError(absl::StrCat("explore: --jobs=", jobs_, ": must be at most ", kMostJobs));
      return std::nullopt;
    }
    if (jobs_ == 0) jobs_ = std::min(ProcessorsOfHost(), kMostJobs);
    options.jobs = static_cast<int>(std::min(jobs_, options.last_seed - options.first_seed + 1));
    // Each schedule is found from those before it.
    if (options.machine.strategy.kind == machine::StrategyKind::kExhaustive) {
      options.jobs = 1;
      if (options.first_seed != 1) {
        PrintError("explore: --seeds: those of --strategy=exhaustive begin with 1");
        return std::nullopt;
      }
      if (explore_->get_option("--seeds")->empty()) options.last_seed = UINT64_MAX / 2;
    }
    options.keep_going = keep_going_ || hash_traces_;
    options.hash_traces = hash_traces_;
    if (expected_exit_ > 255) {
      PrintError(
          absl::StrCat("explore: --expected_exit=", expected_exit_, ": must be at most 255"));
      return std::nullopt;
    }
    options.expectation.exit_status = static_cast<int>(expected_exit_);
    if (!expected_stdout_.empty()) {
      absl::StatusOr<std::string> out = ReadHostFile(expected_stdout_);
      if (!out.ok()) {
        PrintError(absl::StrCat("explore: --expected_stdout: ", out.status().message()));
        return std::nullopt;
      }
      options.expectation.out = *std::move(out);
    }
    if (!time_.empty()) {
      options.time = ParseDuration(time_);
      if (!options.time.has_value()) {
        PrintError(absl::StrCat("explore: --time=", time_, ": must be such as 500ms, 30s or 10m"));
        return std::nullopt;
      }
    }
    return options;
  }

  // Those that a person reads.
  static void Explain(Summary& summary, const CampaignOptions& options,
                      const explore::Guest& guest) {
    constexpr size_t kMost = 10;
    machine::Options machine = options.machine;
    machine.strategy = summary.strategy;
    for (size_t i = 0; i < std::min(kMost, summary.findings.size()); ++i)
      explore::ExplainFinding(machine, guest, options.expectation, summary.findings[i]);
  }

  static std::string Line(const CampaignOptions::Progress& now, const CampaignOptions& options) {
    const double seconds = std::max(0.001, static_cast<double>(now.elapsed.count()) / 1000);
    const uint64_t all = options.last_seed - options.first_seed + 1;
    return absl::StrFormat("%d%s schedules, %.0f a second, %s", now.schedules,
                           all < UINT64_MAX / 2 ? absl::StrCat(" of ", all) : "",
                           static_cast<double>(now.schedules) / seconds,
                           Count(now.findings, "finding"));
  }

  // What repeats a schedule, as words for a shell.
  std::string CommandFor(const Summary& summary, const explore::Guest& guest, uint64_t seed) const {
    std::vector<std::string> words = {"pollux", "run", "--stdio=captured",
                                      absl::StrCat("--schedule_seed=", seed)};
    for (const std::string& word : MachineWords(summary)) words.push_back(word);
    for (const std::string& word : lint_.FatalWords()) words.push_back(word);
    words.insert(words.end(), guest.arguments.begin(), guest.arguments.end());
    return ShellText(words);
  }
  // The machine's flags, with what was measured.
  std::vector<std::string> MachineWords(const Summary& summary) const {
    std::vector<std::string> words = machine_.Words();
    if (explore_->get_option("--max_steps")->empty())
      words.push_back(absl::StrCat("--max_steps=", kMaxSteps));
    if (summary.strategy.kind == machine::StrategyKind::kPct &&
        explore_->get_option("--length")->empty()) {
      words.push_back(absl::StrCat("--length=", summary.strategy.length));
    }
    return words;
  }

  void Print(const Summary& summary, const CampaignOptions& options, const explore::Guest& guest,
             bool interrupted) const {
    const double seconds = std::max(0.001, static_cast<double>(summary.elapsed.count()) / 1000);
    std::printf("%s in %.1f s (%.0f a second, %s): %s%s\n",
                Count(summary.schedules, "schedule").c_str(), seconds,
                static_cast<double>(summary.schedules) / seconds,
                Count(static_cast<uint64_t>(options.jobs), "job").c_str(),
                summary.findings.empty() ? "nothing found"
                                         : Count(summary.findings.size(), "finding").c_str(),
                interrupted         ? "; interrupted"
                : !summary.complete ? "; stopped when its time was over"
                                    : "");
    if (hash_traces_)
      std::printf("trace hash %s\n", absl::StrFormat("%016x", summary.trace_hash).c_str());
    if (summary.all_there_are) {
      std::printf(
          "There is no other schedule: these are all orders of events that can matter, as far as "
          "runs have shown what threads share.\n");
    } else if (summary.all_within_bound) {
      std::printf("Complete up to %s: with more there are other schedules.\n",
                  Count(*options.machine.strategy.preemption_bound, "preemption").c_str());
    }
    if (summary.only_one) {
      std::printf(
          "The guest makes no second thread or process, or never says that choices begin: all "
          "schedules are this one.\n");
    }
    int number = 0;
    for (const Finding& finding : summary.findings) {
      std::printf("\nFinding %d: %s\n", ++number, finding.summary.c_str());
      if (options.keep_going) {
        std::printf("  met by %s, first by seed %s\n", Count(finding.schedules, "schedule").c_str(),
                    absl::StrCat(finding.first_seed).c_str());
      } else {
        std::printf("  met by seed %s\n", absl::StrCat(finding.first_seed).c_str());
      }
      if (!finding.explanation.empty()) std::printf("%s\n", Indented(finding.explanation).c_str());
      if (!finding.output.empty()) {
        std::printf("  it wrote:\n%s\n", Indented(finding.output).c_str());
      }
      std::printf("  repeat it: %s\n", CommandFor(summary, guest, finding.first_seed).c_str());
    }
  }

  static std::string Indented(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return absl::StrCat("    ", absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                                                    {{"\n", "\n    "}}));
  }

  void PrintJson(const Summary& summary, const explore::Guest& guest) const {
    nlohmann::json object = {{"schedules", summary.schedules},
                             {"seconds", static_cast<double>(summary.elapsed.count()) / 1000},
                             {"complete", summary.complete},
                             {"only_one_schedule", summary.only_one},
                             {"all_schedules", summary.all_there_are},
                             {"all_within_bound", summary.all_within_bound},
                             {"findings", nlohmann::json::array()}};
    if (hash_traces_) object["trace_hash"] = absl::StrFormat("%016x", summary.trace_hash);
    for (const Finding& finding : summary.findings) {
      object["findings"].push_back({{"summary", finding.summary},
                                    {"key", finding.key},
                                    {"schedules", finding.schedules},
                                    {"first_seed", finding.first_seed},
                                    {"explanation", finding.explanation},
                                    {"reasons", finding.reasons},
                                    {"output", finding.output},
                                    {"command", CommandFor(summary, guest, finding.first_seed)}});
    }
    const std::string text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::printf("%s\n", text.c_str());
  }

  bool Save(const Summary& summary, const CampaignOptions& options, const explore::Guest& guest) {
    const Finding& finding = summary.findings.front();
    std::fflush(stdout);
    if (finding.lost) {
      PrintError(absl::StrCat("explore: --save_schedule: pollux did not survive seed ",
                              finding.first_seed, ": there is no schedule to save"));
      return false;
    }
    machine::Options machine = options.machine;
    machine.strategy = summary.strategy;
    absl::StatusOr<std::unique_ptr<explore::Explorer>> explorer =
        explore::Explorer::Create(machine, guest, options.expectation);
    if (!explorer.ok()) {
      PrintError(explorer.status().message());
      return false;
    }
    const explore::Run run = (*explorer)->RunSeed(finding.first_seed);
    if (!explore::IsFinding(run, options.expectation)) {
      PrintError(
          "explore: --save_schedule: the run does not repeat: a file of --dir or --root has "
          "changed");
      return false;
    }
    std::vector<std::string> flags = MachineWords(summary);
    for (const std::string& word : lint_.Words()) flags.push_back(word);
    return WriteScheduleFile(
        save_schedule_,
        {.guest = guest.name,
         .guest_hash = explore::HashOf(guest.file),
         .flags = std::move(flags),
         .arguments = {guest.arguments.begin() + 1, guest.arguments.end()},
         .expectation = options.expectation,
         .finding = explore::FindingOf(run, options.expectation, finding.first_seed).key,
         .summary = explore::Ascii(finding.summary),
         .schedule = run.schedule});
  }

  // --report and --timeline.
  bool Show(const Summary& summary, const CampaignOptions& options,
            const explore::Guest& guest) const {
    if (report_.empty() && timeline_.empty()) return true;
    std::fflush(stdout);
    const Finding& finding = summary.findings.front();
    machine::Options machine = options.machine;
    machine.strategy = summary.strategy;
    const std::optional<explore::Compared> compared =
        explore::CompareFinding(machine, guest, options.expectation, finding);
    std::string why;
    if (!compared.has_value()) {
      why = absl::StrCat("explore: ", report_.empty() ? "--timeline" : "--report",
                         ": the run of seed ", finding.first_seed, " cannot be had again");
    }
    if (why.empty() && !timeline_.empty())
      why = WriteTimeline(timeline_, *compared->failing.outcome.history);
    if (why.empty() && !report_.empty()) {
      std::vector<ReportedRun> runs = {
          {.title = absl::StrCat(finding.summary, " (seed ", finding.first_seed, ", shrunk to ",
                                 Count(compared->preemptions, "preemption"), ")"),
           .outcome = &compared->failing.outcome}};
      if (compared->passing.has_value()) {
        runs.push_back(
            {.title = compared->dropped != 0
                          ? absl::StrCat("passes: the same without preemption ", compared->dropped)
                          : absl::StrCat("passes: seed ", compared->passing_seed),
             .outcome = &compared->passing->outcome});
      }
      why = WriteReport(report_, guest.name, runs);
    }
    if (!why.empty()) PrintError(why);
    return why.empty();
  }

  CLI::App* explore_ = nullptr;
  MachineFlags machine_;
  LintFlags lint_;
  std::string seeds_ = "1000", time_, save_schedule_, expected_stdout_;
  std::string report_, timeline_;
  uint64_t jobs_ = 0, expected_exit_ = 0;
  bool keep_going_ = false, hash_traces_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeExploreCommand() { return std::make_unique<ExploreCommand>(); }

}  // namespace pollux::cli
