// Datagrams between sockets with names: who may send to whom, how many wait, who is woken when
// there is room, what a peer's end means.
#include "testsuite/basics/unix/sockets.h"

namespace {

const Address kServer("@pollux-server-"), kOther("@pollux-other-"), kClient("@pollux-client-");

long SendTo(int fd, const char* text, const Address& to) {
  return sendto(fd, text, strlen(text), MSG_DONTWAIT, to.get(), to.bytes);
}

void ShowFrom(const char* what, int fd) {
  char bytes[64];
  sockaddr_un from;
  socklen_t length = sizeof from;
  const ssize_t count =
      recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length);
  if (count < 0) {
    printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  const bool client = length == kClient.bytes && memcmp(&from, &kClient.un, length) == 0;
  printf("%s: %.*s from %s\n", what, static_cast<int>(count), bytes,
         length == 0 ? "nobody"
         : client    ? "client"
                     : "somebody");
}

void Names() {
  printf("-- names\n");
  const int server = NewSocket(SOCK_DGRAM), client = NewSocket(SOCK_DGRAM);
  ShowReady("unconnected", server);
  Must(Bind(server, kServer) == 0, "bind");
  ShowCount("not connected", send(client, "x", 1, 0));
  ShowCount("sendto", SendTo(client, "early", kServer));
  ShowFrom("without a name", server);
  ShowCount("sendto", SendTo(client, "bound later", kServer));
  Must(Bind(client, kClient) == 0, "bind");
  ShowFrom("a name that came later", server);
  ShowCount("to nobody", SendTo(client, "x", kOther));
  ShowCount("an answer", SendTo(server, "answer", kClient));
  ShowRead("answer", client, 20);
  Show("connect", Connect(client, kServer));
  ShowCount("send", send(client, "connected", 9, 0));
  ShowFrom("received", server);
  const int stranger = NewSocket(SOCK_DGRAM);
  ShowCount("a stranger to one who is connected", SendTo(stranger, "x", kClient));
  Show("a stranger connects to him", Connect(stranger, kClient));
  ShowCount("the server may", SendTo(server, "mine", kClient));
  ShowRead("mine", client, 20);
  ShowCount("a connected one may send elsewhere", SendTo(client, "x", kOther));
  sockaddr unspecified = {};
  unspecified.sa_family = AF_UNSPEC;
  Show("disconnect", connect(client, &unspecified, sizeof unspecified));
  ShowCount("send", send(client, "x", 1, 0));
  Show("the peer's name", getpeername(client, &unspecified, new socklen_t(16)));
  close(server);
  close(client);
  close(stranger);
}

void QueueLimit() {
  printf("-- the queue's limit\n");
  const int server = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK);
  Must(Bind(server, kServer) == 0, "bind");
  const int client = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK);
  Must(Connect(client, kServer) == 0, "connect");
  const int second = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK);
  Must(Connect(second, kServer) == 0, "connect");
  Watcher watcher(client), second_watcher(second);
  watcher.Show("empty");
  second_watcher.Show("second, empty");
  int sent = 0;
  while (send(client, "x", 1, 0) == 1) ++sent;
  printf("%d fit, then %s\n", sent, ErrorName(errno));
  watcher.Show("full");
  second_watcher.Show("second, full");
  ShowCount("unconnected", SendTo(NewSocket(SOCK_DGRAM), "x", kServer));
  ReadText(server, 1);
  watcher.Show("one read");
  second_watcher.Show("second, one read");
  watcher.Show("again");
  ReadText(server, 1);
  watcher.Show("two read");
  second_watcher.Show("second, two read");
  while (send(client, "x", 1, 0) == 1) {
  }
  watcher.Show("full again");
  Must(recv(server, new char[1], 1, MSG_PEEK) == 1, "peek");
  watcher.Show("a peek");
  close(server);
  watcher.Show("the server has gone");
  second_watcher.Show("second, the server has gone");
  ShowCount("send", send(client, "x", 1, 0));
  watcher.Show("refused");
  ShowCount("send again", send(client, "x", 1, 0));
  close(client);
  close(second);
}

void Reconnecting() {
  printf("-- reconnecting\n");
  const int server = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK),
            other = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK),
            client = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK);
  Must(Bind(server, kServer) == 0 && Bind(other, kOther) == 0 && Bind(client, kClient) == 0,
       "bind");
  Must(Connect(client, kServer) == 0 && Connect(server, kClient) == 0, "connect");
  Send(server, "lost");
  Watcher watcher(server);
  watcher.Show("server");
  Show("connect elsewhere", Connect(client, kOther));
  watcher.Show("server, left");
  ShowRead("what had come", client, 10);
  ShowRead("server reads", server, 10);
  ShowRead("server reads on", server, 10);
  ShowCount("server sends", send(server, "x", 1, 0));
  close(server);
  close(other);
  close(client);
}

void ToItself() {
  printf("-- to itself\n");
  const int fd = NewSocket(SOCK_DGRAM | SOCK_NONBLOCK);
  Must(Bind(fd, kServer) == 0, "bind");
  Must(Connect(fd, kServer) == 0, "connect");
  int sent = 0;
  while (sent < 1000 && send(fd, "x", 1, 0) == 1) ++sent;
  printf("%d fit\n", sent);
  ShowReady("full", fd);
  close(fd);
}

void Sizes() {
  printf("-- sizes\n");
  const Pair pair = MakePair(SOCK_DGRAM | SOCK_NONBLOCK);
  const std::string data(300000, 'x');
  ShowCount("212960", send(pair.a, data.data(), 212960, 0));
  ShowCount("212961", send(pair.b, data.data(), 212961, 0));
  ShowCount("empty", send(pair.b, "", 0, 0));
  ShowReady("an empty one waits", pair.a);
  ShowRead("an empty one", pair.a, 10);
  ShowRead("no more", pair.a, 10);
  close(pair.a);
  close(pair.b);
}

}  // namespace

int main() {
  Names();
  QueueLimit();
  Reconnecting();
  ToItself();
  Sizes();
  return 0;
}
