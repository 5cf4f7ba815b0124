#include <memory>
#include <utility>

#include "machine/strategy/implementations.h"
#include "machine/strategy/strategies.h"
#include "machine/strategy/strategy.h"

namespace pollux::machine {
namespace {

using os_emu::Thread;

class Early final : public Strategy {
 public:
  Early(std::unique_ptr<Strategy> inner, EarlyDeadlines early, os_emu::RandomStream random)
      : inner_(std::move(inner)), early_(early), random_(random) {}

  size_t Choose(const ChoicePoint& point) override { return inner_->Choose(point); }
  uint64_t NextSlice(const Thread& running, uint64_t retired) override {
    return inner_->NextSlice(running, retired);
  }
  bool wants_deadlines() const override { return true; }
  bool ExpiresEarly(const ChoicePoint&) override {
    return random_.Below(kMillion) < early_.per_million;
  }
  bool wants_events() const override { return inner_->wants_events(); }
  bool StopsBefore(const Thread& thread, const Event& event) override {
    return inner_->StopsBefore(thread, event);
  }
  bool slices_end_with_turns() const override { return inner_->slices_end_with_turns(); }

 private:
  const std::unique_ptr<Strategy> inner_;
  const EarlyDeadlines early_;
  os_emu::RandomStream random_;
};

}  // namespace

std::unique_ptr<Strategy> WithEarlyDeadlines(std::unique_ptr<Strategy> strategy,
                                             EarlyDeadlines early, uint64_t schedule_seed) {
  if (early.per_million == 0) return strategy;
  return std::make_unique<Early>(std::move(strategy), early,
                                 os_emu::RandomStream(schedule_seed).Split(kDeadlines));
}

}  // namespace pollux::machine
