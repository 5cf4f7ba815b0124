// What is measured: scenes (what is registered where, which threads wait) and, in each, loops of
// calls. The three levels have the same: program.cc by system calls, on the host's kernel and as a
// guest, and library_scene.cc by calling os_emu.
//
// Depends on nothing: the guest is built of it, too.
#ifndef POLLUX_BENCHMARKS_EPOLL_WAIT_CELLS_H_
#define POLLUX_BENCHMARKS_EPOLL_WAIT_CELLS_H_

#include <cstdint>

namespace pollux::benchmarks {

// What is set up once; `size` below is its number.
enum class SceneKind : uint32_t {
  kRegistered,  // `size` eventfds in one instance.
  kPair,        // Two threads, an instance and an eventfd each.
  kWaiters,     // `size` threads in epoll_wait on one instance.
  kNested,      // An eventfd in an instance that is in an instance, `size` times.
  kTimers,      // `size` timerfds in one instance, armed for a time that does not come.
};

// One call of a loop, and what it consists of.
enum class Loop : uint32_t {
  // ---- kRegistered. `ready` of them can be read, spread evenly.
  kLevel,      // epoll_wait that reports `ready` level-triggered ones.
  kEdge,       // `ready` writes, and epoll_wait that reports so many edges.
  kOneShot,    // `ready` times EPOLL_CTL_MOD of one that is ready, and epoll_wait.
  kAdd,        // EPOLL_CTL_ADD
  kModify,     // EPOLL_CTL_MOD
  kDelete,     // EPOLL_CTL_DEL
  kRoundTrip,  // write, epoll_wait, read; always another one.
  // ---- kPair
  kPingPong,  // There and back: each thread writes, waits, reads.
  // ---- kWaiters
  kWakeOne,  // write; one thread wakes and reads, and tells who wrote.
  // ---- kNested
  kNestedWait,       // epoll_wait on the outermost, the innermost is ready.
  kNestedRoundTrip,  // write, epoll_wait on the outermost, read.
  // ---- kTimers
  kArm,        // timerfd_settime
  kExpire,     // timerfd_settime of the nearest deadline, epoll_wait until it has come, read.
  kExpireAll,  // The same for all at once, per timer.
};

// How many events one epoll_wait asks for.
inline constexpr int kMaxEvents = 1000;
// EPOLL_CTL_ADD and DEL are of so many eventfds beside those that stay.
inline constexpr int kExtraDescriptors = 1000;

// What a program is told before each batch of a loop, by its input or in the file that it is given.
struct Command {
  uint32_t sequence = 0;  // Counts changes.
  Loop loop = Loop::kLevel;
  uint32_t ready = 0;
  uint32_t calls = 0;  // In a batch.
};

// What a program writes: before the loop with `nanoseconds` 0, and after it how long it took by its
// own clock. Sequence 0: of the set-up, first when descriptors exist, then when they are
// registered.
struct Mark {
  uint32_t sequence = 0;
  uint32_t end = 0;
  uint64_t nanoseconds = 0;
};

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_EPOLL_WAIT_CELLS_H_
