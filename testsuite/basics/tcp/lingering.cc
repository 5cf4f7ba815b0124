// lingering: SO_LINGER with a time: whoever lets go of a socket's last reference waits until the
// peer has acknowledged everything, or until the time is over, whether it is close(2), dup2(2) or
// close_range(2) and whatever O_NONBLOCK says. Only the end of a process waits for nothing.
#include <sys/syscall.h>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/tcp/full_connection.h"

namespace {

constexpr int kLong = 100;  // Seconds; nobody waits for that long here.

void Linger(int fd, int seconds) {
  const linger value = {1, seconds};
  Must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value) == 0, "SO_LINGER");
}
void ShowLinger(int set) {
  const int fd = Tcp();
  Linger(fd, set);
  linger value = {};
  socklen_t length = sizeof value;
  Must(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length) == 0, "SO_LINGER");
  std::printf("%d seconds are %d %d\n", set, value.l_onoff, value.l_linger);
  close(fd);
}

Pair Full(int seconds) {
  const Pair pair = Connected();
  Fill(pair.client);
  Linger(pair.client, seconds);
  return pair;
}
// Whether `act` took `seconds` or longer, but not forever.
template <typename Act>
void ShowTime(const char* what, int seconds, Act act) {
  const int64_t start = Now();
  const int result = act();
  const int error = errno;
  const double took = static_cast<double>(Now() - start) / 1e9;
  const char* words = took < seconds - 0.05 ? "did not wait" : "waited";
  std::printf("%s: %s, %s\n", what, result >= 0 ? "ok" : ErrorName(error),
              took > kLong / 2 ? "waited far too long" : words);
}

int g_signals = 0;
void CountSignal(int) { ++g_signals; }

void WaitUntilTimeIsOver() {
  for (const bool blocks : {true, false}) {
    const Pair pair = Full(1);
    Block(pair.client, blocks);
    ShowTime(blocks ? "close, a blocking one" : "close, a non-blocking one", 1,
             [&] { return close(pair.client); });
    Block(pair.server, true);
    std::printf("the peer gets all of it: %d\n", ReadAll(pair.server) > 20000);
    close(pair.server);
  }
  const Pair pair = Full(1);
  const int other = open("/dev/null", O_RDONLY);
  const int copy = dup(pair.client);
  ShowTime("close while a duplicate stays", 1, [&] { return close(copy); });
  ShowTime("dup2 over the last", 1, [&] { return dup2(other, pair.client); });
  const Pair two[] = {Full(1), Full(1)};
  constexpr int kFrom = 500;
  for (int i = 0; i < 2; ++i) {
    Must(dup2(two[i].client, kFrom + i) == kFrom + i, "dup2");
    close(two[i].client);
  }
  ShowTime("close_range of two waits twice", 2,
           [] { return static_cast<int>(syscall(SYS_close_range, kFrom, kFrom + 1, 0)); });
}

void NothingToWaitFor() {
  const Pair quick = Connected();
  Linger(quick.client, kLong);
  ShowSent("a peer with room", quick.client, "abc");
  ShowTime("close", 1, [&] { return close(quick.client); });
  Block(quick.server, true);
  ShowReceived("recv", quick.server, 10);
  ShowReceived("recv", quick.server, 10);

  const Pair unread = Full(kLong);
  ShowSent("what nobody will read", unread.server, "abc");
  Settle();
  ShowTime("close with unread bytes", 1, [&] { return close(unread.client); });

  const Pair shut = Full(1);
  ShowTime("shutdown", 1, [&] { return shutdown(shut.client, SHUT_WR); });
  ShowTime("and close", 1, [&] { return close(shut.client); });

  const int listener = Listener(5);
  Linger(listener, kLong);
  ShowTime("close of a listener", 1, [&] { return close(listener); });

  int local[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, local) == 0, "socketpair");
  Fill(local[0]);
  Linger(local[0], kLong);
  ShowTime("close of an AF_UNIX socket", 1, [&] { return close(local[0]); });

  const pid_t child = Fork([] {
    Full(kLong);
    return 3;
  });
  ShowTime("exit", 1, [&] {
    ShowEnd("the child", child);
    return 0;
  });
}

// `act` is done by a child that has no part in the client's end, once the parent waits in close(2);
// it stays until that is over.
template <typename Act>
void ShowEndOfWait(const char* what, Act act) {
  const Pair pair = Full(kLong);
  Gate ready, over;
  const pid_t child = Fork([&] {
    close(pair.client);
    ready.Open();
    UntilProcessAsleep(getppid());
    const int status = act(pair.server);
    over.Pass();
    return status;
  });
  close(pair.server);
  ready.Pass();
  ShowTime(what, 0, [&] { return close(pair.client); });
  over.Open();
  ShowEnd("  the other", child);
  std::printf("  the number is free: %s\n", close(pair.client) < 0 ? ErrorName(errno) : "no");
}

void WhatEndsIt() {
  ShowEndOfWait("a peer that reads", [](int server) {
    Block(server, true);
    return ReadAll(server) > 20000 ? 0 : 1;
  });
  ShowEndOfWait("a peer that goes", [](int server) { return close(server); });
  Handle(SIGUSR1, CountSignal);
  ShowEndOfWait("a signal", [](int server) {
    kill(getppid(), SIGUSR1);
    Block(server, true);
    // What was sent comes all the same.
    return ReadAll(server) > 20000 ? 0 : 1;
  });
  std::printf("  signals: %d\n", g_signals);
  Handle(SIGUSR1, CountSignal, SA_RESTART);
  ShowEndOfWait("a signal that restarts calls", [](int) {
    kill(getppid(), SIGUSR1);
    return 0;
  });
  std::printf("  signals: %d\n", g_signals);
  Block({SIGUSR1});
  kill(getpid(), SIGUSR1);
  const Pair pair = Full(1);
  ShowTime("a blocked signal does not", 1, [&] { return close(pair.client); });
}

}  // namespace

int main() {
  for (const int seconds : {0, 5, 2147483647, -1, -2}) ShowLinger(seconds);
  WaitUntilTimeIsOver();
  NothingToWaitFor();
  WhatEndsIt();
  return 0;
}
