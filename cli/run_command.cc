// pollux run: one schedule of one guest.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "cli/lint_flags.h"
#include "cli/machine_flags.h"
#include "cli/report.h"
#include "cli/timeline.h"
#include "cli/trace_flags.h"
#include "cli/validators.h"
#include "explore/explorer.h"
#include "machine/machine.h"
#include "machine/strategy/schedule.h"
#include "machine/strategy/strategies.h"
#include "nlohmann/json.hpp"

namespace pollux::cli {
namespace {

std::string KindName(machine::Outcome::Kind kind) {
  switch (kind) {
    case machine::Outcome::Kind::kExited:
      return "exited";
    case machine::Outcome::Kind::kKilled:
      return "killed";
    case machine::Outcome::Kind::kDeadlock:
      return "deadlock";
    case machine::Outcome::Kind::kStepLimit:
      return "step_limit";
    case machine::Outcome::Kind::kAbandoned:
      return "abandoned";
  }
  return "unknown";
}

// What is not known of a frame is left out. Addresses are text: not every reader of JSON has 64
// bits.
nlohmann::json FrameJson(const machine::Frame& frame) {
  nlohmann::json object = {{"pc", absl::StrFormat("0x%x", frame.pc)}};
  if (frame.kind == machine::Frame::Kind::kSignalHandler) object["signal_handler"] = true;
  if (frame.kind == machine::Frame::Kind::kInlined) object["inlined_into"] = frame.inlined_into;
  if (!frame.function.empty()) object["function"] = frame.function;
  if (frame.function_offset != 0) object["function_offset"] = frame.function_offset;
  if (!frame.file.empty()) {
    object["file"] = frame.file;
    object["line"] = frame.line;
  }
  if (!frame.module.empty()) {
    object["module"] = frame.module;
    object["module_offset"] = absl::StrFormat("%#x", frame.module_offset);
  }
  return object;
}

nlohmann::json ThreadJson(const machine::ThreadReport& thread) {
  nlohmann::json stack = nlohmann::json::array();
  for (const machine::Frame& frame : thread.stack) stack.push_back(FrameJson(frame));
  return {{"pid", thread.pid},
          {"tid", thread.tid},
          {"pc", absl::StrFormat("0x%x", thread.pc)},
          {"state", thread.state},
          {"stack", stack}};
}

class RunCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app, const std::string& name) override {
    run_ = app.add_subcommand(
        name,
        "pollux run [FLAG...] GUEST [ARG...]: run GUEST, a RISC-V Linux program; "
        "all words after GUEST are its arguments.");
    run_->prefix_command();
    machine_.Declare(*run_, /*max_steps=*/0);
    run_->add_option(
            "--schedule_seed", schedule_seed_,
            "Decides which thread runs next, in place of --seed: the schedule that explore "
            "has under this number.")
        ->check(NumberValidator());
    run_->add_option(
            "--stdio", stdio_,
            "host (default): the guest has pollux' own stdin, stdout and stderr; captured: "
            "as under explore its input is empty, and it writes as into pipes, wherever "
            "that goes to.")
        ->check(CLI::IsMember({"host", "captured"}));
    trace_.Declare(*run_);
    run_->add_option("--clock", clock_,
                     "virtual (default): a sleep costs nothing and a run can be repeated; host: "
                     "time is the host's, for guests that talk to the outside, and no two runs are "
                     "the same.")
        ->check(CLI::IsMember({"virtual", "host"}));
    AddList(*run_, "--publish", publish_,
            "[HOSTIP:]HOSTPORT:GUESTPORT: clients on this machine reach the guest's TCP server at "
            "HOSTPORT of 127.0.0.1, or of another loopback address; HOSTPORT 0: a free one, told "
            "on stderr. Needs --clock=host. Repeatable.");
    lint_.Declare(*run_);
    run_->add_option("--timeline", timeline_,
                     "Write what the threads did to this file, in the Chrome trace format, which "
                     "Perfetto opens: calls, and who woke whom. As --explain.");
    run_->add_option("--report", report_,
                     "Write a page for a browser to this file: what the threads did, who woke "
                     "whom, what epoll had ready, and why the run does not go on. As --explain.");
    run_->add_flag("--explain", explain_,
                   "Remember what the threads do, and say why where the guest hangs or fails. Each "
                   "system call takes a microsecond or two longer.");
    run_->add_flag("--json", json_,
                   "At the end, print one JSON object on stderr: how the guest ended, and whose "
                   "status it is.");
    return run_;
  }

  int Run() override {
    std::optional<std::vector<std::string>> words = WordsAfterFlags(*run_, "GUEST");
    if (!words.has_value()) return kExitUsage;
    std::optional<machine::Options> options = MakeOptions();
    if (!options.has_value()) return kExitUsage;

    machine::Options again = *options;
    absl::StatusOr<std::unique_ptr<machine::Machine>> machine;
    {
      absl::StatusOr<HostFileView> file = HostFileView::Open(words->front());
      if (!file.ok()) return Fail(file.status().message(), ExitStatusOf(file.status()));
      if (machine::WantsEvents(options->strategy.kind)) {
        return RunFound(
            *std::move(options),
            {.file = std::string(file->bytes()), .name = words->front(), .arguments = *words});
      }
      machine = explore::LoadGuest(*std::move(options), file->bytes(), words->front(), *words);
    }
    if (!machine.ok()) return Fail(machine.status().message(), ExitStatusOf(machine.status()));
    machine::Outcome outcome = (*machine)->Run();
    machine->reset();
    LookAgain(std::move(again), *words, &outcome);
    return Report(outcome);
  }

