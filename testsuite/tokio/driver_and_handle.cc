// An epoll instance with two descriptors, the driver's and the handle's, of which either is closed
// first; and the other goes on.
//
// Tokio's driver owns mio's Poll, and its Handle a duplicate made by Registry::try_clone
// (runtime/io/driver.rs, Driver::new) together with the waker. A runtime that is shut down drops
// the driver, but handles stay wherever somebody has cloned one. Then a task of the blocking pool
// that is cancelled or ends is released, and that wakes the reactor through the handle
// (BlockingSchedule::release in runtime/blocking/schedule.rs) although nobody polls any more.
// Tokio's test fs_shutdown_before_started does just that. A kernel that finds the epoll instance by
// the descriptor with which the eventfd was registered looks for one that is closed.
//
//   driver_first: the driver is dropped, a blocking task's release wakes the reactor, new sources
//                 register, and then somebody waits on the handle's descriptor: all of it is there
//   handle_first: the handle is dropped, the waker with it; sources that were registered through
//   the
//                 duplicate still have events, and the waker's are gone
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "testsuite/basics/check.h"
#include "testsuite/basics/net.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/mio/mio.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    reader = ends[0];
    writer = ends[1];
  }
  int reader, writer;
};

// Waits on the instance behind `epoll`, for as long as it takes, and prints what there is.
void ShowEvents(const char* what, int epoll, mio::Token pipe_token, int timeout) {
  epoll_event events[8];
  const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll, events, 8, timeout));
  Must(count >= 0, "epoll_wait");
  std::string text;
  for (int i = 0; i < count; ++i) {
    const mio::Token token = events[i].data.u64;
    Must(token == tokio::Driver::kWakeupToken || token == pipe_token, "a token that is known");
    text += token == tokio::Driver::kWakeupToken ? " waker " : " pipe ";
    text += Names(events[i].events);
  }
  std::printf("%s:%s\n", what, count == 0 ? " nothing" : text.c_str());
}

// The blocking pool's thread: ends its task when it may, and releases it.
std::thread BlockingTask(tokio::Handle* handle, Gate* may_end) {
  return std::thread([handle, may_end] {
    may_end->Pass();
    handle->Unpark();
  });
}

void DriverFirst() {
  auto driver = std::make_unique<tokio::Driver>();
  tokio::Handle handle(driver.get());
  Pipe pipe;
  auto io = handle.AddSource(pipe.reader, mio::kReadable);
  const auto token = reinterpret_cast<mio::Token>(io.get());
  driver->Turn(&handle, 0);
  Gate may_end;
  std::thread blocking = BlockingTask(&handle, &may_end);

  driver->Shutdown(&handle);
  driver.reset();
  std::printf("the driver is gone\n");
  Must(handle.AddSource(pipe.writer, mio::kWritable) == nullptr, "nobody may register any more");

  may_end.Open();
  blocking.join();
  ShowEvents("after the blocking task's release", handle.registry().epoll(), token, -1);
  ShowEvents("again", handle.registry().epoll(), token, 0);
  Must(write(pipe.writer, "x", 1) == 1, "write");
  handle.Unpark();
  ShowEvents("a byte, then the waker", handle.registry().epoll(), token, -1);

  // What dropping the source does, later than its runtime.
  Must(handle.registry().Deregister(pipe.reader) == 0, "the duplicate knows the interest");
  Must(write(pipe.writer, "x", 1) == 1, "write");
  ShowEvents("deregistered", handle.registry().epoll(), token, 0);

  // And one waits while the release comes.
  Gate soon;
  std::thread late = BlockingTask(&handle, &soon);
  soon.Open();
  ShowEvents("waiting for a release", handle.registry().epoll(), token, -1);
  late.join();
  close(pipe.reader);
  close(pipe.writer);
}

void HandleFirst() {
  mio::Poll poll;
  std::optional<mio::Waker> waker;
  waker.emplace(poll.registry(), tokio::Driver::kWakeupToken);
  std::optional<mio::Registry> registry = poll.registry().TryClone();
  Pipe pipe;
  const mio::Token token = 7;
  Must(registry->Register(pipe.reader, token, mio::kReadable) == 0, "by the duplicate");
  const int epoll = poll.registry().epoll();

  waker->Wake();
  registry.reset();
  std::printf("the handle's duplicate is gone\n");
  ShowEvents("woken before", epoll, token, 0);
  waker->Wake();
  waker.reset();
  std::printf("the waker is gone\n");
  ShowEvents("woken before", epoll, token, 0);
  Must(poll.registry().Register(pipe.reader, token, mio::kReadable) == EEXIST,
       "the driver's descriptor knows the interest");
  Gate go;
  std::thread writer([&] {
    go.Pass();
    Must(write(pipe.writer, "x", 1) == 1, "write");
  });
  go.Open();
  ShowEvents("waiting for a byte", epoll, token, -1);
  writer.join();
  Must(poll.registry().Deregister(pipe.reader) == 0, "the driver's descriptor deregisters it");
  close(pipe.writer);
  ShowEvents("deregistered", epoll, token, 0);
  close(pipe.reader);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string order = count > 1 ? arguments[1] : "";
  Must(order == "driver_first" || order == "handle_first", "an order");
  order == "driver_first" ? DriverFirst() : HandleFirst();
  return 0;
}
