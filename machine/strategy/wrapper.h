// Wrapper: a strategy that asks another one, but for what it does itself.
#ifndef POLLUX_MACHINE_STRATEGY_WRAPPER_H_
#define POLLUX_MACHINE_STRATEGY_WRAPPER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "machine/strategy/strategy.h"

namespace pollux::machine {

class Wrapper : public Strategy {
 public:
  explicit Wrapper(std::unique_ptr<Strategy> inner) : inner_(std::move(inner)) {}

  size_t Choose(const ChoicePoint& point) override { return inner_->Choose(point); }
  uint64_t NextSlice(const os_emu::Thread& running, uint64_t retired) override {
    return inner_->NextSlice(running, retired);
  }
  bool wants_deadlines() const override { return inner_->wants_deadlines(); }
  bool ExpiresEarly(const ChoicePoint& point) override { return inner_->ExpiresEarly(point); }
  bool Fails(const FaultPoint& point) override { return inner_->Fails(point); }
  size_t ChooseWoken(const WakePoint& point) override { return inner_->ChooseWoken(point); }
  bool wants_events() const override { return inner_->wants_events(); }
  bool wants_footprints() const override { return inner_->wants_footprints(); }
  bool StopsBefore(const os_emu::Thread& thread, const Event& event) override {
    return inner_->StopsBefore(thread, event);
  }
  bool slices_end_with_turns() const override { return inner_->slices_end_with_turns(); }

 protected:
  Strategy& inner() { return *inner_; }

 private:
  const std::unique_ptr<Strategy> inner_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STRATEGY_WRAPPER_H_
