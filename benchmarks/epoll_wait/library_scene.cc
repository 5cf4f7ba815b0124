// os_emu as a library: what program.cc does, by the functions that its system calls end in.
#include <malloc.h>

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "benchmarks/epoll_wait/scene.h"
#include "memory/address_space.h"
#include "memory/user_buffer.h"
#include "os_emu/epoll/epoll.h"
#include "os_emu/epoll/epoll_wait.h"
#include "os_emu/eventfd/eventfd.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/task/kernel.h"
#include "os_emu/timerfd/timerfd.h"

namespace pollux::benchmarks {
namespace {

using os_emu::DescriptionRef;
using os_emu::EpollInstance;
using os_emu::EventFd;
using os_emu::EventMask;

std::span<uint8_t> BytesOf(uint64_t& value) {
  return {reinterpret_cast<uint8_t*>(&value), sizeof(value)};
}

void Post(const DescriptionRef& file) {
  uint64_t one = 1;
  memory::UserBuffer from = memory::UserBuffer::HostConst(BytesOf(one));
  POLLUX_CHECK(file->Write(from).ok());
}

void Take(const DescriptionRef& file) {
  uint64_t value = 0;
  memory::UserBuffer to = memory::UserBuffer::Host(BytesOf(value));
  POLLUX_CHECK(file->Read(to).ok());
}

DescriptionRef MakeEpoll() { return os_emu::MakeDescription<EpollInstance>(nullptr); }
DescriptionRef MakeEventFd() { return *EventFd::Create(0, os_emu::kEfdNonBlock); }

void Control(const DescriptionRef& epoll, int op, const DescriptionRef& file, uint32_t number,
             EventMask events, uint64_t data) {
  const os_emu::FdLabel label(os_emu::Fd{static_cast<int32_t>(number) + 3});
  POLLUX_CHECK(EpollInstance::Control(*epoll, op, *file, label, events, data).ok());
}

class Events final : public EpollInstance::Sink {
 public:
  bool Put(const EpollInstance::Event& event) override {
    events_[count_++] = event;
    return true;
  }
  // epoll_wait that does not wait and finds exactly so many.
  void Wait(const DescriptionRef& epoll, size_t count) { POLLUX_CHECK(Some(epoll) == count); }
  size_t Some(const DescriptionRef& epoll) {
    count_ = 0;
    return *EpollInstance::From(*epoll)->Collect(kMaxEvents, *this);
  }
  const EpollInstance::Event& operator[](size_t i) const { return events_[i]; }

 private:
  std::array<EpollInstance::Event, kMaxEvents> events_;
  size_t count_ = 0;
};

class LibraryScene : public Scene {
 public:
  void Begin(const Command& command) final {
    command_ = command;
    Prepare(command_);
  }
  Seconds Batch() final {
    BeforeBatch(command_);
    const auto begin = std::chrono::steady_clock::now();
    Run(command_);
    const auto end = std::chrono::steady_clock::now();
    AfterBatch(command_);
    return end - begin;
  }

 protected:
  virtual void Prepare(const Command&) {}
  virtual void BeforeBatch(const Command&) {}
  virtual void Run(const Command& command) = 0;
  virtual void AfterBatch(const Command&) {}

  Events events_;

 private:
  Command command_;
};

class Registered final : public LibraryScene {
 public:
  explicit Registered(uint32_t size) {
    files_.reserve(size);
    for (uint32_t i = 0; i < size; ++i) files_.push_back(MakeEventFd());
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (uint32_t i = 0; i < size; ++i) Set(os_emu::kEpollCtlAdd, i, os_emu::kIn);
    const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    bytes_per_registration_ = static_cast<double>(after - before) / size;
    for (int i = 0; i < kExtraDescriptors; ++i) extra_.push_back(MakeEventFd());
  }
  std::optional<double> bytes_per_registration() const override { return bytes_per_registration_; }

