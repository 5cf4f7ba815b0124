// splicing: splice(2), tee(2), vmsplice(2) and sendfile(2) to a pipe: what moves, into how many
// slots, what becomes ready, and the errors and their order.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <csignal>
#include <string>

#include "testsuite/basics/check.h"

namespace {

struct Pipe {
  int out, in;  // Read from `out`.
  explicit Pipe(int flags = O_NONBLOCK) {
    int ends[2];
    Must(pipe2(ends, flags) == 0, "pipe2");
    out = ends[0], in = ends[1];
  }
  int Bytes() const {
    int bytes = -1;
    ioctl(out, FIONREAD, &bytes);
    return bytes;
  }
  bool HasRoom() const {
    pollfd room = {in, POLLOUT, 0};
    return poll(&room, 1, 0) == 1;
  }
};

std::string Take(int fd, size_t bytes) {
  std::string text(bytes, '?');
  const ssize_t got = read(fd, text.data(), bytes);
  if (got < 0) return ErrorName(errno);
  text.resize(got);
  return text;
}

// How many slots are free: each takes a page.
int FreeSlots(const Pipe& pipe) {
  static const char page[4096] = {};
  int slots = 0;
  while (write(pipe.in, page, sizeof page) == sizeof page) ++slots;
  return slots;
}

void BetweenPipes() {
  Pipe a, b;
  Must(write(a.in, "abcdef", 6) == 6, "write");
  ShowCount("part of a slot", splice(a.out, nullptr, b.in, nullptr, 2, 0));
  Must(write(b.in, "X", 1) == 1, "write");
  std::printf("the part is not merged into: %d free\n", FreeSlots(b));
  const std::string first = Take(b.out, 3), rest = Take(a.out, 10);
  std::printf("[%s] and [%s]\n", first.c_str(), rest.c_str());
  Pipe c, d;
  Must(write(c.in, "whole", 5) == 5, "write");
  ShowCount("a whole slot", splice(c.out, nullptr, d.in, nullptr, 100, 0));
  Must(write(d.in, "merged", 6) == 6, "write");
  std::printf("merged: %d free\n", FreeSlots(d));
  ShowCount("from an empty one", splice(c.out, nullptr, d.in, nullptr, 1, 0));
  Must(write(c.in, "x", 1) == 1, "write");
  ShowCount("into a full one", splice(c.out, nullptr, d.in, nullptr, 1, 0));
  close(c.in);
  ShowCount("no writer, data left", splice(c.out, nullptr, a.in, nullptr, 9, SPLICE_F_NONBLOCK));
  ShowCount("no writer", splice(c.out, nullptr, a.in, nullptr, 9, 0));
  close(b.out);
  ShowCount("no reader", splice(a.out, nullptr, b.in, nullptr, 1, 0));

  Pipe from, to;
  Must(write(from.in, "tee", 3) == 3, "write");
  ShowCount("tee", tee(from.out, to.in, 2, 0));
  ShowCount("tee again", tee(from.out, to.in, 100, 0));
  const std::string stays = Take(from.out, 9), two = Take(to.out, 2), more = Take(to.out, 9);
  std::printf("[%s] stays, [%s] [%s]\n", stays.c_str(), two.c_str(), more.c_str());
  ShowCount("tee of an empty one", tee(from.out, to.in, 1, 0));
  ShowCount("tee to itself", tee(from.out, from.in, 1, 0));
  ShowCount("splice to itself", splice(from.out, nullptr, from.in, nullptr, 1, 0));
}

void WithFiles() {
  const int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  const std::string text(9000, 'f');
  Must(write(file, text.data(), text.size()) == 9000, "write");
  Pipe pipe;
  off64_t at = 100;
  ShowCount("from a file, at an offset", splice(file, &at, pipe.in, nullptr, 9000, 0));
  std::printf("offset %lld, %d bytes, ", static_cast<long long>(at), pipe.Bytes());
  std::printf("%d slots free\n", FreeSlots(pipe));
  Pipe small;
  const int process = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  ShowCount("no byte of a pidfd", sendfile(small.in, process, nullptr, 0));
  ShowCount("a byte of a pidfd", sendfile(small.in, process, nullptr, 1));
  Must(lseek(file, 0, SEEK_SET) == 0, "lseek");
  int count = 0;
  while (splice(file, nullptr, small.in, nullptr, 1, 0) == 1) ++count;
  std::printf("%d single bytes, then %s, position %lld, room %d\n", count, ErrorName(errno),
              static_cast<long long>(lseek(file, 0, SEEK_CUR)), small.HasRoom());
  at = 0;
  ShowCount("to a file", splice(small.out, nullptr, file, &at, 10, 0));
  std::printf("offset %lld, room %d\n", static_cast<long long>(at), small.HasRoom());
  Must(lseek(file, 0, SEEK_END) == 9000, "lseek");
  ShowCount("to the end", splice(small.out, nullptr, file, nullptr, 100, 0));
  std::printf("size %lld\n", static_cast<long long>(lseek(file, 0, SEEK_END)));
  ShowCount("at the end of the file", splice(file, nullptr, small.in, nullptr, 5, 0));

  Must(write(small.in, "left", 4) == 4, "write");
  const int append = open("file", O_WRONLY | O_APPEND);
  const int read_only = open("file", O_RDONLY);
  ShowCount("O_APPEND", splice(small.out, nullptr, append, nullptr, 1, 0));
  ShowCount("not writable", splice(small.out, nullptr, read_only, nullptr, 1, 0));
  ShowCount("not readable", splice(append, nullptr, small.in, nullptr, 1, 0));
  ShowCount("two files", splice(read_only, nullptr, file, nullptr, 1, 0));
  at = -1;
  ShowCount("a negative offset", splice(file, &at, small.in, nullptr, 1, 0));
  at = 0;
  ShowCount("an offset in a pipe", splice(small.out, &at, file, nullptr, 1, 0));
  ShowCount("and for the other", splice(file, nullptr, small.in, &at, 1, 0));
  ShowCount("unknown flags", splice(small.out, nullptr, file, nullptr, 1, 16));
  ShowCount("length 0 comes first", splice(-1, nullptr, -1, nullptr, 0, 16));
  ShowCount("tee: flags come first", tee(-1, -1, 0, 16));
  ShowCount("tee: length 0", tee(-1, -1, 0, 0));
  ShowCount("no descriptor", splice(-1, nullptr, file, nullptr, 1, 0));
  const int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR),
            directory = open(".", O_RDONLY);
  ShowCount("to /dev/null", splice(small.out, nullptr, null, nullptr, 2, 0));
  ShowCount("from /dev/null", splice(null, nullptr, small.in, nullptr, 2, 0));
  ShowCount("from /dev/zero", splice(zero, nullptr, small.in, nullptr, 2, 0));
  ShowCount("from a directory", splice(directory, nullptr, small.in, nullptr, 2, 0));

