// merged_masks: Redis has one registration for both sides of a socket (src/ae_epoll.c:
// aeApiAddEvent and aeApiDelEvent merge the masks). A client that cannot take its whole reply gets
// a writing side (src/networking.c: handleClientsWithPendingWrites tries to write before the loop
// sleeps, and only what is left needs one; sendReplyToClient deletes it when all is written), while
// its reading side goes on. Here a client sends requests, and reads the large replies late.
#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/redis/ae.h"

namespace {

constexpr int kRequests = 3;
constexpr size_t kReplyBytes = 300000;  // More than a socket takes at once.

char ByteAt(size_t place) { return static_cast<char>('a' + place % 23); }

}  // namespace

int main() {
  EventLoop loop(64);
  SocketPair pair;
  Gate full;
  std::string reply;  // What is left of all replies.
  size_t written = 0;
  int requests = 0, installed = 0, removed = 0;

  // True if nothing is left.
  const auto write_some = [&] {
    while (!reply.empty()) {
      const ssize_t put = write(pair.near, reply.data(), reply.size());
      if (put < 0) {
        Must(errno == EAGAIN, "the socket is full");
        return false;
      }
      reply.erase(0, put);
    }
    return true;
  };
  loop.Create(pair.near, kReadable, [&] {
    char request;
    const ssize_t got = read(pair.near, &request, 1);
    Must(got >= 0, "a readable socket can be read");
    if (got == 0) return loop.Delete(pair.near, kReadable | kWritable);
    ++requests;
    for (size_t i = 0; i < kReplyBytes; ++i) reply += ByteAt(written++);
  });
  loop.before_sleep = [&] {
    if (reply.empty() || (loop.mask(pair.near) & kWritable) || write_some()) return;
    if (installed++ == 0) full.Open();
    loop.Create(pair.near, kWritable, [&] {
      if (!write_some()) return;
      ++removed;
      loop.Delete(pair.near, kWritable);
    });
  };
  std::printf("the reading side: %s\n", loop.TakeCalls().c_str());

  // The client blocks in all it does, and reads nothing before its socket is full.
  std::thread client([&pair, &full] {
    const int fd = pair.far;
    fcntl(fd, F_SETFL, 0);
    Must(write(fd, "asd", kRequests) == kRequests, "write");
    full.Pass();
    std::vector<char> bytes(70000);
    for (size_t place = 0; place < kRequests * kReplyBytes;) {
      const ssize_t got = read(fd, bytes.data(), bytes.size());
      Must(got > 0, "the reply goes on");
      for (ssize_t i = 0; i < got; ++i) Must(bytes[i] == ByteAt(place++), "the bytes are right");
    }
    // Nothing comes any more, and the server hears of the end.
    Must(shutdown(fd, SHUT_WR) == 0, "shutdown");
  });
  while (loop.mask(pair.near) != kNone) loop.Process(-1);
  client.join();

  Must(installed >= 1 && removed == installed, "each writing side was deleted again");
  // The calls: the writing side came and went, the reading side stayed, in the end nothing was
  // left.
  std::string expected;
  for (int i = 0; i < installed; ++i) expected += "MOD rw, MOD r, ";
  Must(loop.TakeCalls() == expected + "DEL", "the masks were merged");
  std::printf("%d requests, %zu bytes\n", requests, written);
  return 0;
}
