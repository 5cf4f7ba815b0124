// Children reaped by SIGCHLD, where there is no pidfd; and orphans, whose handle was dropped.
//
// A task that waits for a child listens to SIGCHLD from before it looks for the first time. Each
// time it is polled it first asks for the next signal and then calls waitpid(2) with WNOHANG for
// its own child: so a child that ends in between is not missed, even if no other signal ever comes.
// SIGCHLDs of several children become one, so every waiter has to look after each of them.
//
// A Child that is dropped while it runs goes to the orphan queue. Whenever the driver has been
// parked, it looks whether SIGCHLD came, and tries all orphans (process/unix/orphan.rs).
//
// Tokio: process/unix/reap.rs (Reaper::poll), runtime/process.rs, signal/unix.rs.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/signals.h"
#include "testsuite/tokio/sync.h"

namespace {

// The status of a child of this process, if it has ended.
std::optional<int> TryWait(pid_t pid) {
  int status;
  const pid_t got = TEMP_FAILURE_RETRY(waitpid(pid, &status, WNOHANG));
  Must(got == pid || got == 0, "waitpid");
  return got == pid ? std::optional(status) : std::nullopt;
}

class OrphanQueue {
 public:
  void Push(pid_t pid) {
    const std::lock_guard lock(mutex_);
    orphans_.push_back(pid);
  }

  // Makes the listener when there is the first orphan: one may have ended by then.
  void Reap() {
    const std::lock_guard lock(mutex_);
    if (signal_ == nullptr) {
      if (orphans_.empty()) return;
      signal_ = std::make_unique<tokio::Signal>(SIGCHLD);
    } else if (!signal_->PollReceive([] {})) {
      return;
    }
    std::erase_if(orphans_, [](pid_t pid) { return TryWait(pid).has_value(); });
  }

  size_t size() {
    const std::lock_guard lock(mutex_);
    return orphans_.size();
  }

 private:
  tokio::Mutex mutex_;
  std::unique_ptr<tokio::Signal> signal_;
  std::vector<pid_t> orphans_;
};

class Child {
 public:
  Child(pid_t pid, OrphanQueue* orphans) : pid_(pid), orphans_(orphans), signal_(SIGCHLD) {}
  ~Child() {
    if (!is_reaped_ && !TryWait(pid_).has_value()) orphans_->Push(pid_);
  }

  std::optional<int> Poll(const tokio::Waker& waker) {
    for (;;) {
      const bool will_be_told = !signal_.PollReceive(waker);
      const std::optional<int> status = TryWait(pid_);
      if (status.has_value()) {
        is_reaped_ = true;
        return status;
      }
      if (will_be_told) return std::nullopt;
    }
  }

 private:
  const pid_t pid_;
  OrphanQueue* orphans_;
  tokio::Signal signal_;
  bool is_reaped_ = false;
};

int BlockOn(Child* child) {
  return tokio::BlockOn([&](const tokio::Waker& waker) { return child->Poll(waker); });
}

}  // namespace

int main() {
  // Children begin before there are threads, and end when they may.
  constexpr int kChildren = 6;
  Gate go, orphans_go;
  std::vector<pid_t> children, orphans;
  for (int i = 0; i < kChildren; ++i) {
    children.push_back(Fork([&go, i] {
      go.Pass();
      return i;
    }));
    orphans.push_back(Fork([&orphans_go] {
      orphans_go.Pass();
      return 0;
    }));
  }
  const pid_t ends_at_once = Fork([] { return 9; });

  tokio::SignalRuntime runtime;
  OrphanQueue queue;
  {
    Child child(ends_at_once, &queue);
    const int status = BlockOn(&child);
    std::printf("ended at any time: %s\n", StatusText(status).c_str());
  }
  {
    constexpr int kRounds = 10;
    for (int i = 0; i < kRounds; ++i) {
      Child child(Fork([] { return 1; }), &queue);
      Must(WEXITSTATUS(BlockOn(&child)) == 1, "its status");
    }
    std::printf("%d ended while somebody looked, or before, or after\n", kRounds);
  }
  {
    std::atomic<int> sum = 0;
    std::vector<std::thread> threads;
    for (const pid_t pid : children) {
      threads.emplace_back([&, pid] {
        Child child(pid, &queue);
        sum += WEXITSTATUS(BlockOn(&child));
      });
    }
    for (int i = 0; i < kChildren; ++i) go.Open();
    for (std::thread& thread : threads) thread.join();
    std::printf("%d at a time: statuses add up to %d\n", kChildren, sum.load());
  }
  {
    for (const pid_t pid : orphans) Child(pid, &queue);
    Must(queue.size() == kChildren, "all still run");
    queue.Reap();
    Must(queue.size() == kChildren, "and after the first look");
    for (int i = 0; i < kChildren; ++i) orphans_go.Open();
    tokio::Signal signal(SIGCHLD);
    while (queue.size() > 0) {
      // As the driver does after each park. Looking comes after listening here, too.
      tokio::BlockOn([&](const tokio::Waker& waker) {
        const bool will_be_told = !signal.PollReceive(waker);
        queue.Reap();
        return will_be_told && queue.size() > 0 ? std::nullopt : std::optional(true);
      });
    }
    std::printf("%d orphans are reaped\n", kChildren);
  }
  Must(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD, "nobody is left");
  return 0;
}
