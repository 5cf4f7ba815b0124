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
      command_line.MainHelp().c_str());
  for (const auto& [name, text] : command_line.SubcommandsHelp())
    std::printf("\n## pollux %s\n\n```\n%s```\n", name.c_str(), text.c_str());
  return 0;
}
