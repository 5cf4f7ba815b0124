// locks: flock(2), record locks of a process and of a description: who excludes whom, when they go,
// and the errors and their order. Whoever would wait asks not to.
#include <fcntl.h>
#include <sys/file.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

int Record(int fd, int command, int type, off_t start, off_t length, int whence = SEEK_SET) {
  struct flock lock = {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = static_cast<short>(whence);
  lock.l_start = start;
  lock.l_len = length;
  return fcntl(fd, command, &lock);
}

void Ask(const char* what, int fd, int command, int type, off_t start, off_t length) {
  struct flock lock = {};
  lock.l_type = static_cast<short>(type);
  lock.l_start = start;
  lock.l_len = length;
  if (fcntl(fd, command, &lock) != 0) {
    Show(what, -1);
    return;
  }
  std::printf("%s: %s", what,
              lock.l_type == F_UNLCK   ? "free"
              : lock.l_type == F_RDLCK ? "read"
                                       : "write");
  if (lock.l_type != F_UNLCK) {
    std::printf(" %lld+%lld, %s", static_cast<long long>(lock.l_start),
                static_cast<long long>(lock.l_len),
                lock.l_pid == -1         ? "a description's"
                : lock.l_pid == getpid() ? "mine"
                                         : "somebody's");
  }
  std::printf("\n");
}

int Open(int flags = O_RDWR) {
  const int fd = open("file", flags | O_CREAT, 0600);
  Must(fd >= 0, "open");
  return fd;
}

void Flock() {
  int a = Open();
  const int b = Open(), reader = Open(O_RDONLY), writer = Open(O_WRONLY);
  Show("shared", flock(a, LOCK_SH | LOCK_NB));
  Show("shared twice", flock(b, LOCK_SH | LOCK_NB));
  Show("exclusive against shared", flock(reader, LOCK_EX | LOCK_NB));
  Show("an upgrade that fails", flock(a, LOCK_EX | LOCK_NB));
  Show("has lost its lock", flock(b, LOCK_EX | LOCK_NB));
  Show("the same again", flock(b, LOCK_EX));
  Show("a duplicate is the same description", flock(dup(b), LOCK_EX | LOCK_NB));
  Show("a downgrade lets in", flock(b, LOCK_SH) == 0 ? flock(writer, LOCK_SH | LOCK_NB) : -1);
  Show("unlock", flock(b, LOCK_UN));
  Show("unlock twice", flock(b, LOCK_UN));
  Show("exclusive of the last", flock(writer, LOCK_EX | LOCK_NB));
  Show("record locks do not see it", Record(a, F_SETLK, F_WRLCK, 0, 0));
  const int twin = dup(writer);
  close(writer);
  Show("a duplicate keeps it", flock(a, LOCK_EX | LOCK_NB));
  close(twin);
  Show("the last close lets it go", flock(a, LOCK_EX | LOCK_NB));
  Show("no kind", flock(a, 0));
  Show("two kinds", flock(a, LOCK_SH | LOCK_EX));
  Show("the kind comes first", flock(-1, 0));
  Show("then the descriptor", flock(700, LOCK_SH));
  Show("O_PATH", flock(Open(O_PATH), LOCK_SH));
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Show("a pipe", flock(ends[0], LOCK_EX | LOCK_NB));
  Show("its other end", flock(ends[1], LOCK_SH | LOCK_NB));
  const int directory = open(".", O_RDONLY);
  Show("a directory", flock(directory, LOCK_EX | LOCK_NB));
  Show("opened again", flock(open(".", O_RDONLY), LOCK_EX | LOCK_NB));
  close(a);
  close(b);
  close(reader);
}

void OfDescriptions() {
  const int a = Open(), b = Open(), reader = Open(O_RDONLY), writer = Open(O_WRONLY);
  Show("write 10+10", Record(a, F_OFD_SETLK, F_WRLCK, 10, 10));
  Show("a part of it", Record(b, F_OFD_SETLK, F_RDLCK, 19, 1));
  Show("beside it", Record(b, F_OFD_SETLK, F_RDLCK, 20, 5));
  Show("before it", Record(b, F_OFD_SETLK, F_WRLCK, 0, 10));
  Ask("asked by the other", b, F_OFD_GETLK, F_RDLCK, 0, 0);
  Ask("asked by itself", a, F_OFD_GETLK, F_WRLCK, 0, 0);
  Ask("its own", a, F_OFD_GETLK, F_UNLCK, 0, 0);
  Show("a hole in it", Record(a, F_OFD_SETLK, F_UNLCK, 13, 4));
  Ask("below the hole", b, F_OFD_GETLK, F_WRLCK, 0, 0);
  Ask("above the hole", b, F_OFD_GETLK, F_WRLCK, 14, 0);
  Show("the hole", Record(b, F_OFD_SETLK, F_WRLCK, 13, 4));
  Show("a downgrade", Record(a, F_OFD_SETLK, F_RDLCK, 10, 3));
  Show("reads with it", Record(reader, F_OFD_SETLK, F_RDLCK, 10, 3));
  Ask("two read it", b, F_OFD_GETLK, F_WRLCK, 11, 1);
  close(a);
  Ask("one has gone", b, F_OFD_GETLK, F_WRLCK, 11, 1);
  Show("joined", Record(b, F_OFD_SETLK, F_WRLCK, 17, 3));
  Ask("to one", reader, F_OFD_GETLK, F_RDLCK, 13, 1);
  Show("a process's", Record(reader, F_SETLK, F_RDLCK, 5, 1));
  Show("where nobody is", Record(reader, F_SETLK, F_RDLCK, 100, 0));
  Ask("to the end", b, F_OFD_GETLK, F_WRLCK, 200, 1);
  Show("at an end that is beyond", Record(b, F_OFD_SETLK, F_WRLCK, 300, 1));
  close(open("file", O_RDONLY));
  Show("any close of the file lets it go", Record(b, F_OFD_SETLK, F_WRLCK, 300, 1));
  Show("not open for writing", Record(reader, F_SETLK, F_WRLCK, 0, 1));
  Show("not open for reading", Record(writer, F_SETLK, F_RDLCK, 0, 1));
  Show("no such kind", Record(b, F_SETLK, 7, 0, 1));
  Show("asked for none", Record(b, F_GETLK, F_UNLCK, 0, 1));
  Show("whence", Record(b, F_SETLK, F_RDLCK, 0, 1, 9));
  Show("before the start", Record(b, F_SETLK, F_RDLCK, -1, 1));
  Show("a length before the start", Record(b, F_SETLK, F_RDLCK, 5, -6));
  Show("too far", Record(b, F_SETLK, F_RDLCK, INT64_MAX, 2));
  Show("just not too far", Record(b, F_SETLK, F_RDLCK, INT64_MAX, 1));
  Show("no memory", fcntl(b, F_SETLK, nullptr));
  Show("O_PATH", Record(Open(O_PATH), F_SETLK, F_RDLCK, 0, 1));
  struct flock lock = {};
  lock.l_pid = 1;
  Show("a pid", fcntl(b, F_OFD_SETLK, &lock));
  Must(pwrite(b, "0123456789", 10, 0) == 10 && lseek(b, 4, SEEK_SET) == 4, "lseek");
  Must(Record(b, F_OFD_SETLK, F_UNLCK, 0, 0) == 0, "all");
  Show("from the position", Record(b, F_OFD_SETLK, F_WRLCK, 1, 2, SEEK_CUR));
  Ask("5+2", reader, F_OFD_GETLK, F_RDLCK, 0, 0);
  Show("from the end, backwards", Record(b, F_OFD_SETLK, F_WRLCK, 0, -2, SEEK_END));
  Ask("8+2", reader, F_OFD_GETLK, F_RDLCK, 7, 0);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Flock();
  OfDescriptions();
  return 0;
}
