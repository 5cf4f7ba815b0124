// exclusive_listeners: nginx's workers share a listener (ngx_event_process_init,
// ngx_event_accept in src/event/ngx_event_accept.c). Each forked worker has an epoll instance of
// its own and adds the inherited listener level-triggered with EPOLLEXCLUSIVE, so that a connection
// need not wake all. Whoever is told accepts one and may find that another took it. As the kernel
// prefers whom it told last, a worker deletes and adds the listener now and then
// (ngx_reorder_accept_events). The master's word comes over a channel; the listener is deleted
// explicitly then, as it stays open in the others, and no connection may be lost on the way.
#include "testsuite/basics/net.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/nginx/cycle.h"

namespace {

constexpr int kWorkers = 3;
constexpr int kClients = 24;

// Answers each request with its upper-case letter until the master says so.
int Work(int listener, int channel) {
  Cycle cycle(kClients + 2);
  int accepted = 0;
  bool quitting = false;

  Connection& listening = cycle.Get(listener);
  const auto serve = [&](Connection& self) {
    char request;
    while (self.read.ready) {
      const ssize_t got = Receive(self, &request, 1);
      if (got < 0) return;
      if (got == 0) return cycle.Close(self);
      const char answer = static_cast<char>(request - 'a' + 'A');
      Must(send(self.fd, &answer, 1, MSG_NOSIGNAL) == 1, "send");
    }
  };
  listening.read.handler = [&](Connection& self) {
    const int fd = accept4(self.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return Must(errno == EAGAIN, "another worker took it");
    ++accepted;
    Connection& connection = cycle.Get(fd);
    connection.read.handler = serve;
    cycle.Add(connection);
    // To the end of the listener's queue; nginx does so after every sixteenth.
    if (accepted % 4 != 1) return;
    cycle.DeleteRead(self);
    cycle.AddRead(self, EPOLLEXCLUSIVE);
  };
  cycle.AddRead(listening, EPOLLEXCLUSIVE);

  Connection& master = cycle.Get(channel);
  master.read.handler = [&](Connection&) { quitting = true; };
  cycle.AddRead(master, 0);
  while (!quitting) cycle.ProcessEvents(-1);
  cycle.DeleteRead(listening);
  cycle.Close(listening);
  return accepted;
}

}  // namespace

int main() {
  const int listener = Listener(kClients);
  int channels[kWorkers];
  pid_t workers[kWorkers];
  for (int i = 0; i < kWorkers; ++i) {
    int ends[2];
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    channels[i] = ends[0];
    workers[i] = Fork([&] { return Work(listener, ends[1]); });
    close(ends[1]);
  }

  // All connect before any asks; some are accepted while others connect.
  int clients[kClients];
  const sockaddr_in address = NameOf(listener);
  for (int& client : clients) {
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Must(Connect(client, address) == 0, "connect");
  }
  std::string answers;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kClients; ++i) {
      const char request = static_cast<char>('a' + i);
      Must(send(clients[i], &request, 1, 0) == 1, "send");
    }
    for (int i = 0; i < kClients; ++i) {
      char answer;
      Must(TEMP_FAILURE_RETRY(recv(clients[i], &answer, 1, 0)) == 1, "each client is answered");
      answers += answer;
    }
  }
  std::printf("answers: %s\n", answers.c_str());

  int accepted = 0;
  for (int i = 0; i < kWorkers; ++i) {
    Must(send(channels[i], "q", 1, 0) == 1, "telling a worker to quit");
    accepted += WEXITSTATUS(Wait(workers[i]));
  }
  std::printf("accepted: %d\n", accepted);
  Must(accepted == kClients, "each connection was accepted once");
  return 0;
}
