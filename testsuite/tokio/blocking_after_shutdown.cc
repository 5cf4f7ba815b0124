// Blocking work that ends when its runtime is long gone.
//
// A runtime is shut down in the background: its driver is dropped, and the thread of its blocking
// pool, which is in the middle of a read(2), is left alone. What waits in the queue is run if it is
// mandatory (a write to a file) and cancelled if not. When the read ends, the thread releases its
// task as always: it wakes the reactor, through the last handle that there is, and drops the
// handle, which closes the last descriptor of the epoll instance. A second runtime, whose pool is
// told to wait, finds all of its work done; a third one gives up waiting at its deadline.
//
// Tokio: Runtime::shutdown_background and shutdown_timeout (runtime/runtime.rs), blocking/pool.rs,
// blocking/shutdown.rs, blocking/schedule.rs.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/blocking_pool.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

// A runtime's parts, in the order in which they are dropped: the pool last waits for nobody.
struct Runtime {
  Runtime() : driver(std::make_unique<tokio::Driver>()), pool(1) {
    handle = std::make_shared<tokio::Handle>(driver.get());
  }

  // What spawn_blocking makes of a function: `ended` is told how it went, then the task is
  // released.
  tokio::BlockingPool::Task Blocking(std::function<void()> body, std::function<void(bool)> ended,
                                     bool is_mandatory = false) {
    const auto finish = [handle = handle, ended](bool was_run) {
      handle->Unpark();
      ended(was_run);
    };
    return {.run = [body, finish] { body(), finish(true); },
            .cancel = [finish] { finish(false); },
            .is_mandatory = is_mandatory};
  }

  bool Shutdown(std::optional<int64_t> timeout) {
    driver->Shutdown(handle.get());
    driver.reset();
    return pool.Shutdown(timeout);
  }

  std::unique_ptr<tokio::Driver> driver;
  std::shared_ptr<tokio::Handle> handle;
  tokio::BlockingPool pool;
};

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

void InTheBackground() {
  Gate begun, data, reader_ended, write_ended, other_ended;
  std::string order;
  int epoll, eventfd;
  std::weak_ptr<tokio::Handle> handle;
  {
    Runtime runtime;
    handle = runtime.handle;
    epoll = runtime.handle->registry().epoll();
    eventfd = runtime.handle->waker().fd();
    runtime.pool.Spawn(runtime.Blocking(
        [&] {
          begun.Open();
          data.Pass();  // A read(2) that nobody can call off.
          order += "read ";
        },
        [&](bool was_run) {
          Must(was_run, "it had begun");
          reader_ended.Open();
        }));
    runtime.pool.Spawn(runtime.Blocking([&] { order += "write "; },
                                        [&](bool was_run) {
                                          Must(was_run, "mandatory work is done");
                                          write_ended.Open();
                                        },
                                        /*is_mandatory=*/true));
    runtime.pool.Spawn(runtime.Blocking([&] { order += "other "; },
                                        [&](bool was_run) {
                                          Must(!was_run, "other work is cancelled");
                                          order += "cancelled";
                                          other_ended.Open();
                                        }));
    begun.Pass();
    Must(!runtime.Shutdown(0), "a thread is left behind");
    Must(!runtime.pool.Spawn(runtime.Blocking([] {}, [](bool was_run) { Must(!was_run, "late"); })),
         "nothing begins any more");
  }
  std::printf("the runtime is gone\n");
  Must(IsOpen(epoll) && IsOpen(eventfd), "tasks hold the handle");
  data.Open();
  reader_ended.Pass();
  write_ended.Pass();
  other_ended.Pass();
  // The thread drops its last task, and the handle with it, some time after the task has ended.
  while (!handle.expired()) sched_yield();
  while (IsOpen(epoll) || IsOpen(eventfd)) sched_yield();
  std::printf("in the background: %s\n", order.c_str());
}

void WaitedFor() {
  std::atomic<int> done = 0;
  Gate begun;
  Runtime runtime;
  // With one thread, the second begins if it is mandatory.
  runtime.pool.Spawn(runtime.Blocking(
      [&] {
        begun.Open();
        usleep(2000);
        ++done;
      },
      [](bool) {}));
  runtime.pool.Spawn(runtime.Blocking([&] { ++done; }, [](bool) {}, /*is_mandatory=*/true));
  begun.Pass();
  Must(runtime.Shutdown(std::nullopt), "all threads ended");
  std::printf("waited for: %d done\n", done.load());
}

// The shutdown comes when the thread ends its task, or looks for another, or waits for one.
void WithNothingToDo() {
  constexpr int kRounds = 20;
  for (int i = 0; i < kRounds; ++i) {
    Gate ended;
    Runtime runtime;
    for (int k = 0; k < 2; ++k) {
      runtime.pool.Spawn(runtime.Blocking([] {}, [&](bool) { ended.Open(); }));
      ended.Pass();
    }
    Must(runtime.Shutdown(std::nullopt), "the thread ended");
  }
  std::printf("with nothing to do: shut down %d times\n", kRounds);
}

void GivenUp() {
  auto begun = std::make_shared<Gate>(), never = std::make_shared<Gate>();
  const int64_t start = Now();
  {
    Runtime runtime;
    runtime.pool.Spawn(runtime.Blocking([=] { begun->Open(), never->Pass(); }, [](bool) {}));
    begun->Pass();
    Must(!runtime.Shutdown(10 * kMillisecond), "its thread does not end");
  }
  Must(Now() - start >= 10 * kMillisecond, "not before the deadline");
  std::printf("given up at the deadline\n");
}

}  // namespace

int main() {
  InTheBackground();
  WaitedFor();
  WithNothingToDo();
  GivenUp();
  return 0;
}
