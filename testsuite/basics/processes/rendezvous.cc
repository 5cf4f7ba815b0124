// rendezvous: opening a FIFO waits for the other side, between processes; what wakes it, and what
// ends it: the other side, a signal, and a side that has gone again.
#include "testsuite/basics/tasks.h"

int main() {
  EnterScratchDirectory();
  Must(mkfifo("fifo", 0600) == 0, "mkfifo");
  Gate gate;
  char byte = 0;

  pid_t child = Fork([] {
    const int writer = open("fifo", O_WRONLY);
    return write(writer, "a", 1) == 1 ? 3 : 4;
  });
  int reader = open("fifo", O_RDONLY);
  ShowCount("read", read(reader, &byte, 1));
  ShowCount("the end", read(reader, &byte, 1));
  ShowEnd("the writer", child);
  close(reader);

  child = Fork([&] {
    const int mine = open("fifo", O_RDONLY);
    return read(mine, &byte, 1) == 1 ? byte : 4;
  });
  int writer = open("fifo", O_WRONLY);
  Must(write(writer, "\x05", 1) == 1, "write");
  ShowEnd("the reader", child);
  close(writer);

  // One that waits, known to wait.
  child = Fork([&] {
    gate.Open();
    return open("fifo", O_RDONLY) >= 0 ? 6 : 7;
  });
  gate.Pass();
  UntilProcessAsleep(child);
  writer = open("fifo", O_WRONLY | O_NONBLOCK);
  Show("one that waits to read is a reader already", writer);
  close(writer);
  ShowEnd("it was let in, though the writer has gone", child);
  Show("nobody reads", open("fifo", O_WRONLY | O_NONBLOCK));

  child = Fork([&] {
    gate.Open();
    return open("fifo", O_WRONLY) >= 0 ? 8 : 9;
  });
  gate.Pass();
  UntilProcessAsleep(child);
  reader = open("fifo", O_RDONLY | O_NONBLOCK);
  Show("a reader that does not wait", reader);
  ShowEnd("lets the writer in", child);
  ShowCount("and reads the end", read(reader, &byte, 1));
  close(reader);

  // A signal ends the waiting, or it begins again.
  for (const int flags : {0, SA_RESTART}) {
    child = Fork([&] {
      Handle(
          SIGUSR1, [](int) {}, flags);
      gate.Open();
      const int fd = open("fifo", O_RDONLY);
      if (fd < 0) return errno == EINTR ? 10 : 11;
      return 12;
    });
    gate.Pass();
    UntilProcessAsleep(child);
    Must(kill(child, SIGUSR1) == 0, "kill");
    if (flags != 0) {
      UntilProcessAsleep(child);
      writer = open("fifo", O_WRONLY);
    }
    ShowEnd(flags != 0 ? "interrupted, SA_RESTART" : "interrupted", child);
  }
  close(writer);
  child = Fork([&] {
    gate.Open();
    return open("fifo", O_WRONLY);
  });
  gate.Pass();
  UntilProcessAsleep(child);
  Must(kill(child, SIGKILL) == 0, "kill");
  ShowEnd("killed while it waits", child);
  Show("nobody writes, nobody reads", open("fifo", O_WRONLY | O_NONBLOCK));

  // Two pairs meet, one after another, through one name.
  for (int i = 0; i < 20; ++i) {
    child = Fork([&] {
      const int fd = open("fifo", O_WRONLY);
      byte = static_cast<char>(i);
      return write(fd, &byte, 1) == 1 ? 0 : 1;
    });
    reader = open("fifo", O_RDONLY);
    Must(read(reader, &byte, 1) == 1 && byte == i, "what was written");
    Must(read(reader, &byte, 1) == 0 && Wait(child) == 0, "the end");
    close(reader);
  }
  std::printf("met twenty times\n");
  return 0;
}
