#include "cli/app.h"

#include <utility>

namespace pollux::cli {

CommandLine::CommandLine()
    : app_(
          "pollux runs Linux programs (RISC-V ELF) in an interpreter with a Linux kernel of its "
          "own.\n"
          "Exit status of 'run': the guest's own; 128+n where signal n ended it; 124 the guest "
          "hangs;\n"
          "125 wrong usage or an error of pollux; 126 the guest cannot be loaded; 127 there is no "
          "such guest.",
          "pollux") {
  app_.require_subcommand(1);
  for (const auto make : {MakeRunCommand, MakeDisasmCommand}) {
    std::unique_ptr<Command> command = make();
    CLI::App* declared = command->Declare(app_);
    commands_.push_back({declared, std::move(command)});
  }
}

int CommandLine::Run() {
  for (const Declared& declared : commands_) {
    if (declared.app->parsed()) return declared.command->Run();
  }
  return kExitUsage;
}

}  // namespace pollux::cli
