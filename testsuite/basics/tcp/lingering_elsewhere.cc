// lingering_elsewhere: SO_LINGER where the last reference goes in another way than by close(2) of
// its number: with a call that has outlived the number, with execve(2), with a message that nobody
// has taken. Whoever lets go waits.
#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/tcp/full_connection.h"

namespace {

Pair FullLingering() {
  const Pair pair = Connected();
  Fill(pair.client);
  const linger value = {1, 1};
  Must(setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &value, sizeof value) == 0, "SO_LINGER");
  return pair;
}
void ShowTime(const char* what, int64_t since) {
  std::printf("%s: %s\n", what, Now() - since > 900 * kMillisecond ? "waited" : "did not wait");
}

void WithACall() {
  const Pair pair = FullLingering();
  Block(pair.client, true);
  pid_t tid = 0;
  int64_t returned = 0;
  Gate begun;
  std::thread reader([&] {
    tid = Tid();
    begun.Open();
    char byte;
    ShowCount("recv", recv(pair.client, &byte, 1, 0));
    returned = Now();
  });
  begun.Pass();
  UntilThreadAsleep(tid);
  int64_t start = Now();
  close(pair.client);
  ShowTime("close under a call", start);
  start = Now();
  Must(send(pair.server, "x", 1, 0) == 1, "send");
  reader.join();
  std::printf("the call: %s\n", returned - start > 900 * kMillisecond ? "waited" : "did not wait");
}

void WithAnExecution() {
  const Pair pair = FullLingering();
  const int64_t start = Now();
  const pid_t child = Fork([&] {
    Must(fcntl(pair.client, F_SETFD, FD_CLOEXEC) == 0, "FD_CLOEXEC");
    execl("/proc/self/exe", "program", std::to_string(pair.client).c_str(), nullptr);
    return 9;
  });
  close(pair.client);
  ShowEnd("the child", child);
  ShowTime("execve", start);
}

void WithAMessage() {
  int local[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, local) == 0, "socketpair");
  const Pair pair = FullLingering();
  Must(SendControl(local[0], "x", SOL_SOCKET, SCM_RIGHTS, 1, pair.client) == 1, "sendmsg");
  int64_t start = Now();
  close(pair.client);
  close(local[0]);
  ShowTime("close by the sender", start);
  start = Now();
  close(local[1]);
  ShowTime("close by the receiver", start);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    const int fd = std::stoi(argv[1]);
    std::printf("executed, the number is %s\n", fcntl(fd, F_GETFD) < 0 ? "free" : "open");
    return 0;
  }
  WithACall();
  WithAnExecution();
  WithAMessage();
  return 0;
}
