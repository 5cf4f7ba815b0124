// A run's history as a page for a browser.
#ifndef POLLUX_CLI_REPORT_H_
#define POLLUX_CLI_REPORT_H_

#include <cstddef>
#include <string>

#include "machine/machine.h"

namespace pollux::cli {

// One file with everything in it, which asks for nothing else (cli/report/): a lane a thread over
// virtual time, calls, who woke whom, epoll instances at any step, and why it failed. Of a long run
// the last calls are there: as many as `most_bytes` have room for. `outcome` has a history.
inline constexpr size_t kMostReportBytes = 4'800'000;
std::string ReportOf(const std::string& guest, const machine::Outcome& outcome,
                     size_t most_bytes = kMostReportBytes);

// Empty, or why it cannot be written, in a line.
std::string WriteReport(const std::string& path, const std::string& guest,
                        const machine::Outcome& outcome);

}  // namespace pollux::cli

#endif  // POLLUX_CLI_REPORT_H_
