// Schedule files on the command line: `explore --save_schedule`, `replay` and `shrink`.
#ifndef POLLUX_CLI_SCHEDULES_H_
#define POLLUX_CLI_SCHEDULES_H_

#include <optional>
#include <string>
#include <vector>

#include "explore/explorer.h"
#include "explore/schedule_file.h"
#include "machine/machine.h"

namespace pollux::cli {

// Prints why and returns false where it cannot be written.
bool WriteScheduleFile(const std::string& path, const explore::ScheduleFile& file);

// All that it takes to have the run of a schedule file again.
struct SavedRun {
  explore::ScheduleFile file;
  explore::Guest guest;
  machine::Options options;
};
// `words`: the file, and where they are not as in the file, GUEST and its arguments. Nothing: it
// cannot be had, and *status says as what pollux exits; why was printed.
std::optional<SavedRun> ReadSavedRun(const std::vector<std::string>& words, int* status);

}  // namespace pollux::cli

#endif  // POLLUX_CLI_SCHEDULES_H_
