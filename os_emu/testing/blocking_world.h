// BlockingWorld: threads that block in calls, over the host's kernel or over os_emu, so that a test
// can expect the same of both. A step is: do something, Settle(), look who has returned with what.
#ifndef POLLUX_OS_EMU_TESTING_BLOCKING_WORLD_H_
#define POLLUX_OS_EMU_TESTING_BLOCKING_WORLD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "os_emu/testing/world.h"

namespace pollux::os_emu::testing {

// A call that may block.
struct BlockingCall {
  enum Kind { kRead, kWrite, kEpollWait, kPoll } kind;
  int fd;
  uint64_t amount = 1;      // Bytes, the most events, or the wanted events of poll.
  int64_t timeout_ms = -1;  // Of epoll_wait and poll; negative: none.
};

class BlockingWorld {
 public:
  virtual ~BlockingWorld() = default;

  // ---- Calls of the main thread, which never block here. Descriptors are blocking ones.
  virtual int EventFd(uint32_t initial) = 0;
  virtual std::pair<int, int> Pipe() = 0;  // Reader, writer.
  virtual int Epoll() = 0;
  virtual int Dup(int fd) = 0;
  virtual void Close(int fd) = 0;
  virtual int64_t EpollCtl(int epoll, int op, int fd, uint32_t events, uint64_t data) = 0;
  // A transfer that must not have to wait.
  virtual int64_t Read(int fd, uint64_t bytes) = 0;
  virtual int64_t Write(int fd, const std::vector<uint8_t>& bytes) = 0;

  // ---- Threads.
  // Starts a thread in a call and waits until it has returned or sleeps. Returns the thread's
  // place.
  virtual size_t Start(const BlockingCall& call) = 0;
  // Waits until every thread has returned or sleeps.
  virtual void Settle() = 0;
  // Lets that much time pass, and settles.
  virtual void Pass(int64_t milliseconds) = 0;
  // What the call answered; nullopt while it waits. Of epoll_wait: events and data; of poll: the
  // revents.
  virtual std::optional<Answer> Result(size_t thread) = 0;
};

std::unique_ptr<BlockingWorld> MakeBlockingHostWorld();
std::unique_ptr<BlockingWorld> MakeBlockingEmulatedWorld();

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_TESTING_BLOCKING_WORLD_H_