 private:
  // Where threads wait for locks whose owners are seen by who looks at them from the beginning: the
  // same run once more, in silence, if nothing from outside is in it.
  void LookAgain(machine::Options options, const std::vector<std::string>& words,
                 machine::Outcome* outcome) const {
    if (outcome->unowned_words.empty() || stdio_ != "captured" ||
        !explore::MayBeExplored(options).ok())
      return;
    options.explain_words = outcome->unowned_words;
    options.trace = nullptr;
    options.warn = nullptr;
    options.output = [](int, std::string_view) {};
    absl::StatusOr<HostFileView> file = HostFileView::Open(words.front());
    if (!file.ok()) return;
    absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        explore::LoadGuest(std::move(options), file->bytes(), words.front(), words);
    if (machine.ok()) *outcome = (*machine)->Run();
  }

  // By a strategy that has to know what other runs show: the schedule is found first, then
  // followed.
  int RunFound(machine::Options options, const explore::Guest& guest) {
    const std::string flag =
        absl::StrCat("run: --strategy=", std::string(machine::NameOf(options.strategy.kind)));
    if (stdio_ != "captured") {
      // It would be found for a guest that sees other streams.
      return Fail(absl::StrCat(flag, ": needs --stdio=captured"), kExitUsage);
    }
    machine::Options untraced = options;
    untraced.trace = nullptr;
    untraced.warn = nullptr;
    const uint64_t seed = options.schedule_seed.value_or(options.seed);
    absl::StatusOr<std::unique_ptr<explore::Explorer>> explorer =
        explore::Explorer::Create(std::move(untraced), guest);
    if (!explorer.ok()) return Fail(explorer.status().message(), ExitStatusOf(explorer.status()));
    const explore::Run run = (*explorer)->RunSeed(seed);
    if (run.none) {
      return Fail(absl::StrCat(flag, ": there is no schedule ", seed, ": those before it are all"),
                  kExitUsage);
    }
    if (run.schedule.truncated)
      return Fail(absl::StrCat(flag, ": schedule ", seed, " is too long to be followed"),
                  kExitUsage);
    absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        explore::LoadGuest(std::move(options), guest);
    if (!machine.ok()) return Fail(machine.status().message(), ExitStatusOf(machine.status()));
    machine::Replayer replayer(run.schedule);
    (*machine)->SetStrategy(&replayer);
    return Report((*machine)->Run());
  }

  std::optional<machine::Options> MakeOptions() {
    std::optional<machine::Options> options = machine_.Options();
    if (!options.has_value()) return std::nullopt;
    options->clock =
        clock_ == "host" ? machine::ClockSource::kHost : machine::ClockSource::kVirtual;
    options->publish = publish_;
    if (!schedule_seed_.empty()) options->schedule_seed = std::stoull(schedule_seed_);
    if (!timeline_.empty() || !report_.empty()) explain_ = options->explain_texts = true;
    options->explain = explain_;
    if (!lint_.Apply(&*options)) return std::nullopt;
    if (stdio_ == "captured") options->output = WriteToHost;
    if (!trace_.Apply(&*options)) return std::nullopt;
    return options;
  }

  // An error of ours, before the guest began.
  int Fail(absl::string_view message, int status) {
    PrintError(message);
    if (json_)
      PrintJson({{"whose", "pollux"}, {"exit_status", status}, {"error", std::string(message)}});
    return status;
  }

  int Report(const machine::Outcome& outcome) {
    if (!outcome.explanation.empty()) PrintError(outcome.explanation);
    if (outcome.kind == machine::Outcome::Kind::kDeadlock && !explain_)
      PrintError("with --explain the same run says why");
    const bool guests = outcome.kind == machine::Outcome::Kind::kExited ||
                        outcome.kind == machine::Outcome::Kind::kKilled;
    if (json_) {
      nlohmann::json object = {{"whose", guests ? "guest" : "pollux"},
                               {"exit_status", outcome.ExitCode()},
                               {"outcome", KindName(outcome.kind)},
                               {"status", outcome.status},
                               {"signal", outcome.signal},
                               {"instructions", outcome.instructions},
                               {"virtual_time_ns", outcome.virtual_time.value},
                               {"seed", machine_.seed()}};
      if (outcome.operations != 0) {
        object["operations"] = outcome.operations;
        object["reference_steps"] = outcome.reference_steps;
      }
      for (const machine::Outcome::Lint& lint : outcome.lints)
        object["lints"].push_back({{"name", lint.name}, {"text", lint.text}});
      if (!outcome.reasons.empty()) object["reasons"] = outcome.reasons;
      for (const machine::ThreadReport& thread : outcome.threads)
        object["threads"].push_back(ThreadJson(thread));
      PrintJson(object);
    }
    if (!timeline_.empty()) {
      if (const std::string why = WriteTimeline(timeline_, *outcome.history); !why.empty()) {
        PrintError(why);
        return kExitUsage;
      }
    }
    if (!report_.empty()) {
      const ReportedRun reported{.title = KindName(outcome.kind), .outcome = &outcome};
      if (const std::string why = WriteReport(report_, run_->remaining().front(), {&reported, 1});
          !why.empty()) {
        PrintError(why);
        return kExitUsage;
      }
    }
    return lint_.Report(outcome);
  }

  static void PrintJson(const nlohmann::json& object) {
    const std::string text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::fprintf(stderr, "%s\n", text.c_str());
  }

  CLI::App* run_ = nullptr;
  LintFlags lint_;
  std::string timeline_, report_;
  MachineFlags machine_;
  std::string schedule_seed_, stdio_ = "host", clock_ = "virtual";
  TraceFlags trace_;
  std::vector<std::string> publish_;
  bool json_ = false, explain_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeRunCommand() { return std::make_unique<RunCommand>(); }

}  // namespace pollux::cli
