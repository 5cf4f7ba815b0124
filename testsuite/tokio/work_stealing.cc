// The multi-threaded scheduler at work: workers that steal, of which one at a time is parked in
// epoll_wait(2) and the others in futexes.
//
// Eight connections, each a socket pair with a task at either end: the client's task sends a number
// and waits for the answer, the server's adds one to it. Each wake-up goes through the driver and
// becomes a task in the queue of whichever worker polled, from where idle workers steal. A spawner
// task makes more tasks than a queue holds, so that it overflows into the inject queue.
// The main thread adds tasks one after another.
//
// Tokio: scheduler/multi_thread/worker.rs (run, park, steal_work, schedule_local), idle.rs,
// park.rs, queue.rs. What can go wrong: a worker parks just when work comes and nobody wakes it; a
// wake-up goes to the futex of a worker that is in epoll_wait, or the other way round.
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/multi_thread.h"
#include "testsuite/tokio/sync.h"

namespace {

constexpr int kConnections = 8;
constexpr int kRounds = 12;
constexpr int kExtraTasks = 40;
constexpr int kFromOutside = 60;

// Answers each number with the next one, until the client has gone.
struct Server {
  explicit Server(tokio::Handle* handle, int fd) : socket(handle, fd, mio::kBoth) {}

  bool Poll(const tokio::Waker& waker) {
    for (;;) {
      char number;
      const std::optional<ssize_t> count =
          socket.PollIo(tokio::kReadSide, waker, [&] { return read(socket.fd(), &number, 1); });
      if (!count.has_value()) return false;
      if (*count == 0) return true;
      Must(*count == 1, "the server reads");
      ++number;
      Must(write(socket.fd(), &number, 1) == 1, "the server answers");
    }
  }

  tokio::PollEvented socket;
};

// Sends 0, and what it gets back, kRounds times.
struct Client {
  explicit Client(tokio::Handle* handle, int fd) : socket(handle, fd, mio::kBoth) {}

  bool Poll(const tokio::Waker& waker) {
    for (;;) {
      if (!is_waiting) {
        if (number == kRounds) return true;
        Must(write(socket.fd(), &number, 1) == 1, "the client asks");
        is_waiting = true;
      }
      char answer;
      const std::optional<ssize_t> count =
          socket.PollIo(tokio::kReadSide, waker, [&] { return read(socket.fd(), &answer, 1); });
      if (!count.has_value()) return false;
      Must(*count == 1 && answer == number + 1, "the answer is the next number");
      number = answer;
      is_waiting = false;
    }
  }

  tokio::PollEvented socket;
  char number = 0;
  bool is_waiting = false;
};

}  // namespace

int main() {
  std::atomic<int> answers = 0, extras = 0, pending = 2 * kConnections + kExtraTasks;
  {
    tokio::Scheduler scheduler(3);
    Gate all_done;
    const auto done = [&] {
      if (pending.fetch_sub(1) == 1) all_done.Open();
    };
    for (int i = 0; i < kConnections; ++i) {
      int ends[2];
      Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
           "socketpair");
      auto server = std::make_shared<std::optional<Server>>();
      server->emplace(scheduler.handle(), ends[0]);
      scheduler.Spawn([server, done](const tokio::Waker& waker) {
        if (!(*server)->Poll(waker)) return false;
        server->reset();
        done();
        return true;
      });
      auto client = std::make_shared<std::optional<Client>>();
      client->emplace(scheduler.handle(), ends[1]);
      scheduler.Spawn([client, done, &answers](const tokio::Waker& waker) {
        if (!(*client)->Poll(waker)) return false;
        answers.fetch_add((*client)->number);
        client->reset();
        done();
        return true;
      });
    }
    scheduler.Spawn([&](const tokio::Waker&) {
      for (int i = 0; i < kExtraTasks; ++i) {
        // Each yields once: it is woken while it runs, and polled again.
        scheduler.Spawn([&extras, done, yielded = false](const tokio::Waker& waker) mutable {
          if (!std::exchange(yielded, true)) {
            waker();
            return false;
          }
          extras.fetch_add(1);
          done();
          return true;
        });
      }
      return true;
    });
    // From outside, one after another: each may come just when the last worker goes to sleep.
    for (int i = 0; i < kFromOutside; ++i) {
      Gate ran;
      scheduler.Spawn([&](const tokio::Waker&) {
        ran.Open();
        return true;
      });
      ran.Pass();
    }
    all_done.Pass();
  }
  Must(answers == kConnections * kRounds, "all answers came");
  Must(extras == kExtraTasks, "all other tasks ran");
  std::printf("%d answers over %d connections\n", answers.load(), kConnections);
  std::printf("%d tasks yielded and ended, %d came from outside\n", extras.load(), kFromOutside);
  return 0;
}
