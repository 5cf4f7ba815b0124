#include <map>

#include "machine/strategy/event_strategy.h"
#include "machine/strategy/implementations.h"

namespace pollux::machine {
namespace {

using os_emu::RandomStream;
using os_emu::Thread;

class Pos final : public EventStrategy {
 public:
  Pos(const SharedMemory* known, RandomStream random) : EventStrategy(known), random_(random) {}

 private:
  size_t ChooseOf(const ChoicePoint& point) override {
    size_t best = 0;
    uint64_t highest = 0;
    for (size_t i = 0; i < point.runnable.size(); ++i) {
      const auto [known, fresh] = priorities_.emplace(point.runnable[i]->tid(), 0);
      // Of what a thread does before its first event, and after a call that it waited in.
      if (fresh) known->second = random_.Next();
      if (known->second < highest) continue;
      highest = known->second;
      best = i;
    }
    // Who yields does so since it can do nothing.
    if (point.leave && point.runnable[best] == point.last) {
      priorities_.erase(point.last->tid());
      best = best == 0 ? 1 : 0;
    }
    const Thread& chosen = *point.runnable[best];
    if (const Event* next = PendingOf(chosen)) {
      for (const Thread* other : point.runnable) {
        const Event* pending = PendingOf(*other);
        if (other != &chosen && pending != nullptr && Conflict(*next, *pending))
          priorities_.erase(other->tid());
      }
    }
    priorities_.erase(chosen.tid());
    return best;
  }

  RandomStream random_;
  std::map<Tid, uint64_t> priorities_;  // Of what is pending; none: to be drawn.
};

}  // namespace

std::unique_ptr<Strategy> MakePos(const SharedMemory* known, RandomStream random) {
  return std::make_unique<Pos>(known, random);
}

}  // namespace pollux::machine
