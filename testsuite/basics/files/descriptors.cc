// descriptors: numbers and descriptions: dup, dup2, dup3, fcntl and close. A number refers to a
// description; flags of the number are its own, offset and status flags are the description's.
#include <fcntl.h>
#include <sys/resource.h>

#include "testsuite/basics/check.h"

namespace {

// Numbers are told relative to the first one that is free at the start.
int base;
void ShowNumber(const char* what, int fd) {
  if (fd < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: base%+d\n", what, fd - base);
  }
}

bool CloseOnExec(int fd) { return fcntl(fd, F_GETFD) & FD_CLOEXEC; }

}  // namespace

int main() {
  EnterScratchDirectory();
  Must(close_range(3, ~0u, 0) == 0, "close_range");
  WriteFile("file", "0123456789");
  base = open("file", O_RDWR);
  Must(base >= 0, "open");
  ShowNumber("dup", dup(base));
  ShowNumber("dup", dup(base));
  ShowNumber("open", open("file", O_RDONLY));
  Must(close(base + 1) == 0, "close");
  ShowNumber("open takes the lowest free number", open("file", O_RDONLY));
  Must(close(base + 1) == 0 && close(base + 2) == 0, "close");
  ShowNumber("dup takes the lowest free number", dup(base + 3));
  Must(close(base + 1) == 0, "close");

  ShowNumber("dup2 to a free number", dup2(base, base + 10));
  ShowNumber("dup2 to itself", dup2(base, base));
  ShowNumber("dup2 to a used number", dup2(base + 3, base + 10));
  ShowNumber("dup2 of a free number to itself", dup2(base + 20, base + 20));
  ShowNumber("dup2 of a free number", dup2(base + 20, base));
  ShowNumber("dup2 to -1", dup2(base, -1));
  ShowNumber("dup2 to a number that is too large", dup2(base, 1 << 30));
  ShowNumber("dup3", dup3(base, base + 11, O_CLOEXEC));
  std::printf("close-on-exec: dup %d, dup3 %d\n", CloseOnExec(base + 10), CloseOnExec(base + 11));
  ShowNumber("dup3 to itself", dup3(base, base, 0));
  ShowNumber("dup3 with a wrong flag", dup3(base, base + 12, O_NONBLOCK));
  ShowNumber("dup of a free number", dup(base + 20));
  ShowNumber("F_DUPFD", fcntl(base, F_DUPFD, base + 5));
  ShowNumber("F_DUPFD, taken", fcntl(base, F_DUPFD, base + 10));
  ShowNumber("F_DUPFD_CLOEXEC", fcntl(base, F_DUPFD_CLOEXEC, base + 5));
  std::printf("close-on-exec: %d %d\n", CloseOnExec(base + 5), CloseOnExec(base + 6));
  ShowNumber("F_DUPFD from -1", fcntl(base, F_DUPFD, -1));
  ShowNumber("F_DUPFD from a number that is too large", fcntl(base, F_DUPFD, 1 << 30));

  // Shared and not shared.
  char c = 0;
  Must(lseek(base, 4, SEEK_SET) == 4 && read(base + 5, &c, 1) == 1, "read");
  std::printf("dup shares the offset: %c, then %lld\n", c,
              static_cast<long long>(lseek(base, 0, SEEK_CUR)));
  Must(read(base + 3, &c, 1) == 1, "read");
  std::printf("another open does not: %c\n", c);
  Must(fcntl(base, F_SETFD, FD_CLOEXEC) == 0, "F_SETFD");
  std::printf("close-on-exec is the number's: %d %d\n", CloseOnExec(base), CloseOnExec(base + 5));
  Must(fcntl(base + 5, F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
  std::printf("O_NONBLOCK is the description's: %d %d\n", (fcntl(base, F_GETFL) & O_NONBLOCK) != 0,
              (fcntl(base + 3, F_GETFL) & O_NONBLOCK) != 0);
  Must(fcntl(base, F_SETFL, O_RDONLY | O_CREAT | O_TRUNC) == 0, "F_SETFL of what cannot change");
  std::printf("access mode stays: %d\n", (fcntl(base, F_GETFL) & O_ACCMODE) == O_RDWR);
  Must(close(base) == 0 && read(base + 5, &c, 1) == 1,
       "a description lives as long as a number refers to it");
  std::printf("after close: %c\n", c);

  Show("fcntl of a free number", fcntl(base, F_GETFD));
  Show("fcntl with a wrong command", fcntl(base + 5, 12345));
  const int path = open("file", O_PATH);
  Show("O_PATH, F_SETFL", fcntl(path, F_SETFL, 0));
  ShowNumber("O_PATH, dup", dup(path));
  Show("O_PATH, fchmod", fchmod(path, 0600));
  Show("O_PATH, fstat", faccessat(path, "", F_OK, AT_EMPTY_PATH));

  // No number left.
  const rlimit limit = {static_cast<rlim_t>(base) + 20, static_cast<rlim_t>(base) + 20};
  Must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  int opened = 0;
  while (open("file", O_RDONLY) >= 0) ++opened;
  std::printf("%d more, then %s\n", opened, ErrorName(errno));
  Show("dup", dup(base + 5));
  Show("dup2 to a number beyond the limit", dup2(base + 5, base + 20));
  Show("F_DUPFD", fcntl(base + 5, F_DUPFD, base + 20));
  int ends[2] = {-7, -7};
  Show("pipe", pipe(ends));
  std::printf("pipe left its array alone: %d %d\n", ends[0], ends[1]);
  Must(close(base + 7) == 0, "close");
  Show("pipe with one number left", pipe(ends));
  ShowNumber("which is free again", open("file", O_RDONLY));
  Must(close_range(base + 8, ~0u, 0) == 0, "close_range");
  ShowNumber("after close_range", open("file", O_RDONLY));
  Show("close_range, the wrong way round", close_range(9, 8, 0));
  return 0;
}
