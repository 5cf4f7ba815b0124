// One scene of the benchmark by system calls: on the host's kernel, and as a guest.
//
//   program SCENE SIZE [FILE]
//
// reads a Command, runs a batch of calls between two Marks, and again. Commands come from its
// input, which ends it; or from FILE, looked at before each batch, for who has no input and is held
// up from outside.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "benchmarks/epoll_wait/cells.h"

namespace pollux::benchmarks {
namespace {

// Also what a call must answer to be a measurement of it.
void Expect(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void Tell(const Mark& mark) {
  Expect(write(STDOUT_FILENO, &mark, sizeof(mark)) == sizeof(mark), "a mark");
}

void AllowDescriptors() {
  rlimit limit;
  Expect(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  Expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

int MakeEpoll() {
  const int epoll = epoll_create1(0);
  Expect(epoll >= 0, "epoll_create1");
  return epoll;
}

int MakeEventFd() {
  const int fd = eventfd(0, EFD_NONBLOCK);
  Expect(fd >= 0, "eventfd");
  return fd;
}

void Control(int epoll, int op, int fd, uint32_t events, uint64_t data) {
  epoll_event event = {events, {.u64 = data}};
  Expect(epoll_ctl(epoll, op, fd, &event) == 0, "epoll_ctl");
}

void Post(int fd) {
  const uint64_t one = 1;
  Expect(write(fd, &one, sizeof(one)) == sizeof(one), "write");
}

void Take(int fd) {
  uint64_t value;
  Expect(read(fd, &value, sizeof(value)) == sizeof(value), "read");
}

class Scene {
 public:
  virtual ~Scene() = default;
  // Before the first of several batches.
  virtual void Prepare(const Command&) {}
  virtual void BeforeBatch(const Command&) {}
  virtual void Batch(const Command& command) = 0;
  virtual void AfterBatch(const Command&) {}

 protected:
  // Waits for exactly so many.
  void Wait(int epoll, int count, int timeout) {
    Expect(epoll_wait(epoll, events_, kMaxEvents, timeout) == count, "epoll_wait");
  }
  const epoll_event* events() const { return events_; }

 private:
  epoll_event events_[kMaxEvents];
};

class Registered final : public Scene {
 public:
  explicit Registered(uint32_t size) {
    fds_.reserve(size);
    for (uint32_t i = 0; i < size; ++i) fds_.push_back(MakeEventFd());
    Tell({.sequence = 0, .end = 0});
    for (uint32_t i = 0; i < size; ++i) Control(epoll_, EPOLL_CTL_ADD, fds_[i], EPOLLIN, i);
    Tell({.sequence = 0, .end = 1});
    for (int i = 0; i < kExtraDescriptors; ++i) extra_.push_back(MakeEventFd());
  }

  void Prepare(const Command& command) override {
    for (const uint64_t i : ready_) {
      Modify(i, EPOLLIN);
      Take(fds_[i]);
    }
    ready_.clear();
    Wait(epoll_, 0, 0);
    for (uint32_t i = 0; i < command.ready; ++i) {
      ready_.push_back(uint64_t{i} * fds_.size() / command.ready);
      Post(fds_[ready_.back()]);
    }
    if (command.loop != Loop::kEdge && command.loop != Loop::kOneShot) return;
    for (const uint64_t file : ready_) Modify(file, EventsOf(command.loop));
    Wait(epoll_, static_cast<int>(command.ready), 0);
  }
  void BeforeBatch(const Command& command) override {
    if (command.loop == Loop::kDelete) Add();
  }
  void AfterBatch(const Command& command) override {
    if (command.loop == Loop::kAdd) Delete();
  }
  void Batch(const Command& command) override {
    const int ready = static_cast<int>(command.ready);
    switch (command.loop) {
      case Loop::kLevel:
        for (uint32_t i = 0; i < command.calls; ++i) Wait(epoll_, ready, 0);
        break;
      case Loop::kEdge:
        for (uint32_t i = 0; i < command.calls; ++i) {
          for (const uint64_t file : ready_) Post(fds_[file]);
          Wait(epoll_, ready, 0);
        }
        break;
      case Loop::kOneShot:
        for (uint32_t i = 0; i < command.calls; ++i) {
          for (const uint64_t file : ready_) Modify(file, EventsOf(command.loop));
          Wait(epoll_, ready, 0);
        }
        break;
      case Loop::kAdd:
        Add();
        break;
      case Loop::kModify:
        for (uint32_t i = 0; i < command.calls; ++i) Modify(Next(), EPOLLIN);
        break;
      case Loop::kDelete:
        Delete();
        break;
      case Loop::kRoundTrip:
        for (uint32_t i = 0; i < command.calls; ++i) {
          const uint64_t file = Next();
          Post(fds_[file]);
          Wait(epoll_, 1, 0);
          Expect(events()[0].data.u64 == file, "the one that is ready");
          Take(fds_[file]);
        }
        break;
      default:
        Expect(false, "a loop of another scene");
    }
  }

 private:
  static uint32_t EventsOf(Loop loop) {
    return EPOLLIN | (loop == Loop::kEdge ? uint32_t{EPOLLET} : uint32_t{EPOLLONESHOT});
  }
  void Add() {
    for (const int fd : extra_) Control(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN, 0);
  }
  void Delete() {
    for (const int fd : extra_) Control(epoll_, EPOLL_CTL_DEL, fd, 0, 0);
  }
  void Modify(uint64_t file, uint32_t events) {
    Control(epoll_, EPOLL_CTL_MOD, fds_[file], events, file);
  }
  // Goes through all of them, and never to a neighbour.
  uint64_t Next() {
    constexpr uint64_t kStep = 997;
    return at_ = (at_ + kStep) % fds_.size();
  }

  const int epoll_ = MakeEpoll();
  std::vector<int> fds_, extra_;
  std::vector<uint64_t> ready_;  // Of fds_.
  uint64_t at_ = 0;
};

class Pair final : public Scene {
 public:
  Pair() {
    for (Side& side : sides_) Control(side.epoll, EPOLL_CTL_ADD, side.fd, EPOLLIN, 0);
    std::thread([this] {
      epoll_event event;
      for (;;) {
        Expect(epoll_wait(sides_[1].epoll, &event, 1, -1) == 1, "epoll_wait");
        Take(sides_[1].fd);
        Post(sides_[0].fd);
      }
    }).detach();
  }
  void Batch(const Command& command) override {
    for (uint32_t i = 0; i < command.calls; ++i) {
      Post(sides_[1].fd);
      Wait(sides_[0].epoll, 1, -1);
      Take(sides_[0].fd);
    }
  }

 private:
  struct Side {
    int epoll = MakeEpoll();
    int fd = MakeEventFd();
  };
  Side sides_[2];
};

class Waiters final : public Scene {
 public:
  explicit Waiters(uint32_t size) {
    Control(done_epoll_, EPOLL_CTL_ADD, done_, EPOLLIN, 0);
    // An edge is for one of them; a level would wake the next as soon as the first has it.
    Control(epoll_, EPOLL_CTL_ADD, work_, EPOLLIN | EPOLLET, 0);
    for (uint32_t i = 0; i < size; ++i) {
      std::thread([this] {
        epoll_event event;
        for (;;) {
          Expect(epoll_wait(epoll_, &event, 1, -1) == 1, "epoll_wait");
          Take(work_);
          Post(done_);
        }
      }).detach();
    }
  }
  void Batch(const Command& command) override {
    for (uint32_t i = 0; i < command.calls; ++i) {
      Post(work_);
      Wait(done_epoll_, 1, -1);
      Take(done_);
    }
  }

 private:
  const int epoll_ = MakeEpoll(), done_epoll_ = MakeEpoll();
  const int work_ = MakeEventFd(), done_ = MakeEventFd();
};

class Nested final : public Scene {
 public:
  explicit Nested(uint32_t size) {
    outermost_ = MakeEpoll();
    Control(outermost_, EPOLL_CTL_ADD, fd_, EPOLLIN, 0);
    for (uint32_t i = 0; i < size; ++i) {
      const int outer = MakeEpoll();
      Control(outer, EPOLL_CTL_ADD, outermost_, EPOLLIN, 0);
      outermost_ = outer;
    }
  }
  void Prepare(const Command& command) override {
    uint64_t value;
    (void)!read(fd_, &value, sizeof(value));
    if (command.loop == Loop::kNestedWait) Post(fd_);
  }
  void Batch(const Command& command) override {
    if (command.loop == Loop::kNestedWait) {
      for (uint32_t i = 0; i < command.calls; ++i) Wait(outermost_, 1, 0);
      return;
    }
    for (uint32_t i = 0; i < command.calls; ++i) {
      Post(fd_);
      Wait(outermost_, 1, 0);
      Take(fd_);
    }
  }

 private:
  const int fd_ = MakeEventFd();
  int outermost_;
};

class Timers final : public Scene {
 public:
  explicit Timers(uint32_t size) {
    for (uint32_t i = 0; i < size; ++i) {
      const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
      Expect(fd >= 0, "timerfd_create");
      Control(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN, i);
      fds_.push_back(fd);
      ArmForLater(fd);
    }
  }
  void Batch(const Command& command) override {
    switch (command.loop) {
      case Loop::kArm:
        for (uint32_t i = 0; i < command.calls; ++i) ArmForLater(Next());
        break;
      case Loop::kExpire:
        for (uint32_t i = 0; i < command.calls; ++i) {
          const int fd = Next();
          Arm(fd, {0, 1});
          Wait(epoll_, 1, -1);
          Take(fd);
        }
        break;
      case Loop::kExpireAll:
        for (uint32_t done = 0; done < command.calls; done += fds_.size()) ExpireAll();
        break;
      default:
        Expect(false, "a loop of another scene");
    }
  }
  void AfterBatch(const Command& command) override {
    if (command.loop == Loop::kArm) return;
    for (const int fd : fds_) ArmForLater(fd);
  }

 private:
  void Arm(int fd, timespec when) {
    const itimerspec setting = {{0, 0}, when};
    Expect(timerfd_settime(fd, 0, &setting, nullptr) == 0, "timerfd_settime");
  }
  // Always another time, so that its place among them is another one.
  void ArmForLater(int fd) {
    constexpr time_t kSoonest = 1'000'000, kSpread = 9973;
    Arm(fd, {kSoonest + (later_ += 4999) % kSpread, 0});
  }
  void ExpireAll() {
    for (const int fd : fds_) Arm(fd, {0, 1});
    epoll_event events[kMaxEvents];
    for (size_t left = fds_.size(); left > 0;) {
      const int count = epoll_wait(epoll_, events, kMaxEvents, -1);
      Expect(count > 0, "epoll_wait");
      for (int i = 0; i < count; ++i) Take(fds_[events[i].data.u64]);
      left -= static_cast<size_t>(count);
    }
  }
  int Next() {
    constexpr uint64_t kStep = 997;
    at_ = (at_ + kStep) % fds_.size();
    return fds_[at_];
  }

  const int epoll_ = MakeEpoll();
  std::vector<int> fds_;
  uint64_t at_ = 0;
  time_t later_ = 0;
};

Scene* MakeScene(SceneKind kind, uint32_t size) {
  switch (kind) {
    case SceneKind::kRegistered:
      return new Registered(size);
    case SceneKind::kPair:
      return new Pair;
    case SceneKind::kWaiters:
      return new Waiters(size);
    case SceneKind::kNested:
      return new Nested(size);
    case SceneKind::kTimers:
      return new Timers(size);
  }
  return nullptr;
}

int Main(int argc, char** argv) {
  Expect(argc == 3 || argc == 4, "program SCENE SIZE [FILE]");
  AllowDescriptors();
  const int file = argc == 4 ? open(argv[3], O_RDONLY) : STDIN_FILENO;
  Expect(file >= 0, "the file");
  Scene* scene = MakeScene(static_cast<SceneKind>(std::atoi(argv[1])),
                           static_cast<uint32_t>(std::atol(argv[2])));
  Expect(scene != nullptr, "an unknown scene");
  uint32_t sequence = 0;
  for (;;) {
    Command command;
    const ssize_t bytes = argc == 4 ? pread(file, &command, sizeof(command), 0)
                                    : read(file, &command, sizeof(command));
    // Threads may be in calls: nothing is destroyed.
    if (bytes == 0) _exit(0);
    Expect(bytes == sizeof(command), "a command");
    if (command.sequence != sequence) scene->Prepare(command);
    sequence = command.sequence;
    scene->BeforeBatch(command);
    Tell({.sequence = sequence, .end = 0});
    const uint64_t begin = Now();
    scene->Batch(command);
    const uint64_t end = Now();
    Tell({.sequence = sequence, .end = 1, .nanoseconds = end - begin});
    scene->AfterBatch(command);
  }
}

}  // namespace
}  // namespace pollux::benchmarks

int main(int argc, char** argv) { return pollux::benchmarks::Main(argc, argv); }
