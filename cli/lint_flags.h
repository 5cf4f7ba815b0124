// LintFlags: --lint of the commands that run a guest.
#ifndef POLLUX_CLI_LINT_FLAGS_H_
#define POLLUX_CLI_LINT_FLAGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "machine/machine.h"

namespace pollux::cli {

class LintFlags {
 public:
  // `fatal` says what those do that are seen.
  void Declare(CLI::App& command, std::string_view fatal =
                                      "With :fatal behind it a run that would have ended well "
                                      "exits with 124.");
  // False, and says why: a name that is none.
  bool Apply(machine::Options* options);
  // Prints the lints of a run.
  static void Print(const machine::Outcome& outcome);
  // The same; returns its exit status, which a fatal lint makes kExitHang.
  int Report(const machine::Outcome& outcome) const;
  // The flag, fatal, as a word of a command that runs the same; none if there is none.
  std::vector<std::string> FatalWords() const;
  // The same, as it was given.
  std::vector<std::string> Words() const;

 private:
  CLI::App* command_ = nullptr;
  std::string lint_;
  bool fatal_ = false;
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_LINT_FLAGS_H_
