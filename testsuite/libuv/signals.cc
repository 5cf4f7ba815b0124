// signals: how libuv's poll lives with signals. With UV_LOOP_BLOCK_SIGPROF (uv_loop_configure) the
// profiler's signal is blocked by epoll_pwait's mask, so it cannot end a wait; its handler runs
// when the call has returned. Other signals end the wait with EINTR: uv__io_poll (src/unix/linux.c)
// updates the time and polls again, and the handler has left word in a pipe of the loop
// (uv__signal_handler, src/unix/signal.c), whose watcher runs after all others of its poll.
#include <thread>

#include "testsuite/libuv/loop.h"

namespace {

std::atomic<int> profiled = 0;
int signal_writer = -1;

void OnSignal(int signal) {
  const int error = errno;
  const char message = static_cast<char>(signal);
  Must(write(signal_writer, &message, 1) == 1, "the handler writes to the loop's pipe");
  errno = error;
}

void Tell(pid_t tid, int signal) { Must(tgkill(getpid(), tid, signal) == 0, "tgkill"); }

}  // namespace

int main() {
  Loop loop;
  Pipe signals, data;
  signal_writer = signals.writer;
  Handle(SIGPROF, [](int) { ++profiled; });
  Handle(SIGUSR1, OnSignal);
  Handle(SIGUSR2, OnSignal);
  const sigset_t profiler = SetOf({SIGPROF});
  loop.poll_mask = &profiler;

  Watcher signal_watcher, reader;
  std::string order;
  int signals_to_come = 0;
  signal_watcher.fd = signals.reader;
  signal_watcher.keeps_alive = false;
  signal_watcher.callback = [&](uint32_t) {
    for (char message; read(signals.reader, &message, 1) == 1;) {
      order += " " + SignalName(message);
      if (--signals_to_come == 0) loop.Stop();
    }
  };
  loop.signal_watcher = &signal_watcher;
  loop.Start(signal_watcher, EPOLLIN);
  reader.fd = data.reader;
  reader.callback = [&](uint32_t) { order += " byte " + ReadByte(data.reader); };
  loop.Start(reader, EPOLLIN);

  // In one poll: the signal came first, and is told last.
  signals_to_come = 2;
  Must(raise(SIGUSR1) == 0, "raise");
  data.Put('a');
  Must(raise(SIGUSR2) == 0, "raise");
  loop.Run();
  std::printf("one poll:%s\n", order.c_str());
  order.clear();

  // From another thread, while this one sleeps in its poll.
  const pid_t poller = Tid();
  const int interrupted_before = loop.interrupted;
  signals_to_come = 1;
  std::thread other([&] {
    // The signal that is only for others must not be taken here.
    UntilThreadAsleep(poller);
    for (int i = 0; i < 3; ++i) Tell(poller, SIGPROF);
    Must(profiled == 0, "the profiler's signal waits until the poll has ended");
    UntilThreadAsleep(poller);
    Tell(poller, SIGUSR1);
  });
  loop.Run();
  other.join();
  std::printf("while it polled:%s\n", order.c_str());
  Must(loop.interrupted == interrupted_before + 1, "one of the two signals ended the wait");
  Must(profiled == 1, "the blocked signal came once when it could");
  order.clear();

  // A poll with an end waits for what is left of it, and no longer.
  Timer timer;
  timer.callback = [&] { order += " timer"; };
  loop.Start(timer, 30);
  const int64_t begin_ms = loop.now_ms();
  signals_to_come = 2;  // One more than will come: the loop goes on.
  std::thread third([&] {
    UntilThreadAsleep(poller);
    Tell(poller, SIGUSR2);
  });
  while (loop.Run(Loop::kOnce) && timer.active) {
  }
  third.join();
  loop.Run(Loop::kNoWait);  // The signal may have come after the timer.
  Must(loop.now_ms() - begin_ms >= 30, "the timer was not early");
  Must(order == " SIGUSR2 timer" || order == " timer SIGUSR2", "both came");
  std::printf("a timer and a signal: both\n");

  loop.Close(reader);
  loop.Close(signal_watcher);
  return 0;
}
