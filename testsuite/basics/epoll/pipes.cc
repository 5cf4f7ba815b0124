// pipes: capacity, atomic writes, partial ones, packets, the ends that go away.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

char bytes[1 << 20];
int handled;

int InPipe(int fd) {
  int count = -1;
  Must(ioctl(fd, FIONREAD, &count) == 0, "FIONREAD");
  return count;
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  ShowCount("read of an empty pipe", read(ends[0], bytes, 1));
  ShowCount("read of 0 bytes of an empty pipe", read(ends[0], bytes, 0));
  ShowCount("write of 0 bytes", write(ends[1], bytes, 0));
  ShowCount("capacity", fcntl(ends[0], F_GETPIPE_SZ));
  ShowCount("write of a megabyte", write(ends[1], bytes, sizeof bytes));
  ShowCount("write of a byte more", write(ends[1], bytes, 1));
  ShowCount("read of a byte", read(ends[0], bytes, 1));
  ShowCount("write of a byte", write(ends[1], bytes, 1));
  ShowCount("read of a page", read(ends[0], bytes, 4095));
  ShowCount("write of a byte", write(ends[1], bytes, 1));
  ShowCount("write of PIPE_BUF does not fit", write(ends[1], bytes, PIPE_BUF));
  ShowCount("write of more than PIPE_BUF", write(ends[1], bytes, PIPE_BUF + 1));
  ShowCount("read of everything", read(ends[0], bytes, sizeof bytes));
  ShowCount("read of an empty pipe", read(ends[0], bytes, 1));

  // Small writes share pages.
  int small = 0;
  while (write(ends[1], "0123456789", 10) == 10) ++small;
  std::printf("%d writes of 10 bytes, %d bytes\n", small, InPipe(ends[0]));
  while (read(ends[0], bytes, 777) > 0) {
  }
  ShowCount("F_SETPIPE_SZ of 10000", fcntl(ends[1], F_SETPIPE_SZ, 10000));
  ShowCount("write of a megabyte", write(ends[1], bytes, sizeof bytes));
  ShowCount("F_SETPIPE_SZ below what is in it", fcntl(ends[1], F_SETPIPE_SZ, 4096));
  ShowCount("read", read(ends[0], bytes, 16000));
  ShowCount("F_SETPIPE_SZ of 1", fcntl(ends[1], F_SETPIPE_SZ, 1));
  ShowCount("F_GETPIPE_SZ of the reader", fcntl(ends[0], F_GETPIPE_SZ));
  ShowCount("F_SETPIPE_SZ of 0", fcntl(ends[1], F_SETPIPE_SZ, 0));

  // Order and vectors.
  while (read(ends[0], bytes, sizeof bytes) > 0) {
  }
  iovec parts[] = {{const_cast<char*>("one "), 4},
                   {const_cast<char*>("two "), 4},
                   {const_cast<char*>("three"), 5}};
  ShowCount("writev", writev(ends[1], parts, 3));
  char text[32] = "";
  ShowCount("read", read(ends[0], text, 6));
  ShowCount("read", read(ends[0], text + 6, 20));
  std::printf("[%s]\n", text);

  // Wrong directions.
  ShowCount("read from the writer", read(ends[1], bytes, 1));
  ShowCount("write to the reader", write(ends[0], bytes, 1));
  ShowCount("lseek", lseek(ends[0], 0, SEEK_CUR));
  ShowCount("pread", pread(ends[0], bytes, 1, 0));
  ShowCount("pwrite", pwrite(ends[1], bytes, 1, 0));
  ShowCount("ftruncate", ftruncate(ends[1], 0));
  ShowCount("fsync", fsync(ends[0]));
  Show("pipe2 with an unknown flag", pipe2(ends, O_TRUNC));
  std::printf("reader O_RDONLY %d, writer O_WRONLY %d\n",
              (fcntl(ends[0], F_GETFL) & O_ACCMODE) == O_RDONLY,
              (fcntl(ends[1], F_GETFL) & O_ACCMODE) == O_WRONLY);

  // Ends go.
  Must(write(ends[1], "rest", 4) == 4, "write");
  const int writer = dup(ends[1]);
  Must(close(ends[1]) == 0, "close");
  ShowCount("read", read(ends[0], bytes, 100));
  ShowCount("a writer is left", read(ends[0], bytes, 100));
  Must(write(writer, "last", 4) == 4 && close(writer) == 0, "close");
  ShowCount("no writer, read of the rest", read(ends[0], bytes, 100));
  ShowCount("the end", read(ends[0], bytes, 100));
  ShowCount("and again", read(ends[0], bytes, 100));
  Must(close(ends[0]) == 0 && pipe(ends) == 0 && close(ends[0]) == 0, "pipe");
  ShowCount("write without a reader", write(ends[1], bytes, 1));
  ShowCount("write of nothing without a reader", write(ends[1], bytes, 0));
  signal(SIGPIPE, [](int) { ++handled; });
  ShowCount("with a handler", write(ends[1], bytes, 1));
  std::printf("SIGPIPE handled: %d\n", handled);

  // Packets.
  Must(pipe2(ends, O_DIRECT | O_NONBLOCK) == 0, "pipe2 with O_DIRECT");
  Must(write(ends[1], "first", 5) == 5 && write(ends[1], "second", 6) == 6, "write");
  ShowCount("a packet", read(ends[0], bytes, 100));
  ShowCount("part of a packet", read(ends[0], bytes, 3));
  ShowCount("the rest of it is lost", read(ends[0], bytes, 100));
  return 0;
}
