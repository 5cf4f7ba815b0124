// user_timeout: TCP_USER_TIMEOUT: a connection whose peer takes nothing for that long ends with
// ETIMEDOUT, and so does one that nobody answers. The peer only hears of it when it says something.
#include <poll.h>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/tcp/full_connection.h"

namespace {

Pair Full(int timeout_ms) {
  const Pair pair = Connected();
  SetOption(pair.client, SOL_TCP, TCP_USER_TIMEOUT, timeout_ms);
  Fill(pair.client);
  return pair;
}
// Waits until poll(2) tells of an error or the end.
void ShowPoll(const char* what, int fd, int limit_ms) {
  pollfd entry = {fd, 0, 0};
  const int64_t start = Now();
  const int ready = poll(&entry, 1, limit_ms);
  const int64_t took = (Now() - start) / kMillisecond;
  std::printf("%s: %s%s, %s\n", what, ready == 0 ? "nothing" : "",
              Names(static_cast<uint32_t>(entry.revents)).c_str(),
              took >= limit_ms - 1 ? "the whole time" : "sooner");
}
void ReadToTheEnd(int fd) {
  Block(fd, true);
  const size_t got = ReadAll(fd);
  std::printf("the peer read %s, then %s\n", got > 20000 ? "much" : "little",
              errno == 0 ? "the end" : ErrorName(errno));
}

}  // namespace

int main() {
  std::printf("a peer that does not read\n");
  {
    const Pair pair = Full(500);
    Watch watch({{'c', pair.client}});
    watch.Tell("full");
    const int64_t start = Now();
    ShowPoll("poll", pair.client, 20000);
    Must(Now() - start >= 450 * kMillisecond, "not before its time");
    watch.Tell("it is over");
    std::printf("SO_ERROR: %s\n", PendingError(pair.client));
    ShowSent("send", pair.client, "x");
    ShowReceived("recv", pair.client, 10);
    std::printf("the peer's name: %s\n", PeerAddress(pair.client).c_str());
    ReadToTheEnd(pair.server);
    watch.Tell("the peer has read");
  }
  {
    const Pair pair = Full(300);
    ShowPoll("poll", pair.client, 20000);
    ShowSent("send tells of it", pair.client, "x");
    ShowSent("once", pair.client, "x");
    ShowSent("the peer sends", pair.server, "x");
    ReadToTheEnd(pair.server);
  }
  {
    const Pair pair = Full(300);
    Block(pair.client, true);
    ShowCount("a waiting send", send(pair.client, "x", 1, MSG_NOSIGNAL));
  }
  {
    const Pair pair = Full(300);
    close(pair.client);
    ShowPoll("what was closed goes, too, and nobody is told", pair.server, 1500);
    ReadToTheEnd(pair.server);
  }
  std::printf("set later\n");
  {
    const Pair pair = Connected();
    Fill(pair.client);
    SetOption(pair.client, SOL_TCP, TCP_USER_TIMEOUT, 300);
    ShowPoll("poll", pair.client, 20000);
    std::printf("SO_ERROR: %s\n", PendingError(pair.client));
  }
  std::printf("no timeout\n");
  {
    const Pair pair = Full(300);
    SetOption(pair.client, SOL_TCP, TCP_USER_TIMEOUT, 0);
    ShowPoll("poll", pair.client, 1500);
    const Pair other = Full(0);
    close(other.client);
    ReadToTheEnd(other.server);
  }
  std::printf("a peer that reads in time\n");
  {
    const Pair pair = Full(2000);
    for (int i = 0; i < 4; ++i) {
      usleep(600000);
      char bytes[65536];
      while (recv(pair.server, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
      }
      Settle();
      Fill(pair.client);
    }
    std::printf("SO_ERROR: %s\n", PendingError(pair.client));
  }
  std::printf("inherited from the listener\n");
  {
    const int listener = Listener(1);
    SetOption(listener, SOL_TCP, TCP_USER_TIMEOUT, 300);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    Must(Connect(client, NameOf(listener)) == 0, "connect");
    const int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    std::printf("%d\n", Option(server, SOL_TCP, TCP_USER_TIMEOUT));
    Fill(server);
    ShowPoll("poll", server, 20000);
  }
  std::printf("nobody answers\n");
  {
    const int listener = Listener(0);
    std::vector<int> waiting;
    for (int i = 0; i < 3; ++i) {
      waiting.push_back(Tcp());
      (void)Connect(waiting.back(), NameOf(listener));
    }
    for (const int timeout_ms : {300, 1500}) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      SetOption(fd, SOL_TCP, TCP_USER_TIMEOUT, timeout_ms);
      const int64_t start = Now();
      Show("connect", Connect(fd, NameOf(listener)));
      const int64_t took = (Now() - start) / kMillisecond;
      // The first answer is waited for for a second.
      const int64_t least = timeout_ms < 1000 ? 1000 : timeout_ms;
      std::printf("in time: %d\n", took >= least - 50 && took < least + 5000);
    }
  }
  return 0;
}
