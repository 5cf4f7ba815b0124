// Prints docs/flags.md: the help of pollux and of each subcommand.
#include <cstdio>
#include <string>

#include "cli/app.h"

int main() {
  pollux::cli::CommandLine command_line;
  std::printf(
      "# Flags\n\n<!-- Generated, do not edit: ./bazelw run //cli:generate_docs > docs/flags.md "
      "-->\n\n"
      "    pollux --help\n\n```\n%s```\n",
      command_line.app().help().c_str());
  for (const CLI::App* command : command_line.app().get_subcommands({})) {
    std::printf("\n## pollux %s\n\n```\n%s```\n", command->get_name().c_str(),
                command->help("pollux").c_str());
  }
  return 0;
}
