#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace pollux::cli {

namespace {

struct NamedCommand {
  std::string_view name;
  std::unique_ptr<Command> (*make)();
};
// In the order of the help.
constexpr NamedCommand kCommands[] = {
    {"run", MakeRunCommand},       {"explore", MakeExploreCommand}, {"replay", MakeReplayCommand},
    {"shrink", MakeShrinkCommand}, {"trace", MakeTraceCommand},     {"disasm", MakeDisasmCommand}};

}  // namespace

CommandLine::CommandLine(std::string_view first)
    : app_(std::make_unique<CLI::App>(
          "pollux runs Linux programs (RISC-V ELF) in an interpreter with a Linux kernel of its "
          "own.\n"
          "Exit status of 'run': the guest's own; 128+n where signal n ended it; 124 the guest "
          "hangs;\n"
          "125 wrong usage or an error of pollux; 126 the guest cannot be loaded; 127 there is no "
          "such guest.\n"
          "Of 'explore', 'replay' and 'shrink': 0 nothing was found; 1 there are findings; 125 to "
          "127 as\n"
          "above.",
          "pollux")) {
  app_->require_subcommand(1);
  const bool is_command = std::any_of(std::begin(kCommands), std::end(kCommands),
                                      [&](const NamedCommand& row) { return row.name == first; });
  for (const NamedCommand& row : kCommands) {
    if (is_command && row.name != first) continue;
    std::unique_ptr<Command> command = row.make();
    CLI::App* declared = command->Declare(*app_, std::string(row.name));
    commands_.push_back({declared, std::move(command)});
  }
}

CommandLine::~CommandLine() = default;

int CommandLine::Run(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // As App::parse(vector) wants them.
  try {
    app_->parse(words);
  } catch (const CLI::CallForHelp& help) {
    return app_->exit(help);
  } catch (const CLI::ParseError& error) {
    PrintError(
        absl::StrCat(absl::StrReplaceAll(error.what(), {{"\n", " "}}), "; try 'pollux --help'"));
    return kExitUsage;
  }
  for (const Declared& declared : commands_) {
    if (declared.app->parsed()) return declared.command->Run();
  }
  return kExitUsage;
}

std::string CommandLine::MainHelp() const { return app_->help(); }

std::vector<CommandLine::Help> CommandLine::SubcommandsHelp() const {
  std::vector<Help> all;
  for (const Declared& declared : commands_)
    all.push_back({declared.app->get_name(), declared.app->help("pollux")});
  return all;
}

std::optional<std::vector<std::string>> WordsAfterFlags(const CLI::App& command,
                                                        absl::string_view what) {
  std::vector<std::string> words = command.remaining();
  if (words.empty()) {
    PrintError(absl::StrCat(command.get_name(), ": ", what, " is missing; try 'pollux ",
                            command.get_name(), " --help'"));
    return std::nullopt;
  }
  if (words[0].size() > 1 && words[0][0] == '-') {
    PrintError(absl::StrCat(command.get_name(), ": unknown flag ", words[0], "; try 'pollux ",
                            command.get_name(), " --help'"));
    return std::nullopt;
  }
  return words;
}

}  // namespace pollux::cli
