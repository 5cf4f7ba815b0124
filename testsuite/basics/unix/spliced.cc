// spliced: what splice(2) and sendfile(2) give a socket: one message out of several slots of the
// pipe, and what its bytes cost in the send buffer.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

char bytes[70000];

int Unread(int fd) {
  int count = 0;
  Must(ioctl(fd, SIOCOUTQ, &count) == 0, "SIOCOUTQ");
  return count;
}

void Drain(int fd) {
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

struct Ends {
  int out, in;
};
Ends MakePipe() {
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  return {ends[0], ends[1]};
}

void Splice(int type) {
  std::printf("%s\n", TypeName(type));
  for (const size_t count : {size_t{1}, size_t{100}, size_t{4096}, size_t{5000}, size_t{65536}}) {
    const Pair pair = MakePair(type | SOCK_NONBLOCK);
    const Ends pipe = MakePipe();
    Must(write(pipe.in, bytes, count) == static_cast<ssize_t>(count), "write");
    ShowCount("splice", splice(pipe.out, nullptr, pair.a, nullptr, 70000, SPLICE_F_NONBLOCK));
    ShowCount("costs", Unread(pair.a));
    ShowCount("read of some", read(pair.b, bytes, 50));
    ShowCount("leaves", Unread(pair.a));
    Drain(pair.b);
    ShowCount("and all", Unread(pair.a));
  }
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  const Ends pipe = MakePipe();
  // Slots of their own.
  for (int i = 0; i < 3; ++i) {
    Must(write(pipe.in, bytes, 4000) == 4000, "write");
  }
  ShowCount("three slots", splice(pipe.out, nullptr, pair.a, nullptr, 70000, SPLICE_F_NONBLOCK));
  ShowCount("read", read(pair.b, bytes, 5000));
  ShowCount("read", read(pair.b, bytes, 5000));
  Drain(pair.b);
  int sent = 0;
  while (true) {
    (void)!write(pipe.in, bytes, 3000);
    const ssize_t count = splice(pipe.out, nullptr, pair.a, nullptr, 3000, SPLICE_F_NONBLOCK);
    if (count < 0) break;
    ++sent;
  }
  std::printf("until it is full: %d of 3000 bytes, then %s\n", sent, ErrorName(errno));

  const Pair fresh = MakePair(type | SOCK_NONBLOCK);
  const int file = memfd_create("file", 0);
  Must(write(file, bytes, 20000) == 20000, "write");
  off_t offset = 100;
  ShowCount("sendfile", sendfile(fresh.a, file, &offset, 10000));
  ShowCount("costs", Unread(fresh.a));
  ShowCount("read", read(fresh.b, bytes, sizeof bytes));
}

// The other way: a message is read at once, and what there is no room for is lost.
void SpliceFrom(int type) {
  std::printf("from a %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  const Ends pipe = MakePipe();
  ShowCount("nothing", splice(pair.b, nullptr, pipe.in, nullptr, 10, SPLICE_F_NONBLOCK));
  for (int i = 0; i < 4; ++i) Must(write(pair.a, bytes, 10000) == 10000, "write");
  ShowCount("splice", splice(pair.b, nullptr, pipe.in, nullptr, 70000, SPLICE_F_NONBLOCK));
  ShowCount("of some", splice(pair.b, nullptr, pipe.in, nullptr, 10, SPLICE_F_NONBLOCK));
  Must(fcntl(pipe.in, F_SETPIPE_SZ, 8 * 4096) == 8 * 4096, "F_SETPIPE_SZ");
  ShowCount("no room for all", splice(pair.b, nullptr, pipe.in, nullptr, 70000, SPLICE_F_NONBLOCK));
  ShowCount("a slot is left", write(pipe.in, bytes, 5000));
  ShowCount("in the pipe", read(pipe.out, bytes, sizeof bytes));
}

}  // namespace

int main() {
  Splice(SOCK_STREAM);
  Splice(SOCK_DGRAM);
  Splice(SOCK_SEQPACKET);
  SpliceFrom(SOCK_DGRAM);
  SpliceFrom(SOCK_SEQPACKET);
  return 0;
}
