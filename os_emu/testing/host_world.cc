#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>

#include "os_emu/testing/world.h"

namespace pollux::os_emu::testing {
namespace {

Answer FromHost(int64_t result) { return {.value = result < 0 ? -errno : result, .memory = {}}; }

class HostWorld final : public World {
 public:
  HostWorld() { std::signal(SIGPIPE, SIG_IGN); }
  ~HostWorld() override {
    for (const int fd : opened_) close(fd);
  }

  Answer EventFd(uint32_t initial, bool semaphore) override {
    return Opened(eventfd(initial, EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0)));
  }
  Answer Pipe(bool packets) override {
    int ends[2];
    const int result = pipe2(ends, O_NONBLOCK | (packets ? O_DIRECT : 0));
    if (result < 0) return FromHost(result);
    opened_.insert(ends[0]);
    opened_.insert(ends[1]);
    return {.value = 0, .memory = {static_cast<uint64_t>(ends[0]), static_cast<uint64_t>(ends[1])}};
  }
  Answer EpollCreate() override { return Opened(epoll_create1(0)); }
  Answer Dup(int fd) override { return Opened(dup(fd)); }
  Answer DupFrom(int fd, int from) override { return Opened(fcntl(fd, F_DUPFD, from)); }
  Answer Dup2(int fd, int to) override { return Opened(dup2(fd, to)); }
  Answer Close(int fd) override {
    opened_.erase(fd);
    return FromHost(close(fd));
  }
  Answer Read(int fd, uint64_t bytes) override {
    std::vector<uint8_t> storage(bytes);
    Answer answer = FromHost(read(fd, storage.data(), bytes));
    if (answer.value > 0) answer.memory = Digest(storage, static_cast<size_t>(answer.value));
    return answer;
  }
  Answer Write(int fd, const std::vector<uint8_t>& bytes) override {
    return FromHost(write(fd, bytes.data(), bytes.size()));
  }
  Answer EpollCtl(int epoll, int op, int fd, uint32_t events, uint64_t data) override {
    epoll_event event;
    event.events = events;
    event.data.u64 = data;
    return FromHost(epoll_ctl(epoll, op, fd, &event));
  }
  Answer EpollWait(int epoll, int max_events) override {
    epoll_event events[64];
    Answer answer = FromHost(epoll_wait(epoll, events, max_events, 0));
    for (int64_t i = 0; i < answer.value; ++i) {
      answer.memory.push_back(events[i].events);
      answer.memory.push_back(uint64_t{events[i].data.u64});  // May be misaligned there.
    }
    return answer;
  }
  Answer Poll(const std::vector<std::pair<int, uint32_t>>& entries) override {
    std::vector<pollfd> fds;
    for (const auto& [fd, events] : entries) {
      fds.push_back({fd, static_cast<short>(events), 0});
    }
    Answer answer = FromHost(poll(fds.data(), fds.size(), 0));
    for (const pollfd& fd : fds) answer.memory.push_back(static_cast<uint16_t>(fd.revents));
    return answer;
  }
  Answer SetPipeSize(int fd, uint32_t bytes) override {
    return FromHost(fcntl(fd, F_SETPIPE_SZ, bytes));
  }
  Answer GetPipeSize(int fd) override { return FromHost(fcntl(fd, F_GETPIPE_SZ)); }
  Answer BytesToRead(int fd) override {
    int bytes = 0;
    Answer answer = FromHost(ioctl(fd, FIONREAD, &bytes));
    if (answer.value == 0) answer.memory.push_back(static_cast<uint64_t>(bytes));
    return answer;
  }

 private:
  static std::vector<uint64_t> Digest(const std::vector<uint8_t>& bytes, size_t count) {
    uint64_t digest = 14695981039346656037u;
    for (size_t i = 0; i < count; ++i) digest = (digest ^ bytes[i]) * 1099511628211u;
    return {digest};
  }
  Answer Opened(int fd) {
    const Answer answer = FromHost(fd);
    if (fd >= 0) opened_.insert(fd);
    return answer;
  }

  std::set<int> opened_;
};

}  // namespace

std::string Answer::Text() const {
  std::string text = std::to_string(value);
  for (const uint64_t word : memory) text += " " + std::to_string(word);
  return text;
}

std::vector<int> OpenHostNumbers() {
  std::vector<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int number = std::stoi(entry.path().filename());
    // The directory's own descriptor is closed by now.
    if (fcntl(number, F_GETFD) >= 0) numbers.push_back(number);
  }
  // Ask again: the iterator's descriptor was open during the loop.
  std::erase_if(numbers, [](int number) { return fcntl(number, F_GETFD) < 0; });
  return numbers;
}

std::unique_ptr<World> MakeHostWorld() { return std::make_unique<HostWorld>(); }

}  // namespace pollux::os_emu::testing
