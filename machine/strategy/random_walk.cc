#include <algorithm>
#include <bit>

#include "abi/check.h"
#include "machine/strategy/implementations.h"

namespace pollux::machine {
namespace {

using os_emu::RandomStream;
using os_emu::Thread;

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

class RandomWalk final : public Strategy {
 public:
  RandomWalk(PreemptionRate rate, RandomStream random) : rate_(rate), random_(random) {}

  size_t Choose(const ChoicePoint& point) override {
    const size_t count = point.runnable.size();
    if (count == 1) return 0;
    if (!point.leave) return random_.Below(count);
    const size_t place = PlaceOf(point.runnable, point.last);
    if (place == count) return random_.Below(count);
    const size_t other = random_.Below(count - 1);
    return other < place ? other : other + 1;
  }

  size_t ChooseWoken(const WakePoint& point) override {
    return random_.Below(point.waiters.size());
  }

  uint64_t NextSlice(const Thread&, uint64_t) override {
    if (rate_.per_million == 0) return kLongestSlice;
    return std::min(DrawGeometric(random_, MeanSlice(rate_)), kLongestSlice);
  }

 private:
  PreemptionRate rate_;
  RandomStream random_;
};

}  // namespace

uint64_t MeanSlice(PreemptionRate rate) {
  return std::max<uint64_t>(1, kMillion / rate.per_million);
}

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

std::unique_ptr<Strategy> MakeRandomWalk(PreemptionRate rate, RandomStream random) {
  return std::make_unique<RandomWalk>(rate, random);
}

}  // namespace pollux::machine
