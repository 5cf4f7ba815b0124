#include <algorithm>

#include "machine/strategy/implementations.h"

namespace pollux::machine {
namespace {

using os_emu::Thread;

class RoundRobin final : public Strategy {
 public:
  explicit RoundRobin(PreemptionRate rate)
      : slice_(rate.per_million == 0 ? kLongestSlice : std::min(MeanSlice(rate), kLongestSlice)) {}

  size_t Choose(const ChoicePoint& point) override {
    // A tid is kept: the thread may be gone.
    const size_t place = PlaceOf(point.runnable, point.last);
    if (place < point.runnable.size()) {
      last_tid_ = point.last->tid();
      if (!point.leave) return place;
    }
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      if (point.runnable[i]->tid() > last_tid_) return Remember(point, i);
    }
    return Remember(point, 0);
  }

  uint64_t NextSlice(const Thread&, uint64_t) override { return slice_; }

 private:
  size_t Remember(const ChoicePoint& point, size_t place) {
    last_tid_ = point.runnable[place]->tid();
    return place;
  }

  uint64_t slice_;
  Tid last_tid_{0};
};

}  // namespace

std::unique_ptr<Strategy> MakeRoundRobin(PreemptionRate rate) {
  return std::make_unique<RoundRobin>(rate);
}

}  // namespace pollux::machine
