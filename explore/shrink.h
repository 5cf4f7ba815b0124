// Shrinking: from a schedule that fails to one that fails in the same way and gives way far less
// often, so that a person can follow it (delta debugging, Zeller and Hildebrandt 2002).
#ifndef POLLUX_EXPLORE_SHRINK_H_
#define POLLUX_EXPLORE_SHRINK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "explore/explorer.h"
#include "machine/strategy/schedule.h"

namespace pollux::explore {

struct Shrunk {
  machine::Schedule schedule;  // Of the last run that failed so, as recorded.
  uint64_t tried = 0;          // Schedules.
};

// `schedule` fails with the finding `key`. `most`: how many schedules are tried. `progress` may be
// null; it gets how many were tried and how many preemptions are left. False: enough.
Shrunk Shrink(Explorer& explorer, const machine::Schedule& schedule, const std::string& key,
              uint64_t most,
              const std::function<bool(uint64_t tried, size_t preemptions)>& progress);

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_SHRINK_H_