 protected:
  void Prepare(const Command& command) override {
    for (const uint32_t i : ready_) {
      Set(os_emu::kEpollCtlMod, i, os_emu::kIn);
      Take(files_[i]);
    }
    ready_.clear();
    events_.Wait(epoll_, 0);
    for (uint32_t i = 0; i < command.ready; ++i) {
      ready_.push_back(static_cast<uint32_t>(uint64_t{i} * files_.size() / command.ready));
      Post(files_[ready_.back()]);
    }
    if (command.loop != Loop::kEdge && command.loop != Loop::kOneShot) return;
    for (const uint32_t i : ready_) Set(os_emu::kEpollCtlMod, i, EventsOf(command.loop));
    events_.Wait(epoll_, command.ready);
  }
  void BeforeBatch(const Command& command) override {
    if (command.loop == Loop::kDelete) SetExtra(os_emu::kEpollCtlAdd);
  }
  void AfterBatch(const Command& command) override {
    if (command.loop == Loop::kAdd) SetExtra(os_emu::kEpollCtlDel);
  }
  void Run(const Command& command) override {
    switch (command.loop) {
      case Loop::kLevel:
        for (uint32_t i = 0; i < command.calls; ++i) events_.Wait(epoll_, command.ready);
        break;
      case Loop::kEdge:
        for (uint32_t i = 0; i < command.calls; ++i) {
          for (const uint32_t file : ready_) Post(files_[file]);
          events_.Wait(epoll_, command.ready);
        }
        break;
      case Loop::kOneShot:
        for (uint32_t i = 0; i < command.calls; ++i) {
          for (const uint32_t file : ready_)
            Set(os_emu::kEpollCtlMod, file, EventsOf(command.loop));
          events_.Wait(epoll_, command.ready);
        }
        break;
      case Loop::kAdd:
        SetExtra(os_emu::kEpollCtlAdd);
        break;
      case Loop::kModify:
        for (uint32_t i = 0; i < command.calls; ++i) Set(os_emu::kEpollCtlMod, Next(), os_emu::kIn);
        break;
      case Loop::kDelete:
        SetExtra(os_emu::kEpollCtlDel);
        break;
      case Loop::kRoundTrip:
        for (uint32_t i = 0; i < command.calls; ++i) {
          const uint32_t file = Next();
          Post(files_[file]);
          events_.Wait(epoll_, 1);
          POLLUX_CHECK(events_[0].data == file) << "the one that is ready";
          Take(files_[file]);
        }
        break;
      default:
        POLLUX_CHECK(false) << "a loop of another scene";
    }
  }

 private:
  static EventMask EventsOf(Loop loop) {
    return os_emu::kIn | (loop == Loop::kEdge ? os_emu::kEdge : os_emu::kOneShot);
  }
  void Set(int op, uint32_t i, EventMask events) { Control(epoll_, op, files_[i], i, events, i); }
  void SetExtra(int op) {
    auto number = static_cast<uint32_t>(files_.size());
    for (const DescriptionRef& file : extra_) Control(epoll_, op, file, number++, os_emu::kIn, 0);
  }
  uint32_t Next() {
    constexpr uint64_t kStep = 997;
    at_ = (at_ + kStep) % files_.size();
    return static_cast<uint32_t>(at_);
  }

  std::vector<DescriptionRef> files_, extra_;
  std::vector<uint32_t> ready_;
  const DescriptionRef epoll_ = MakeEpoll();
  uint64_t at_ = 0;
  double bytes_per_registration_ = 0;
};

class Nested final : public LibraryScene {
 public:
  explicit Nested(uint32_t size) {
    epolls_.push_back(MakeEpoll());
    Control(epolls_.back(), os_emu::kEpollCtlAdd, file_, 0, os_emu::kIn, 0);
    for (uint32_t i = 0; i < size; ++i) {
      const DescriptionRef outer = MakeEpoll();
      Control(outer, os_emu::kEpollCtlAdd, epolls_.back(), i + 1, os_emu::kIn, 0);
      epolls_.push_back(outer);
    }
  }

 protected:
  void Prepare(const Command& command) override {
    uint64_t value = 0;
    memory::UserBuffer to = memory::UserBuffer::Host(BytesOf(value));
    (void)file_->Read(to).ok();
    if (command.loop == Loop::kNestedWait) Post(file_);
  }
  void Run(const Command& command) override {
    if (command.loop == Loop::kNestedWait) {
      for (uint32_t i = 0; i < command.calls; ++i) events_.Wait(epolls_.back(), 1);
      return;
    }
    for (uint32_t i = 0; i < command.calls; ++i) {
      Post(file_);
      events_.Wait(epolls_.back(), 1);
      Take(file_);
    }
  }

 private:
  const DescriptionRef file_ = MakeEventFd();
  std::vector<DescriptionRef> epolls_;  // The outermost is the last.
};

// What has threads or time needs a kernel.
class KernelScene : public LibraryScene {
 protected:
  KernelScene() : kernel_(os_emu::Kernel::Options()), process_(kernel_.CreateProcess()) {
    memory::AddressSpace::MapRequest request;
    request.hint = kEvents;
    request.fixed = true;
    request.length = uint64_t{1} << 20;
    request.prot = memory::kProtRead | memory::kProtWrite;
    POLLUX_CHECK(process_.memory->Map(request).ok());
  }

  // epoll_wait(2) of one event, which has to wait.
  void Block(os_emu::Thread& thread, const DescriptionRef& epoll) {
    os_emu::CallResult result =
        os_emu::StartEpollWait(thread, epoll, kEvents, 1, /*timeout=*/std::nullopt);
    POLLUX_CHECK(result.blocked());
    thread.Block(result.TakeBlocked());
  }
  // The wait of the one thread that can run ends.
  os_emu::Thread& Resume() {
    POLLUX_CHECK(kernel_.run_queue().threads().size() == 1);
    os_emu::Thread& thread = *kernel_.run_queue().threads()[0];
    POLLUX_CHECK(*kernel_.ResumeBlocked(thread) == 1);
    return thread;
  }

  static constexpr GuestAddr kEvents{0x100000};
  os_emu::Kernel kernel_;
  os_emu::Process& process_;
};

class Pair final : public KernelScene {
 public:
  Pair() : sides_{{*process_.threads.begin()->second}, {kernel_.CreateThread(process_)}} {
    for (Side& side : sides_) {
      Control(side.epoll, os_emu::kEpollCtlAdd, side.file, 0, os_emu::kIn, 0);
      Block(side.thread, side.epoll);
    }
  }

