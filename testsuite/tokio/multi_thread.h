// Tokio's multi-threaded scheduler in small (tokio/src/runtime/scheduler/multi_thread/): worker.rs,
// park.rs and idle.rs.
//
// Each worker has a queue of its own, and a slot before it for the task that was woken last; all
// share the inject queue, for what comes from outside. A worker without work searches: it steals
// from the others and looks into the inject queue. At most half of the workers search at a time.
// A worker that finds nothing parks: the first one in the I/O driver, that is in epoll_wait(2), the
// others in a futex, and it says in its state where, for those that wake it.
//
// No wake-up is lost because
// - whoever makes work wakes a worker, unless there is one that searches; and the last searcher
//   that finds work wakes another, and the last that parks looks once more;
// - the driver's worker finds the tasks that its events woke in its own queue.
#ifndef POLLUX_TESTSUITE_TOKIO_MULTI_THREAD_H_
#define POLLUX_TESTSUITE_TOKIO_MULTI_THREAD_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/local_queue.h"
#include "testsuite/tokio/sync.h"

namespace tokio {

class Scheduler;

// Polled by one thread at a time, until `poll` says that it is done (true).
struct Task {
  enum : uint32_t { kRunning = 1, kComplete = 2, kNotified = 4 };

  Scheduler* scheduler;
  std::function<bool(const Waker&)> poll;
  std::atomic<uint32_t> state = kNotified;
};

// What the workers share to take turns at the driver, and what each of them waits in.
class Parker {
 public:
  struct Shared {
    Driver driver;
    std::atomic<bool> is_taken = false;
  };

  explicit Parker(Shared* shared) : shared_(shared) {}

  // Waits until Unpark, or until there were events; true: it was the driver that it waited in.
  bool Park(Handle* handle) {
    uint32_t state = kNotified;
    if (state_.compare_exchange_strong(state, kEmpty)) return false;
    if (!shared_->is_taken.exchange(true, std::memory_order_acquire)) {
      const bool had_driver = ParkInDriver(handle);
      shared_->is_taken.store(false, std::memory_order_release);
      return had_driver;
    }
    ParkInCondvar();
    return false;
  }

  void Unpark(const Handle& handle) {
    switch (state_.exchange(kNotified)) {
      case kParkedInCondvar:
        // The parker holds the lock from when it says where it is until it waits.
        mutex_.lock();
        mutex_.unlock();
        condvar_.NotifyOne();
        break;
      case kParkedInDriver:
        handle.Unpark();
        break;
    }
  }

 private:
  enum : uint32_t { kEmpty, kParkedInCondvar, kParkedInDriver, kNotified };

  bool ParkInDriver(Handle* handle) {
    uint32_t state = kEmpty;
    if (!state_.compare_exchange_strong(state, kParkedInDriver)) {
      Must(state_.exchange(kEmpty) == kNotified, "notified before it parked");
      return false;
    }
    shared_->driver.Turn(handle, -1);
    state_.exchange(kEmpty);
    return true;
  }

  void ParkInCondvar() {
    const std::lock_guard lock(mutex_);
    uint32_t state = kEmpty;
    if (!state_.compare_exchange_strong(state, kParkedInCondvar)) {
      Must(state_.exchange(kEmpty) == kNotified, "notified before it parked");
      return;
    }
    do {
      condvar_.Wait(&mutex_);
      state = kNotified;
    } while (!state_.compare_exchange_strong(state, kEmpty));
  }

  Shared* shared_;
  std::atomic<uint32_t> state_ = kEmpty;
  Mutex mutex_;
  Condvar condvar_;
};

// Who sleeps, and who looks for work.
class Idle {
 public:
  explicit Idle(uint32_t workers) : workers_(workers), state_(workers * kUnparked) {}

  // A worker to be woken, which from now on counts as searching; or -1.
  int WorkerToNotify() {
    if (!ShouldNotify()) return -1;
    const std::lock_guard lock(mutex_);
    if (!ShouldNotify()) return -1;
    Must(!sleepers_.empty(), "one of them sleeps");
    state_.fetch_add(kUnparked + kSearching);
    const int worker = sleepers_.back();
    sleepers_.pop_back();
    return worker;
  }

