// A source is dropped by what another's event does, or by another thread, while events are under
// way.
//
// mio's events are plain copies: dropping a source takes back no event that epoll_wait(2) has
// handed out already, and it takes back all others. What was told of in the same batch comes, with
// a token that means nothing any more, and the user has to skip it. Of three sources that are
// ready, with room for one event a poll, the first one's handler drops the second: the next poll
// must hand out the third, although the second was in the kernel's ready list. Closing is dropping
// as well, provided that it was the last descriptor; with a duplicate left over the interest lives
// on, which is why mio says to deregister first.
//
// mio: event/source.rs (on deregistering before dropping), sys/unix/selector/epoll.rs.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "testsuite/basics/check.h"
#include "testsuite/mio/mio.h"

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    reader = ends[0];
    writer = ends[1];
  }
  ~Pipe() {
    if (reader >= 0) close(reader);
    close(writer);
  }
  void Send() const { Must(write(writer, "x", 1) == 1, "sending"); }
  int reader, writer;
};

// The tokens that come, a batch of at most `room` at a time; "-" is between the batches.
std::string Tokens(mio::Poll* poll, int room) {
  std::string text;
  mio::Events events(room);
  for (;;) {
    poll->Wait(&events, 0);
    if (events.size() == 0) return text;
    if (!text.empty()) text += "-";
    for (const epoll_event& event : events) text += std::to_string(event.data.u64);
  }
}

enum class How { kDeregister, kClose, kCloseOneOfTwo };

void FirstDropsSecond(const char* what, How how, int room) {
  mio::Poll poll;
  Pipe pipes[4];  // By token; 0 is not used.
  for (mio::Token token = 1; token <= 3; ++token) {
    Must(poll.registry().Register(pipes[token].reader, token, mio::kReadable) == 0, "registering");
  }
  for (int token = 1; token <= 3; ++token) pipes[token].Send();
  int duplicate = -1;
  if (how == How::kCloseOneOfTwo) duplicate = dup(pipes[2].reader);

  mio::Events events(room);
  poll.Wait(&events, -1);
  Must(events.size() == room && events.begin()->data.u64 == 1, "the first is told first");
  std::string stale;
  for (const epoll_event& event : events) stale += std::to_string(event.data.u64);
  if (how == How::kDeregister) {
    Must(poll.registry().Deregister(pipes[2].reader) == 0, "deregistering");
  } else {
    close(std::exchange(pipes[2].reader, -1));
  }
  std::printf("%s, batches of %d: %s, then %s\n", what, room, stale.c_str(),
              Tokens(&poll, room).c_str());
  if (duplicate >= 0) {
    pipes[2].Send();
    std::printf("  a duplicate is left: %s\n", Tokens(&poll, room).c_str());
    close(duplicate);
    pipes[3].Send();
    std::printf("  and closed: %s\n", Tokens(&poll, room).c_str());
  }
}

// One thread handles events; the other makes sources ready and drops them, in the middle of it.
void TwoThreads() {
  constexpr int kRounds = 100;
  mio::Poll poll;
  mio::Waker waker(poll.registry(), 0);
  std::atomic<int> round = 0;
  std::atomic<bool> is_over = false;
  std::thread poller([&] {
    mio::Events events(2);
    while (!is_over.load()) {
      poll.Wait(&events, -1);
      for (const epoll_event& event : events) {
        // Late ones may come, of this round or one before; early ones may not.
        Must(static_cast<int>(event.data.u64) <= round.load(), "the source of a round that began");
      }
    }
  });
  for (int i = 1; i <= kRounds; ++i) {
    round.store(i);
    auto pipe = std::make_unique<Pipe>();
    Must(poll.registry().Register(pipe->reader, i, mio::kReadable) == 0, "registering");
    pipe->Send();
    if (i % 2 == 0) Must(poll.registry().Deregister(pipe->reader) == 0, "deregistering");
    pipe.reset();
  }
  is_over.store(true);
  waker.Wake();
  poller.join();
  const std::string left = Tokens(&poll, 4);
  Must(left.empty() || left == "0", "nothing is left of them, at most the waker's event");
  std::printf("%d sources were dropped in the middle of it\n", kRounds);
}

}  // namespace

int main() {
  FirstDropsSecond("deregistered", How::kDeregister, 1);
  FirstDropsSecond("deregistered", How::kDeregister, 3);
  FirstDropsSecond("closed", How::kClose, 1);
  FirstDropsSecond("closed", How::kClose, 2);
  FirstDropsSecond("one of two closed", How::kCloseOneOfTwo, 1);
  TwoThreads();
  return 0;
}
