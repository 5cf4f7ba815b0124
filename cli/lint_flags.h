// LintFlags: --lint of the commands that run a guest once.
#ifndef POLLUX_CLI_LINT_FLAGS_H_
#define POLLUX_CLI_LINT_FLAGS_H_

#include <string>

#include "cli/command.h"
#include "machine/machine.h"

namespace pollux::cli {

class LintFlags {
 public:
  void Declare(CLI::App& command);
  // False, and says why: a name that is none.
  bool Apply(machine::Options* options);
  // Prints the lints of a run; returns its exit status, which a fatal lint makes kExitHang.
  int Report(const machine::Outcome& outcome) const;

 private:
  CLI::App* command_ = nullptr;
  std::string lint_;
  bool fatal_ = false;
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_LINT_FLAGS_H_
