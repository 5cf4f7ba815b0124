// moves_that_wait: sendfile and splice to what fills up on the way: a call that may wait goes on
// until all is moved, as a write would; one that may not, or that a signal ends, says how much it
// moved, and so do the offsets.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <termios.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr size_t kBytes = 1 << 20;

char ByteAt(size_t i) { return static_cast<char>(i * 7 + i / 251); }

int NewFile(size_t count) {
  const int file = memfd_create("file", 0);
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i) bytes[i] = ByteAt(i);
  Must(file >= 0 && write(file, bytes.data(), count) == static_cast<ssize_t>(count) &&
           lseek(file, 0, SEEK_SET) == 0,
       "file");
  return file;
}

// Where bytes go, and where they come out.
struct Way {
  const char* name;
  int in, out;
};

// Reads `count` bytes of the file that begin at `from`.
bool Drain(const Way& way, size_t count, size_t from = 0) {
  std::vector<char> bytes(65536);
  bool right = true;
  for (size_t done = 0; done < count;) {
    const ssize_t got = read(way.out, bytes.data(), std::min(bytes.size(), count - done));
    Must(got > 0, "drain");
    for (ssize_t i = 0; i < got; ++i) right &= bytes[i] == ByteAt(from + done + i);
    done += got;
  }
  return right;
}

void SetFlags(int fd, int flags) { Must(fcntl(fd, F_SETFL, flags) == 0, "F_SETFL"); }

long PositionOf(int file) { return static_cast<long>(lseek(file, 0, SEEK_CUR)); }

// `call` in another thread, which sleeps in it before `then` happens.
long While(const std::function<long()>& call, const std::function<void(pthread_t)>& then) {
  std::atomic<pid_t> tid = 0;
  long result = 0;
  int error = 0;
  std::thread thread([&] {
    tid = Tid();
    result = call();
    error = errno;
  });
  while (tid == 0) sched_yield();
  UntilThreadAsleep(tid);
  then(thread.native_handle());
  thread.join();
  errno = error;
  return result;
}

void OnSignal(int) {}
volatile sig_atomic_t broken = 0;
void OnBrokenPipe(int) { broken = broken + 1; }

void Sending(const Way& way, size_t count) {
  std::printf("- sendfile, %s\n", way.name);
  const int file = NewFile(kBytes);
  bool right = false;
  ShowCount("while somebody reads", While([&] { return sendfile(way.in, file, nullptr, count); },
                                          [&](pthread_t) { right = Drain(way, count); }));
  std::printf("what was read is right: %d, position %ld\n", right, PositionOf(file));
  off_t offset = 100;
  ShowCount("with an offset", While([&] { return sendfile(way.in, file, &offset, count); },
                                    [&](pthread_t) { right = Drain(way, count, 100); }));
  std::printf("what was read is right: %d, offset %ld, position %ld\n", right,
              static_cast<long>(offset), PositionOf(file));
  Must(lseek(file, -1000, SEEK_END) > 0, "lseek");
  ShowCount("at the end of the file", sendfile(way.in, file, nullptr, count));
  std::printf("what was read is right: %d\n", Drain(way, 1000, kBytes - 1000));

  offset = 0;
  const long part =
      While([&] { return sendfile(way.in, file, &offset, count); },
            [&](pthread_t thread) { Must(pthread_kill(thread, SIGUSR1) == 0, "pthread_kill"); });
  std::printf("a signal comes: a part %d, the offset says so %d\n",
              part > 0 && part < static_cast<long>(count), offset == part);
  const long none =
      While([&] { return sendfile(way.in, file, &offset, count); },
            [&](pthread_t thread) { Must(pthread_kill(thread, SIGUSR1) == 0, "pthread_kill"); });
  // A little room may have come up since.
  std::printf("and another one: %s\n", none >= 0 || errno == EINTR ? "as it should" : "otherwise");
  SetFlags(way.in, O_NONBLOCK);
  long more = none > 0 ? none : 0, got;
  while ((got = sendfile(way.in, file, &offset, count)) > 0) more += got;
  ShowCount("without waiting", got);
  std::printf("the offset says so: %d\n", offset == part + more);
  std::printf("what was read is right: %d\n", Drain(way, part + more));
  Must(lseek(file, 0, SEEK_SET) == 0, "lseek");
  got = sendfile(way.in, file, nullptr, count);
  std::printf("without waiting, from the start: a part %d, the position says so %d\n",
              got > 0 && got < static_cast<long>(count), PositionOf(file) == got);
  std::printf("what was read is right: %d\n", Drain(way, got));
  SetFlags(way.in, 0);
  close(file);
}

