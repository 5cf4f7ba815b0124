// pollux: the command. Each subcommand is a Command; this file only parses and reports what cannot be parsed.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/command.h"

namespace pollux::cli {
namespace {

// The words of the command line without "--" where it only ends the flags: CLI11 does not know it behind a subcommand.
std::vector<std::string> Words(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (size_t i = 1; i < words.size() && words[i].starts_with("-"); ++i) {
    if (words[i] == "--") {
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  return words;
}

// Under `bazel run` the paths of the command line are meant from where the user stands, not from the runfiles.
void EnterUsersDirectory() {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (directory != nullptr && chdir(directory) != 0) {
    PrintError(absl::StrCat("BUILD_WORKING_DIRECTORY=", directory, ": ", std::strerror(errno)));
    std::exit(kExitUsage);
  }
}

int Main(int argc, char** argv) {
  EnterUsersDirectory();
  CLI::App app(
      "pollux runs Linux programs (RISC-V ELF) in an interpreter with a Linux kernel of its own.\n"
      "Exit status of 'run': the guest's own; 128+n where signal n ended it; 124 the guest hangs;\n"
      "125 wrong usage or an error of pollux; 126 the guest cannot be loaded; 127 there is no such guest.",
      "pollux");
  app.require_subcommand(1);

  std::vector<std::pair<CLI::App*, std::unique_ptr<Command>>> commands;
  for (auto make : {MakeRunCommand, MakeDisasmCommand}) {
    std::unique_ptr<Command> command = make();
    CLI::App* declared = command->Declare(app);
    commands.emplace_back(declared, std::move(command));
  }

  std::vector<std::string> words = Words(argc, argv);
  std::reverse(words.begin(), words.end());  // As App::parse(vector) wants them.
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    PrintError(absl::StrCat(absl::StrReplaceAll(error.what(), {{"\n", " "}}), "; try 'pollux --help'"));
    return kExitUsage;
  }
  for (const auto& [declared, command] : commands) {
    if (declared->parsed()) return command->Run();
  }
  return kExitUsage;
}

}  // namespace
}  // namespace pollux::cli

int main(int argc, char** argv) { return pollux::cli::Main(argc, argv); }
