// When a pipe and a FIFO send signals (fs/pipe.c): at the end of every read and every write,
// whether or not anybody could have waited, and when an end goes; also of splice(2) and tee(2).
#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "testsuite/basics/signals/io_signals.h"

static void Transfer(int reader, int writer, const char* bytes) {
  char buffer[64];
  ShowCount("write", write(writer, bytes, strlen(bytes)));
  Tell("  told");
  ShowCount("read of two", read(reader, buffer, 2));
  Tell("  told");
  ShowCount("write again", write(writer, bytes, strlen(bytes)));
  Tell("  told");
  ShowCount("read of nothing", read(reader, buffer, 0));
  ShowCount("write of nothing", write(writer, bytes, 0));
  Tell("  told");
  ShowCount("read of the rest", read(reader, buffer, sizeof buffer));
  Tell("  told");
  ShowCount("read of an empty one", read(reader, buffer, sizeof buffer));
  Tell("  told");
}

static void Fill(int reader, int writer) {
  std::vector<char> page(4096);
  int pages = 0;
  while (write(writer, page.data(), page.size()) > 0) ++pages;
  std::printf("%d pages fit\n", pages);
  std::string told;
  siginfo_t info;
  int signals = 0;
  while (Take(&info) != 0) signals += info.si_code == POLL_IN;
  std::printf("%d of them told, and the one that did not fit\n", signals);
  ShowCount("half a page out", read(reader, page.data(), 2048));
  Tell("  told");
  ShowCount("the other half", read(reader, page.data(), 2048));
  Tell("  told");
  Show("another size", fcntl(writer, F_SETPIPE_SZ, 131072));
  Tell("  told");
}

int main() {
  BlockSignals();
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  SendSignals(ends[0], "reader");
  SendSignals(ends[1], "writer");
  std::puts("- a pipe");
  Transfer(ends[0], ends[1], "abcde");
  ShowCount("write from nowhere", write(ends[1], reinterpret_cast<void*>(8), 3));
  Tell("  told");
  Fill(ends[0], ends[1]);

  std::puts("- splice and tee");
  int other[2];
  Must(pipe(other) == 0, "pipe");
  SendSignals(other[0], "the other's reader");
  SendSignals(other[1], "the other's writer");
  ShowCount("tee", tee(ends[0], other[1], 100, SPLICE_F_NONBLOCK));
  Tell("  told");
  ShowCount("splice of a part",
            splice(ends[0], nullptr, other[1], nullptr, 100, SPLICE_F_NONBLOCK));
  Tell("  told");
  ShowCount("splice of a page",
            splice(ends[0], nullptr, other[1], nullptr, 3996, SPLICE_F_NONBLOCK));
  Tell("  told");
  char text[] = "text";
  iovec piece = {text, 4};
  ShowCount("vmsplice", vmsplice(other[1], &piece, 1, SPLICE_F_NONBLOCK));
  Tell("  told");

  std::puts("- ends go");
  close(ends[0]);
  Tell("the reader closes");
  ShowCount("write", write(ends[1], "x", 1));
  Tell("  told");
  close(ends[1]);
  Tell("the writer closes, too");
  close(other[1]);
  Tell("the other's writer closes");
  close(other[0]);

  std::puts("- a FIFO");
  EnterScratchDirectory();
  Must(mkfifo("fifo", 0600) == 0, "mkfifo");
  const int both = open("fifo", O_RDWR | O_NONBLOCK);
  SendSignals(both, "fifo");
  Transfer(both, both, "abcde");
  const int writer = open("fifo", O_WRONLY | O_NONBLOCK);
  Tell("another one opens it");
  ShowCount("which writes", write(writer, "x", 1));
  Tell("  told");
  close(writer);
  Tell("it closes");
  Must(DropFlags(both, O_ASYNC) == 0, "F_SETFL");
  char byte;
  ShowCount("without the flag: read", read(both, &byte, 1));
  ShowCount("write", write(both, "x", 1));
  Tell("  told");
  return 0;
}
