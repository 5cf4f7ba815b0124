// How many messages fit: the send buffer counts what sk_buffs cost, not bytes; SIOCOUTQ says how
// much that is.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

int Outstanding(int fd) {
  int bytes = 0;
  Must(ioctl(fd, SIOCOUTQ, &bytes) == 0, "SIOCOUTQ");
  return bytes;
}

void Count(int type, size_t bytes, int buffer) {
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  if (buffer > 0) {
    Must(setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) == 0, "SO_SNDBUF");
  }
  const std::string data(bytes, 'x');
  const ssize_t first = send(pair.a, data.data(), bytes, 0);
  printf("%s of %zu, buffer %d: ", TypeName(type), bytes, buffer);
  if (first < 0) {
    printf("%s\n", ErrorName(errno));
  } else {
    printf("%zd costs %d; ", first, Outstanding(pair.a));
    const long rest = Fill(pair.a, bytes);
    printf("%ld in all, outstanding %d, %s\n", first + rest, Outstanding(pair.a),
           Ready(pair.a).c_str());
  }
  close(pair.a);
  close(pair.b);
}

// When does it become writable again, and how much may be written then?
void Drain(int type, size_t bytes) {
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Fill(pair.a, bytes);
  std::string buffer(bytes, '\0');
  int reads = 0;
  while (Ready(pair.a) == "nothing" && reads < 1000) {
    Must(recv(pair.b, buffer.data(), bytes, 0) > 0, "recv");
    ++reads;
  }
  const int outstanding = Outstanding(pair.a);
  printf("%s of %zu: writable after %d reads, outstanding %d, %ld more\n", TypeName(type), bytes,
         reads, outstanding, Fill(pair.a, bytes));
  close(pair.a);
  close(pair.b);
}

}  // namespace

int main() {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    for (int buffer : {0, 1, 5000, 20000, 100000}) {
      for (size_t bytes :
           {1,    100,  192,   193,   704,   705,   1728,  1729,  3776,   3777,  4096,
            8192, 9000, 16064, 16065, 20000, 36544, 36545, 65536, 100000, 200000}) {
        Count(type, bytes, buffer);
      }
    }
    for (size_t bytes : {1, 100, 4096, 65536}) Drain(type, bytes);
  }
  return 0;
}
