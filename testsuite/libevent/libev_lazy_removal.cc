// libev_lazy_removal: what libev leaves out (ev_epoll.c: epoll_modify). A watcher that is stopped
// makes no call; started again with the same events it is added, and EEXIST is all that libev wants
// to know: the mask is the same, so the registration is the old one, generation and all. With other
// events it is modified. Events that nobody wants any more are met when they come.
#include "testsuite/libevent/base.h"
#include "testsuite/libevent/libev.h"

int main() {
  Libev loop;
  Pipe pipe;
  const int number = pipe.reader;
  std::string received;
  const auto read_one = [&](uint32_t) {
    char byte;
    Must(read(number, &byte, 1) == 1, "what is reported can be read");
    received += byte;
  };
  const auto poll = [&](const char* what) {
    const int ran = loop.Poll();
    std::printf("%s: %d callbacks, %s\n", what, ran, loop.TakeCalls().c_str());
  };

  loop.Want(number, EPOLLIN, read_one);
  poll("started");
  loop.Want(number, 0);
  poll("stopped");
  loop.Want(number, EPOLLIN);
  pipe.Put('a');
  poll("started again");

  loop.Want(number, 0);
  pipe.Put('b');
  poll("stopped, and a byte");
  poll("the byte waits");
  loop.Want(number, EPOLLIN);
  poll("started again");

  // Both events, then one: what is reported decides when the kernel is told.
  loop.Want(pipe.writer, EPOLLIN | EPOLLOUT, [](uint32_t) {});
  poll("a writer");
  loop.Want(pipe.writer, EPOLLIN);
  poll("it wants something else");
  loop.Want(pipe.writer, 0);
  loop.Want(pipe.writer, EPOLLOUT);
  poll("and again");
  loop.Want(pipe.writer, 0);
  poll("and nothing");
  poll("quiet");

  // The number is another file's that was never added, and libev is told of it by ev_io_set.
  Pipe other;
  Must(dup2(other.reader, number) == number, "dup2");
  loop.Want(number, EPOLLIN, {}, /*is_new=*/true);
  other.Put('c');
  poll("another file");
  // It is not told, but the mask changes: modified, ENOENT, added.
  Must(dup2(pipe.writer, number) == number, "dup2");
  loop.Want(number, EPOLLOUT, [](uint32_t) {});
  poll("a third file");
  std::printf("received %s\n", received.c_str());
  Must(received == "abc", "every byte came, once");
  return 0;
}
