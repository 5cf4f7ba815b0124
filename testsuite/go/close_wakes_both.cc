// Close of a Go descriptor while goroutines read and write it: both are told, and the number is
// closed by the last of them, after it has been taken out of epoll (src/internal/poll/fd_unix.go:
// Close, destroy; fd_mutex.go: increfAndClose; src/runtime/netpoll.go: poll_runtime_pollUnblock).
//
// The reader and the writer may be anywhere: not begun yet, about to park (kWait), or parked. Close
// publishes `closing` before it looks at rg and wg, they announce kWait before they look at
// `closing`: one of them sees the other. Meanwhile the number must not be reused under their feet.
#include <thread>
#include <vector>

#include "testsuite/basics/net.h"
#include "testsuite/go/runtime.h"

namespace {

// More than all buffers on the way hold: the peer does not read, so this is never written whole.
char too_much[16 << 20];

// Two closers, of which one closes; a reader and a writer who must both hear of it.
void CloseUnderBoth(Runtime& runtime) {
  const Pair pair = Connected();
  Fd connection(runtime, pair.server);
  ssize_t read_result = 0, write_result = 0;
  bool closed[2];
  std::thread reader([&] {
    char byte;
    read_result = connection.Read(&byte, 1);
  });
  std::thread writer([&] { write_result = connection.Write(too_much, sizeof too_much); });
  std::thread other([&] { closed[1] = connection.Close(); });
  closed[0] = connection.Close();
  other.join();
  reader.join();
  writer.join();
  Must(closed[0] != closed[1], "one of the two closes");
  Must(read_result == Fd::kClosing && write_result == Fd::kClosing, "both hear of it");
  Must(fcntl(pair.server, F_GETFD) == -1 && errno == EBADF, "the number is free");
  close(pair.client);
}

// Goroutines that have been parked.
void CloseUnderParked(Runtime& runtime) {
  const Pair pair = Connected();
  Fd connection(runtime, pair.server);
  std::atomic<pid_t> tids[2] = {};
  ssize_t results[2] = {};
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) {
    threads[i] = std::thread([&, i] {
      char byte = 0;
      tids[i].store(Tid());
      results[i] = i == 0 ? connection.Read(&byte, 1) : connection.Write(too_much, sizeof too_much);
    });
  }
  for (std::atomic<pid_t>& tid : tids) {
    while (tid.load() == 0) sched_yield();
    UntilThreadAsleep(tid.load());
  }
  connection.Close();
  for (std::thread& thread : threads) thread.join();
  std::printf("parked reader: %s\n", results[0] == Fd::kClosing ? "closing" : "something else");
  std::printf("parked writer: %s\n", results[1] == Fd::kClosing ? "closing" : "something else");
  close(pair.client);
}

}  // namespace

int main() {
  Runtime runtime;
  CloseUnderParked(runtime);
  for (int i = 0; i < 10; ++i) CloseUnderBoth(runtime);
  std::printf("10 connections were closed under both\n");

  const Pair pair = Connected();
  Fd connection(runtime, pair.server);
  connection.Close();
  char byte;
  std::printf("after close: read %zd, write %zd, close %s\n", connection.Read(&byte, 1),
              connection.Write("x", 1), connection.Close() ? "again" : "refused");
  close(pair.client);
  return 0;
}
