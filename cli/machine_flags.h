// MachineFlags: the flags that say what the guest's machine is like: the same ones for `run`, and
// for what runs it many times.
#ifndef POLLUX_CLI_MACHINE_FLAGS_H_
#define POLLUX_CLI_MACHINE_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/command.h"
#include "machine/machine.h"

namespace pollux::cli {

class MachineFlags {
 public:
  // `max_steps`: the default of --max_steps.
  void Declare(CLI::App& command, uint64_t max_steps);
  // Prints why and returns nothing where a flag makes no sense.
  std::optional<machine::Options> Options() const;
  // Those that were given, as words that mean the same: to repeat a run.
  std::vector<std::string> Words() const;

  uint64_t seed() const { return seed_; }

 private:
  std::nullopt_t Refuse(absl::string_view message) const;

  CLI::App* command_ = nullptr;
  uint64_t seed_ = 1, uid_ = 1000, max_steps_ = 0, cpus_ = 4, depth_ = 3, length_ = 0;
  std::string strategy_ = "random", preemption_rate_ = "1", early_deadlines_ = "0", faults_, root_;
  std::string wake_order_ = "fifo", preemption_bound_;
  std::string cwd_ = "/", max_memory_ = "4G", engine_ = "fast";
  std::vector<std::string> environment_, mounts_;
};

// A repeatable flag that takes one word each time.
void AddList(CLI::App& command, const char* name, std::vector<std::string>& values,
             const char* text);

// The words of a command line, quoted for a shell where they need it.
std::string ShellText(const std::vector<std::string>& words);

}  // namespace pollux::cli

#endif  // POLLUX_CLI_MACHINE_FLAGS_H_
