// EINTR is not retried: a signal that has nothing to do with it ends a read.
//
// Python installs signal handlers without SA_RESTART, and before 3.5 a read, a send or a wait that
// was asleep when a signal came raised InterruptedError, in programs that had never heard of
// signals: the end of a child process was enough. PEP 475 made the interpreter repeat the call. Go
// does install its handlers with SA_RESTART, and met EINTR from file systems that ignore it
// when 1.14 began to preempt threads by signals (golang/go#38836, #40846; today ignoringEINTR in
// package os repeats the call).
#include <fcntl.h>

#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/museum/museum.h"

namespace {

constexpr int kRecords = 8;

// The next record; mostly it is there already.
char ReadRecord(int fd) {
  char record;
  ssize_t count;
  do {
    count = read(fd, &record, 1);
  } while (fixed && count < 0 && errno == EINTR);  // <== the fix
  if (count < 0) Fail(strerror(errno));
  Must(count == 1, "a record");
  return record;
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  Handle(SIGCHLD, [](int) {});  // no SA_RESTART
  int pipe[2];
  Must(pipe2(pipe, O_CLOEXEC) == 0, "pipe2");
  std::thread producer([&] {
    Block({SIGCHLD});
    for (int i = 0; i < kRecords; ++i) Must(write(pipe[1], "r", 1) == 1, "write");
  });
  const pid_t child = Fork([] { return 0; });
  for (int i = 0; i < kRecords; ++i) ReadRecord(pipe[0]);
  Wait(child);
  producer.join();
  return Ok();
}
