// Transcript: what a walk saw, as a digest that two kernels can be compared by, as lines where
// somebody wants to read it, and as a table of what was reached.
#ifndef POLLUX_TESTSUITE_FUZZ_TRANSCRIPT_H_
#define POLLUX_TESTSUITE_FUZZ_TRANSCRIPT_H_

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <map>
#include <span>
#include <vector>

#include "testsuite/fuzz/kernel.h"

namespace fuzz {

// What a descriptor number refers to, as far as the walk knows.
#define POLLUX_FUZZ_TYPES(X)                         \
  X(kNone, "none")                                   \
  X(kDevice, "device")                               \
  X(kDirectory, "directory")                         \
  X(kEpoll, "epoll")                                 \
  X(kEventFd, "eventfd")                             \
  X(kFifo, "fifo")                                   \
  X(kInotify, "inotify")                             \
  X(kMemFd, "memfd")                                 \
  X(kNetlink, "netlink")                             \
  X(kPidFd, "pidfd")                                 \
  X(kPipe, "pipe")                                   \
  X(kPty, "pty")                                     \
  X(kReceived, "received") /* Came in SCM_RIGHTS. */ \
  X(kRegular, "regular")                             \
  X(kSignalFd, "signalfd")                           \
  X(kTcp, "tcp")                                     \
  X(kTcpListener, "tcp_listener")                    \
  X(kTimerFd, "timerfd")                             \
  X(kUdp, "udp")                                     \
  X(kUnixDgram, "unix_dgram")                        \
  X(kUnixListener, "unix_listener")                  \
  X(kUnixSeqPacket, "unix_seqpacket")                \
  X(kUnixStream, "unix_stream")

enum Type : uint8_t {
#define POLLUX_FUZZ_ENUMERATOR(enumerator, name) enumerator,
  POLLUX_FUZZ_TYPES(POLLUX_FUZZ_ENUMERATOR)
#undef POLLUX_FUZZ_ENUMERATOR
      kTypeCount
};
const char* NameOf(Type type);

// One call: what was asked, and all that was answered.
struct Entry {
  Sys call;
  Type type;  // Of the descriptor that it is about; kNone where there is none, or a closed number.
  std::initializer_list<int64_t> asked;  // Numbers that mean the same in every world.
  int64_t result;
  std::span<const uint64_t> seen;  // What the kernel put into memory.
};

class Transcript {
 public:
  // Where to print each entry; null: nowhere.
  explicit Transcript(std::FILE* lines) : lines_(lines) {}

  void Add(const Entry& entry);
  // Of all entries since the last call of this.
  uint64_t TakeDigest();
  uint64_t count() const { return count_; }

  // "call type: result times, ..." for all that was reached, then the pairs of call and type that
  // were not.
  void PrintCoverage(std::FILE* to) const;
  // Pairs of a call that takes a descriptor and a type which no entry has.
  std::vector<std::pair<Sys, Type>> Holes() const;

 private:
  std::FILE* lines_;
  uint64_t digest_ = kSeed;
  uint64_t count_ = 0;
  static constexpr uint64_t kSeed = 0x9e3779b97f4a7c15;
  // 1 for a value above 0; an error number is negative.
  std::map<int, uint64_t> reached_[kSysCount][kTypeCount];
};

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_TRANSCRIPT_H_
