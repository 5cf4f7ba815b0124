// pollux replay: the run of a schedule file again.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/lint_flags.h"
#include "cli/report.h"
#include "cli/schedules.h"
#include "cli/timeline.h"
#include "cli/trace_flags.h"
#include "explore/explorer.h"
#include "explore/finding.h"
#include "machine/machine.h"
#include "machine/strategy/schedule.h"

namespace pollux::cli {
namespace {

class ReplayCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app, const std::string& name) override {
    replay_ = app.add_subcommand(name,
                                 "pollux replay [FLAG...] SCHEDULE [GUEST [ARG...]]: the run whose "
                                 "schedule was saved, to the "
                                 "byte; GUEST where the program is elsewhere now. Exit status: 0 "
                                 "the run succeeds, 1 it is a "
                                 "finding.");
    replay_->prefix_command();
    trace_.Declare(*replay_);
    replay_->add_option(
        "--timeline", timeline_,
        "Write what the threads did to this file, in the Chrome trace format, which "
        "Perfetto opens: calls, and who woke whom.");
    replay_->add_option("--report", report_,
                        "Write a page for a browser to this file: what the threads did, who woke "
                        "whom, what epoll had ready, and why the run does not go on.");
    return replay_;
  }

  int Run() override {
    const std::optional<std::vector<std::string>> words = WordsAfterFlags(*replay_, "SCHEDULE");
    if (!words.has_value()) return kExitUsage;
    int status;
    std::optional<SavedRun> saved = ReadSavedRun(*words, &status);
    if (!saved.has_value()) return status;
    machine::Options options = saved->options;
    if (!trace_.Apply(&options)) return kExitUsage;
    const explore::Expectation& expectation = saved->file.expectation;
    explore::Written written;
    options.explain = true;
    options.explain_texts = !timeline_.empty() || !report_.empty();
    options.output = [&](int stream, std::string_view bytes) {
      WriteToHost(stream, bytes);
      written.Add(stream, bytes, expectation);
    };
    const absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        explore::LoadGuest(std::move(options), saved->guest);
    if (!machine.ok()) {
      PrintError(machine.status().message());
      return ExitStatusOf(machine.status());
    }
    machine::Replayer replayer(saved->file.schedule);
    (*machine)->SetStrategy(&replayer);
    explore::Run run{.outcome = (*machine)->Run(), .written = std::move(written)};
    LookAgain(*saved, &run.outcome);
    if (!run.outcome.explanation.empty()) PrintError(run.outcome.explanation);
    LintFlags::Print(run.outcome);
    if (!timeline_.empty()) {
      if (const std::string why = WriteTimeline(timeline_, *run.outcome.history); !why.empty()) {
        PrintError(why);
        return kExitUsage;
      }
    }
    if (!report_.empty()) {
      const ReportedRun reported{
          .title = saved->file.summary.empty() ? "the saved schedule" : saved->file.summary,
          .outcome = &run.outcome};
      if (const std::string why = WriteReport(report_, saved->guest.name, {&reported, 1});
          !why.empty()) {
        PrintError(why);
        return kExitUsage;
      }
    }
    const bool finding = explore::IsFinding(run, expectation);
    const std::string key = finding ? explore::FindingOf(run, expectation, 0).key : "";
    if (key != saved->file.finding) {
      PrintError(absl::StrCat("the run did not end as it was saved (",
                              saved->file.summary.empty() ? "no finding" : saved->file.summary,
                              "): another version of pollux, or a file of --dir or --root has "
                              "changed"));
      return kExitUsage;
    }
    return finding ? kExitFindings : 0;
  }

 private:
  // As of RunCommand: for locks whose owners are seen by who looks at them from the beginning.
  void LookAgain(const SavedRun& saved, machine::Outcome* outcome) const {
    if (outcome->unowned_words.empty()) return;
    machine::Options options = saved.options;
    options.explain = true;
    options.explain_texts = !timeline_.empty() || !report_.empty();
    options.explain_words = outcome->unowned_words;
    options.warn = nullptr;
    options.output = [](int, std::string_view) {};
    const absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        explore::LoadGuest(std::move(options), saved.guest);
    if (!machine.ok()) return;
    machine::Replayer replayer(saved.file.schedule);
    (*machine)->SetStrategy(&replayer);
    *outcome = (*machine)->Run();
  }

  CLI::App* replay_ = nullptr;
  TraceFlags trace_;
  std::string timeline_, report_;
};

}  // namespace

std::unique_ptr<Command> MakeReplayCommand() { return std::make_unique<ReplayCommand>(); }

}  // namespace pollux::cli
