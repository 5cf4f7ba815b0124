// Calls that wait: until SO_RCVTIMEO or SO_SNDTIMEO has passed, for all that is wanted, or not at
// all.
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

void Timeout(int fd, int option, long microseconds) {
  const timeval time = {microseconds / 1000000, microseconds % 1000000};
  Must(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time) == 0, "timeout");
}

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double started;
void Begin() { started = Now(); }
void End(const char* what, long result) {
  const int error = errno;
  const bool waited = Now() - started >= 0.02;
  errno = error;
  printf("%s, ", waited ? "waited" : "at once");
  ShowCount(what, result);
}

void Receiving(int type) {
  printf("-- receiving, %s\n", TypeName(type));
  const Pair pair = MakePair(type);
  Timeout(pair.b, SO_RCVTIMEO, 20000);
  char bytes[100];
  iovec vector = {bytes, sizeof bytes};
  Begin();
  End("recv", recv(pair.b, bytes, sizeof bytes, 0));
  Begin();
  End("read", read(pair.b, bytes, sizeof bytes));
  Begin();
  End("readv", readv(pair.b, &vector, 1));
  Begin();
  End("MSG_DONTWAIT", recv(pair.b, bytes, sizeof bytes, MSG_DONTWAIT));
  Begin();
  End("MSG_PEEK", recv(pair.b, bytes, sizeof bytes, MSG_PEEK));
  Send(pair.a, "some");
  Begin();
  End("MSG_WAITALL", recv(pair.b, bytes, 10, MSG_WAITALL));
  Send(pair.a, "more");
  Begin();
  End("MSG_WAITALL and MSG_PEEK", recv(pair.b, bytes, 10, MSG_WAITALL | MSG_PEEK));
  Begin();
  End("MSG_WAITALL of what is there", recv(pair.b, bytes, 4, MSG_WAITALL));
  const int low = 3;
  Must(setsockopt(pair.b, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low) == 0, "SO_RCVLOWAT");
  Send(pair.a, "12");
  Begin();
  End("less than SO_RCVLOWAT", recv(pair.b, bytes, 10, 0));
  Send(pair.a, "12");
  Begin();
  End("read, less than SO_RCVLOWAT", read(pair.b, bytes, 10));
  Send(pair.a, "12");
  Begin();
  End("one byte is enough where one is wanted", recv(pair.b, bytes, 1, 0));
  ReadText(pair.b, 10);
  Send(pair.a, "end");
  shutdown(pair.a, SHUT_WR);
  Begin();
  End("MSG_WAITALL at the end", recv(pair.b, bytes, 10, MSG_WAITALL));
  Begin();
  End("end", recv(pair.b, bytes, 10, 0));
  close(pair.a);
  close(pair.b);
}

void Sending(int type) {
  printf("-- sending, %s\n", TypeName(type));
  const Pair pair = MakePair(type);
  Timeout(pair.a, SO_SNDTIMEO, 20000);
  const std::string large(150000, 'x');
  Begin();
  End("fits", send(pair.a, large.data(), large.size(), 0));
  Begin();
  End("a part", send(pair.a, large.data(), large.size(), 0));
  Begin();
  End("full", send(pair.a, large.data(), large.size(), 0));
  Begin();
  End("write to a full one", write(pair.a, large.data(), large.size()));
  close(pair.a);
  close(pair.b);
}

void Negative() {
  printf("-- a negative timeout\n");
  const Pair pair = MakePair(SOCK_STREAM);
  const timeval time = {-1, 0};
  Must(setsockopt(pair.b, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0, "SO_RCVTIMEO");
  char byte;
  End("recv", recv(pair.b, &byte, 1, 0));
}

void Connecting() {
  printf("-- connecting\n");
  const Address name("@pollux-waiting-");
  const int listener = Listener(name, 0);
  Timeout(listener, SO_RCVTIMEO, 20000);
  Begin();
  End("accept", accept(listener, nullptr, nullptr));
  Must(Connect(NewSocket(SOCK_STREAM), name) == 0, "connect");
  const int client = NewSocket(SOCK_STREAM);
  Timeout(client, SO_SNDTIMEO, 20000);
  Begin();
  End("connect to a full backlog", Connect(client, name));
  const int server = NewSocket(SOCK_DGRAM), sender = NewSocket(SOCK_DGRAM);
  Must(Bind(server, name) == 0 && Connect(sender, name) == 0, "connect");
  Timeout(sender, SO_SNDTIMEO, 20000);
  Begin();
  int sent = 0;
  while (send(sender, "x", 1, 0) == 1) ++sent;
  printf("%d datagrams, then ", sent);
  End("the next", -1);
}

}  // namespace

int main() {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Receiving(type);
    Sending(type);
  }
  Negative();
  Connecting();
  return 0;
}
