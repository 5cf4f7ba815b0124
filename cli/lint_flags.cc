#include "cli/lint_flags.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "machine/findings.h"
#include "machine/history/lints.h"

namespace pollux::cli {
namespace {

std::string Names() {
  std::vector<std::string> names;
  for (const machine::LintRow& row : machine::LintRows()) names.emplace_back(row.name);
  return absl::StrJoin(names, ", ");
}

}  // namespace

void LintFlags::Declare(CLI::App& command, std::string_view fatal) {
  command_ = &command;
  command.add_option(
      "--lint", lint_,
      absl::StrCat(
          "all or NAME[,NAME...]: say at the end what was seen that is wrong, or goes wrong "
          "one day (docs/lints.md): ",
          Names(), ". ", absl::string_view(fatal.data(), fatal.size())));
}

bool LintFlags::Apply(machine::Options* options) {
  if (lint_.empty()) return true;
  constexpr std::string_view kFatal = ":fatal";
  std::string names = lint_;
  fatal_ = names.ends_with(kFatal);
  if (fatal_) names.resize(names.size() - kFatal.size());
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(names, ','))) {
    bool known = false;
    for (const machine::LintRow& row : machine::LintRows()) {
      if (name != "all" && name != row.name) continue;
      options->lints |= 1u << static_cast<int>(row.kind);
      known = true;
    }
    if (known) continue;
    PrintError(absl::StrCat(command_->get_name(), ": --lint=", lint_, ": there is no lint ", name,
                            "; there are all, ", Names()));
    return false;
  }
  return true;
}

void LintFlags::Print(const machine::Outcome& outcome) {
  for (const machine::Outcome::Lint& lint : outcome.lints)
    PrintError(absl::StrCat("lint: ", lint.name, ": ", lint.text, machine::StackText(lint.stack)));
}

int LintFlags::Report(const machine::Outcome& outcome) const {
  Print(outcome);
  const int status = outcome.ExitCode();
  return fatal_ && status == 0 && !outcome.lints.empty() ? kExitHang : status;
}

std::vector<std::string> LintFlags::FatalWords() const {
  if (lint_.empty()) return {};
  return {absl::StrCat("--lint=", lint_, fatal_ ? "" : ":fatal")};
}

std::vector<std::string> LintFlags::Words() const {
  if (lint_.empty()) return {};
  return {absl::StrCat("--lint=", lint_)};
}

}  // namespace pollux::cli
