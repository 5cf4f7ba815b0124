// full: a sender whose peer does not read: EAGAIN, no OUT; the peer's reads give no edge each, but
// one when there is room enough again.
#include "testsuite/basics/net.h"

namespace {

char block[65536];

size_t Fill(int fd) {
  size_t sent = 0;
  for (;;) {
    const ssize_t count = send(fd, block, sizeof block, 0);
    if (count < 0) {
      std::printf("full: %s\n", ErrorName(errno));
      return sent;
    }
    sent += static_cast<size_t>(count);
  }
}

}  // namespace

int main() {
  const Pair pair = Connected();
  size_t sent = Fill(pair.client);
  // The kernel still moves things about; then it is full for good.
  usleep(300000);
  sent += Fill(pair.client);
  Watch watch({{'c', pair.client}});
  watch.Tell("full");
  Must(sent > 100000, "a hundred thousand bytes fit");
  char few[10];
  Must(recv(pair.server, few, sizeof few, 0) == 10, "recv");
  watch.Tell("ten bytes were read");

  size_t got = 10;
  int edges = 0;
  const int edge = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLOUT | EPOLLET;
  Must(epoll_ctl(edge, EPOLL_CTL_ADD, pair.client, &event) == 0, "epoll_ctl");
  while (got < sent) {
    const ssize_t count = recv(pair.server, block, 4096, 0);
    if (count < 0) {
      Must(errno == EAGAIN, "recv");
      Settle();
      continue;
    }
    got += static_cast<size_t>(count);
    edges += epoll_wait(edge, &event, 1, 0);
  }
  Settle();
  edges += epoll_wait(edge, &event, 1, 0);
  std::printf("edges while all was read: %d\n", edges);
  watch.Tell("all was read");
  ShowReceived("no more", pair.server, 10);

  // A blocking sender with a time limit tells what it could send.
  Block(pair.client, true);
  timeval limit = {0, 100000};
  Must(setsockopt(pair.client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0, "SO_SNDTIMEO");
  ssize_t count;
  while ((count = send(pair.client, block, sizeof block, 0)) > 0) continue;
  std::printf("with a time limit: %s\n", ErrorName(errno));
  return 0;
}
