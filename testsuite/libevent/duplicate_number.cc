// duplicate_number: a registration outlives the number that it was made under, because a duplicate
// keeps the file open (epoll.c, note *3 at op_table). Under the old number epoll_ctl cannot reach
// it (EBADF), its events still come with that number, and when the file comes back to the number an
// addition is refused with EEXIST: libevent modifies then.
//
// Argument: direct or changelist.
#include "testsuite/libevent/base.h"

int main(int argc, char** argv) {
  Base base(BackendOf(argc, argv));
  Pipe pipe;
  const int number = pipe.reader, duplicate = fcntl(number, F_DUPFD_CLOEXEC, 100);
  Must(duplicate >= 100, "F_DUPFD_CLOEXEC");
  std::string received;
  Event reader{number, kRead | kPersist, {}};
  reader.callback = [&](unsigned) {
    char byte;
    Must(read(duplicate, &byte, 1) == 1, "the file is the duplicate's");
    received += byte;
  };
  const auto round = [&](const char* what) {
    const int ran = base.Dispatch(0);
    std::printf("%s: %d callbacks, %s\n", what, ran, base.TakeCalls().c_str());
  };

  base.Add(reader);
  pipe.Put('a');
  round("registered");

  // The number is gone, the registration is not.
  Must(close(number) == 0, "close");
  pipe.Put('b');
  round("closed");
  base.Delete(reader);
  round("deleted");
  pipe.Put('c');
  // Level-triggered, to nobody, for ever: libevent cannot help it.
  for (int i = 0; i < 2; ++i) round("a ghost");

  // The same file under the same number.
  Must(dup2(duplicate, number) == number, "dup2");
  base.Add(reader);
  round("added again");
  base.Delete(reader);
  round("deleted again");
  pipe.Put('d');
  round("no ghost");

  // The same number, another file: the ghost's events are taken for its own.
  base.Add(reader);
  round("added");
  Pipe other;
  Must(dup2(other.reader, number) == number, "dup2");
  base.Delete(reader);
  base.Add(reader);
  round("of another file");
  pipe.Put('e');
  round("the ghost's byte");
  std::printf("received %s\n", received.c_str());
  return 0;
}
