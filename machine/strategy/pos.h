// Pos: partial order sampling (Yuan et al., CAV 2018): each event that is pending has a random
// priority, and the highest happens; those that it races with get new ones. Only for
// machine/strategy.
#ifndef POLLUX_MACHINE_STRATEGY_POS_H_
#define POLLUX_MACHINE_STRATEGY_POS_H_

#include <cstdint>
#include <map>

#include "machine/strategy/event_strategy.h"

namespace pollux::machine {

class Pos : public EventStrategy {
 public:
  using EventStrategy::EventStrategy;

 protected:
  // A random number.
  virtual uint64_t Draw() = 0;

 private:
  size_t ChooseOf(const ChoicePoint& point) override;
  size_t ChooseWoken(const WakePoint& point) override;

  std::map<Tid, uint64_t> priorities_;  // Of what is pending; none: to be drawn.
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_POS_H_
