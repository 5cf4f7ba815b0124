// Seastar's reactors on epoll: one for each core, each with its thread, and nothing shared but
// rings (src/core/reactor.cc, src/core/reactor_backend.cc: reactor_backend_epoll, src/core/smp.cc).
//
// A core polls until there is nothing left to do, and only then prepares to sleep: every source of
// work is asked to turn to interrupts (try_enter_interrupt_mode) and then looked at once more.
//   Signals: all are blocked, and epoll_pwait unblocks them again while it sleeps and only then. A
//     signal before that is found by the second look, one after it ends the sleep.
//   Other cores: the flag `sleeping` goes up, then the rings are looked at again. Who puts
//   something
//     into a ring looks at the flag afterwards, and writes the eventfd if it is up. Between store
//     and load either side needs a full barrier; the busy side does without, because the side that
//     goes to sleep makes it for both by membarrier(2) (systemwide_memory_barrier).
// Descriptors are level-triggered; an interest is removed only when it is reported and nobody asks.
#ifndef POLLUX_TESTSUITE_SEASTAR_REACTOR_H_
#define POLLUX_TESTSUITE_SEASTAR_REACTOR_H_

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

using Task = std::function<void()>;

// A ring with one producer and one consumer (boost::lockfree::spsc_queue).
class Ring {
 public:
  bool Push(Task* task) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kSlots) return false;
    slots_[tail % kSlots] = task;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  Task* Pop() {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return nullptr;
    Task* const task = slots_[head % kSlots];
    head_.store(head + 1, std::memory_order_release);
    return task;
  }

 private:
  static constexpr size_t kSlots = 8;
  std::array<Task*, kSlots> slots_;
  alignas(64) std::atomic<size_t> head_ = 0;
  alignas(64) std::atomic<size_t> tail_ = 0;
};

// A descriptor of one reactor (pollable_fd_state).
struct PollableFd {
  explicit PollableFd(int fd) : fd(fd) {}
  const int fd;
  uint32_t requested = 0;   // what somebody waits for
  uint32_t registered = 0;  // what epoll watches
  Task on_readable, on_writable;
};

class Reactor {
 public:
  Reactor(int core, int cores) : core(core), to_(cores) {}
  ~Reactor() {
    if (timer_made_) timer_delete(timer_);
    close(notify_);
    close(epoll_);
  }

  // Before any core runs.
  void Connect(const std::vector<std::unique_ptr<Reactor>>& cores) {
    for (const auto& other : cores) to_[other->core].peer = other.get();
    for (const auto& other : cores) from_.push_back(&other->to_[core].ring);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    notify_ = eventfd(0, EFD_CLOEXEC);
    Must(epoll_ >= 0 && notify_ >= 0, "a reactor's descriptors");
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    Must(epoll_ctl(epoll_, EPOLL_CTL_ADD, notify_, &event) == 0, "epoll_ctl of the eventfd");
  }

  // The loop, until Stop.
  void Run() {
    current_ = this;
    while (!stopped_) {
      if (PollOnce()) continue;
      if (before_sleep) before_sleep();
      Sleep();
      if (after_sleep) after_sleep();
    }
    for (const Outbox& outbox : to_)
      Must(outbox.pending.empty(), "a core sends all before it stops");
  }
  static Reactor& Current() { return *current_; }

  void AddTask(Task task) { tasks_.push_back(std::move(task)); }
  void Stop() { stopped_ = true; }

  // smp::submit_to: `task` runs on that core. It goes when this core next polls.
  void SubmitTo(int other, Task task) {
    if (other == core) return AddTask(std::move(task));
    to_[other].pending.push_back(std::make_unique<Task>(std::move(task)));
  }

  // get_epoll_future: calls `task` when the descriptor is ready.
  void WhenReadable(PollableFd& fd, Task task) {
    fd.on_readable = std::move(task);
    Request(fd, EPOLLIN);
  }
  void WhenWritable(PollableFd& fd, Task task) {
    fd.on_writable = std::move(task);
    Request(fd, EPOLLOUT);
  }
  // Before the descriptor is closed.
  void Forget(PollableFd& fd) {
    if (fd.registered != 0) {
      Must(epoll_ctl(epoll_, EPOLL_CTL_DEL, fd.fd, nullptr) == 0, "EPOLL_CTL_DEL");
    }
    fd.registered = fd.requested = 0;
  }

