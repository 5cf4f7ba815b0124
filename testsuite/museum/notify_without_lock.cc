// Check, then park: the wake-up comes between the two and finds nobody asleep.
//
// wpiutil's SafeThread::Stop (wpilibsuite/allwpilib, wpiutil/src/main/native/cpp/SafeThread.cpp)
// cleared the atomic flag `m_active` and notified the thread's condition variable without the mutex
// under which the thread looks at the flag before it waits. Being atomic does not help: a thread
// that has looked, and has not yet begun to wait, misses the notification, and is joined forever. A
// build hung in it, in the Notifier's thread: allwpilib#9423. bshoshany/thread-pool had the same
// hang
// (#93, #100, #107; #108 notifies under the mutex).
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/museum/museum.h"

namespace {

constexpr int kThreads = 8;

// Calls back whoever asks for it, in a thread of its own.
class Notifier {
 public:
  Notifier() : thread_([this] { Main(); }) {}
  ~Notifier() {
    Stop();
    thread_.join();
  }

  void Alarm(std::function<void()> callback) {
    std::lock_guard lock(mutex_);
    callbacks_.push_back(std::move(callback));
    condition_.notify_one();
  }

 private:
  void Stop() {
    std::unique_lock lock(mutex_, std::defer_lock);
    if (fixed) lock.lock();  // <== the fix
    active_ = false;
    condition_.notify_all();
  }

  void Main() {
    std::unique_lock lock(mutex_);
    while (active_) {
      if (callbacks_.empty()) {
        condition_.wait(lock);
        continue;
      }
      const auto callback = std::move(callbacks_.front());
      callbacks_.pop_front();
      lock.unlock();
      callback();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  std::deque<std::function<void()>> callbacks_;
  std::atomic<bool> active_ = true;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  for (int i = 0; i < kThreads; ++i) {
    Gate called;
    Notifier notifier;
    notifier.Alarm([&called] { called.Open(); });
    called.Pass();
  }
  return Ok();
}
