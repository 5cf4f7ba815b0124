// lazy_registration: what libuv tells epoll, and when. uv__io_start only queues a watcher and
// uv__io_stop forgets it (src/unix/core.c); uv__io_poll (src/unix/linux.c) makes the calls. So a
// stopped descriptor stays registered. Started again, it is added, refused with EEXIST, and
// modified; not started again, it is reported once more to nobody, and deleted then. Reading a
// stream in bursts costs few calls this way, and the kernel must keep what nobody asked it to drop.
#include "testsuite/libuv/loop.h"

namespace {

// One turn with what is ready now, and the calls that it took.
void Turn(Loop& loop, const char* what) {
  loop.Run(Loop::kNoWait);
  std::printf("%s: %s\n", what, loop.TakeControls().c_str());
}

std::string Names(uint32_t events) {
  std::string names;
  if (events & EPOLLIN) names += " IN";
  if (events & EPOLLOUT) names += " OUT";
  if (events & EPOLLHUP) names += " HUP";
  return names;
}

}  // namespace

int main() {
  Loop loop;
  Pipe pipe, other;
  Watcher reader, bystander;
  std::string received;
  reader.fd = pipe.reader;
  reader.callback = [&](uint32_t events) {
    const std::string byte = ReadByte(reader.fd);
    std::printf("  %s, read \"%s\"\n", Names(events).c_str() + 1, byte.c_str());
    received += byte;
  };
  // Another watcher keeps the loop polling while the reader is stopped.
  bystander.fd = other.reader;
  bystander.callback = [](uint32_t) { Must(false, "nobody writes to the bystander"); };
  loop.Start(bystander, EPOLLIN);
  Turn(loop, "a bystander");

  loop.Start(reader, EPOLLIN);
  Turn(loop, "started");
  pipe.Put('a');
  Turn(loop, "a byte");

  loop.Stop(reader, EPOLLIN);
  Turn(loop, "stopped");
  loop.Start(reader, EPOLLIN);
  pipe.Put('b');
  Turn(loop, "started again, and a byte");

  loop.Stop(reader, EPOLLIN);
  pipe.Put('c');
  Turn(loop, "stopped, and a byte");
  Turn(loop, "the byte waits");
  loop.Start(reader, EPOLLIN);
  Turn(loop, "started again");

  // Stopped and started before the loop polls: it believes in no registration, the kernel has one.
  loop.Stop(reader, EPOLLIN);
  loop.Start(reader, EPOLLIN);
  Turn(loop, "stopped and started");
  loop.Start(reader, EPOLLIN);
  Turn(loop, "started twice");

  // Level-triggered: one byte in a turn, until there is none.
  for (const char byte : {'d', 'e'}) pipe.Put(byte);
  for (int turn = 0; turn < 3; ++turn) Turn(loop, "two bytes");

  // The end of the pipe is HUP alone, and the reader hears IN too.
  Must(close(pipe.writer) == 0, "close");
  Turn(loop, "the writer has gone");
  loop.Close(reader);
  Turn(loop, "closed");
  loop.Close(bystander);
  Turn(loop, "all closed");
  Must(received == "abcde", "every byte came, once");
  return close(other.writer);
}
