// fifos: pipes with a name: opening them, what their ends see of each other, and that they outlive
// their name.
#include <fcntl.h>
#include <poll.h>

#include "testsuite/basics/check.h"

namespace {

void See(const char* what, int fd) {
  pollfd watched = {fd, POLLIN | POLLOUT, 0};
  const int count = poll(&watched, 1, 0);
  std::printf("%s: poll %d%s%s%s%s\n", what, count, watched.revents & POLLIN ? " IN" : "",
              watched.revents & POLLOUT ? " OUT" : "", watched.revents & POLLERR ? " ERR" : "",
              watched.revents & POLLHUP ? " HUP" : "");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  char bytes[100];
  Show("mkfifo", mkfifo("fifo", 0600));
  Show("mkfifo over it", mkfifo("fifo", 0600));
  Show("opened for writing without a reader", open("fifo", O_WRONLY | O_NONBLOCK));
  const int reader = open("fifo", O_RDONLY | O_NONBLOCK);
  Must(reader >= 0, "open for reading without a writer");
  See("never had a writer", reader);
  ShowCount("read", read(reader, bytes, sizeof bytes));
  int writer = open("fifo", O_WRONLY | O_NONBLOCK);
  Must(writer >= 0, "open for writing");
  See("a writer, no data", reader);
  See("the writer", writer);
  ShowCount("read", read(reader, bytes, sizeof bytes));
  ShowCount("write", write(writer, "named", 5));
  See("data", reader);
  Must(close(writer) == 0, "close");
  See("the writer has gone, data left", reader);
  ShowCount("read", read(reader, bytes, sizeof bytes));
  See("the writer has gone", reader);
  ShowCount("read", read(reader, bytes, sizeof bytes));
  writer = open("fifo", O_WRONLY);
  See("another writer", reader);
  Must(unlink("fifo") == 0 && write(writer, "gone", 4) == 4, "unlink");
  ShowCount("read after unlink", read(reader, bytes, sizeof bytes));
  Must(close(reader) == 0, "close");
  See("the reader has gone", writer);

  Must(mkfifo("both", 0600) == 0, "mkfifo");
  const int both = open("both", O_RDWR);
  ShowCount("O_RDWR, write", write(both, "to myself", 9));
  ShowCount("O_RDWR, read", read(both, bytes, sizeof bytes));
  See("O_RDWR", both);

  // A pipe without a name has one below /proc.
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  char name[40];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
  const int again = open(name, O_RDONLY | O_NONBLOCK);
  Must(again >= 0 && write(ends[1], "piped", 5) == 5, "a pipe opened again");
  ShowCount("read", read(again, bytes, sizeof bytes));
  ShowCount("O_NONBLOCK is the new description's", read(again, bytes, sizeof bytes));
  return 0;
}
