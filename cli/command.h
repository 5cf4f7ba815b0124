// A subcommand of pollux: declares its flags on a CLI11 app and runs.
#ifndef POLLUX_CLI_COMMAND_H_
#define POLLUX_CLI_COMMAND_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// CLI11 is slow to compile: only files that declare flags or parse include it.
namespace CLI {
class App;
}  // namespace CLI

namespace pollux::cli {

// Exit statuses of pollux itself; from 124 on those of env(1) and timeout(1).
inline constexpr int kExitFindings = 1, kExitHang = 124, kExitUsage = 125, kExitCannotLoad = 126,
                     kExitNotFound = 127;

class Command {
 public:
  virtual ~Command() = default;
  // Adds the subcommand to `app` and returns it. Once.
  virtual CLI::App* Declare(CLI::App& app, const std::string& name) = 0;
  // After parsing. Returns the exit status.
  virtual int Run() = 0;
};

std::unique_ptr<Command> MakeRunCommand();
std::unique_ptr<Command> MakeDisasmCommand();
std::unique_ptr<Command> MakeExploreCommand();
std::unique_ptr<Command> MakeReplayCommand();
std::unique_ptr<Command> MakeShrinkCommand();
std::unique_ptr<Command> MakeTraceCommand();

// "pollux: MESSAGE" on stderr.
void PrintError(absl::string_view message);

// As what pollux exits where a guest cannot be run: it is not there, cannot be loaded, or an option
// makes no sense.
int ExitStatusOf(const absl::Status& status);

// The bytes of a host's file where they are, not copied: for as short as can be, since who makes
// the file shorter meanwhile ends pollux (SIGBUS).
class HostFileView {
 public:
  // kNotFound: no such file; any other error: it is not a readable regular file. The message is one
  // line for people.
  static absl::StatusOr<HostFileView> Open(const std::string& path);
  HostFileView(HostFileView&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  HostFileView& operator=(HostFileView&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HostFileView();
  std::string_view bytes() const { return bytes_; }

 private:
  explicit HostFileView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

// A copy of them.
absl::StatusOr<std::string> ReadHostFile(const std::string& path);

// Writes bytes to a stream of our own: machine::Options::output. What it refuses is lost, as to a
// pipe's reader.
void WriteToHost(int stream, std::string_view bytes);

// What is left of the command line after the flags: the first word that is no flag and all after
// it. Prints why and returns nothing where the first word looks like a flag, or is missing; `what`
// names it ("GUEST").
std::optional<std::vector<std::string>> WordsAfterFlags(const CLI::App& command,
                                                        absl::string_view what);

// A number with an optional suffix K, M or G (powers of 1024), greater than 0.
std::optional<uint64_t> ParseBytes(absl::string_view text);

}  // namespace pollux::cli

#endif  // POLLUX_CLI_COMMAND_H_
