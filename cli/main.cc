// pollux: the command. Parses, reports what cannot be parsed, and leaves the rest to the
// subcommand.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/app.h"

namespace pollux::cli {
namespace {

// The words of the command line without "--" where it only ends the flags: CLI11 does not know it
// behind a subcommand.
std::vector<std::string> Words(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  for (size_t i = 1; i < words.size() && words[i].starts_with("-"); ++i) {
    if (words[i] == "--") {
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  return words;
}

// "--env=" among the flags: CLI11 would take the next word for its value. "" if there is none.
std::string FlagWithoutValue(const std::vector<std::string>& words) {
  for (size_t i = 1; i < words.size() && words[i].starts_with("--"); ++i) {
    if (words[i].find('=') == words[i].size() - 1) return words[i];
  }
  return "";
}

// Under `bazel run` the paths of the command line are meant from where the user stands, not from
// the runfiles.
void EnterUsersDirectory() {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (directory != nullptr && chdir(directory) != 0) {
    PrintError(absl::StrCat("BUILD_WORKING_DIRECTORY=", directory, ": ", std::strerror(errno)));
    std::exit(kExitUsage);
  }
}

int Main(int argc, char** argv) {
  EnterUsersDirectory();
  std::vector<std::string> words = Words(argc, argv);
  if (const std::string flag = FlagWithoutValue(words); !flag.empty()) {
    PrintError(absl::StrCat(flag, ": the value is missing; try 'pollux --help'"));
    return kExitUsage;
  }
  CommandLine command_line(words.empty() ? "" : words.front());
  return command_line.Run(std::move(words));
}

}  // namespace
}  // namespace pollux::cli

int main(int argc, char** argv) { return pollux::cli::Main(argc, argv); }
