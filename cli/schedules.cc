#include "cli/schedules.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/lint_flags.h"
#include "cli/machine_flags.h"

namespace pollux::cli {
namespace {

// The machine of a command line's flags. Nothing: they make no sense (to this pollux).
std::optional<machine::Options> OptionsOf(std::vector<std::string> flags) {
  CLI::App app("", "schedule file");
  MachineFlags machine;
  LintFlags lint;
  machine.Declare(app, /*max_steps=*/0);
  lint.Declare(app);
  std::reverse(flags.begin(), flags.end());
  try {
    app.parse(flags);
  } catch (const CLI::ParseError& error) {
    PrintError(absl::StrCat("the schedule file's flags: ", error.what()));
    return std::nullopt;
  }
  std::optional<machine::Options> options = machine.Options();
  if (!options.has_value() || !lint.Apply(&*options)) return std::nullopt;
  return options;
}

}  // namespace

bool WriteScheduleFile(const std::string& path, const explore::ScheduleFile& file) {
  const absl::StatusOr<std::string> text = explore::ToText(file);
  if (!text.ok()) {
    PrintError(absl::StrCat(path, ": ", text.status().message()));
    return false;
  }
  std::FILE* const stream = std::fopen(path.c_str(), "we");
  const bool written =
      stream != nullptr && std::fwrite(text->data(), 1, text->size(), stream) == text->size();
  int error = errno;
  if (stream != nullptr && std::fclose(stream) != 0 && written) {
    error = errno;
  } else if (written) {
    return true;
  }
  PrintError(absl::StrCat(path, ": ", std::strerror(error)));
  return false;
}

std::optional<SavedRun> ReadSavedRun(const std::vector<std::string>& words, int* status) {
  *status = kExitUsage;
  const std::string& path = words.front();
  const absl::StatusOr<std::string> text = ReadHostFile(path);
  if (!text.ok()) {
    PrintError(text.status().message());
    return std::nullopt;
  }
  absl::StatusOr<explore::ScheduleFile> file = explore::ParseScheduleFile(*text);
  if (!file.ok()) {
    PrintError(absl::StrCat(path, ": ", file.status().message()));
    return std::nullopt;
  }
  SavedRun saved{.file = *std::move(file)};
  std::vector<std::string> arguments(words.begin() + 1, words.end());
  if (arguments.empty()) {
    arguments = saved.file.arguments;
    arguments.insert(arguments.begin(), saved.file.guest);
  } else if (arguments.size() == 1) {
    arguments.insert(arguments.end(), saved.file.arguments.begin(), saved.file.arguments.end());
  } else if (!std::equal(arguments.begin() + 1, arguments.end(), saved.file.arguments.begin(),
                         saved.file.arguments.end())) {
    PrintError(absl::StrCat(path, ": was made with the arguments ", ShellText(saved.file.arguments),
                            "; a schedule is of no use to others"));
    return std::nullopt;
  }
  const std::string& guest = arguments.front();
  absl::StatusOr<std::string> bytes = ReadHostFile(guest);
  if (!bytes.ok()) {
    PrintError(absl::StrCat(bytes.status().message(), "; name the guest after the schedule file"));
    *status = ExitStatusOf(bytes.status());
    return std::nullopt;
  }
  if (explore::HashOf(*bytes) != saved.file.guest_hash) {
    PrintError(absl::StrCat(guest, ": is not the program that ", path,
                            " was made with: a schedule is of no use to another one"));
    return std::nullopt;
  }
  // The name is part of what the guest sees.
  arguments.front() = saved.file.guest;
  saved.guest = {.file = *std::move(bytes), .name = saved.file.guest, .arguments = arguments};
  std::optional<machine::Options> options = OptionsOf(saved.file.flags);
  if (!options.has_value()) return std::nullopt;
  saved.options = *std::move(options);
  saved.file.expectation.lints = saved.options.lints != 0;
  if (const absl::Status may = explore::MayBeExplored(saved.options); !may.ok()) {
    PrintError(absl::StrCat(path, ": ", may.message()));
    return std::nullopt;
  }
  return saved;
}

}  // namespace pollux::cli
