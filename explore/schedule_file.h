// A schedule file: what it takes to have one run again, anywhere: the guest's hash, the command
// line's flags and words, and the choices. JSON, so that a person can look at it.
#ifndef POLLUX_EXPLORE_SCHEDULE_FILE_H_
#define POLLUX_EXPLORE_SCHEDULE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "explore/explorer.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {

struct ScheduleFile {
  static constexpr int kVersion = 3;
  // Version 2 is read, too: it says nothing of futexes, which woke in Linux's order then.
  static constexpr int kOldestVersion = 2;

  std::string guest;                   // As it was named.
  std::string guest_hash;              // HashOf() its bytes.
  std::vector<std::string> flags;      // Of the machine, and --lint, as on the command line.
  std::vector<std::string> arguments;  // The guest's, without its name.
  Expectation expectation;             // But for `lints`, which flags say.
  std::string finding;                 // Its key; empty: the run was none.
  std::string summary;                 // Of the finding, for people.
  machine::Schedule schedule;
};

// XXH3, 128 bits, in hexadecimal digits.
std::string HashOf(std::string_view bytes);

// kInvalidArgument: a name, a flag or an argument is no UTF-8, or the schedule is truncated.
absl::StatusOr<std::string> ToText(const ScheduleFile& file);
// kInvalidArgument: it is no schedule file, or one of another version: why, in one line.
absl::StatusOr<ScheduleFile> ParseScheduleFile(std::string_view text);

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_SCHEDULE_FILE_H_
