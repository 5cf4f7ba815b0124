// Campaign: many schedules of one guest, spread over worker processes that live as long as it does.
// A worker that does not survive a schedule costs that schedule: the campaign says so and goes on
// with a new one.
//
// What is found depends on the guest, the options and the seeds, not on the number of workers:
// where the first finding ends the campaign, it is that of the smallest seed, and exactly the seeds
// up to it count.
#ifndef POLLUX_EXPLORE_CAMPAIGN_H_
#define POLLUX_EXPLORE_CAMPAIGN_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "explore/explorer.h"
#include "explore/finding.h"
#include "machine/machine.h"

namespace pollux::explore {

struct CampaignOptions {
  // Its `warn` is called in the campaign's process, once for each line that any schedule says.
  machine::Options machine;
  Expectation expectation;
  uint64_t first_seed = 1, last_seed = 1000;  // Both are run.
  int jobs = 1;
  bool keep_going = false;  // On after the first finding.
  // Summary::trace_hash is told. With keep_going only: it is of all seeds.
  bool hash_traces = false;
  std::optional<std::chrono::milliseconds> time;  // Stops then.
  // A schedule that takes more of the host's processor time than this is a finding of its own (or
  // sleeps for 20 times as long).
  std::chrono::milliseconds patience{60'000};
  // Called in the meantime, at least every 100 ms. False: the campaign ends.
  struct Progress {
    uint64_t schedules = 0;
    size_t findings = 0;
    std::chrono::milliseconds elapsed{0};
  };
  std::function<bool(const Progress&)> progress;
};

struct Summary {
  uint64_t schedules = 0;  // That were run and count.
  std::vector<Finding> findings;
  std::chrono::milliseconds elapsed{0};
  bool complete = false;       // All seeds were run, or those up to the first finding.
  bool all_there_are = false;  // kExhaustive: there is no other schedule.
  // kExhaustive: none with as few preemptions as its bound allows, if it has one.
  bool all_within_bound = false;
  bool only_one = false;  // The guest makes no second thread or process: all schedules are alike.
  // Of all that all schedules did: each line of each trace, each end, all that was written; not of
  // who ran them or when.
  uint64_t trace_hash = 0;
  machine::StrategyOptions strategy;  // With the length that was measured.
};

// Must be called while this process has one thread: it forks. Errors: Explorer::Create()'s;
// kInternal: the host refuses processes or memory.
absl::StatusOr<Summary> RunCampaign(const CampaignOptions& options, const Guest& guest);

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_CAMPAIGN_H_
