// A wake-up before the park is erased: the latch that it opened is closed again by who goes to
// sleep.
//
// A RocketMQ ServiceThread remembers a wake-up in `hasNotified` and opens a latch. Its
// waitForRunning looks at the one, closes the other, and awaits it, in that order: a wake-up
// between the look and the closing is gone. apache/rocketmq#1643 said so in 2019 and wanted the
// latch closed first; #10543 measured it as delays of up to a second (there the wait ends with an
// interval), and #10544 replaced the latch by LockSupport.park, whose permit stays. Here the wait
// has no interval.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "testsuite/museum/museum.h"

namespace {

constexpr int kRequests = 32;

// CountDownLatch2 with a count of one: a latch that can be closed again.
class Latch {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void Close() {
    std::lock_guard lock(mutex_);
    open_ = false;
  }
  void Await() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

class ServiceThread {
 public:
  // After there is something to do.
  void Wakeup() {
    if (!notified_.exchange(true)) latch_.Open();
  }
  // The thread's. What there is to do is looked for afterwards, so it may return for nothing.
  void WaitForRunning() {
    if (fixed) latch_.Close();  // <== the fix: before, and not after, the look
    if (notified_.exchange(false)) return;
    if (!fixed) latch_.Close();
    latch_.Await();
    notified_ = false;
  }

 private:
  std::atomic<bool> notified_ = false;
  Latch latch_;
};

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  ServiceThread service;
  std::atomic<int> requested = 0, done = 0;
  std::thread worker([&] {
    while (done < kRequests) {
      service.WaitForRunning();
      if (done == requested) continue;
      done = requested.load();
      done.notify_one();
    }
  });
  for (int i = 1; i <= kRequests; ++i) {
    requested = i;
    service.Wakeup();
    for (int seen; (seen = done) < i;) done.wait(seen);
  }
  worker.join();
  return Ok();
}
