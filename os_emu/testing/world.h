// World: the calls that a random walk makes, with one implementation over the host's kernel and one
// over os_emu. Both give the same numbers to new descriptors, so that their transcripts can be
// compared word for word. No call blocks: every description is made non-blocking.
#ifndef POLLUX_OS_EMU_TESTING_WORLD_H_
#define POLLUX_OS_EMU_TESTING_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pollux::os_emu::testing {

// What a call answered: the value or the negated error number, and whatever it put into memory.
struct Answer {
  int64_t value = 0;
  std::vector<uint64_t> memory;

  friend bool operator==(const Answer&, const Answer&) = default;
  std::string Text() const;
};

class World {
 public:
  virtual ~World() = default;

  virtual Answer EventFd(uint32_t initial, bool semaphore) = 0;
  virtual Answer Pipe(bool packets) = 0;
  virtual Answer EpollCreate() = 0;
  virtual Answer Dup(int fd) = 0;
  virtual Answer DupFrom(int fd, int from) = 0;  // F_DUPFD
  virtual Answer Dup2(int fd, int to) = 0;
  virtual Answer Close(int fd) = 0;
  virtual Answer Read(int fd, uint64_t bytes) = 0;
  virtual Answer Write(int fd, const std::vector<uint8_t>& bytes) = 0;
  virtual Answer EpollCtl(int epoll, int op, int fd, uint32_t events, uint64_t data) = 0;
  virtual Answer EpollWait(int epoll, int max_events) = 0;
  virtual Answer Poll(const std::vector<std::pair<int, uint32_t>>& entries) = 0;
  virtual Answer SetPipeSize(int fd, uint32_t bytes) = 0;
  virtual Answer GetPipeSize(int fd) = 0;
  virtual Answer BytesToRead(int fd) = 0;  // FIONREAD
};

// Numbers that are open in this process now; the worlds begin with these in use.
std::vector<int> OpenHostNumbers();

// Closes what it opened when it is destroyed.
std::unique_ptr<World> MakeHostWorld();

// A mistake put into the emulated world on purpose, to see that a walk finds it.
enum class Canary {
  kNone,
  kZeroIsNoEdge,         // Writing 0 to an eventfd wakes nobody.
  kClosedNumberForgets,  // Closing a number removes the interests added under it, although a dup
                         // lives.
  kReadyListIsAStack,    // epoll_wait reports two events the other way round.
};
std::unique_ptr<World> MakeEmulatedWorld(const std::vector<int>& numbers_in_use, Canary canary);

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_TESTING_WORLD_H_
