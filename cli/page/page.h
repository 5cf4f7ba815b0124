// The parts of the page that a report is (cli/report.h), as they are in this folder.
#ifndef POLLUX_CLI_PAGE_PAGE_H_
#define POLLUX_CLI_PAGE_PAGE_H_

namespace pollux::cli::page {

// With {{style}}, {{script}}, {{data}} (packed, as runs.js has it) and {{word}} in it.
extern const char kHtml[];
extern const char kCss[];
extern const char kJs[];

}  // namespace pollux::cli::page

#endif  // POLLUX_CLI_PAGE_PAGE_H_
