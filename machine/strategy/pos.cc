#include "machine/strategy/pos.h"

#include "machine/strategy/implementations.h"

namespace pollux::machine {

using os_emu::Thread;

size_t Pos::ChooseOf(const ChoicePoint& point) {
  size_t best = 0;
  uint64_t highest = 0;
  for (size_t i = 0; i < point.runnable.size(); ++i) {
    const auto [known, fresh] = priorities_.emplace(point.runnable[i]->tid(), 0);
    // Of what a thread does before its first event, and after a call that it waited in, too.
    if (fresh) known->second = Draw();
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

// Each wait's end is an event, of which one happens. It races with the others, so none keeps its
// priority.
size_t Pos::ChooseWoken(const WakePoint& point) {
  size_t best = 0;
  uint64_t highest = 0;
  for (size_t i = 0; i < point.waiters.size(); ++i) {
    const uint64_t priority = Draw();
    if (priority < highest) continue;
    highest = priority;
    best = i;
  }
  return best;
}

namespace {

class RandomPos final : public Pos {
 public:
  RandomPos(const SharedMemory* known, os_emu::RandomStream random) : Pos(known), random_(random) {}

 private:
  uint64_t Draw() override { return random_.Next(); }

  os_emu::RandomStream random_;
};

}  // namespace

std::unique_ptr<Strategy> MakePos(const SharedMemory* known, os_emu::RandomStream random) {
  return std::make_unique<RandomPos>(known, random);
}

}  // namespace pollux::machine
