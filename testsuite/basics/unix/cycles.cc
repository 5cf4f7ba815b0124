// Sockets that travel through each other: what nobody can receive any more is collected, and those
// outside see their peers end. Linux does it a little later than the close(2) that allows it, so
// the end is waited for.
#include "testsuite/basics/unix/rights.h"

namespace {

// The release of any AF_UNIX socket starts the collection.
void Release() {
  const Pair pair = MakePair(SOCK_STREAM);
  close(pair.a);
  close(pair.b);
}

void ShowEnd(const char* what, int fd) {
  pollfd entry = {fd, POLLRDHUP, 0};
  const int count = poll(&entry, 1, 2000);
  printf("%s: %s, ", what, count == 1 ? "ends" : "lives on");
  ShowRead("reads", fd, 10);
}

void SelfCycle() {
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  Must(SendRights(pair.b, "x", {pair.a}) == 1, "send");
  close(pair.a);
  Release();
  ShowEnd("a socket in its own queue", pair.b);
  close(pair.b);
}

void TwoCycle() {
  const Pair one = MakePair(SOCK_STREAM | SOCK_NONBLOCK),
             two = MakePair(SOCK_DGRAM | SOCK_NONBLOCK);
  int pipe_ends[2];
  Must(pipe2(pipe_ends, O_NONBLOCK) == 0, "pipe2");
  // one.a lies in two.a's queue and two.a in one.a's.
  Must(SendRights(two.b, "x", {one.a, pipe_ends[1]}) == 1, "send");
  Must(SendRights(one.b, "x", {two.a}) == 1, "send");
  close(pipe_ends[1]);
  close(one.a);
  Release();
  char byte;
  printf("reachable: %s\n", read(pipe_ends[0], &byte, 1) < 0 ? ErrorName(errno) : "end");
  close(two.a);
  Release();
  ShowEnd("two in each other's queues", one.b);
  pollfd entry = {pipe_ends[0], POLLIN, 0};
  poll(&entry, 1, 2000);
  printf("what travelled with them: %zd\n", read(pipe_ends[0], &byte, 1));
  ShowCount("a datagram's sender", send(two.b, "x", 1, 0));
  close(one.b);
  close(two.b);
}

void StillReachable() {
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  const Pair carrier = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  Must(SendRights(pair.b, "x", {pair.a}) == 1, "send");
  Must(SendRights(carrier.a, "x", {pair.a}) == 1, "send");
  close(pair.a);
  Release();
  usleep(50000);
  ShowReady("held by a message that can be received", pair.b);
  const Received received = ReceiveRights(carrier.b, 10);
  Must(received.rights.size() == 1, "received");
  const Received inner = ReceiveRights(received.rights[0], 10);
  ShowReceived("it holds itself", inner);
  CloseAll(inner);
  CloseAll(received);
  ShowEnd("and now", pair.b);
}

void ListenerCycle() {
  const Address name("@pollux-cycle-");
  const int listener = Listener(name, 5);
  const int client = NewSocket(SOCK_STREAM | SOCK_NONBLOCK);
  Must(Connect(client, name) == 0, "connect");
  // The listener lies in the queue of a connection that only it could accept.
  Must(SendRights(client, "x", {listener}) == 1, "send");
  close(listener);
  Release();
  ShowEnd("a listener in an unaccepted connection", client);
  Show("the name is free", Bind(NewSocket(SOCK_STREAM), name));
  close(client);
}

void EpollInTheCycle() {
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  const int epoll = epoll_create1(0);
  epoll_event event = {EPOLLIN, {}};
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.a, &event) == 0, "epoll_ctl");
  Must(SendRights(pair.b, "x", {epoll, pair.a}) == 1, "send");
  close(epoll);
  close(pair.a);
  Release();
  ShowEnd("with an epoll instance that watches it", pair.b);
  close(pair.b);
}

void LongChain() {
  // Each socket lies in the queue of the next; the last one in the first one's.
  constexpr int kLength = 100;
  Pair pairs[kLength];
  for (Pair& pair : pairs) pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  for (int i = 0; i < kLength; ++i) {
    Must(SendRights(pairs[(i + 1) % kLength].b, "x", {pairs[i].a}) == 1, "send");
  }
  for (const Pair& pair : pairs) close(pair.a);
  Release();
  int ended = 0;
  for (const Pair& pair : pairs) {
    pollfd entry = {pair.b, POLLRDHUP, 0};
    if (poll(&entry, 1, 2000) == 1) ++ended;
  }
  printf("of %d in a ring %d end\n", kLength, ended);
}

}  // namespace

int main() {
  SelfCycle();
  TwoCycle();
  StillReachable();
  ListenerCycle();
  EpollInTheCycle();
  LongChain();
  return 0;
}
