// A timer is used after it was stopped: the value of the old deadline comes as the new one's.
//
// A Go timer sends on a channel with room for one value. Until 1.23 Stop could say "too late, it
// has expired" while the runtime had taken the timer out of its heap and not yet sent the value.
// Who then emptied the channel without waiting found nothing, reset the timer, and received the old
// value at once: a timeout that had not happened. golang/go#11513 and #14038 ("Timer.Reset is not
// possible to use correctly") tell of it; #37196 lists programs that have exactly this bug, and is
// why nothing old is received after Stop since 1.23.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/museum/museum.h"

namespace {

constexpr int kRounds = 4;
constexpr auto kTimeout = std::chrono::milliseconds(1);

// Room for one value.
class Channel {
 public:
  void Send(int value) {
    std::lock_guard lock(mutex_);
    if (!value_) value_ = value;
    sent_.notify_one();
  }
  int Receive() {
    std::unique_lock lock(mutex_);
    sent_.wait(lock, [this] { return value_.has_value(); });
    const int value = *value_;
    value_.reset();
    return value;
  }
  void Discard() {
    std::lock_guard lock(mutex_);
    value_.reset();
  }

 private:
  std::mutex mutex_;
  std::condition_variable sent_;
  std::optional<int> value_;
};

// One timer, and the thread that lets it expire. What it sends is how often it had been reset.
class Timer {
 public:
  Timer() : thread_([this] { Run(); }) {}
  ~Timer() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_one();
    }
    thread_.join();
  }

  void Reset() {
    std::lock_guard lock(mutex_);
    deadline_ = std::chrono::steady_clock::now() + kTimeout;
    ++resets_;
    changed_.notify_one();
  }
  // Whether it had not expired yet.
  bool Stop() {
    std::lock_guard lock(mutex_);
    const bool in_time = deadline_.has_value();
    deadline_.reset();
    return in_time;
  }
  Channel& channel() { return channel_; }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      if (!deadline_) {
        changed_.wait(lock);
      } else if (std::chrono::steady_clock::now() < *deadline_) {
        // By value: Stop and Reset change the deadline meanwhile.
        const auto deadline = *deadline_;
        changed_.wait_until(lock, deadline);
      } else {
        deadline_.reset();
        const int value = resets_;
        if (!fixed) lock.unlock();  // <== the fix is to leave this out
        channel_.Send(value);
        if (!fixed) lock.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  int resets_ = 0;
  bool ended_ = false;
  Channel channel_;
  std::thread thread_;
};

// Something that takes as long as it may.
void Work() { std::this_thread::sleep_for(kTimeout); }

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  Timer timer;
  for (int i = 1; i <= kRounds; ++i) {
    timer.Reset();
    Work();
    if (!timer.Stop()) timer.channel().Discard();
    timer.Reset();
    if (timer.channel().Receive() != 2 * i) Fail("a stopped timer has expired");
  }
  return Ok();
}
