#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "os_emu/testing/blocking_world.h"

namespace pollux::os_emu::testing {
namespace {

constexpr auto kPause = std::chrono::microseconds(200);

// One host thread in one call.
class Caller {
 public:
  explicit Caller(const BlockingCall& call) : call_(call), thread_([this] { Run(); }) {}
  ~Caller() {
    // Interrupts the call until the thread has seen it.
    while (!done_) {
      pthread_kill(thread_.native_handle(), SIGUSR1);
      std::this_thread::sleep_for(kPause);
    }
    thread_.join();
  }

  bool done() const { return done_; }
  const Answer& answer() const { return answer_; }
  // Returned, or asleep in the kernel in its call.
  bool Quiet() const {
    if (done_) return true;
    const pid_t tid = tid_;
    if (tid == 0) return false;
    const std::string task = "/proc/self/task/" + std::to_string(tid);
    std::string stat, number;
    std::getline(std::ifstream(task + "/stat"), stat);
    std::ifstream(task + "/syscall") >> number;
    const size_t name_end = stat.rfind(')');
    const bool asleep = name_end != std::string::npos && stat.substr(name_end + 2, 1) == "S";
    return asleep && number == std::to_string(SyscallNumber());
  }

 private:
  long SyscallNumber() const {
    switch (call_.kind) {
      case BlockingCall::kRead:
        return SYS_read;
      case BlockingCall::kWrite:
        return SYS_write;
      case BlockingCall::kEpollWait:
        return SYS_epoll_pwait;
      case BlockingCall::kPoll:
        return SYS_ppoll;
    }
    return -1;
  }
  void Run() {
    tid_ = gettid();
    std::vector<uint8_t> bytes(call_.amount, 'x');
    timespec span{call_.timeout_ms / 1000, call_.timeout_ms % 1000 * 1'000'000};
    switch (call_.kind) {
      case BlockingCall::kRead:
        Note(syscall(SYS_read, call_.fd, bytes.data(), bytes.size()));
        break;
      case BlockingCall::kWrite:
        if (bytes.size() == 8) bytes = {1, 0, 0, 0, 0, 0, 0, 0};
        Note(syscall(SYS_write, call_.fd, bytes.data(), bytes.size()));
        break;
      case BlockingCall::kEpollWait: {
        epoll_event events[16];
        Note(
            syscall(SYS_epoll_pwait, call_.fd, events, call_.amount, call_.timeout_ms, nullptr, 8));
        for (int64_t i = 0; i < answer_.value; ++i) {
          answer_.memory.push_back(events[i].events);
          answer_.memory.push_back(uint64_t{events[i].data.u64});  // May be misaligned there.
        }
        break;
      }
      case BlockingCall::kPoll: {
        pollfd fd{call_.fd, static_cast<short>(call_.amount), 0};
        Note(syscall(SYS_ppoll, &fd, 1, call_.timeout_ms < 0 ? nullptr : &span, nullptr, 8));
        answer_.memory.push_back(static_cast<uint16_t>(fd.revents));
        break;
      }
    }
    done_ = true;
  }
  void Note(int64_t result) { answer_.value = result < 0 ? -errno : result; }

  BlockingCall call_;
  Answer answer_;  // Written before done_.
  std::atomic<pid_t> tid_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

class BlockingHostWorld final : public BlockingWorld {
 public:
  BlockingHostWorld() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~BlockingHostWorld() override {
    callers_.clear();
    for (const int fd : opened_) close(fd);
  }

  int EventFd(uint32_t initial) override { return Opened(eventfd(initial, 0)); }
  std::pair<int, int> Pipe() override {
    int ends[2] = {-1, -1};
    (void)!pipe(ends);
    return {Opened(ends[0]), Opened(ends[1])};
  }
  int Epoll() override { return Opened(epoll_create1(0)); }
  int Dup(int fd) override { return Opened(dup(fd)); }
  void Close(int fd) override {
    opened_.erase(fd);
    close(fd);
  }
  int64_t EpollCtl(int epoll, int op, int fd, uint32_t events, uint64_t data) override {
    epoll_event event;
    event.events = events;
    event.data.u64 = data;
    return epoll_ctl(epoll, op, fd, &event) < 0 ? -errno : 0;
  }
  int64_t Read(int fd, uint64_t bytes) override {
    std::vector<uint8_t> storage(bytes);
    const ssize_t result = read(fd, storage.data(), bytes);
    return result < 0 ? -errno : result;
  }
  int64_t Write(int fd, const std::vector<uint8_t>& bytes) override {
    const ssize_t result = write(fd, bytes.data(), bytes.size());
    return result < 0 ? -errno : result;
  }
  size_t Start(const BlockingCall& call) override {
    callers_.push_back(std::make_unique<Caller>(call));
    Settle();
    return callers_.size() - 1;
  }
  void Settle() override {
    // Twice in a row: a thread may be seen between two sleeps.
    for (int quiet = 0; quiet < 3;) {
      bool all = true;
      for (const auto& caller : callers_) all = all && caller->Quiet();
      quiet = all ? quiet + 1 : 0;
      std::this_thread::sleep_for(kPause);
    }
  }
  void Pass(int64_t milliseconds) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    Settle();
  }
  std::optional<Answer> Result(size_t thread) override {
    if (!callers_.at(thread)->done()) return std::nullopt;
    return callers_.at(thread)->answer();
  }

 private:
  int Opened(int fd) {
    if (fd >= 0) opened_.insert(fd);
    return fd;
  }

  std::set<int> opened_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

}  // namespace

std::unique_ptr<BlockingWorld> MakeBlockingHostWorld() {
  return std::make_unique<BlockingHostWorld>();
}

}  // namespace pollux::os_emu::testing