  // signals::handle_signal: the handler itself only takes note, `task` runs from the loop.
  void HandleSignal(int signal, Task task) {
    handlers_[signal] = std::move(task);
    struct sigaction action = {};
    action.sa_sigaction = OnSignal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
    Unblock({signal});
  }
  // enable_timer: a POSIX timer whose signal comes to this thread and no other. One at a time.
  void ArmTimer(int64_t when, Task task) {
    if (!timer_made_) {
      sigevent event = {};
      event.sigev_notify = SIGEV_THREAD_ID;
      event._sigev_un._tid = Tid();
      event.sigev_signo = SIGRTMIN;
      Must(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0, "timer_create");
      timer_made_ = true;
      HandleSignal(SIGRTMIN, [this] {
        if (on_timer_ && Now() >= timer_when_) std::exchange(on_timer_, nullptr)();
      });
    }
    on_timer_ = std::move(task);
    timer_when_ = when;
    itimerspec spec = {};
    spec.it_value = Time(when);
    Must(timer_settime(timer_, TIMER_ABSTIME, &spec, nullptr) == 0, "timer_settime");
  }

  // How often another core woke this one.
  int wakeups() const { return wakeups_.load(); }

  const int core;
  Task before_sleep, after_sleep;  // what a program does then

 private:
  struct Outbox {
    Reactor* peer;
    Ring ring;
    std::deque<std::unique_ptr<Task>> pending;  // what the ring has no room for, or not sent yet
  };

  // All sources of work; whether there was any.
  bool PollOnce() {
    bool worked = PollSignals();
    worked |= PollRings();
    worked |= Flush();
    worked |= WaitAndProcess(0, nullptr);
    for (size_t count = tasks_.size(); count > 0; --count) {
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
      worked = true;
    }
    return worked;
  }

