// A task that does not return holds a worker, and the driver with it; another worker must take the
// driver over.
//
// A worker wakes up in epoll_wait(2) with the event of `first`, and polls its task. That task
// blocks until an event on `second` has been handled, which only another worker can do: it has to
// leave its futex and park in epoll_wait. Tokio does not do so by default, as a single woken task
// is no reason to wake anybody; with Builder::enable_eager_driver_handoff it does, before the task
// is polled (Context::run_task in scheduler/multi_thread/worker.rs). Once more in the other
// direction, so that the driver goes back.
//
// What can go wrong: nobody watches the events; or the event came between the two epoll_waits and
// the second worker does not see it.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/multi_thread.h"
#include "testsuite/tokio/sync.h"

namespace {

constexpr int kRounds = 20;

struct Pipe {
  explicit Pipe(tokio::Handle* handle) {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    reader.emplace(handle, ends[0], mio::kReadable);
    writer = ends[1];
  }
  void Send() { Must(write(writer, "x", 1) == 1, "sending"); }

  // Reads one byte.
  bool PollReceive(const tokio::Waker& waker) {
    char byte;
    const std::optional<ssize_t> count =
        reader->PollIo(tokio::kReadSide, waker, [&] { return read(reader->fd(), &byte, 1); });
    if (!count.has_value()) return false;
    Must(*count == 1, "receiving");
    return true;
  }

  std::optional<tokio::PollEvented> reader;
  int writer;
};

}  // namespace

int main() {
  int first_count = 0, second_count = 0, others = 0;
  {
    tokio::Scheduler scheduler(2, /*eager_driver_handoff=*/true);
    Pipe first(scheduler.handle()), second(scheduler.handle());
    Gate second_handled, round_over, all_done, second_done;
    scheduler.Spawn([&](const tokio::Waker& waker) {
      while (first_count < kRounds) {
        if (!first.PollReceive(waker)) return false;
        ++first_count;
        const int mine = tokio::Scheduler::CurrentWorker();
        second.Send();
        second_handled.Pass();  // Blocks the worker.
        Must(mine == tokio::Scheduler::CurrentWorker(), "it is the same worker after it blocked");
        round_over.Open();
      }
      all_done.Open();
      return true;
    });
    scheduler.Spawn([&](const tokio::Waker& waker) {
      while (second_count < kRounds) {
        if (!second.PollReceive(waker)) return false;
        ++second_count;
        second_handled.Open();
      }
      second_done.Open();
      return true;
    });
    for (int i = 0; i < kRounds; ++i) {
      first.Send();
      round_over.Pass();
      ++others;
    }
    all_done.Pass();
    second_done.Pass();
    first.reader.reset();
    second.reader.reset();
    close(first.writer);
    close(second.writer);
  }
  Must(first_count == kRounds && second_count == kRounds && others == kRounds, "all rounds");
  std::printf("%d times a blocked worker's driver was taken over\n", second_count);
  return 0;
}
