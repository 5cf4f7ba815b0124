// close_in_callback: descriptors that are closed by a callback while the same poll still holds
// events for them. libuv's events carry nothing but the number of the descriptor, and the number is
// used again at once; so uv__io_close calls uv__platform_invalidate_fd (src/unix/linux.c), which
// strikes the number out of the events in hand and deletes it from the instance. The deletion
// matters too: a duplicate, here or in a child, keeps the description open, and the kernel
// reporting it.
#include "testsuite/libuv/loop.h"

namespace {

// A watched end of a pipe that somebody wrote to.
struct Connection {
  explicit Connection(Loop& loop) {
    pipe.Put('x');
    watcher.fd = pipe.reader;
    watcher.callback = [this](uint32_t) { on_event(); };
    loop.Start(watcher, EPOLLIN);
  }
  ~Connection() { close(pipe.writer); }
  Pipe pipe;
  Watcher watcher;
  std::function<void()> on_event;
};

}  // namespace

int main() {
  Loop loop;

  // Its own: nothing is left that could be told again.
  {
    Connection self(loop);
    int events = 0;
    self.on_event = [&] {
      ++events;
      loop.Close(self.watcher);
    };
    loop.Run();
    std::printf("closed by itself: %d event, %s\n", events, loop.TakeControls().c_str());
  }

  // Each other's, in one poll. Whoever runs first closes the other, whose number goes to a third
  // that has nothing to read.
  {
    Connection first(loop), second(loop);
    Pipe third_pipe;
    Watcher third;
    int events = 0, third_events = 0;
    const auto close_other = [&](Connection& self, Connection& other) {
      return [&] {
        ++events;
        const int number = other.watcher.fd;
        loop.Close(other.watcher);
        third.fd = dup(third_pipe.reader);
        Must(third.fd == number, "the number is used again");
        third.callback = [&](uint32_t) { ++third_events; };
        loop.Start(third, EPOLLIN);
        loop.Close(self.watcher);
      };
    };
    first.on_event = close_other(first, second);
    second.on_event = close_other(second, first);
    loop.Run(Loop::kNoWait);
    loop.Run(Loop::kNoWait);
    std::printf("closed by another: %d event, %d for the new one\n", events, third_events);
    Must(events == 1 && third_events == 0, "nobody hears what was another's");
    third_pipe.Put('y');
    loop.Run(Loop::kNoWait);
    std::printf("written to: %d for the new one\n", third_events);
    loop.Close(third);
    close(third_pipe.reader);
    close(third_pipe.writer);
  }

  // With a duplicate: the description lives on, but the instance has forgotten it.
  {
    Connection lingering(loop);
    const int duplicate = dup(lingering.pipe.reader);
    int events = 0;
    lingering.on_event = [&] {
      ++events;
      loop.Close(lingering.watcher);
    };
    loop.Run();
    lingering.pipe.Put('z');
    epoll_event event;
    const int reported = epoll_wait(loop.backend(), &event, 1, 0);
    std::printf("with a duplicate: %d event, then %d in the kernel\n", events, reported);
    close(duplicate);
  }
  return 0;
}
