#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "machine/strategy/event_strategy.h"
#include "machine/strategy/implementations.h"

namespace pollux::machine {
namespace {

using os_emu::RandomStream;
using os_emu::Thread;

class Pct final : public EventStrategy {
 public:
  Pct(uint64_t depth, uint64_t length, const SharedMemory* known, RandomStream random)
      : EventStrategy(known), random_(random) {
    for (uint64_t i = 1; i < depth; ++i) changes_.push_back(1 + random_.Below(length));
    std::sort(changes_.begin(), changes_.end());
  }

 private:
  // Random priorities are above it, those of changes below it, each below the one before.
  static constexpr uint64_t kLow = uint64_t{1} << 62;
  // Who does so many events in a row spins, waiting for somebody of a lower priority.
  static constexpr uint64_t kMostInARow = 1000;

  size_t ChooseOf(const ChoicePoint& point) override {
    if (point.leave && point.last != nullptr) Lower(*point.last);
    size_t best = Highest(point.runnable);
    for (; next_change_ < changes_.size() && changes_[next_change_] <= choices(); ++next_change_) {
      Lower(*point.runnable[best]);
      best = Highest(point.runnable);
    }
    if (point.runnable[best] == point.last) {
      if (++in_a_row_ >= kMostInARow) {
        Lower(*point.last);
        best = Highest(point.runnable);
        in_a_row_ = 0;
      }
    } else {
      in_a_row_ = 0;
    }
    return best;
  }

  size_t ChooseWoken(const WakePoint& point) override { return Highest(point.waiters); }

  void Lower(const Thread& thread) { priorities_[thread.tid()] = --next_low_; }

  size_t Highest(std::span<Thread* const> threads) {
    size_t best = 0;
    uint64_t highest = 0;
    for (size_t i = 0; i < threads.size(); ++i) {
      const auto [known, fresh] = priorities_.emplace(threads[i]->tid(), 0);
      if (fresh) known->second = kLow + random_.Next() / 4;
      if (known->second < highest) continue;
      highest = known->second;
      best = i;
    }
    return best;
  }

  RandomStream random_;
  std::map<Tid, uint64_t> priorities_;
  std::vector<uint64_t> changes_;  // Before which choice, ascending.
  size_t next_change_ = 0;
  uint64_t next_low_ = kLow;
  uint64_t in_a_row_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> MakePct(uint64_t depth, uint64_t length, const SharedMemory* known,
                                  RandomStream random) {
  return std::make_unique<Pct>(depth, length, known, random);
}

}  // namespace pollux::machine
