// The pollux command line: all subcommands on one CLI11 app.
#ifndef POLLUX_CLI_APP_H_
#define POLLUX_CLI_APP_H_

#include <memory>
#include <vector>

#include "cli/command.h"

namespace pollux::cli {

class CommandLine {
 public:
  CommandLine();

  CLI::App& app() { return app_; }
  // The subcommand's status after app().parse() chose one.
  int Run();

 private:
  struct Declared {
    CLI::App* app;
    std::unique_ptr<Command> command;
  };
  CLI::App app_;
  std::vector<Declared> commands_;
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_APP_H_
