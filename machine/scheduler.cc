#include "machine/scheduler.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "abi/check.h"

namespace pollux::machine {
namespace {

using os_emu::RandomStream;
using os_emu::Thread;

constexpr uint64_t kMillion = 1'000'000;

uint64_t MeanOf(PreemptionRate rate) { return std::max<uint64_t>(1, kMillion / rate.per_million); }

// -log2(x / 2^64) with 32 fractional bits, for x > 0: the bits of the fraction come from squaring.
uint64_t NegativeLog2(uint64_t x) {
  const int zeros = std::countl_zero(x);
  uint64_t mantissa = x << zeros;  // In [1, 2) with 63 fractional bits.
  uint64_t fraction = 0;
  for (int i = 0; i < 32; ++i) {
    const auto square = static_cast<unsigned __int128>(mantissa) * mantissa >> 63;
    fraction <<= 1;
    if (square >> 64 != 0) {
      fraction |= 1;
      mantissa = static_cast<uint64_t>(square >> 1);
    } else {
      mantissa = static_cast<uint64_t>(square);
    }
  }
  return (static_cast<uint64_t>(zeros + 1) << 32) - fraction;
}

// The place of `thread`; runnable.size(): it cannot run.
size_t PlaceOf(std::span<Thread* const> runnable, const Thread* thread) {
  return static_cast<size_t>(std::find(runnable.begin(), runnable.end(), thread) -
                             runnable.begin());
}

// Whoever is chosen, is chosen by chance; preemptions come with a fixed probability at each
// instruction (Miri's way).
class RandomWalk final : public Scheduler {
 public:
  RandomWalk(PreemptionRate rate, RandomStream random) : rate_(rate), random_(random) {}

  size_t Choose(std::span<Thread* const> runnable, const Thread* last, bool leave) override {
    if (runnable.size() == 1) return 0;
    if (!leave) return random_.Below(runnable.size());
    const size_t place = PlaceOf(runnable, last);
    if (place == runnable.size()) return random_.Below(runnable.size());
    const size_t other = random_.Below(runnable.size() - 1);
    return other < place ? other : other + 1;
  }

  uint64_t NextSlice() override {
    if (rate_.per_million == 0) return kLongestSlice;
    return std::min(DrawGeometric(random_, MeanOf(rate_)), kLongestSlice);
  }

 private:
  PreemptionRate rate_;
  RandomStream random_;
};

// In the order of tids, each for the same number of instructions.
class RoundRobin final : public Scheduler {
 public:
  explicit RoundRobin(PreemptionRate rate)
      : slice_(rate.per_million == 0 ? kLongestSlice : std::min(MeanOf(rate), kLongestSlice)) {}

  size_t Choose(std::span<Thread* const> runnable, const Thread* last, bool leave) override {
    // A tid is kept: the thread may be gone.
    const size_t place = PlaceOf(runnable, last);
    if (place < runnable.size()) {
      last_tid_ = last->tid();
      if (!leave) return place;
    }
    for (size_t i = 0; i < runnable.size(); ++i) {
      if (runnable[i]->tid() > last_tid_) return Remember(runnable, i);
    }
    return Remember(runnable, 0);
  }

  uint64_t NextSlice() override { return slice_; }

 private:
  size_t Remember(std::span<Thread* const> runnable, size_t place) {
    last_tid_ = runnable[place]->tid();
    return place;
  }

  uint64_t slice_;
  Tid last_tid_{0};
};

}  // namespace

uint64_t DrawGeometric(RandomStream& random, uint64_t mean) {
  POLLUX_CHECK(mean >= 1) << "no such distribution";
  if (mean == 1) return 1;
  // The inverse of the distribution function, with ln(1 - 1/mean) taken as -1/mean: one too short
  // by half an instruction on average.
  constexpr uint64_t kLn2 = 2977044471;  // ln 2 with 32 fractional bits.
  const uint64_t log2 = NegativeLog2(random.Next() | 1);
  const auto steps = static_cast<unsigned __int128>(log2) * mean >> 32;
  return static_cast<uint64_t>(steps * kLn2 >> 32) + 1;
}

std::unique_ptr<Scheduler> MakeScheduler(StrategyKind kind, PreemptionRate rate,
                                         RandomStream random) {
  if (kind == StrategyKind::kRoundRobin) return std::make_unique<RoundRobin>(rate);
  return std::make_unique<RandomWalk>(rate, random);
}

}  // namespace pollux::machine
