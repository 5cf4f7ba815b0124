// lingering_together: several sockets with SO_LINGER whose last references go in one call: each is
// closed when the one before is done with, so that its end is not sent before. The last one that
// was let go comes first. A signal, or the end of the process, closes all that are left at once.
#include <poll.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/tcp/full_connection.h"

namespace {

// Whether what the peer has not read yet ends, as far as it has come.
bool HasEnded(int fd) {
  static char bytes[65536];
  for (int quiet = 0; quiet < 3;) {
    const ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count == 0) return true;
    if (count > 0) {
      quiet = 0;
      continue;
    }
    Must(errno == EAGAIN, "recv");
    ++quiet;
    Settle();
  }
  return false;
}

// Connections that are full, whose clients have neighbouring numbers.
class Connections {
 public:
  Connections(int count, int seconds) {
    std::vector<Pair> pairs;
    for (int i = 0; i < count; ++i) {
      pairs.push_back(Connected());
      Fill(pairs.back().client);
      const linger value = {1, seconds};
      Must(setsockopt(pairs.back().client, SOL_SOCKET, SO_LINGER, &value, sizeof value) == 0,
           "SO_LINGER");
    }
    for (int i = 0; i < count; ++i) {
      Must(dup3(pairs[i].client, static_cast<int>(kFirst) + i, O_CLOEXEC) ==
               static_cast<int>(kFirst) + i,
           "dup3");
      close(pairs[i].client);
      servers.push_back(pairs[i].server);
    }
  }
  ~Connections() {
    for (const int server : servers) close(server);
  }
  unsigned last() const { return kFirst + static_cast<unsigned>(servers.size()) - 1; }

  static constexpr unsigned kFirst = 200;
  std::vector<int> servers;
};

void Ended(const char* what, const Connections& connections) {
  std::string text;
  for (const int server : connections.servers) text += HasEnded(server) ? " yes" : " no";
  std::printf("%s, ended:%s\n", what, text.c_str());
}

void OneAfterTheOther() {
  std::puts("- close_range");
  const Connections connections(3, 1000);
  std::atomic<pid_t> tid = 0;
  std::atomic<bool> returned = false;
  std::thread closer([&] {
    tid = Tid();
    Must(close_range(Connections::kFirst, connections.last(), 0) == 0, "close_range");
    returned = true;
  });
  while (tid == 0) sched_yield();
  UntilThreadAsleep(tid);
  std::printf("the first: %d\n", HasEnded(connections.servers[0]));
  std::printf("the second: %d\n", HasEnded(connections.servers[1]));
  UntilThreadAsleep(tid);
  std::printf("returned: %d\n", static_cast<int>(returned));
  std::printf("the third: %d\n", HasEnded(connections.servers[2]));
  closer.join();
  std::printf("the first: %d\n", HasEnded(connections.servers[0]));
  std::printf("the second: %d\n", HasEnded(connections.servers[1]));
}

void UntilTheTimeIsOver() {
  std::puts("- one second each");
  const Connections connections(2, 1);
  const int64_t start = Now();
  Must(close_range(Connections::kFirst, connections.last(), 0) == 0, "close_range");
  const int64_t took = Now() - start;
  std::printf("both were waited for: %d\n", took > 1900 * kMillisecond);
  Ended("then", connections);
}

void OnSignal(int) {}

void UntilASignal() {
  std::puts("- a signal");
  Handle(SIGUSR1, OnSignal);
  const Connections connections(3, 1000);
  std::atomic<pid_t> tid = 0;
  std::thread closer([&] {
    tid = Tid();
    Must(close_range(Connections::kFirst, connections.last(), 0) == 0, "close_range");
  });
  while (tid == 0) sched_yield();
  UntilThreadAsleep(tid);
  Must(pthread_kill(closer.native_handle(), SIGUSR1) == 0, "pthread_kill");
  closer.join();
  Ended("then", connections);
}

// A child that alone has the clients, and closes them where it is told to.
void InAChild(const char* what, bool closes) {
  std::printf("- %s\n", what);
  const Connections connections(3, 1000);
  Gate begun;
  const pid_t child = Fork([&] {
    begun.Pass();
    if (closes) close_range(Connections::kFirst, connections.last(), 0);
    pause();
    return 6;
  });
  Must(close_range(Connections::kFirst, connections.last(), 0) == 0, "close_range");
  begun.Open();
  UntilProcessAsleep(child);
  Must(kill(child, SIGKILL) == 0, "kill");
  ShowEnd("the child", child);
  Ended("then", connections);
}

}  // namespace

int main() {
  OneAfterTheOther();
  UntilTheTimeIsOver();
  UntilASignal();
  InAChild("the process ends", false);
  InAChild("the process is killed while it waits", true);
  return 0;
}