void Splicing(const Way& way, size_t count) {
  std::printf("- splice, %s\n", way.name);
  const int file = NewFile(kBytes);
  int ends[2];
  Must(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, kBytes) > 0, "pipe");
  const auto fill = [&] {
    off_t from = 0;
    Must(sendfile(ends[1], file, &from, count) == static_cast<ssize_t>(count), "fill");
  };
  fill();
  bool right = false;
  ShowCount("while somebody reads",
            While([&] { return splice(ends[0], nullptr, way.in, nullptr, kBytes, 0); },
                  [&](pthread_t) { right = Drain(way, count); }));
  std::printf("what was read is right: %d\n", right);
  fill();
  const long part =
      While([&] { return splice(ends[0], nullptr, way.in, nullptr, kBytes, 0); },
            [&](pthread_t thread) { Must(pthread_kill(thread, SIGUSR1) == 0, "pthread_kill"); });
  std::printf("a signal comes: a part %d\n", part > 0 && part < static_cast<long>(count));
  SetFlags(way.in, O_NONBLOCK);
  long more = 0, got;
  while ((got = splice(ends[0], nullptr, way.in, nullptr, kBytes, 0)) > 0) more += got;
  ShowCount("without waiting", got);
  std::printf("what was read is right: %d\n", Drain(way, part + more));
  SetFlags(way.in, 0);
  const long left = static_cast<long>(count) - part - more;
  ShowCount(
      "the pipe had the rest",
      While([&] { return splice(ends[0], nullptr, way.in, nullptr, left, 0) == left ? 1 : 0; },
            [&](pthread_t) { right = Drain(way, left, part + more); }));
  std::printf("what was read is right: %d\n", right);
  for (const int fd : {file, ends[0], ends[1]}) close(fd);
}

void Pipes() {
  std::puts("- sendfile, a pipe");
  const int file = NewFile(kBytes);
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  ShowCount("as much as there is room for", sendfile(ends[1], file, nullptr, kBytes));
  bool right = false;
  // It waits for the first slot alone.
  const long got = While([&] { return sendfile(ends[1], file, nullptr, kBytes); },
                         [&](pthread_t) {
                           right = Drain({"", ends[1], ends[0]}, 65536);
                         });
  std::printf("after a wait: some %d, what was read is right %d, position %d\n", got > 0, right,
              PositionOf(file) == 65536 + got);
}

// Who reads goes away on the way.
void Broken(bool splices, bool closes) {
  std::printf("- nobody reads any more, %s, %s\n", splices ? "splice" : "sendfile",
              closes ? "close" : "shutdown");
  int pair[2], ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  Must(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, kBytes) > 0, "pipe");
  const int file = NewFile(kBytes);
  off_t offset = 0;
  if (splices) Must(sendfile(ends[1], file, &offset, kBytes) == kBytes, "fill");
  offset = 0;
  const auto move = [&]() -> long {
    return splices ? splice(ends[0], nullptr, pair[0], nullptr, kBytes, 0)
                   : sendfile(pair[0], file, &offset, kBytes);
  };
  broken = 0;
  const long part = While(move, [&](pthread_t) {
    Must((closes ? close(pair[1]) : shutdown(pair[1], SHUT_RD)) == 0, "the end");
  });
  std::printf("a part %d, SIGPIPE %d\n", part > 0 && part < static_cast<long>(kBytes), broken);
  if (!splices) std::printf("the offset says so %d\n", offset == part);
  broken = 0;
  ShowCount("again", move());
  std::printf("SIGPIPE %d\n", broken);
  if (!closes) close(pair[1]);
  for (const int fd : {pair[0], ends[0], ends[1], file}) close(fd);
}

}  // namespace

int main() {
  Handle(SIGUSR1, OnSignal);
  Handle(SIGPIPE, OnBrokenPipe);
  int pair[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  // More than there is room for.
  Sending({"AF_UNIX", pair[0], pair[1]}, 900000);
  Splicing({"AF_UNIX", pair[0], pair[1]}, 900000);
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  Must(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0, "a terminal");
  const int line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  termios mode;
  Must(line >= 0 && tcgetattr(line, &mode) == 0, "the other end");
  cfmakeraw(&mode);
  Must(tcsetattr(line, TCSANOW, &mode) == 0, "raw");
  Sending({"a terminal", line, terminal}, 200000);
  Splicing({"a terminal", line, terminal}, 200000);
  Pipes();
  for (const bool closes : {false, true}) {
    Broken(false, closes);
    Broken(true, closes);
  }
  return 0;
}
