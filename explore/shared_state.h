// SharedState: what a campaign and its workers tell each other while schedules run: plain numbers
// in memory that all of them see. And the pipe for what is longer.
#ifndef POLLUX_EXPLORE_SHARED_STATE_H_
#define POLLUX_EXPLORE_SHARED_STATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pollux::explore {

struct SharedState {
  static constexpr int kMostWorkers = 256;
  static constexpr uint64_t kIdle = UINT64_MAX;

  std::atomic<uint64_t> next_seed;
  std::atomic<uint64_t> last_seed;  // Lowered where what comes after a finding need not be run.
  std::atomic<bool> stop;
  std::atomic<uint64_t> trace_hash;  // The sum of all schedules'.

  // By worker. One that was lost is told by `seed`.
  struct alignas(64) Worker {
    std::atomic<uint64_t> seed;  // That it runs; kIdle: none.
    // What it has still to run of the seeds that it has taken, whoever goes on with them.
    std::atomic<uint64_t> next, end;
    std::atomic<uint64_t> runs;       // It has begun; a seed may take several.
    std::atomic<uint64_t> schedules;  // Which it has run.
  };
  Worker workers[kMostWorkers];

  // Shared with the processes that are forked later; unmapped with the pointer. kInternal: the host
  // has no room.
  struct Unmap {
    void operator()(SharedState* state) const;
  };
  static absl::StatusOr<std::unique_ptr<SharedState, Unmap>> Create();
};

// Messages of any length over a pipe, each as a whole.
// False: the other end is gone.
bool SendMessage(int fd, std::string_view message);
// Collects what has come, from a descriptor that does not block.
class MessageReader {
 public:
  explicit MessageReader(int fd) : fd_(fd) {}
  // The next one that has come as a whole.
  std::optional<std::string> Next();

 private:
  int fd_;
  std::string bytes_;
};

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_SHARED_STATE_H_
