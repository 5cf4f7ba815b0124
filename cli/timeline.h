// A run's history as a file that other tools show.
#ifndef POLLUX_CLI_TIMELINE_H_
#define POLLUX_CLI_TIMELINE_H_

#include <string>

#include "machine/history/history.h"

namespace pollux::cli {

// The Chrome trace format ("Trace Event Format"), which Perfetto and chrome://tracing open: a slice
// a call, with its line of the trace; a flow from the call that wakes a thread to the one that it
// wakes; instants for events that are given out and for handlers. Times are virtual, in us since
// boot.
std::string TimelineOf(const machine::History& history);

// Empty, or why it cannot be written, in a line.
std::string WriteTimeline(const std::string& path, const machine::History& history);

}  // namespace pollux::cli

#endif  // POLLUX_CLI_TIMELINE_H_
