// machine_probe: riscv_hwprobe, which only RISC-V has. What is expected is RV64GC as
// Documentation/arch/riscv/hwprobe.rst of Linux 6.18 writes it: base behaviour 1 is IMA, of the
// extensions F and D are bit 0 and C bit 1 and no other is there, 3 is a fast misaligned access and
// 4 a misaligned vector access that there is not; the block sizes of what is not there are 0, as
// are the vendors' extensions. A key that is unknown becomes -1, with 0. The same page names the
// errors.
#include <sched.h>

#include <cstdint>
#include <iterator>

#include "testsuite/basics/check.h"

namespace {

struct Pair {
  int64_t key;
  uint64_t value;
};

constexpr long kProbe = 258;

long Probe(void* pairs, size_t count, size_t bytes, void* set, unsigned flags) {
  return syscall(kProbe, pairs, count, bytes, set, flags);
}

}  // namespace

int main() {
  Pair pairs[] = {{3, 99},  {4, 99},  {5, 99},  {6, 99},  {9, 99},
                  {10, 99}, {11, 99}, {12, 99}, {13, 99}, {14, 99}};
  Show("all cpus", Probe(pairs, std::size(pairs), 0, nullptr, 0));
  for (const Pair& pair : pairs) {
    std::printf("key %lld: %llu\n", static_cast<long long>(pair.key),
                static_cast<unsigned long long>(pair.value));
  }
  Pair others[] = {{1000, 99}, {-5, 99}, {3, 99}};
  Show("keys that are unknown, and one that is not", Probe(others, 3, 0, nullptr, 0));
  for (const Pair& pair : others) {
    std::printf("key %lld: %llu\n", static_cast<long long>(pair.key),
                static_cast<unsigned long long>(pair.value));
  }
  Pair numbers[] = {{7, 0}, {8, 0}};
  Show("highest address and frequency", Probe(numbers, 2, 0, nullptr, 0));
  std::printf("one below a power of two: %d, some: %d\n",
              numbers[0].value != 0 && (numbers[0].value & (numbers[0].value + 1)) == 0,
              numbers[1].value > 0);

  cpu_set_t set;
  Must(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
  others[2] = {3, 99};
  Show("some cpus", Probe(&others[2], 1, sizeof set, &set, 0));
  std::printf("key 3: %llu\n", static_cast<unsigned long long>(others[2].value));
  Show("no keys", Probe(nullptr, 0, 0, nullptr, 0));

  CPU_ZERO(&set);
  Show("no cpu", Probe(pairs, 1, sizeof set, &set, 0));
  Show("an unknown flag", Probe(pairs, 1, 0, nullptr, 2));
  Show("pairs nowhere", Probe(nullptr, 1, 0, nullptr, 0));
  Show("cpus nowhere", Probe(pairs, 1, sizeof set, nullptr, 0));
  return 0;
}
