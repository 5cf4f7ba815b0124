// The pollux command line: all subcommands on one CLI11 app.
#ifndef POLLUX_CLI_APP_H_
#define POLLUX_CLI_APP_H_

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"

namespace pollux::cli {

class CommandLine {
 public:
  // Where `first`, the first word, names a subcommand, no other is declared: to declare them all
  // takes longer than to load a small guest.
  explicit CommandLine(std::string_view first = "");
  ~CommandLine();

  // Parses the words after the program's name and runs the subcommand. Returns the exit status;
  // words that cannot be parsed are reported on stderr.
  int Run(std::vector<std::string> words);

  // What --help prints, and the same for each subcommand.
  struct Help {
    std::string name, text;
  };
  std::string MainHelp() const;
  std::vector<Help> SubcommandsHelp() const;

 private:
  struct Declared {
    CLI::App* app;
    std::unique_ptr<Command> command;
  };
  std::unique_ptr<CLI::App> app_;
  std::vector<Declared> commands_;
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_APP_H_
