// More sources are ready than the buffer holds: the rest comes with the next poll.
//
// mio polls with a buffer of the user's size, and edge-triggered events come once: those that had
// no room must stay for the next epoll_wait(2), in order, and before what becomes ready later. Each
// source is told once, and nobody starves: with room for one event a poll, sources that become
// ready again and again do not keep the others back.
//
// mio: events.rs (Events::with_capacity), poll.rs (Poll::poll); Tokio relies on it with
// max_io_events_per_tick.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

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
    close(reader);
    close(writer);
  }
  Pipe(const Pipe&) = delete;
  void Send() const { Must(write(writer, "x", 1) == 1, "sending"); }
  int reader, writer;
};

std::string Batch(mio::Poll* poll, int room) {
  mio::Events events(room);
  poll->Wait(&events, 0);
  std::string text;
  for (const epoll_event& event : events) text += " " + std::to_string(event.data.u64);
  return text.empty() ? " nothing" : text;
}

void InOrder() {
  mio::Poll poll;
  std::vector<Pipe> pipes(10);
  for (size_t i = 0; i < pipes.size(); ++i) {
    Must(poll.registry().Register(pipes[i].reader, i, mio::kReadable) == 0, "registering");
  }
  for (const int i : {7, 3, 0, 9, 1, 5, 2}) pipes[i].Send();
  std::printf("first three:%s\n", Batch(&poll, 3).c_str());
  pipes[3].Send();  // Told already, and ready anew: at the end of the line.
  pipes[4].Send();
  pipes[1].Send();  // Has not been told: keeps its place.
  std::printf("next three:%s\n", Batch(&poll, 3).c_str());
  std::printf("next three:%s\n", Batch(&poll, 3).c_str());
  std::printf("the rest:%s\n", Batch(&poll, 3).c_str());
}

// With room for one: each source is answered once a round, although one of them never rests.
void NobodyStarves() {
  constexpr int kSources = 5, kRounds = 8;
  mio::Poll poll;
  std::vector<Pipe> pipes(kSources);
  for (int i = 0; i < kSources; ++i) {
    Must(poll.registry().Register(pipes[i].reader, i, mio::kReadable) == 0, "registering");
  }
  std::vector<int> told(kSources, 0);
  for (int i = 1; i < kSources; ++i) pipes[i].Send();
  mio::Events events(1);
  for (int i = 0; i < kRounds * kSources; ++i) {
    pipes[0].Send();
    poll.WaitOn(&events, -1);
    Must(events.size() == 1, "one event");
    const int source = static_cast<int>(events.begin()->data.u64);
    ++told[source];
    if (source != 0) pipes[source].Send();
  }
  for (int i = 0; i < kSources; ++i) Must(told[i] == kRounds, "its turn in every round");
  std::printf("%d sources had their turn in %d rounds\n", kSources, kRounds);
}

// Two threads poll one instance, with room for one event each: every event goes to one of them.
void TwoPollers() {
  constexpr int kSources = 40;
  mio::Poll poll;
  const mio::Registry registry = poll.registry().TryClone();
  std::vector<Pipe> pipes(kSources);
  for (int i = 0; i < kSources; ++i) {
    Must(registry.Register(pipes[i].reader, i, mio::kReadable) == 0, "registering");
  }
  std::atomic<int> told[kSources] = {}, total = 0;
  const auto poll_for = [&](int epoll) {
    while (total.load() < kSources) {
      epoll_event event;
      // The other one may take the last: who waits for it would wait for ever.
      const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll, &event, 1, 1));
      Must(count >= 0, "epoll_wait");
      if (count == 0) continue;
      told[event.data.u64].fetch_add(1);
      total.fetch_add(1);
    }
  };
  std::thread one([&] { poll_for(poll.registry().epoll()); });
  std::thread other([&] { poll_for(registry.epoll()); });
  for (const Pipe& pipe : pipes) pipe.Send();
  one.join();
  other.join();
  for (const auto& count : told) Must(count == 1, "each event to one of them");
  std::printf("%d events, each to one of two pollers\n", kSources);
}

}  // namespace

int main() {
  InOrder();
  NobodyStarves();
  TwoPollers();
  return 0;
}