 protected:
  void Run(const Command& command) override {
    for (uint32_t i = 0; i < command.calls; ++i) {
      for (Side& side : sides_) {
        Post(side.file);
        Resume();
        Take(side.file);
        Block(side.thread, side.epoll);
      }
    }
  }

 private:
  struct Side {
    os_emu::Thread& thread;
    DescriptionRef epoll = MakeEpoll();
    DescriptionRef file = MakeEventFd();
  };
  Side sides_[2];
};

class Waiters final : public KernelScene {
 public:
  explicit Waiters(uint32_t size) {
    Control(epoll_, os_emu::kEpollCtlAdd, work_, 0, os_emu::kIn | os_emu::kEdge, 0);
    Control(done_epoll_, os_emu::kEpollCtlAdd, done_, 1, os_emu::kIn, 0);
    for (uint32_t i = 0; i < size; ++i) Block(kernel_.CreateThread(process_), epoll_);
    Block(leader(), done_epoll_);
  }

 protected:
  void Run(const Command& command) override {
    for (uint32_t i = 0; i < command.calls; ++i) {
      Post(work_);
      os_emu::Thread& worker = Resume();
      Take(work_);
      Post(done_);
      Block(worker, epoll_);
      Resume();
      Take(done_);
      Block(leader(), done_epoll_);
    }
  }

 private:
  os_emu::Thread& leader() { return *process_.threads.begin()->second; }

  const DescriptionRef epoll_ = MakeEpoll(), done_epoll_ = MakeEpoll();
  const DescriptionRef work_ = MakeEventFd(), done_ = MakeEventFd();
};

class Timers final : public KernelScene {
 public:
  explicit Timers(uint32_t size) {
    for (uint32_t i = 0; i < size; ++i) {
      files_.push_back(*os_emu::TimerFd::Create(kernel_, kMonotonicClock, os_emu::kTfdNonBlock));
      Control(epoll_, os_emu::kEpollCtlAdd, files_.back(), i, os_emu::kIn, i);
      ArmForLater(i);
    }
  }

 protected:
  void Run(const Command& command) override {
    switch (command.loop) {
      case Loop::kArm:
        for (uint32_t i = 0; i < command.calls; ++i) ArmForLater(Next());
        break;
      case Loop::kExpire:
        for (uint32_t i = 0; i < command.calls; ++i) {
          const size_t file = Next();
          Arm(file, Nanos{1});
          LetTimePass();
          events_.Wait(epoll_, 1);
          Take(files_[file]);
        }
        break;
      case Loop::kExpireAll:
        for (uint32_t done = 0; done < command.calls; done += files_.size()) ExpireAll();
        break;
      default:
        POLLUX_CHECK(false) << "a loop of another scene";
    }
  }
  void AfterBatch(const Command& command) override {
    if (command.loop == Loop::kArm) return;
    for (size_t i = 0; i < files_.size(); ++i) ArmForLater(i);
  }

 private:
  static constexpr int32_t kMonotonicClock = 1;

  void Arm(size_t file, Nanos span) {
    POLLUX_CHECK(
        os_emu::TimerFd::From(*files_[file])->Set(0, {.value = span, .interval = Nanos{0}}).ok());
  }
  void ArmForLater(size_t file) {
    constexpr int64_t kSoonest = 1'000'000, kSpread = 9973;
    Arm(file, Nanos{(kSoonest + (later_ += 4999) % kSpread) * kNanosPerSecond});
  }
  void LetTimePass() {
    kernel_.clock().AdvanceBy(Nanos{1});
    kernel_.ExpireTimers();
  }
  void ExpireAll() {
    for (size_t i = 0; i < files_.size(); ++i) Arm(i, Nanos{1});
    LetTimePass();
    for (size_t left = files_.size(); left > 0;) {
      const size_t count = events_.Some(epoll_);
      POLLUX_CHECK(count > 0);
      for (size_t i = 0; i < count; ++i) Take(files_[events_[i].data]);
      left -= count;
    }
  }
  size_t Next() {
    constexpr uint64_t kStep = 997;
    at_ = (at_ + kStep) % files_.size();
    return at_;
  }

  std::vector<DescriptionRef> files_;
  const DescriptionRef epoll_ = MakeEpoll();
  uint64_t at_ = 0;
  int64_t later_ = 0;
};

}  // namespace

std::unique_ptr<Scene> MakeLibraryScene(SceneKind kind, uint32_t size) {
  switch (kind) {
    case SceneKind::kRegistered:
      return std::make_unique<Registered>(size);
    case SceneKind::kPair:
      return std::make_unique<Pair>();
    case SceneKind::kWaiters:
      return std::make_unique<Waiters>(size);
    case SceneKind::kNested:
      return std::make_unique<Nested>(size);
    case SceneKind::kTimers:
      return std::make_unique<Timers>(size);
  }
  return nullptr;
}

}  // namespace pollux::benchmarks
