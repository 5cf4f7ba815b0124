// libev_ghosts: libev's generation counters (ev_epoll.c). A watched socket is closed while somebody
// else keeps it open, here a duplicate and then a child process. The kernel goes on reporting it
// under the old number, which is another file's by then. The generation in the event's data gives
// the ghost away; it cannot be deleted, as no number leads to it, so libev makes a new instance.
#include <fcntl.h>
#include <sys/socket.h>

#include "testsuite/basics/socket_pair.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/libevent/libev.h"

namespace {

std::string received;

void ReadOne(int fd) {
  char byte;
  Must(read(fd, &byte, 1) == 1, "what is reported can be read");
  received += byte;
}

void Put(int fd, char byte) { Must(write(fd, &byte, 1) == 1, "write"); }

void Poll(Libev& loop, const char* what) {
  const int ran = loop.Poll();
  std::printf("%s: %d callbacks, %s\n", what, ran, loop.TakeCalls().c_str());
}

}  // namespace

int main() {
  Libev loop;
  SocketPair first, second, third;
  const int number = first.near;
  const auto read_one = [number](uint32_t) { ReadOne(number); };

  loop.Want(number, EPOLLIN, read_one);
  Put(first.far, 'a');
  Poll(loop, "the first socket");

  // The number goes to the second socket; the duplicate keeps the first, and its registration.
  const int duplicate = fcntl(number, F_DUPFD_CLOEXEC, 0);
  loop.Want(number, 0);
  Must(dup2(second.near, number) == number, "dup2");
  loop.Want(number, EPOLLIN, read_one);
  Put(first.far, 'x');
  Poll(loop, "a ghost");
  Poll(loop, "the new instance");
  Put(second.far, 'b');
  Poll(loop, "the second socket");
  Poll(loop, "no ghost");

  // A child has the second socket, and closes it only at the end.
  Gate parent_done;
  const pid_t child = Fork([&] {
    parent_done.Pass();
    return 0;
  });
  loop.Want(number, 0);
  close(second.near);  // The only other number of it here.
  Must(close(number) == 0, "close");
  Put(second.far, 'y');
  // Nobody has the number, so even the generation is right, but nothing can be deleted.
  Poll(loop, "a ghost of the child's");
  Poll(loop, "the new instance");

  Must(dup2(third.near, number) == number, "dup2");
  loop.Want(number, EPOLLIN, read_one);
  Put(third.far, 'c');
  Poll(loop, "the third socket");
  parent_done.Open();
  ShowEnd("the child", child);
  Poll(loop, "after the child");
  std::printf("received %s\n", received.c_str());
  Must(received == "abc", "nobody read what was another's");
  return close(duplicate);
}
