#include "explore/shrink.h"

#include <algorithm>
#include <vector>

#include "explore/finding.h"

namespace pollux::explore {

using machine::Schedule;
using machine::Switch;

namespace {

class Shrinker {
 public:
  Shrinker(Explorer& explorer, const std::string& key, uint64_t most,
           const std::function<bool(uint64_t, size_t)>& progress)
      : explorer_(explorer), key_(key), most_(most), progress_(progress) {}

  Shrunk Run(Schedule best) {
    best_ = std::move(best);
    // What is recorded of a smaller run may again hold less.
    for (size_t before = SIZE_MAX; Size(best_) < before && !enough_;) {
      before = Size(best_);
      RemoveParts(&Schedule::faults);
      RemoveParts(&Schedule::woken);
      RemoveParts(&Schedule::switches);
    }
    return {.schedule = best_, .tried = tried_};
  }

 private:
  static size_t Size(const Schedule& schedule) {
    return schedule.faults.size() + schedule.woken.size() + schedule.switches.size();
  }

  // Leaves out runs of what happened, shorter and shorter ones.
  template <typename What>
  void RemoveParts(std::vector<What> Schedule::*what) {
    for (size_t part = std::max<size_t>((best_.*what).size() / 2, 1); part > 0 && !enough_;
         part /= 2) {
      // From the end: what comes after the failure's cause goes first.
      for (size_t end = (best_.*what).size(); end > 0 && !enough_;) {
        const size_t start = end > part ? end - part : 0;
        Schedule candidate = best_;
        std::vector<What>& parts = candidate.*what;
        parts.erase(parts.begin() + static_cast<ptrdiff_t>(start),
                    parts.begin() + static_cast<ptrdiff_t>(end));
        Try(candidate);
        end = std::min(start, (best_.*what).size());
      }
    }
  }

  // Keeps it if it fails in the same way, and is smaller as it went.
  void Try(const Schedule& candidate) {
    if (tried_ >= most_) {
      enough_ = true;
      return;
    }
    ++tried_;
    const explore::Run run = explorer_.RunSchedule(candidate);
    if (IsFinding(run, explorer_.expectation()) &&
        FindingOf(run, explorer_.expectation(), 0).key == key_ && Less(run.schedule, best_))
      best_ = run.schedule;
    if (progress_ && !progress_(tried_, best_.preemptions())) enough_ = true;
  }

  // Preemptions, faults and wake-ups out of order count most: each is a place that a reader has to
  // look at.
  static bool Less(const Schedule& a, const Schedule& b) {
    const size_t of_a = a.preemptions() + a.faults.size() + a.woken.size();
    const size_t of_b = b.preemptions() + b.faults.size() + b.woken.size();
    return of_a != of_b ? of_a < of_b : a.switches.size() < b.switches.size();
  }

  Explorer& explorer_;
  const std::string& key_;
  const uint64_t most_;
  const std::function<bool(uint64_t, size_t)>& progress_;
  Schedule best_;
  uint64_t tried_ = 0;
  bool enough_ = false;
};

}  // namespace

Shrunk Shrink(Explorer& explorer, const Schedule& schedule, const std::string& key, uint64_t most,
              const std::function<bool(uint64_t, size_t)>& progress) {
  return Shrinker(explorer, key, most, progress).Run(schedule);
}

}  // namespace pollux::explore
