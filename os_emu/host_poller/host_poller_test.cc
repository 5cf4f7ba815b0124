#include "os_emu/host_poller/host_poller.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <functional>
#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

struct HostPipe {
  HostPipe() { EXPECT_EQ(pipe(ends), 0); }
  ~HostPipe() {
    close(ends[0]);
    close(ends[1]);
  }
  void Write() const { EXPECT_EQ(write(ends[1], "x", 1), 1); }
  int ends[2];
};

class TestWatcher final : public HostWatcher {
 public:
  explicit TestWatcher(HostPoller& poller) : HostWatcher(poller) {}
  ~TestWatcher() override = default;
  void OnHostEvents(uint32_t got) override {
    events |= got;
    ++calls;
    if (on_event) on_event();
  }
  void OnTurn() override {
    ++turns;
    if (on_turn) on_turn();
  }
  bool IsAwaited() const override { return awaited; }
  using HostWatcher::AskForTurn;
  using HostWatcher::Watch;

  uint32_t events = 0;
  int calls = 0, turns = 0;
  bool awaited = false;
  std::function<void()> on_event, on_turn;
};

TEST(HostPoller, TellsEachChangeOnce) {
  HostPoller poller;
  HostPipe pipe;
  TestWatcher watcher(poller);
  ASSERT_TRUE(watcher.Watch(pipe.ends[0], EPOLLIN));
  EXPECT_FALSE(*poller.Wait(Nanos{0}));
  pipe.Write();
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  EXPECT_EQ(watcher.events, static_cast<uint32_t>(EPOLLIN));
  EXPECT_FALSE(*poller.Wait(Nanos{1'000'000}));
  EXPECT_EQ(watcher.calls, 1);
}

// What is ready is told anew, also where the host had been asked to forget it.
TEST(HostPoller, WatchesAgain) {
  HostPoller poller;
  HostPipe pipe;
  TestWatcher watcher(poller);
  ASSERT_TRUE(watcher.Watch(pipe.ends[0], EPOLLIN));
  pipe.Write();
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  EXPECT_FALSE(*poller.Wait(Nanos{0}));
  poller.WatchAgain();
  EXPECT_TRUE(*poller.Wait(Nanos{0}));
  EXPECT_EQ(watcher.calls, 2);
  // Another description of the same pipe takes the number: the host has forgotten the first one.
  const int number = pipe.ends[0];
  const int again = open(("/proc/self/fd/" + std::to_string(number)).c_str(), O_RDONLY);
  ASSERT_GE(again, 0);
  close(number);
  ASSERT_EQ(dup2(again, number), number);
  close(again);
  EXPECT_FALSE(*poller.Wait(Nanos{0}));
  poller.WatchAgain();
  EXPECT_TRUE(*poller.Wait(Nanos{0}));
  EXPECT_EQ(watcher.calls, 3);
}

TEST(HostPoller, HasWaitersWhereOneIsAwaited) {
  HostPoller poller;
  EXPECT_FALSE(poller.HasWaiters());
  TestWatcher first(poller), second(poller);
  EXPECT_FALSE(poller.HasWaiters());
  second.awaited = true;
  EXPECT_TRUE(poller.HasWaiters());
}

TEST(HostPoller, ATurnComesBeforeAnyWait) {
  HostPoller poller;
  TestWatcher watcher(poller);
  watcher.AskForTurn();
  watcher.AskForTurn();
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  EXPECT_EQ(watcher.turns, 1);
  EXPECT_FALSE(*poller.Wait(Nanos{0}));
}

TEST(HostPoller, ATurnThatIsAskedForInATurnIsTheNextWaits) {
  HostPoller poller;
  TestWatcher watcher(poller);
  watcher.on_turn = [&] { watcher.AskForTurn(); };
  watcher.AskForTurn();
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  EXPECT_EQ(watcher.turns, 1);
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  EXPECT_EQ(watcher.turns, 2);
}

TEST(HostPoller, AWatcherMayDestroyOthersThatHaveEventsInTheSameBatch) {
  HostPoller poller;
  HostPipe pipes[3];
  std::unique_ptr<TestWatcher> watchers[3];
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    watchers[i] = std::make_unique<TestWatcher>(poller);
    watchers[i]->on_event = [&watchers, &calls, i] {
      ++calls;
      for (int j = 0; j < 3; ++j) {
        if (j != i) watchers[j].reset();
      }
    };
    ASSERT_TRUE(watchers[i]->Watch(pipes[i].ends[0], EPOLLIN));
    watchers[i]->AskForTurn();
  }
  for (const HostPipe& pipe : pipes) pipe.Write();
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  EXPECT_EQ(calls, 1);
}

TEST(HostPoller, AWatcherMayDestroyItselfInItsTurn) {
  HostPoller poller;
  auto watcher = std::make_unique<TestWatcher>(poller);
  watcher->on_turn = [&] { watcher.reset(); };
  watcher->AskForTurn();
  EXPECT_TRUE(*poller.Wait(Nanos{0}));
  EXPECT_EQ(watcher, nullptr);
}

TEST(HostPoller, ASignalOfTheHostIsAReasonToLookAgain) {
  HostPoller poller;
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGALRM, &action, nullptr), 0);
  timer_t timer;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  ASSERT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  const itimerspec soon{.it_interval = {0, 10'000'000}, .it_value = {0, 10'000'000}};
  ASSERT_EQ(timer_settime(timer, 0, &soon, nullptr), 0);
  EXPECT_TRUE(*poller.Wait(kNanosMax));
  timer_delete(timer);
}

}  // namespace
}  // namespace pollux::os_emu
