// A run's history as a page that a browser shows: a lane a thread, who woke whom, what epoll
// instances had ready, and why the run does not go on (docs/report.md).
//
// The page is one file that asks for nothing else; what is the guest's reaches it as data only
// (escaped, and no script but the page's own may run).
#ifndef POLLUX_CLI_REPORT_H_
#define POLLUX_CLI_REPORT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "machine/machine.h"

namespace pollux::cli {

// A run on a page.
struct ReportedRun {
  std::string title;
  const machine::Outcome* outcome = nullptr;  // Its history is there.
};

// All runs of a page together take less, packed: of longer ones the last calls are there, and the
// page says so.
inline constexpr size_t kMostReportBytes = 4'500'000;

// What the page's data are, packed: ASCII, in base64.
std::string Packed(std::string_view data);
// The page's data: valid JSON and ASCII, with no '<' in it. `most_bytes`: packed.
std::string ReportData(const std::string& title, std::span<const ReportedRun> runs,
                       size_t most_bytes = kMostReportBytes);
// The whole page.
std::string ReportOf(const std::string& title, std::span<const ReportedRun> runs);

// Empty, or why it cannot be written, in a line.
std::string WriteReport(const std::string& path, const std::string& title,
                        std::span<const ReportedRun> runs);

}  // namespace pollux::cli

#endif  // POLLUX_CLI_REPORT_H_
