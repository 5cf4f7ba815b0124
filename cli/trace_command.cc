// pollux trace: what two traces, or the runs of two schedules, have in common.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/command.h"
#include "cli/schedules.h"
#include "explore/explorer.h"
#include "machine/machine.h"
#include "machine/strategy/schedule.h"

namespace pollux::cli {
namespace {

constexpr size_t kShownBefore = 3, kShownAfter = 5;

class TraceCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app, const std::string& name) override {
    trace_ = app.add_subcommand(name,
                                "Compare two runs: where they part. Exit status 0: they do not; 1: "
                                "they do; 125: they cannot "
                                "be compared.");
    trace_->add_flag(
        "--diff", diff_,
        "What follows is A B: files that --trace_file wrote, or schedules that explore "
        "--save_schedule or shrink wrote, whose runs are traced.");
    trace_->prefix_command();
    return trace_;
  }

  int Run() override {
    const std::optional<std::vector<std::string>> words = WordsAfterFlags(*trace_, "A");
    if (!words.has_value()) return kExitUsage;
    if (!diff_ || words->size() != 2) {
      PrintError("trace: must be --diff A B; try 'pollux trace --help'");
      return kExitUsage;
    }
    std::vector<std::string> lines[2];
    for (int i = 0; i < 2; ++i) {
      if (const int status = Read((*words)[static_cast<size_t>(i)], lines[i]); status != 0)
        return status;
    }
    return Compare(*words, lines[0], lines[1]);
  }

 private:
  // The lines of a trace. Not 0: an exit status, and why was said.
  static int Read(const std::string& path, std::vector<std::string>& lines) {
    absl::StatusOr<std::string> bytes = ReadHostFile(path);
    if (!bytes.ok()) {
      PrintError(absl::StrCat("trace: ", bytes.status().message()));
      return kExitUsage;
    }
    if (bytes->find("\"pollux_schedule\"") == std::string::npos) {
      lines = absl::StrSplit(*bytes, '\n');
      return 0;
    }
    int status = kExitUsage;
    std::optional<SavedRun> saved = ReadSavedRun({path}, &status);
    if (!saved.has_value()) return status;
    machine::Options options = saved->options;
    options.output = [](int, std::string_view) {};
    options.trace = [&](std::string_view line) { lines.emplace_back(line); };
    const absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        explore::LoadGuest(std::move(options), saved->guest);
    if (!machine.ok()) {
      PrintError(machine.status().message());
      return ExitStatusOf(machine.status());
    }
    machine::Replayer replayer(saved->file.schedule);
    (*machine)->SetStrategy(&replayer);
    (void)(*machine)->Run();
    return 0;
  }

  static int Compare(const std::vector<std::string>& words, const std::vector<std::string>& a,
                     const std::vector<std::string>& b) {
    const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    const auto common = static_cast<size_t>(in_a - a.begin());
    if (in_a == a.end() && in_b == b.end()) {
      std::printf("no difference in %zu lines\n", common);
      return 0;
    }
    std::printf("the first %zu lines are alike\n", common);
    for (size_t i = common - std::min(common, kShownBefore); i < common; ++i)
      std::printf("  %s\n", a[i].c_str());
    Show('-', words[0], a, common);
    Show('+', words[1], b, common);
    return kExitFindings;
  }

  static void Show(char mark, const std::string& name, const std::vector<std::string>& lines,
                   size_t from) {
    std::printf("%c%c%c %s, from line %zu\n", mark, mark, mark, name.c_str(), from + 1);
    const size_t end = std::min(lines.size(), from + kShownAfter);
    for (size_t i = from; i < end; ++i) std::printf("%c %s\n", mark, lines[i].c_str());
    if (from == lines.size()) std::printf("%c (its end)\n", mark);
  }

  CLI::App* trace_ = nullptr;
  bool diff_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeTraceCommand() { return std::make_unique<TraceCommand>(); }

}  // namespace pollux::cli
