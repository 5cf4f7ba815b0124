// What happens by chance under every strategy: deadlines that are reached early, and faults.
#include <memory>
#include <utility>

#include "machine/strategy/implementations.h"
#include "machine/strategy/strategies.h"
#include "machine/strategy/wrapper.h"

namespace pollux::machine {
namespace {

class Early final : public Wrapper {
 public:
  Early(std::unique_ptr<Strategy> inner, EarlyDeadlines early, os_emu::RandomStream random)
      : Wrapper(std::move(inner)), early_(early), random_(random) {}

  bool wants_deadlines() const override { return true; }
  bool ExpiresEarly(const ChoicePoint&) override {
    return random_.Below(kMillion) < early_.per_million;
  }

 private:
  const EarlyDeadlines early_;
  os_emu::RandomStream random_;
};

class Faulty final : public Wrapper {
 public:
  Faulty(std::unique_ptr<Strategy> inner, FaultRate rate, os_emu::RandomStream random)
      : Wrapper(std::move(inner)), rate_(rate), random_(random) {}

  bool Fails(const FaultPoint&) override { return random_.Below(kMillion) < rate_.per_million; }

 private:
  const FaultRate rate_;
  os_emu::RandomStream random_;
};

}  // namespace

std::unique_ptr<Strategy> WithChance(std::unique_ptr<Strategy> strategy,
                                     const StrategyOptions& options, uint64_t schedule_seed) {
  const os_emu::RandomStream random(schedule_seed);
  if (options.early_deadlines.per_million != 0) {
    strategy = std::make_unique<Early>(std::move(strategy), options.early_deadlines,
                                       random.Split(kDeadlines));
  }
  if (options.faults.per_million != 0) {
    strategy = std::make_unique<Faulty>(std::move(strategy), options.faults, random.Split(kFaults));
  }
  return strategy;
}

}  // namespace pollux::machine
