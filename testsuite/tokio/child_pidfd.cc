// Children reaped by pidfd in the reactor.
//
// tokio::process opens a pidfd of each child (PIDFD_NONBLOCK) and registers it, edge-triggered, for
// reading. The one event of a pidfd is the child's end; then the task that waits calls waitpid(2)
// with WNOHANG. A task that is polled before finds no readiness, or readiness that turns out to be
// early, whereupon it clears it and registers again with EPOLL_CTL_MOD, which makes an edge of what
// has been there before. Children may end before their pidfd is opened or registered: they are
// zombies then, and the event comes with EPOLL_CTL_ADD.
//
// Tokio: process/unix/pidfd_reaper.rs (Pidfd::open, PidfdReaperInner::poll).
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

int OpenPidfd(pid_t pid) {
  const long pidfd = syscall(SYS_pidfd_open, pid, O_NONBLOCK);  // PIDFD_NONBLOCK is the same.
  Must(pidfd >= 0, "pidfd_open");
  return static_cast<int>(pidfd);
}

class PidfdReaper {
 public:
  PidfdReaper(tokio::Handle* handle, pid_t pid)
      : handle_(handle), pid_(pid), pidfd_(handle, OpenPidfd(pid), mio::kReadable) {}

  // The child's status, once it has ended.
  std::optional<int> Poll(const tokio::Waker& waker) {
    const auto event = pidfd_.io()->PollReadiness(tokio::kReadSide, waker);
    if (!event.has_value()) return std::nullopt;
    int status;
    const pid_t pid = waitpid(pid_, &status, WNOHANG);
    Must(pid == pid_ || pid == 0, "waitpid");
    if (pid == pid_) return status;
    // Not yet. It may end before the readiness is cleared: an edge must follow.
    pidfd_.io()->ClearReadiness(*event);
    Must(handle_->registry().Reregister(pidfd_.fd(), reinterpret_cast<mio::Token>(pidfd_.io()),
                                        mio::kReadable) == 0,
         "registering again");
    waker();
    return std::nullopt;
  }

 private:
  tokio::Handle* handle_;
  const pid_t pid_;
  tokio::PollEvented pidfd_;
};

void ShowStatus(const char* what, int status) {
  std::printf("%s: %s\n", what, StatusText(status).c_str());
}

}  // namespace

int main() {
  tokio::Driver driver;
  tokio::Handle handle(&driver);
  const auto block_on = [&](PidfdReaper* reaper) {
    return tokio::BlockOn([&](const tokio::Waker& waker) { return reaper->Poll(waker); });
  };

  // Before the process has threads.
  Gate go;
  const pid_t waits = Fork([&] {
    go.Pass();
    return 7;
  });
  const pid_t ends_at_once = Fork([] { return 3; });
  const pid_t sleeps = Fork([] { return pause(); });
  std::vector<pid_t> many;
  for (int i = 0; i < 6; ++i) many.push_back(Fork([i] { return i; }));

  std::atomic<bool> is_over = false;
  std::thread turner([&] {
    while (!is_over.load()) driver.Turn(&handle, -1);
  });

  {
    PidfdReaper reaper(&handle, waits);
    std::atomic<int> wakes = 0;
    Must(!reaper.Poll([&] { ++wakes; }).has_value(), "it has not ended");
    go.Open();
    ShowStatus("waited for", block_on(&reaper));
  }
  {
    siginfo_t info;
    Must(waitid(P_PID, ends_at_once, &info, WEXITED | WNOWAIT) == 0, "it is a zombie");
    PidfdReaper reaper(&handle, ends_at_once);
    ShowStatus("ended before its pidfd", block_on(&reaper));
  }
  {
    PidfdReaper reaper(&handle, sleeps);
    Must(kill(sleeps, SIGKILL) == 0, "kill");
    ShowStatus("killed", block_on(&reaper));
  }
  {
    // Several at a time, each with a waiter of its own.
    std::atomic<int> sum = 0;
    std::vector<std::thread> threads;
    for (const pid_t pid : many) {
      threads.emplace_back([&, pid] {
        PidfdReaper reaper(&handle, pid);
        sum += WEXITSTATUS(block_on(&reaper));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::printf("six at a time: statuses add up to %d\n", sum.load());
  }
  Must(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD, "all are reaped");
  is_over.store(true);
  handle.Unpark();
  turner.join();
  return 0;
}
