// fifo_edges: what epoll says of a FIFO's ends while others open and close it, level- and
// edge-triggered.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "testsuite/basics/check.h"

namespace {

void Walk(uint32_t trigger) {
  Must(mkfifo("fifo", 0600) == 0, "mkfifo");
  const int epoll = epoll_create1(0);
  const auto watch = [&](int fd, char name) {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | trigger;
    event.data.u32 = static_cast<uint32_t>(name);
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
  };
  const auto see = [&](const char* what) {
    epoll_event events[4];
    const int count = epoll_wait(epoll, events, 4, 0);
    std::printf("%s, %s:", trigger != 0 ? "edge" : "level", what);
    for (int i = 0; i < count; ++i) {
      const uint32_t bits = events[i].events;
      std::printf(" %c%s%s%s%s", static_cast<char>(events[i].data.u32), bits & EPOLLIN ? "+IN" : "",
                  bits & EPOLLOUT ? "+OUT" : "", bits & EPOLLERR ? "+ERR" : "",
                  bits & EPOLLHUP ? "+HUP" : "");
    }
    std::printf("\n");
  };
  char bytes[8];
  int reader = open("fifo", O_RDONLY | O_NONBLOCK);
  watch(reader, 'r');
  see("a reader alone");
  int writer = open("fifo", O_WRONLY | O_NONBLOCK);
  see("a writer comes");
  watch(writer, 'w');
  see("and is watched");
  const int second = open("fifo", O_WRONLY | O_NONBLOCK);
  see("a second writer");
  close(second);
  see("it goes");
  Must(write(writer, "12", 2) == 2, "write");
  see("data");
  close(writer);
  see("the last writer goes, data left");
  Must(read(reader, bytes, 8) == 2, "read");
  see("read");
  writer = open("fifo", O_WRONLY | O_NONBLOCK);
  see("a writer comes back");
  watch(writer, 'w');
  see("and is watched");
  close(reader);
  see("the reader goes");
  reader = open("fifo", O_RDONLY | O_NONBLOCK);
  see("a reader comes back");
  watch(reader, 'r');
  see("and is watched");
  const int both = open("fifo", O_RDWR);
  see("somebody opens it both ways");
  watch(both, 'b');
  see("and is watched");
  close(writer);
  see("the writer goes");
  Must(write(both, "x", 1) == 1, "write");
  see("data");
  Must(read(reader, bytes, 8) == 1, "read");
  see("read by the reader");
  // Whoever waits for room waits in a queue of its own.
  char page[4096] = {};
  fcntl(both, F_SETFL, O_NONBLOCK);
  while (write(both, page, sizeof page) > 0) continue;
  see("filled");
  while (read(reader, page, sizeof page) > 0) continue;
  see("emptied by the reader");
  close(both);
  see("all but the reader have gone");
  close(reader);
  close(epoll);
  Must(unlink("fifo") == 0, "unlink");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Walk(0);
  Walk(EPOLLET);
  return 0;
}
