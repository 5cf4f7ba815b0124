// Scene: a scene of cells.h at one of the levels, and how long its calls take there by the host's
// clock.
#ifndef POLLUX_BENCHMARKS_EPOLL_WAIT_SCENE_H_
#define POLLUX_BENCHMARKS_EPOLL_WAIT_SCENE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "benchmarks/epoll_wait/cells.h"

namespace pollux::benchmarks {

using Seconds = std::chrono::duration<double>;

class Scene {
 public:
  virtual ~Scene() = default;
  // The next batches are of this loop. `command.sequence` is ignored.
  virtual void Begin(const Command& command) = 0;
  // What one batch took. Ends this program where a call answers what it must not.
  virtual Seconds Batch() = 0;
  // What a registration has cost in this program's memory; nothing: it is not known.
  virtual std::optional<double> bytes_per_registration() const { return std::nullopt; }
};

// os_emu as a library.
std::unique_ptr<Scene> MakeLibraryScene(SceneKind kind, uint32_t size);

// The program `native` in a process of its own, on the host's kernel, which is left asleep between
// batches. kOutOfRange: RLIMIT_NOFILE does not allow so many descriptors.
absl::StatusOr<std::unique_ptr<Scene>> MakeHostScene(const std::string& native, SceneKind kind,
                                                     uint32_t size);

// The program `guest` in a machine of its own, as `pollux run` makes it, which stands still between
// batches.
std::unique_ptr<Scene> MakeGuestScene(const std::string& guest, SceneKind kind, uint32_t size);

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_EPOLL_WAIT_SCENE_H_
