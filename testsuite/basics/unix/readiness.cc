// Every readiness change of connected sockets, watched level- and edge-triggered.
#include "testsuite/basics/unix/sockets.h"

namespace {

void Data(int type) {
  printf("-- data on %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Watcher reader(pair.b), writer(pair.a);
  reader.Show("reader at first");
  writer.Show("writer at first");
  Send(pair.a, "one");
  reader.Show("reader after one");
  writer.Show("writer after one");
  Send(pair.a, "two");
  reader.Show("reader after two");
  ReadText(pair.b, 2);
  reader.Show("reader has read a part");
  writer.Show("writer, reader has read a part");
  ReadText(pair.b, 100);
  reader.Show("reader has read on");
  writer.Show("writer, reader has read on");
  ReadText(pair.b, 100);
  reader.Show("reader at the end");
  ReadText(pair.b, 100);
  reader.Show("reader after EAGAIN");
  close(pair.a);
  close(pair.b);
}

void Full(int type, size_t bytes) {
  printf("-- %s full of %zu\n", TypeName(type), bytes);
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Watcher writer(pair.a);
  writer.Show("empty");
  Fill(pair.a, bytes);
  writer.Show("full");
  std::string buffer(bytes, '\0');
  int reads = 0;
  std::string last;
  while (recv(pair.b, buffer.data(), bytes, 0) > 0) {
    // Print where something changes only.
    Watcher fresh(pair.a);
    ++reads;
    const std::string now = Ready(pair.a);
    if (now != last) {
      printf("after %d reads: %s\n", reads, now.c_str());
      writer.Show("writer");
      last = now;
    }
  }
  writer.Show("drained");
  writer.Show("and quiet");
  close(pair.a);
  close(pair.b);
}

void Half(int type, int how, const char* name) {
  printf("-- %s shutdown %s\n", TypeName(type), name);
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Watcher a(pair.a), b(pair.b);
  a.Show("a at first");
  b.Show("b at first");
  Must(shutdown(pair.a, how) == 0, "shutdown");
  a.Show("a");
  b.Show("b");
  Must(shutdown(pair.a, how) == 0, "shutdown");
  a.Show("a, again");
  b.Show("b, again");
  Must(shutdown(pair.b, SHUT_RDWR) == 0, "shutdown");
  a.Show("a, both");
  b.Show("b, both");
  close(pair.a);
  close(pair.b);
}

void Gone(int type, bool unread) {
  printf("-- %s gone%s\n", TypeName(type), unread ? " with unread data" : "");
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Watcher b(pair.b);
  b.Show("b at first");
  if (unread) Send(pair.b, "x");
  b.Show("b");
  close(pair.a);
  b.Show("b, gone");
  b.Show("b, once more");
  ReadText(pair.b, 10);
  b.Show("b, after a read");
  ReadText(pair.b, 10);
  b.Show("b, after another");
  close(pair.b);
}

// A buffer that grows makes room: SO_SNDBUF is a wake-up.
void Grows(int type) {
  printf("-- %s grows\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  int bytes = 5000;
  Must(setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0, "SO_SNDBUF");
  Fill(pair.a, 1000);
  Watcher a(pair.a);
  a.Show("full");
  bytes = 100000;
  Must(setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0, "SO_SNDBUF");
  a.Show("larger");
  Must(setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0, "SO_SNDBUF");
  a.Show("set again");
  close(pair.a);
  close(pair.b);
}

}  // namespace

int main() {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Data(type);
    Full(type, 1000);
    Full(type, 30000);
    Half(type, SHUT_RD, "RD");
    Half(type, SHUT_WR, "WR");
    Half(type, SHUT_RDWR, "RDWR");
    Gone(type, false);
    Gone(type, true);
    Grows(type);
  }
  return 0;
}
