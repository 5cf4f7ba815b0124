// What a walk's calls point at.
#ifndef POLLUX_TESTSUITE_FUZZ_SCRATCH_H_
#define POLLUX_TESTSUITE_FUZZ_SCRATCH_H_

#include <cstdint>

#include "testsuite/fuzz/walk.h"

namespace fuzz {

// Layouts of the system-call interface, which are the same on both machines but for EpollEvent.
struct Iovec {
  uint64_t start;
  uint64_t bytes;
};
struct MessageHeader {
  uint64_t name;
  uint32_t name_bytes;
  uint32_t padding;
  uint64_t vectors;
  uint64_t vector_count;
  uint64_t control;
  uint64_t control_bytes;
  uint32_t flags;
  uint32_t padding2;
};
struct PollFd {
  int32_t fd;
  int16_t events;
  int16_t returned;
};
struct TimeSpec {
  int64_t seconds;
  int64_t nanoseconds;
};
struct ITimerSpec {
  TimeSpec interval;
  TimeSpec value;
};

struct Walk::Scratch {
  static constexpr uint64_t kDataBytes = 256 * 1024;

  alignas(16) uint8_t data[kDataBytes];
  Iovec vectors[4];
  MessageHeader message;
  alignas(16) uint8_t control[256];
  alignas(16) uint8_t address[128];
  uint32_t address_bytes;
  alignas(16) uint8_t events[64 * 16];
  PollFd poll[8];
  uint64_t sets[3];  // fd_sets: the walk's numbers fit into one word.
  TimeSpec timeout;
  ITimerSpec timer;
  uint64_t signals;
  int32_t numbers[4];
  int64_t offset;
  int64_t offset2;
  alignas(16) uint8_t option[64];
  char path[64];
  char path2[64];
  alignas(16) uint8_t status[256];  // struct statx.
};
static_assert(sizeof(PollFd) == 8);

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_SCRATCH_H_