  // True: it was the last that searched.
  bool ToParked(int worker, bool is_searching) {
    const std::lock_guard lock(mutex_);
    const uint32_t before = state_.fetch_sub(kUnparked + (is_searching ? kSearching : 0));
    sleepers_.push_back(worker);
    return is_searching && Searching(before) == 1;
  }
  bool ToSearching() {
    if (2 * Searching(state_.load()) >= workers_) return false;
    state_.fetch_add(kSearching);
    return true;
  }
  // True: it was the last that searched.
  bool FromSearching() { return Searching(state_.fetch_sub(kSearching)) == 1; }

  bool IsParked(int worker) {
    const std::lock_guard lock(mutex_);
    return std::find(sleepers_.begin(), sleepers_.end(), worker) != sleepers_.end();
  }
  // For a worker that finds out by itself that it has work; false: somebody woke it before.
  bool UnparkById(int worker) {
    const std::lock_guard lock(mutex_);
    const auto at = std::find(sleepers_.begin(), sleepers_.end(), worker);
    if (at == sleepers_.end()) return false;
    sleepers_.erase(at);
    state_.fetch_add(kUnparked);
    return true;
  }

 private:
  static constexpr uint32_t kSearching = 1, kUnparked = 1u << 16;
  static uint32_t Searching(uint32_t state) { return state % kUnparked; }

  bool ShouldNotify() {
    const uint32_t state = state_.fetch_add(0);
    return Searching(state) == 0 && state / kUnparked < workers_;
  }

  const uint32_t workers_;
  std::atomic<uint32_t> state_;
  Mutex mutex_;
  std::vector<int> sleepers_;
};

class Scheduler {
 public:
  // `eager_driver_handoff`: a worker that comes from the driver wakes another before it polls a
  // task, so that somebody watches the events even if the task takes long (Tokio's
  // Builder::enable_eager_driver_handoff).
  explicit Scheduler(int workers, bool eager_driver_handoff = false)
      : handle_(&parking_.driver), idle_(workers), eager_handoff_(eager_driver_handoff) {
    for (int i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(i, &parking_));
    }
    for (const auto& worker : workers_) {
      threads_.emplace_back([this, worker = worker.get()] { Run(worker); });
    }
  }

  // All tasks must have ended.
  ~Scheduler() {
    is_shutdown_.store(true);
    for (const auto& worker : workers_) worker->parker.Unpark(handle_);
    for (std::thread& thread : threads_) thread.join();
    parking_.driver.Shutdown(&handle_);
  }

  Handle* handle() { return &handle_; }

  void Spawn(std::function<bool(const Waker&)> poll) {
    Task* task = new Task{this, std::move(poll)};
    {
      const std::lock_guard lock(tasks_mutex_);
      tasks_.emplace_back(task);
    }
    Schedule(task);
  }

  // The index of the worker that runs the calling task.
  static int CurrentWorker() { return current_->index; }

  // How often a task was taken from another worker's queue.
  int Steals() const { return steals_.load(); }

 private:
  struct Worker {
    Worker(int i, Parker::Shared* shared) : index(i), parker(shared) {}
    const int index;
    Parker parker;
    LocalQueue queue;
    Task* next = nullptr;  // Before the queue; cannot be stolen.
    bool is_searching = false, is_parking = false, had_driver = false;
    uint32_t tick = 0;
  };

  static constexpr uint32_t kGlobalQueueInterval = 31;

  void Wake(Task* task) {
    uint32_t state = task->state.load();
    do {
      if (state & (Task::kComplete | Task::kNotified)) return;
    } while (!task->state.compare_exchange_weak(state, state | Task::kNotified));
    // Else whoever runs it sees that it has to be polled again.
    if ((state & Task::kRunning) == 0) Schedule(task);
  }

  void Schedule(Task* task) {
    Worker* worker = current_;
    if (worker == nullptr || current_scheduler_ != this) {
      Inject({task});
      NotifyParked();
      return;
    }
    Task* const before = std::exchange(worker->next, task);
    if (before == nullptr) return;  // It is next; nobody else can have it.
    PushLocal(worker, before);
    // In the driver it wakes others when it is through with the events.
    if (!worker->is_parking) NotifyParked();
  }

  void PushLocal(Worker* worker, Task* task) {
    std::vector<Task*> overflow;
    worker->queue.Push(task, &overflow);
    if (!overflow.empty()) Inject(overflow);
  }

  void Inject(const std::vector<Task*>& tasks) {
    const std::lock_guard lock(inject_mutex_);
    inject_.insert(inject_.end(), tasks.begin(), tasks.end());
    inject_size_.store(inject_.size(), std::memory_order_release);
  }

