// reopened_number: a descriptor is closed without event_del, and its number goes to another file.
// libevent believes that the number is registered and modifies it; the kernel has dropped the
// registration with the file and says ENOENT, and libevent adds (epoll.c, note *1 at op_table). If
// it is deleted instead the kernel says EBADF or ENOENT, and that is well.
//
// Argument: direct or changelist.
#include "testsuite/libevent/base.h"

int main(int argc, char** argv) {
  Base base(BackendOf(argc, argv));
  Pipe first, second, third;
  std::string received;
  Event reader{first.reader, kRead | kPersist, {}};
  reader.callback = [&](unsigned) {
    char byte;
    Must(read(reader.fd, &byte, 1) == 1, "what is reported can be read");
    received += byte;
  };
  const auto round = [&](const char* what) {
    const int ran = base.Dispatch(0);
    std::printf("%s: %d callbacks, %s\n", what, ran, base.TakeCalls().c_str());
  };

  base.Add(reader);
  first.Put('a');
  round("the first pipe");

  // Bytes of the closed one that nobody reads may not be told of the number's next owner.
  first.Put('b');
  Must(close(first.reader) == 0 && dup(second.reader) == reader.fd, "the number is used again");
  round("closed and opened");
  second.Put('c');
  round("a byte for nobody yet");

  // Wanting to write too is a change of what is registered, as libevent believes.
  Event writer{reader.fd, kWrite | kPersist, [](unsigned) {}};
  base.Add(writer);
  round("changed");
  second.Put('d');
  round("a byte");
  round("none");

  // Closed while it is registered, and deleted later.
  base.Delete(writer);
  Must(close(reader.fd) == 0, "close");
  base.Delete(reader);
  round("deleted after close");
  Must(dup(third.reader) == reader.fd, "the number is used again");
  base.Add(reader);
  third.Put('e');
  round("added for a third");
  Must(close(reader.fd) == 0 && dup(second.reader) == reader.fd, "the number is used again");
  base.Delete(reader);
  round("deleted after another file took the number");
  std::printf("received %s\n", received.c_str());
  return 0;
}