  void Sleep() {
    // signal_pollfn::try_enter_interrupt_mode
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &active_mask_);
    if (!PollSignals()) {
      // smp_pollfn::try_enter_interrupt_mode
      sleeping_.store(true, std::memory_order_relaxed);
      Must(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0, "membarrier");
      if (!PollRings() && !stopped_) WaitAndProcess(-1, &active_mask_);
      sleeping_.store(false, std::memory_order_relaxed);
    }
    pthread_sigmask(SIG_SETMASK, &active_mask_, nullptr);
  }

  // reactor_backend_epoll::wait_and_process.
  bool WaitAndProcess(int timeout, const sigset_t* mask) {
    epoll_event events[128];
    const int count = epoll_pwait(epoll_, events, 128, timeout, mask);
    if (count == -1 && errno == EINTR) return false;
    Must(count >= 0, "epoll_pwait");
    for (int i = 0; i < count; ++i) {
      epoll_event& event = events[i];
      auto* const fd = static_cast<PollableFd*>(event.data.ptr);
      if (fd == nullptr) {
        uint64_t value;
        Must(read(notify_, &value, sizeof value) == sizeof value, "read of the eventfd");
        continue;
      }
      // Errors are for the next call to tell; whoever waits makes it.
      if (event.events & (EPOLLHUP | EPOLLERR)) event.events = fd->requested;
      const uint32_t ready = event.events & (EPOLLIN | EPOLLOUT);
      const uint32_t unwanted = ready & ~fd->requested;
      Complete(*fd, ready & EPOLLIN, &fd->on_readable);
      Complete(*fd, ready & EPOLLOUT, &fd->on_writable);
      if (unwanted != 0) {
        fd->registered &= ~unwanted;
        event.events = fd->registered;
        Must(epoll_ctl(epoll_, fd->registered ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, fd->fd, &event) == 0,
             "taking back an interest");
      }
    }
    return count > 0;
  }
  void Complete(PollableFd& fd, uint32_t event, Task* task) {
    if ((fd.requested & event) == 0) return;
    fd.requested &= ~event;
    AddTask(std::exchange(*task, nullptr));
  }
  void Request(PollableFd& fd, uint32_t event) {
    fd.requested |= event;
    if ((fd.registered & event) != 0) return;  // epoll has it from an earlier time
    const int operation = fd.registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    fd.registered |= event;
    epoll_event interest = {};
    interest.events = fd.registered;
    interest.data.ptr = &fd;
    Must(epoll_ctl(epoll_, operation, fd.fd, &interest) == 0, "epoll_ctl");
  }

  // smp_message_queue::process_incoming.
  bool PollRings() {
    bool found = false;
    for (Ring* const ring : from_) {
      while (Task* const task = ring->Pop()) {
        AddTask(std::move(*task));
        delete task;
        found = true;
      }
    }
    return found;
  }
  // smp_message_queue::move_pending. What finds no room is work left to do: no sleep until then.
  bool Flush() {
    bool worked = false;
    for (Outbox& outbox : to_) {
      bool pushed = false;
      while (!outbox.pending.empty() && outbox.ring.Push(outbox.pending.front().get())) {
        outbox.pending.front().release();
        outbox.pending.pop_front();
        pushed = true;
      }
      if (pushed) outbox.peer->MaybeWakeup();
      worked |= pushed || !outbox.pending.empty();
    }
    return worked;
  }
  // lf_queue::maybe_wakeup, on the core of whoever has pushed.
  void MaybeWakeup() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (!sleeping_.load(std::memory_order_relaxed)) return;
    sleeping_.store(false, std::memory_order_relaxed);  // one write is enough
    wakeups_.fetch_add(1);
    const uint64_t one = 1;
    Must(write(notify_, &one, sizeof one) == sizeof one, "waking a core");
  }

  static void OnSignal(int signal, siginfo_t*, void*) {
    current_->pending_signals_.fetch_or(uint64_t{1} << signal, std::memory_order_relaxed);
  }
  // signals::poll_signal.
  bool PollSignals() {
    const uint64_t signals = pending_signals_.load(std::memory_order_relaxed);
    if (signals == 0) return false;
    pending_signals_.fetch_and(~signals, std::memory_order_relaxed);
    for (int signal = 0; signal < 64; ++signal) {
      if (signals >> signal & 1) AddTask(handlers_[signal]);
    }
    return true;
  }

  static inline thread_local Reactor* current_ = nullptr;

  int epoll_ = -1, notify_ = -1;
  std::deque<Task> tasks_;
  bool stopped_ = false;
  std::vector<Ring*> from_;
  std::vector<Outbox> to_;  // by core
  std::atomic<bool> sleeping_ = false;
  std::atomic<int> wakeups_ = 0;
  std::atomic<uint64_t> pending_signals_ = 0;
  std::array<Task, 64> handlers_;
  sigset_t active_mask_;
  timer_t timer_;
  bool timer_made_ = false;
  int64_t timer_when_ = 0;
  Task on_timer_;
};

// Runs `main` on core 0 of `count`, and returns when all cores have stopped.
class Smp {
 public:
  explicit Smp(int count) {
    Must(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0,
         "registering for membarrier");
    for (int core = 0; core < count; ++core)
      cores.push_back(std::make_unique<Reactor>(core, count));
    for (const auto& reactor : cores) reactor->Connect(cores);
  }
  void Run(Task main) {
    // smp::configure: no core hears of a signal that it has no handler for.
    Block({SIGUSR1, SIGUSR2, SIGRTMIN});
    cores[0]->AddTask(std::move(main));
    std::vector<std::thread> threads;
    for (const auto& reactor : cores) {
      threads.emplace_back([&reactor] { reactor->Run(); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  // From any core.
  void Stop() {
    for (const auto& reactor : cores) {
      Reactor* const core = reactor.get();
      Reactor::Current().SubmitTo(core->core, [core] { core->Stop(); });
    }
  }
  std::vector<std::unique_ptr<Reactor>> cores;
};

#endif  // POLLUX_TESTSUITE_SEASTAR_REACTOR_H_
