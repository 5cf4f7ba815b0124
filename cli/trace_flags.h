// TraceFlags: --trace and --trace_file, of the commands that run a guest once.
#ifndef POLLUX_CLI_TRACE_FLAGS_H_
#define POLLUX_CLI_TRACE_FLAGS_H_

#include <cstdio>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "machine/machine.h"

namespace pollux::cli {

class TraceFlags {
 public:
  TraceFlags() = default;
  ~TraceFlags();
  TraceFlags(const TraceFlags&) = delete;
  TraceFlags& operator=(const TraceFlags&) = delete;

  void Declare(CLI::App& command);
  // Makes the machine trace as the flags say; this must outlive it. Prints why and returns false
  // where they make no sense.
  bool Apply(machine::Options* options);

 private:
  void Write(std::string_view line);

  CLI::App* command_ = nullptr;
  std::string trace_, trace_file_;
  std::FILE* file_ = nullptr;  // stderr, or one of ours.
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_TRACE_FLAGS_H_
