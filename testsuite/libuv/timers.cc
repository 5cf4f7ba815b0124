// timers: uv_timer_t (src/timer.c). The loop's time stands still between two updates; a timer is
// due at that time plus its timeout, and those due at the same time run in the order of their
// start. The nearest one is epoll_pwait's timeout. A timer that a timer's callback starts waits for
// the next turn even if it is due at once, and so does one that repeats; stopping a timer that is
// due in the same turn still keeps it from running.
#include "testsuite/libuv/loop.h"

int main() {
  Loop loop;
  std::string log;
  const auto show = [&](const char* what) {
    loop.Run();
    std::printf("%s:%s\n", what, log.c_str());
    log.clear();
  };

  // Started in this order, all from one time.
  Timer timers[6];
  const int timeouts[] = {5, 3, 5, 0, 3, 0};
  for (int i = 0; i < 6; ++i) {
    timers[i].callback = [&log, i] { log += " " + std::to_string(i); };
    loop.Start(timers[i], timeouts[i]);
  }
  const int64_t begin_ms = loop.now_ms();
  show("5 3 5 0 3 0");
  Must(loop.now_ms() - begin_ms >= 5, "none was early");

  // Those that are started in a callback come after all that are due in this turn.
  Timer first, second, child, victim;
  first.callback = [&] {
    log += " first";
    loop.Start(child, 0);
    loop.Stop(victim);
  };
  second.callback = [&] { log += " second"; };
  child.callback = [&] { log += " child"; };
  victim.callback = [&] { log += " victim"; };
  loop.Start(first, 4);
  loop.Start(second, 4);
  loop.Start(victim, 4);
  show("a child and a victim");

  // A repeating timer is started again before its callback, from the time of the turn.
  Timer repeating, watchdog;
  int rounds = 0;
  int64_t previous_ms = loop.now_ms();
  repeating.repeat_ms = 2;
  repeating.callback = [&] {
    Must(repeating.active, "it was started again");
    Must(loop.now_ms() - previous_ms >= (rounds == 0 ? 1 : 2), "a round takes its time");
    previous_ms = loop.now_ms();
    log += " round";
    // Put off in every round, so it never runs.
    loop.Start(watchdog, 10000);
    if (++rounds < 5) return;
    loop.Stop(repeating);
    loop.Stop(watchdog);
  };
  watchdog.callback = [&] { log += " watchdog"; };
  loop.Start(repeating, 1);
  loop.Start(watchdog, 10000);
  show("repeating");

  // Starting again moves it to the end of its time; stopping leaves no trace.
  loop.Start(timers[0], 2);
  loop.Start(timers[1], 2);
  loop.Start(timers[2], 2);
  loop.Start(timers[0], 2);
  loop.Stop(timers[1]);
  show("0 started twice, 1 stopped");

  // No timer, nothing alive: the loop does not wait.
  Must(!loop.Run(), "nothing is left");
  return 0;
}
