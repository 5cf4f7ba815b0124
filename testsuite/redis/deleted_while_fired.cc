// deleted_while_fired: events that one poll reported, and that a callback of it deletes (src/ae.c:
// aeProcessEvents). Redis frees clients in the callbacks of others, so before each call the mask in
// the table is asked again, also between the reading and the writing side of one descriptor. As the
// table goes by number, a number that was closed and used again in between gets an event that was
// its predecessor's: its handlers must stand that, and do, as they read without blocking.
#include "testsuite/redis/ae.h"

namespace {

void Put(int fd, char byte) { Must(write(fd, &byte, 1) == 1, "write"); }

std::string Read(int fd) {
  char byte;
  const ssize_t got = read(fd, &byte, 1);
  return got < 0 ? ErrorName(errno) : std::string(&byte, got);
}

}  // namespace

int main() {
  EventLoop loop(64);
  std::string log;
  const auto turn = [&](const char* what) {
    const int count = loop.Process(0);
    std::printf("%s: %d reported,%s; %s\n", what, count, log.c_str(), loop.TakeCalls().c_str());
    log.clear();
  };

  // Both are ready; whichever is first deletes the other.
  SocketPair a, b;
  Put(a.far, 'a');
  Put(b.far, 'b');
  loop.Create(a.near, kReadable, [&] {
    log += " one of two";
    loop.Delete(b.near, kReadable);
  });
  loop.Create(b.near, kReadable, [&] {
    log += " one of two";
    loop.Delete(a.near, kReadable);
  });
  turn("two readers");
  turn("level-triggered");
  loop.Delete(a.near, kReadable);
  loop.Delete(b.near, kReadable);
  loop.TakeCalls();

  // The reading side deletes the writing side of the same event.
  loop.Create(a.near, kReadable, [&] {
    log += " read " + Read(a.near);
    loop.Delete(a.near, kWritable);
  });
  loop.Create(a.near, kWritable, [&] { log += " written"; });
  turn("both sides");
  turn("the reading side is left");

  // With a barrier the writing side is first.
  loop.Create(a.near, kWritable | kBarrier, [&] { log += " written"; });
  loop.Create(a.near, kReadable, [&] { log += " read " + Read(a.near); });
  Put(a.far, 'c');
  turn("a barrier");
  loop.Delete(a.near, kWritable);
  Put(a.far, 'd');
  turn("the barrier is gone");

  // Closed by another's callback, and the number given to a third in the same poll.
  SocketPair c;
  loop.Create(b.near, kReadable, [&] {});
  loop.Create(a.near, kReadable, [&] {});
  const auto take_over = [&](int mine, int others) {
    return [&, mine, others] {
      log += " " + Read(mine);
      loop.Delete(mine, kReadable);
      loop.Delete(others, kReadable);
      Must(dup2(c.near, others) == others, "dup2");
      loop.Create(others, kReadable, [&, others] { log += " third " + Read(others); });
    };
  };
  // Both have the same byte to read, as the order of a poll is the kernel's.
  Must(Read(b.near) == "b", "what nobody read is still there");
  Put(a.far, 'x');
  Put(b.far, 'x');
  loop.Create(a.near, kReadable, take_over(a.near, b.near));
  loop.Create(b.near, kReadable, take_over(b.near, a.near));
  loop.TakeCalls();
  turn("a number used again");
  turn("quiet");
  Put(c.far, 'y');
  turn("a byte for the third");
  return 0;
}
