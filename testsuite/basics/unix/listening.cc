// Listening: the order of connections, a full backlog, what both sides may do before accept(2), and
// what a listener's end does to those who wait.
#include "testsuite/basics/unix/sockets.h"

namespace {

void Order(int type) {
  printf("-- order, %s\n", TypeName(type));
  const Address name("@pollux-order-");
  const int listener = Listener(name, 8, type | SOCK_NONBLOCK);
  ShowReady("listener", listener);
  ShowCount("nobody", accept(listener, nullptr, nullptr));
  int clients[3];
  for (int& client : clients) {
    client = NewSocket(type);
    Must(Connect(client, name) == 0, "connect");
  }
  ShowReady("listener", listener);
  Send(clients[0], "first");
  Send(clients[1], "second");
  Send(clients[2], "third");
  ShowReady("client", clients[0]);
  for (int i = 0; i < 3; ++i) {
    sockaddr_un peer;
    socklen_t bytes = sizeof peer;
    const int fd = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &bytes,
                           i == 0 ? SOCK_NONBLOCK | SOCK_CLOEXEC : 0);
    Must(fd >= 0, "accept4");
    printf("%u bytes of name, flags %#x, close on exec %d, ", bytes,
           fcntl(fd, F_GETFL) & O_NONBLOCK, fcntl(fd, F_GETFD));
    ShowRead("reads", fd, 20);
    close(fd);
  }
  for (int client : clients) ShowReady("client", client);
  for (int client : clients) close(client);
  close(listener);
}

void Backlog(int type, int backlog) {
  const Address name("@pollux-backlog-");
  const int listener = Listener(name, backlog, type | SOCK_NONBLOCK);
  int connected = 0;
  int clients[64];
  for (int& client : clients) {
    client = NewSocket(type | SOCK_NONBLOCK);
    if (Connect(client, name) != 0) break;
    ++connected;
  }
  printf("backlog %d of %s takes %d, then %s\n", backlog, TypeName(type), connected,
         ErrorName(errno));
  if (connected < 64) {
    Watcher watcher(clients[connected]);
    watcher.Show("who did not get in");
    const int accepted = accept(listener, nullptr, nullptr);
    Must(accepted >= 0, "accept");
    watcher.Show("after an accept");
    Show("now", Connect(clients[connected], name));
    watcher.Show("connected");
    close(accepted);
    Show("a longer backlog", listen(listener, backlog < 0 ? 0 : backlog + 1));
    Show("one more", Connect(NewSocket(type | SOCK_NONBLOCK), name));
  }
  for (int i = 0; i < connected; ++i) close(clients[i]);
  close(listener);
}

void Edges() {
  printf("-- a listener's edges\n");
  const Address name("@pollux-edges-");
  const int listener = Listener(name, 8, SOCK_STREAM | SOCK_NONBLOCK);
  Watcher watcher(listener);
  watcher.Show("nobody");
  const int first = NewSocket(SOCK_STREAM), second = NewSocket(SOCK_STREAM);
  Must(Connect(first, name) == 0, "connect");
  watcher.Show("one");
  watcher.Show("one, again");
  Must(Connect(second, name) == 0, "connect");
  watcher.Show("two");
  close(accept(listener, nullptr, nullptr));
  watcher.Show("one left");
  close(accept(listener, nullptr, nullptr));
  watcher.Show("none left");
  Watcher client(first);
  client.Show("client, whose server has closed");
  close(first);
  close(second);
  close(listener);
}

void Closing() {
  printf("-- closing\n");
  const Address name("@pollux-closing-");
  const int listener = Listener(name, 8, SOCK_STREAM | SOCK_NONBLOCK);
  const int waiting = NewSocket(SOCK_STREAM | SOCK_NONBLOCK), gone = NewSocket(SOCK_STREAM);
  Must(Connect(waiting, name) == 0 && Connect(gone, name) == 0, "connect");
  Send(gone, "left behind");
  close(gone);
  Watcher watcher(waiting);
  watcher.Show("waiting");
  const int first = accept(listener, nullptr, nullptr);
  Must(first >= 0, "accept");
  watcher.Show("accepted");
  const int left = accept(listener, nullptr, nullptr);
  Must(left >= 0, "accept of who has gone");
  ShowRead("left behind", left, 20);
  ShowRead("end", left, 20);
  const int never = NewSocket(SOCK_STREAM | SOCK_NONBLOCK);
  Must(Connect(never, name) == 0, "connect");
  Watcher never_watcher(never);
  never_watcher.Show("never accepted");
  close(listener);
  never_watcher.Show("listener closed");
  ShowRead("never accepted", never, 1);
  ShowRead("then", never, 1);
  ShowCount("send", send(never, "x", 1, MSG_NOSIGNAL));
  ShowReady("who was accepted", waiting);
  Show("nobody listens", Connect(NewSocket(SOCK_STREAM), name));
}

void States() {
  printf("-- states\n");
  const Address name("@pollux-states-");
  const int fd = NewSocket(SOCK_STREAM);
  Show("listen without a name", listen(fd, 1));
  Show("accept without listen", accept(fd, nullptr, nullptr));
  Must(Bind(fd, name) == 0, "bind");
  int value = -1;
  socklen_t bytes = sizeof value;
  Must(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes) == 0, "SO_ACCEPTCONN");
  printf("SO_ACCEPTCONN: %d\n", value);
  Show("listen", listen(fd, 5));
  Must(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes) == 0, "SO_ACCEPTCONN");
  printf("SO_ACCEPTCONN: %d\n", value);
  Show("listen again", listen(fd, 6));
  Show("a listener connects to itself", Connect(fd, name));
  ShowRead("a listener receives", fd, 1);
  ShowCount("a listener sends", send(fd, "x", 1, MSG_NOSIGNAL));
  const int client = NewSocket(SOCK_STREAM);
  Show("connect", Connect(client, name));
  Show("connect again", Connect(client, name));
  Show("listen when connected", listen(client, 1));
  Show("bind when connected", Bind(client, Address("@pollux-late-")));
  Show("accept4 with an unknown flag", accept4(fd, nullptr, nullptr, 1));
  Show("shutdown of a listener", shutdown(fd, SHUT_RD));
  ShowReady("listener", fd);
  Show("connect", Connect(NewSocket(SOCK_STREAM), name));
  close(accept(fd, nullptr, nullptr));
  Show("accept what is not there", accept(fd, nullptr, nullptr));
  fcntl(fd, F_SETFL, O_NONBLOCK);
  Show("accept without waiting", accept(fd, nullptr, nullptr));
  const int datagrams = NewSocket(SOCK_DGRAM);
  Show("listen for datagrams", listen(datagrams, 1));
  Show("accept datagrams", accept(datagrams, nullptr, nullptr));
  const Pair pair = MakePair(SOCK_STREAM);
  Show("listen of a pair", listen(pair.a, 1));
}

}  // namespace

int main() {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    Order(type);
    for (int backlog : {0, 1, 5, -1}) Backlog(type, backlog);
  }
  Edges();
  Closing();
  States();
  return 0;
}
