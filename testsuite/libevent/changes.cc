// changes: which calls libevent's backend makes for the same changes, at once or from its change
// list (epoll.c: op_table, epoll_apply_one_change; evmap.c: event_changelist_add_, _del_). With the
// list an event that is not persistent and is added again by its callback costs a modification,
// which the kernel must take as a new look at what is ready; at once it costs a deletion and an
// addition.
//
// Argument: direct or changelist.
#include "testsuite/libevent/base.h"

int main(int argc, char** argv) {
  Base base(BackendOf(argc, argv));
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  const int reader_fd = ends[0], writer_fd = ends[1];
  const auto round = [&](const char* what) {
    const int ran = base.Dispatch(0);
    std::printf("%s: %d callbacks, %s\n", what, ran, base.TakeCalls().c_str());
  };

  Event reader{reader_fd, kRead, {}}, second{reader_fd, kRead | kPersist, {}};
  std::string received;
  const auto read_byte = [&](unsigned) {
    char byte;
    Must(read(reader_fd, &byte, 1) == 1, "what is reported can be read");
    received += byte;
  };
  // One byte each time, so with more in the pipe it must be reported again.
  reader.callback = [&](unsigned what) {
    read_byte(what);
    base.Add(reader);
  };
  base.Add(reader);
  round("added");
  Must(write(writer_fd, "abc", 3) == 3, "write");
  for (int i = 0; i < 3; ++i) round("a byte");
  round("none");

  base.Delete(reader);
  base.Add(reader);
  base.Delete(reader);
  base.Add(reader);
  round("deleted and added, twice");
  base.Delete(reader);
  base.Add(reader);
  base.Delete(reader);
  round("deleted, added, deleted");
  base.Add(reader);
  base.Delete(reader);
  round("added and deleted");

  // The kernel hears of the first and the last of a number only.
  second.callback = read_byte;
  base.Add(reader);
  base.Add(second);
  round("two readers");
  base.Delete(reader);
  round("one of them deleted");
  Must(write(writer_fd, "d", 1) == 1, "write");
  round("a byte");

  // A reader and a writer of one number, though only one of them is ever ready.
  Event writer{writer_fd, kWrite | kPersist, [](unsigned) {}};
  Event never{writer_fd, kRead | kPersist, [](unsigned) {}};
  base.Add(writer);
  round("a writer");
  base.Add(never);
  round("and a reader of it");
  base.Delete(writer);
  round("the writer deleted");
  base.Delete(never);
  base.Delete(second);
  round("all deleted");
  std::printf("received %s\n", received.c_str());
  Must(received == "abcd", "every byte came, once");
  return 0;
}
