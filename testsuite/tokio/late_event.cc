// An event that is delivered to what was deregistered meanwhile.
//
// epoll_wait(2) has handed out a batch of events. Handling the first wakes a task, which drops
// another source of the same batch: EPOLL_CTL_DEL, then close. The event of that source is in the
// driver's buffer all the same, with the address of its ScheduledIo as the token. So the object is
// not freed but put on a list (pending_release), and the driver empties the list before it polls
// the next time, when it holds no events. Also, the descriptor's number is taken by the next source
// at once, which must not get the old one's event. After every 16th deregistration the driver is
// woken, so that the list does not grow while it waits.
//
// Tokio: RegistrationSet::{deregister, release} in runtime/io/registration_set.rs, Handle::
// deregister_source and Driver::turn in runtime/io/driver.rs.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

// A source, and the other end of it.
struct Pipe {
  explicit Pipe(tokio::Handle* handle) {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    source.emplace(handle, ends[0], mio::kReadable);
    writer = ends[1];
  }
  ~Pipe() {
    source.reset();  // Before the end of the pipe is an event.
    close(writer);
  }
  void Send() { Must(write(writer, "x", 1) == 1, "write"); }
  bool IsReady() {
    return source->io()->PollReadiness(tokio::kReadSide, [] {}).has_value();
  }

  std::optional<tokio::PollEvented> source;
  int writer;
};

void InOneBatch() {
  tokio::Driver driver;
  tokio::Handle handle(&driver);
  Pipe first(&handle);
  auto second = std::make_unique<Pipe>(&handle);
  const int number = second->source->fd();
  std::optional<Pipe> third;
  bool late_waker_called = false;
  Must(!second->source->io()->PollReadiness(tokio::kReadSide, [&] { late_waker_called = true; }),
       "nothing yet");
  first.source->io()->PollReadiness(tokio::kReadSide, [&] {
    second.reset();
    third.emplace(&handle);
  });
  first.Send();
  second->Send();
  driver.Turn(&handle, -1);  // Two events, the second of which comes late.

  Must(second == nullptr && third.has_value(), "the first event's task ran");
  Must(third->source->fd() == number, "the third source has the second one's number");
  Must(handle.PendingRelease() == 1, "the second one's state is kept");
  Must(!late_waker_called, "whoever dropped it is not told");
  Must(!third->IsReady(), "the third one has no event");
  third->Send();
  driver.Turn(&handle, -1);
  Must(third->IsReady(), "now it has");
  Must(handle.PendingRelease() == 0, "the second one's state is gone");
  third.reset();
  std::printf("a late event met what was kept for it\n");
}

// The driver's thread handles events while another drops their sources.
void InTwoThreads() {
  constexpr int kSources = 48;
  tokio::Driver driver;
  tokio::Handle handle(&driver);
  std::atomic<bool> is_over = false;
  std::atomic<int> woken = 0;
  std::thread turner([&] {
    while (!is_over.load()) driver.Turn(&handle, -1);
  });
  for (int i = 0; i < kSources; ++i) {
    Pipe pipe(&handle);
    pipe.source->io()->PollReadiness(tokio::kReadSide, [&] { ++woken; });
    pipe.Send();
    // Every other one is dropped once its event was handled, the rest at any time before or after.
    if (i % 2 == 0) {
      tokio::BlockOn([&](const tokio::Waker& waker) {
        return pipe.source->io()->PollReadiness(tokio::kReadSide, waker);
      });
    }
  }
  Must(woken <= kSources, "no source was told twice");
  is_over.store(true);
  handle.Unpark();
  turner.join();
  std::printf("%d sources were dropped under the driver\n", kSources);
}

void ManyWhileItWaits() {
  tokio::Driver driver;
  tokio::Handle handle(&driver);
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (size_t i = 0; i < tokio::Handle::kNotifyAfter; ++i) {
    pipes.push_back(std::make_unique<Pipe>(&handle));
  }
  Gate begun;
  pid_t tid = 0;
  std::thread turner([&] {
    tid = Tid();
    begun.Open();
    driver.Turn(&handle, -1);  // Nothing but the deregistrations ends this.
    driver.Turn(&handle, 0);
  });
  begun.Pass();
  // Before it waits it would release what there is, and the rest is too few to wake it.
  UntilThreadAsleep(tid);
  pipes.clear();
  turner.join();
  Must(handle.PendingRelease() == 0, "all are released");
  std::printf("the driver was woken to release what it no longer needs\n");
}

}  // namespace

int main() {
  InOneBatch();
  InTwoThreads();
  ManyWhileItWaits();
  return 0;
}
