// FeedbackSearch: schedules by partial order sampling whose draws are kept and varied where they
// showed something new: a read that sees another write than it ever did, or a wait that is ended by
// another call (after Wolff et al., RFF, ASPLOS 2024, which keeps constraints where this keeps
// draws).
//
// A campaign is kCampaign schedules, each found from those before it. Each run begins at the same
// state and asks a strategy of its own: run by *search.Next(known), then search.Ran().
#ifndef POLLUX_MACHINE_STRATEGY_FEEDBACK_H_
#define POLLUX_MACHINE_STRATEGY_FEEDBACK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "machine/strategy/event_strategy.h"
#include "machine/strategy/strategy.h"
#include "os_emu/task/random.h"

namespace pollux::machine {

class FeedbackSearch {
 public:
  // Schedules of one campaign: seeds 1 to kCampaign are the first one.
  static constexpr uint64_t kCampaign = 200;

  explicit FeedbackSearch(uint64_t campaign);

  // The strategy of the next run. One at a time; must not outlive the search.
  std::unique_ptr<Strategy> Next(const SharedMemory* known);
  void Ran();
  // So far.
  uint64_t schedules() const { return schedules_; }
  size_t pairs() const { return pairs_.size(); }
  size_t kept() const { return corpus_.size(); }

 private:
  class Sampler;
  using Draws = std::vector<uint64_t>;
  Draws Vary(const Draws& draws);

  os_emu::RandomStream random_;
  uint64_t schedules_ = 0;
  // Of a write and a read, or a call and a wait: two program counters, hashed. Only looked up.
  absl::flat_hash_set<uint64_t> pairs_;
  std::vector<Draws> corpus_;
  // Of the run under way.
  Draws draws_;
  bool shows_new_ = false;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_FEEDBACK_H_
