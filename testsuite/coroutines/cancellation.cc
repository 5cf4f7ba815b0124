// One coroutine cancels what another waits for (std::stop_token, as libunifex's stop tokens and
// folly::coro's cancellation): the wait is taken out of the descriptor and of the timers, and its
// coroutine is queued, not resumed from inside request_stop. The descriptor stays as it was: what
// comes later goes to whoever waits next, and what has been there is not lost.
#include <string>

#include "testsuite/basics/net.h"
#include "testsuite/coroutines/executor.h"

namespace {

struct Ends {
  explicit Ends(Executor& executor) : Ends(executor, Connected()) {}
  Socket near, far;

 private:
  Ends(Executor& executor, Pair pair) : near(executor, pair.server), far(executor, pair.client) {}
};

Task<void> ReadOne(const char* who, Socket& socket, std::stop_token stop) {
  char byte = '-';
  const ssize_t result = co_await socket.Read(&byte, 1, stop);
  std::printf("%s: %s %c\n", who, ResultName(result), byte);
}

Task<void> CountRead(Socket& socket, std::stop_token stop, int* reads) {
  char byte;
  const ssize_t result = co_await socket.Read(&byte, 1, stop);
  if (result == 1) ++*reads;
}

Task<void> WriteMuch(const char* who, Socket& socket, std::stop_token stop) {
  static const char much[16 << 20] = {};  // more than the buffers hold
  const ssize_t result = co_await socket.Write(much, sizeof much, stop);
  std::printf("%s: %s\n", who,
              result > 0 && result < (16 << 20) ? "cancelled midway" : "otherwise");
}

Task<void> SleepLong(const char* who, Executor& executor, std::stop_token stop) {
  const bool whole = co_await Sleep(executor, 3600 * 1000 * kMillisecond, stop);
  std::printf("%s: %s\n", who, whole ? "slept to the end" : "cancelled");
}

Task<void> AcceptOne(const char* who, Executor& executor, std::stop_token stop) {
  Socket listener(executor, Listener(1));
  const ssize_t result = co_await listener.Accept(stop);
  std::printf("%s: %s\n", who, ResultName(result));
}

Task<void> Main(Executor& executor) {
  Ends ends(executor);
  char byte;
  {
    Scope scope(executor);
    scope.Spawn(ReadOne("reader", ends.near, scope.token()));
    scope.Spawn(WriteMuch("writer", ends.near, scope.token()));
    scope.Spawn(SleepLong("sleeper", executor, scope.token()));
    scope.Spawn(AcceptOne("acceptor", executor, scope.token()));
    for (int i = 0; i < 3; ++i) co_await executor.Yield();
    scope.RequestStop();
    std::printf("stop requested, %d running\n", scope.running());
    co_await scope.Join();
    // Who comes afterwards does not wait at all.
    scope.Spawn(ReadOne("late reader", ends.near, scope.token()));
    co_await scope.Join();
  }
  // The next to wait for the same descriptor is not mistaken for the one that was cancelled.
  {
    Scope scope(executor);
    scope.Spawn(ReadOne("next reader", ends.near, scope.token()));
    co_await executor.Yield();
    const ssize_t written = co_await ends.far.Write("n", 1);
    Must(written == 1, "write");
    co_await scope.Join();
  }
  // A byte and a request to stop at once: either may be first, and the byte is read once.
  int reads = 0;
  for (int i = 0; i < 10; ++i) {
    std::stop_source stop;
    Scope scope(executor);
    scope.Spawn(CountRead(ends.near, stop.get_token(), &reads));
    co_await executor.Yield();
    Must(send(ends.far.fd(), "b", 1, MSG_NOSIGNAL) == 1, "send");
    if (i % 2 == 0) co_await executor.Yield();
    stop.request_stop();
    co_await scope.Join();
  }
  while (reads < 10) {
    const ssize_t result = co_await ends.near.Read(&byte, 1);
    Must(result == 1 && byte == 'b', "a byte that was not taken is there");
    ++reads;
  }
  const ssize_t more = co_await ends.near.Read(&byte, 1, {}, Now());
  std::printf("bytes read once: %d, then: %s\n", reads, ResultName(more));
}

}  // namespace

int main(int argc, char** argv) {
  Executor executor(ModeOf(argc, argv));
  executor.Run(Main(executor));
  std::printf("frames left: %d, descriptors watched: %zu\n", TaskPromise::frames.load(),
              executor.watched());
  return 0;
}
