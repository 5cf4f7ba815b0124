// Timeouts of reads and writes: a timer and a descriptor race for one suspended coroutine, and both
// may be there when epoll_wait returns. The first takes the wait from the other; a timer that lost
// must not wake the coroutine later, in its next wait; and bytes that lost against the timer are
// read by the next read.
#include "testsuite/basics/net.h"
#include "testsuite/coroutines/executor.h"

namespace {

Task<void> SendAfter(Executor& executor, int64_t ns, Socket& socket) {
  co_await Sleep(executor, ns);
  const ssize_t written = co_await socket.Write("x", 1);
  Must(written == 1, "write");
}

// A byte each millisecond against a deadline of about as much.
Task<void> Race(Executor& executor, Socket& near, Socket& far) {
  constexpr int kBytes = 30;
  Scope scope(executor);
  int received = 0;
  for (int i = 0; i < kBytes; ++i) {
    scope.Spawn(SendAfter(executor, kMillisecond, far));
    char byte;
    const ssize_t result = co_await near.Read(&byte, 1, {}, Now() + kMillisecond);
    Must(result == 1 || result == Socket::kTimedOut, "one of the two");
    if (result == 1) ++received;
  }
  co_await scope.Join();
  while (received < kBytes) {
    char byte;
    const ssize_t result = co_await near.Read(&byte, 1);
    Must(result == 1, "what lost against the timer is there");
    ++received;
  }
  std::printf("bytes of the race: %d\n", received);
}

Task<void> Main(Executor& executor) {
  const Pair pair = Connected();
  Socket near(executor, pair.server), far(executor, pair.client);
  char byte;

  const int64_t start = Now();
  ssize_t result = co_await near.Read(&byte, 1, {}, start + 2 * kMillisecond);
  std::printf("nobody writes: %s\n", ResultName(result));
  Must(Now() - start >= 2 * kMillisecond, "not before the deadline");

  // The timer of an hour goes with the wait that it was for.
  {
    Scope scope(executor);
    scope.Spawn(SendAfter(executor, kMillisecond, far));
    result = co_await near.Read(&byte, 1, {}, Now() + 3600 * 1000 * kMillisecond);
    std::printf("a byte within the hour: %s\n", ResultName(result));
    co_await scope.Join();
  }

  // A deadline in the past: tried once.
  result = co_await near.Read(&byte, 1, {}, Now() - 1);
  std::printf("no time, nothing there: %s\n", ResultName(result));
  Must(send(far.fd(), "y", 1, MSG_NOSIGNAL) == 1, "send");
  result = co_await near.Read(&byte, 1);
  std::printf("then the byte: %s\n", ResultName(result));

  // Writing: the peer does not read.
  static const char block[65536] = {};
  while ((result = co_await far.Write(block, sizeof block, {}, Now() + kMillisecond)) > 0) {
  }
  std::printf("a peer that does not read: %s\n", ResultName(result));

  const Pair other = Connected();
  Socket other_near(executor, other.server), other_far(executor, other.client);
  co_await Race(executor, other_near, other_far);
}

}  // namespace

int main(int argc, char** argv) {
  Executor executor(ModeOf(argc, argv));
  executor.Run(Main(executor));
  std::printf("frames left: %d, descriptors watched: %zu\n", TaskPromise::frames.load(),
              executor.watched());
  return 0;
}