  Pipe blocking(0);
  at = 0;
  Must(ftruncate(file, 200000) == 0, "ftruncate");
  ShowCount("sendfile fills a pipe and ends", sendfile(blocking.in, file, &at, 200000));
  std::printf("offset %lld\n", static_cast<long long>(at));
  Must(fcntl(blocking.in, F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
  ShowCount("and waits no more", sendfile(blocking.in, file, &at, 1));
  close(blocking.out);
  ShowCount("without reader", sendfile(blocking.in, file, &at, 1));
}

void WithMemory() {
  Pipe pipe;
  auto* pages = static_cast<char*>(
      mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(pages, 'm', 2 * 4096);
  Must(munmap(pages + 2 * 4096, 4096) == 0, "munmap");
  iovec vectors[2] = {{pages + 4000, 200}, {pages, 10}};
  ShowCount("vmsplice", vmsplice(pipe.in, vectors, 2, 0));
  std::printf("%d bytes, ", pipe.Bytes());
  std::printf("%d slots free\n", FreeSlots(pipe));
  ShowCount("vmsplice, full", vmsplice(pipe.in, vectors, 2, SPLICE_F_NONBLOCK));
  char text[300];
  iovec to = {text, 150};
  ShowCount("vmsplice to memory", vmsplice(pipe.out, &to, 1, 0));
  std::printf("%.3s\n", text);
  Pipe other;
  iovec bad = {pages + 4096, 2 * 4096};
  ShowCount("up to the end of memory", vmsplice(other.in, &bad, 1, 0));
  bad = {pages + 2 * 4096, 10};
  ShowCount("nothing there", vmsplice(other.in, &bad, 1, 0));
  ShowCount("a file", vmsplice(open("file", O_RDWR), &to, 1, 0));
  ShowCount("no bytes", vmsplice(other.in, &to, 0, 0));
  ShowCount("unknown flags", vmsplice(-1, &to, 1, 16));
  Must(read(other.out, text, 300) == 300, "read");
  while (read(other.out, text, 300) > 0) {
  }
  ShowCount("an empty pipe", vmsplice(other.out, &to, 1, SPLICE_F_NONBLOCK));
}

// Which of them is an edge for an edge-triggered watcher, and what a level says.
void Edges() {
  for (const uint32_t trigger : {0u, static_cast<uint32_t>(EPOLLET)}) {
    Pipe from, to;
    const int epoll = epoll_create1(0);
    epoll_event event = {};
    const auto see = [&](const char* what) {
      epoll_event events[4];
      const int count = epoll_wait(epoll, events, 4, 0);
      std::printf("%s, %s:", trigger != 0 ? "edge" : "level", what);
      for (int i = 0; i < count; ++i)
        std::printf(" %c%x", static_cast<char>(events[i].data.u32), events[i].events);
      std::printf("\n");
    };
    const auto watch = [&](int fd, uint32_t events, char name) {
      event.events = events | trigger;
      event.data.u32 = static_cast<uint32_t>(name);
      Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
    };
    watch(from.in, EPOLLOUT, 'w');
    watch(to.out, EPOLLIN, 'r');
    see("at first");
    Must(write(from.in, "12", 2) == 2, "write");
    see("written");
    Must(tee(from.out, to.in, 1, 0) == 1, "tee");
    see("teed");
    Must(splice(from.out, nullptr, to.in, nullptr, 1, 0) == 1, "splice");
    see("spliced a part");
    Must(splice(from.out, nullptr, to.in, nullptr, 1, 0) == 1, "splice");
    see("spliced the rest");
    FreeSlots(from);
    see("filled");
    Must(read(to.out, &event, 3) == 3, "read");
    Must(splice(from.out, nullptr, to.in, nullptr, 4096, 0) == 4096, "splice");
    see("a slot of a full one");
    close(epoll);
  }
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);
  EnterScratchDirectory();
  BetweenPipes();
  WithFiles();
  WithMemory();
  Edges();
  return 0;
}
