// Deadlines of Go's descriptors: a timer races with readiness for the semaphore of a parked
// goroutine, and with whoever sets another deadline (src/runtime/netpoll.go:
// poll_runtime_pollSetDeadline, netpolldeadlineimpl, and pollDesc.rseq, which tells a stale timer).
//
// Whoever wins, nothing may be lost: bytes that come while the deadline fires are read later, a
// deadline that was moved does not fire, and the M in netpoll hears of a timer that is earlier than
// the one it sleeps for (src/runtime/proc.go, wakeNetPoller).
#include <thread>

#include "testsuite/basics/net.h"
#include "testsuite/go/runtime.h"

namespace {

const char* Outcome(ssize_t result) {
  return result == Fd::kTimeout ? "timeout" : result == Fd::kClosing ? "closing" : "data";
}

// The reader's deadline and the peer's bytes come at about the same time, again and again.
void Race(Runtime& runtime) {
  constexpr int kBytes = 60;
  const Pair pair = Connected();
  Fd reader(runtime, pair.server), writer(runtime, pair.client);
  std::thread sender([&] {
    for (int i = 0; i < kBytes; ++i) {
      usleep(500);
      const char byte = static_cast<char>(i);
      Must(writer.Write(&byte, 1) == 1, "write");
    }
  });
  int received = 0;
  while (received < kBytes) {
    // epoll_wait counts milliseconds, so the timer is the M's business, not the kernel's alone.
    reader.SetDeadline('r', kMillisecond / 2);
    char byte;
    const ssize_t count = reader.Read(&byte, 1);
    if (count == Fd::kTimeout) continue;
    Must(count == 1 && byte == static_cast<char>(received), "the bytes come in order");
    ++received;
  }
  sender.join();
  reader.Close();
  writer.Close();
  std::printf("bytes read against the deadline: %d\n", received);
}

// One timer after another and nothing else that could wake the M: each is set while it goes back to
// its sleep after the one before.
void OnlyTimers(Runtime& runtime) {
  constexpr int kRounds = 25;
  const Pair pair = Connected();
  Fd reader(runtime, pair.server);
  for (int i = 0; i < kRounds; ++i) {
    char byte;
    reader.SetDeadline('r', kMillisecond / 10);
    Must(reader.Read(&byte, 1) == Fd::kTimeout, "nobody writes");
  }
  reader.Close();
  close(pair.client);
  std::printf("deadlines met: %d\n", kRounds);
}

// A deadline is taken back just as it fires. The M may have the timer in its hands already; it must
// see by the sequence number that nobody wants it any more.
void TakeBack(Runtime& runtime) {
  constexpr int kRounds = 40;
  const Pair pair = Connected();
  Fd near(runtime, pair.server), far(runtime, pair.client);
  std::thread echo([&] {
    char byte;
    while (far.Read(&byte, 1) == 1) Must(far.Write(&byte, 1) == 1, "echo");
    far.Close();
  });
  for (int i = 0; i < kRounds; ++i) {
    near.SetDeadline('r', 1);
    if (i % 2 == 0) sched_yield();
    near.SetDeadline('r', 0);
    char byte = static_cast<char>(i);
    Must(near.Write(&byte, 1) == 1, "write");
    Must(near.Read(&byte, 1) == 1, "there is no deadline");
  }
  near.Close();
  echo.join();
  std::printf("deadlines taken back: %d\n", kRounds);
}

}  // namespace

int main() {
  Runtime runtime;
  {
    const Pair pair = Connected();
    Fd reader(runtime, pair.server);
    char byte;

    const int64_t start = Now();
    reader.SetDeadline('r', 3 * kMillisecond);
    std::printf("nobody writes: %s\n", Outcome(reader.Read(&byte, 1)));
    Must(Now() - start >= 3 * kMillisecond, "not before the deadline");
    std::printf("and stays so: %s\n", Outcome(reader.Read(&byte, 1)));

    // An expired deadline does not eat what has come.
    Must(send(pair.client, "x", 1, 0) == 1, "send");
    std::printf("with a byte there: %s\n", Outcome(reader.Read(&byte, 1)));
    reader.SetDeadline('r', 0);
    std::printf("without a deadline: %s\n", Outcome(reader.Read(&byte, 1)));

    // In the past: at once, and for a reader that is parked already. It may come to wait later.
    Note started;
    std::thread parked([&] {
      started.Wakeup();
      std::printf("a deadline in the past: %s\n", Outcome(reader.Read(&byte, 1)));
    });
    started.Sleep();
    reader.SetDeadline('r', -1);
    parked.join();

    // The timer of an hour is replaced by an earlier one while the M sleeps for it.
    reader.SetDeadline('r', 3600 * 1000 * kMillisecond);
    std::thread sooner([&] { reader.SetDeadline('r', 2 * kMillisecond); });
    std::printf("an hour became 2 ms: %s\n", Outcome(reader.Read(&byte, 1)));
    sooner.join();

    // A writer's deadline is its own: the reader waits on.
    reader.SetDeadline('r', 0);
    reader.SetDeadline('w', -1);
    std::printf("writing after its deadline: %s\n", Outcome(reader.Write("x", 1)));
    Must(send(pair.client, "y", 1, 0) == 1, "send");
    std::printf("reading meanwhile: %s\n", Outcome(reader.Read(&byte, 1)));
    reader.Close();
    close(pair.client);
  }
  Race(runtime);
  TakeBack(runtime);
  OnlyTimers(runtime);
  return 0;
}
