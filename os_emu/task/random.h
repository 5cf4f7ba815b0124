// RandomStream: a seeded stream of random numbers whose values are the same on every host and
// library version (SplitMix64, Steele et al. 2014). Plain data: copying it copies the position.
#ifndef POLLUX_OS_EMU_TASK_RANDOM_H_
#define POLLUX_OS_EMU_TASK_RANDOM_H_

#include <cstdint>
#include <span>

namespace pollux::os_emu {

class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }
  void Fill(std::span<uint8_t> bytes) {
    for (size_t i = 0; i < bytes.size(); i += 8) {
      uint64_t value = Next();
      for (size_t j = i; j < bytes.size() && j < i + 8; ++j, value >>= 8)
        bytes[j] = static_cast<uint8_t>(value);
    }
  }
  // An independent stream for a named purpose.
  RandomStream Split(uint64_t purpose) const {
    RandomStream mixed(state_ ^ (purpose * 0xd1342543de82ef95));
    return RandomStream(mixed.Next());
  }

 private:
  uint64_t state_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_RANDOM_H_