  Task* PopInjected() {
    if (inject_size_.load(std::memory_order_acquire) == 0) return nullptr;
    const std::lock_guard lock(inject_mutex_);
    if (inject_.empty()) return nullptr;
    Task* task = inject_.front();
    inject_.pop_front();
    inject_size_.store(inject_.size(), std::memory_order_release);
    return task;
  }

  void NotifyParked() {
    const int worker = idle_.WorkerToNotify();
    if (worker >= 0) workers_[worker]->parker.Unpark(handle_);
  }

  void NotifyIfWorkPending() {
    for (const auto& worker : workers_) {
      if (!worker->queue.IsEmpty()) return NotifyParked();
    }
    if (inject_size_.load(std::memory_order_acquire) != 0) NotifyParked();
  }

  void Run(Worker* worker) {
    current_ = worker;
    current_scheduler_ = this;
    while (!is_shutdown_.load()) {
      ++worker->tick;
      Task* task = NextTask(worker);
      if (task == nullptr) task = StealWork(worker);
      if (task != nullptr) {
        RunTask(worker, task);
      } else {
        Park(worker);
      }
    }
  }

  Task* NextLocal(Worker* worker) {
    Task* task = std::exchange(worker->next, nullptr);
    return task != nullptr ? task : worker->queue.Pop();
  }

  Task* NextTask(Worker* worker) {
    // Now and then the inject queue first, or busy workers would never look there.
    if (worker->tick % kGlobalQueueInterval == 0) {
      Task* task = PopInjected();
      return task != nullptr ? task : NextLocal(worker);
    }
    Task* task = NextLocal(worker);
    return task != nullptr ? task : PopInjected();
  }

  Task* StealWork(Worker* worker) {
    if (!worker->is_searching) worker->is_searching = idle_.ToSearching();
    if (!worker->is_searching) return nullptr;
    const size_t count = workers_.size();
    for (size_t i = 0; i < count; ++i) {
      Worker* victim = workers_[(worker->tick + i) % count].get();
      if (victim == worker) continue;
      Task* task = victim->queue.StealInto(&worker->queue);
      if (task != nullptr) {
        steals_.fetch_add(1);
        return task;
      }
    }
    return PopInjected();
  }

  void RunTask(Worker* worker, Task* task) {
    bool notified = false;
    if (std::exchange(worker->is_searching, false) && idle_.FromSearching()) {
      NotifyParked();
      notified = true;
    }
    if (std::exchange(worker->had_driver, false) && eager_handoff_ && !notified) NotifyParked();

    uint32_t state = task->state.fetch_xor(Task::kNotified | Task::kRunning);
    Must(state == Task::kNotified, "a task in a queue is notified, and nobody runs it");
    if (task->poll([this, task] { Wake(task); })) {
      task->state.fetch_xor(Task::kRunning | Task::kComplete);
      return;
    }
    state = task->state.fetch_and(~uint32_t{Task::kRunning});
    if (state & Task::kNotified) PushLocal(worker, task);
  }

  void Park(Worker* worker) {
    if (idle_.ToParked(worker->index, std::exchange(worker->is_searching, false))) {
      // While it searched, others that made work did not wake anybody.
      NotifyIfWorkPending();
    }
    while (!is_shutdown_.load()) {
      worker->is_parking = true;
      worker->had_driver = worker->parker.Park(&handle_);
      worker->is_parking = false;
      const uint32_t tasks = worker->queue.Size() + (worker->next != nullptr ? 1 : 0);
      if (tasks > 1) NotifyParked();
      if (tasks > 0) {
        worker->is_searching = !idle_.UnparkById(worker->index);
        return;
      }
      // The driver has events that wake nobody: it parks again.
      if (!idle_.IsParked(worker->index)) {
        worker->is_searching = true;
        return;
      }
    }
  }

  inline static thread_local Worker* current_ = nullptr;
  inline static thread_local Scheduler* current_scheduler_ = nullptr;

  Parker::Shared parking_;
  Handle handle_;
  Idle idle_;
  const bool eager_handoff_;
  std::atomic<bool> is_shutdown_ = false;
  std::atomic<int> steals_ = 0;
  Mutex inject_mutex_;
  std::deque<Task*> inject_;
  std::atomic<size_t> inject_size_ = 0;
  Mutex tasks_mutex_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace tokio

#endif  // POLLUX_TESTSUITE_TOKIO_MULTI_THREAD_H_
