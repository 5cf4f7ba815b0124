#include "machine/strategy/feedback.h"

#include <algorithm>
#include <map>
#include <utility>

#include "machine/strategy/implementations.h"
#include "machine/strategy/pos.h"

namespace pollux::machine {

using os_emu::RandomStream;
using os_emu::Thread;

namespace {

// One schedule in so many is a new one, whatever is kept.
constexpr uint64_t kFreshEvery = 4;

// Two places in the program, in this order.
uint64_t PairOf(uint64_t from_pc, uint64_t to_pc) {
  return RandomStream(from_pc * 0x9e3779b97f4a7c15 ^ to_pc).Next();
}

}  // namespace

// Draws what it is given, then new numbers; and notes who sees what.
class FeedbackSearch::Sampler final : public Pos {
 public:
  Sampler(FeedbackSearch& search, const SharedMemory* known, Draws given, RandomStream random)
      : Pos(known), search_(search), given_(std::move(given)), random_(random) {}

 private:
  uint64_t Draw() override {
    Draws& draws = search_.draws_;
    draws.push_back(draws.size() < given_.size() ? given_[draws.size()] : random_.Next());
    return draws.back();
  }

  bool OnChosen(const Thread& thread) override {
    const Event* event = PendingOf(thread);
    if (event == nullptr) {
      // It goes on after a wait, which the last call of another thread has most probably ended.
      const auto waited = last_call_of_.find(thread.tid());
      if (waited != last_call_of_.end() && last_caller_ != thread.tid())
        Note(last_call_, waited->second);
      return true;
    }
    if (event->kind == Event::Kind::kSystemCall) {
      last_caller_ = thread.tid();
      last_call_ = last_call_of_[thread.tid()] = event->pc;
      return true;
    }
    if (!event->accesses_memory()) return true;
    const std::pair place{event->space, event->addr};
    if (event->reads()) Note(last_write_[place], event->pc);
    if (event->writes()) last_write_[place] = event->pc;
    return true;
  }

  void Note(uint64_t from_pc, uint64_t to_pc) {
    if (search_.pairs_.insert(PairOf(from_pc, to_pc)).second) search_.shows_new_ = true;
  }

  FeedbackSearch& search_;
  const Draws given_;
  RandomStream random_;
  std::map<std::pair<Tid, uint64_t>, uint64_t> last_write_;  // The instruction; 0: before all.
  std::map<Tid, uint64_t> last_call_of_;
  uint64_t last_call_ = 0;
  Tid last_caller_{0};
};

FeedbackSearch::FeedbackSearch(uint64_t campaign)
    : random_(RandomStream(campaign).Split(kCampaigns)) {}

FeedbackSearch::Draws FeedbackSearch::Vary(const Draws& draws) {
  Draws varied = draws;
  if (varied.empty()) return varied;
  if (random_.Below(2) == 0) {
    // Another end.
    varied.resize(random_.Below(varied.size()));
    return varied;
  }
  constexpr uint64_t kMostChanges = 4;
  for (uint64_t changes = 1 + random_.Below(kMostChanges); changes > 0; --changes)
    varied[random_.Below(varied.size())] = random_.Next();
  return varied;
}

std::unique_ptr<Strategy> FeedbackSearch::Next(const SharedMemory* known) {
  draws_.clear();
  shows_new_ = false;
  Draws given;
  if (!corpus_.empty() && random_.Below(kFreshEvery) != 0)
    given = Vary(corpus_[random_.Below(corpus_.size())]);
  return std::make_unique<Sampler>(*this, known, std::move(given), RandomStream(random_.Next()));
}

void FeedbackSearch::Ran() {
  ++schedules_;
  // Of a run that went on and on, little would be varied where it matters.
  constexpr size_t kMostDraws = 100'000;
  if (shows_new_ && draws_.size() <= kMostDraws) corpus_.push_back(draws_);
}

}  // namespace pollux::machine
