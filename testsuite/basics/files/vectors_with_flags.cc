// vectors_with_flags: preadv2 and pwritev2: at a position or, where that is -1, at the file's own;
// and flags for one call.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "testsuite/basics/check.h"

namespace {

char left[4], right[8];
const iovec kInto[2] = {{left, 3}, {right, 5}};

long Read(int fd, const void* vectors, long count, long at, int flags, long high = 0) {
  std::memset(left, 0, sizeof left);
  std::memset(right, 0, sizeof right);
  return syscall(SYS_preadv2, fd, vectors, count, at, high, flags);
}
long Write(int fd, const void* vectors, long count, long at, int flags, long high = 0) {
  return syscall(SYS_pwritev2, fd, vectors, count, at, high, flags);
}

void ShowRead(const char* what, long result) {
  ShowCount(what, result);
  if (result >= 0) std::printf("  [%s][%s]\n", left, right);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  const int file = open("file", O_RDWR | O_CREAT, 0600), read_only = open("file", O_RDONLY),
            write_only = open("file", O_WRONLY), directory = open(".", O_RDONLY | O_DIRECTORY);
  Must(file >= 0 && read_only >= 0 && write_only >= 0 && directory >= 0, "open");
  char one[] = "abcd", two[] = "efghij";
  const iovec from[2] = {{one, 4}, {two, 6}};
  constexpr int kFree = 12345;

  ShowCount("write at 2", Write(file, from, 2, 2, 0));
  ShowCount("does not move", lseek(file, 0, SEEK_CUR));
  ShowCount("write at -1", Write(file, from, 1, -1, 0));
  ShowCount("moves", lseek(file, 0, SEEK_CUR));
  std::printf("[%s]\n", FileText("file"));
  ShowRead("read at 1", Read(file, kInto, 2, 1, 0));
  ShowCount("does not move", lseek(file, 0, SEEK_CUR));
  ShowRead("read at -1", Read(file, kInto, 2, -1, 0));
  ShowCount("moves", lseek(file, 0, SEEK_CUR));
  ShowRead("read at the end", Read(file, kInto, 2, -1, 0));
  ShowRead("read across the end", Read(file, kInto, 2, 7, 0));
  ShowRead("read behind the end", Read(file, kInto, 2, 100, 0));
  ShowRead("read of no vectors", Read(file, kInto, 0, 0, 0));
  ShowRead("of the position's other half nothing is read", Read(file, kInto, 1, 2, 0, 77));
  ShowCount("nor when writing", Write(file, from, 1, 0, 0, 77));
  ShowCount("write, data to be written out", Write(file, from, 1, 0, RWF_DSYNC));
  ShowCount("write, all to be written out", Write(file, from, 1, 0, RWF_SYNC));
  ShowCount("write, both", Write(file, from, 1, 0, RWF_DSYNC | RWF_SYNC));
  ShowCount("write, of high priority", Write(file, from, 1, 0, RWF_HIPRI));
  ShowRead("read, of high priority", Read(file, kInto, 1, 0, RWF_HIPRI));
  ShowRead("read, written out", Read(file, kInto, 1, 0, RWF_SYNC | RWF_DSYNC));

  Show("read, unknown flag", Read(file, kInto, 1, 0, 1 << 20));
  Show("write, unknown flag", Write(file, from, 1, 0, 1 << 20));
  Show("read at -2", Read(file, kInto, 1, -2, 0));
  Show("write at -2", Write(file, from, 1, -2, 0));
  Show("read, write only", Read(write_only, kInto, 1, 0, 0));
  Show("write, read only", Write(read_only, from, 1, 0, 0));
  Show("read of a directory", Read(directory, kInto, 1, 0, 0));
  Show("read of a free number", Read(kFree, kInto, 1, 0, 0));
  Show("write of a free number", Write(kFree, from, 1, 0, 0));
  Show("read, vectors nowhere", Read(file, nullptr, 1, 0, 0));
  Show("write, vectors nowhere", Write(file, nullptr, 1, 0, 0));
  Show("read, too many vectors", Read(file, kInto, 1025, 0, 0));
  Show("write, too many vectors", Write(file, from, 1025, 0, 0));
  Show("read, a negative count", Read(file, kInto, -1, 0, 0));
  const iovec nowhere = {nullptr, 5}, negative = {one, ~size_t{0}};
  Show("read to nowhere", Read(file, &nowhere, 1, 0, 0));
  Show("write from nowhere", Write(file, &nowhere, 1, 0, 0));
  Show("read of a negative size", Read(file, &negative, 1, 0, 0));
  Show("write of a negative size", Write(file, &negative, 1, 0, 0));

  // What has no position takes -1, and may be asked not to wait.
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  ShowCount("write to a pipe at -1", Write(ends[1], from, 2, -1, 0));
  ShowRead("read from a pipe at -1", Read(ends[0], kInto, 1, -1, 0));
  Show("write to a pipe at 0", Write(ends[1], from, 1, 0, 0));
  Show("read from a pipe at 0", Read(ends[0], kInto, 1, 0, 0));
  ShowRead("read from a pipe, without waiting", Read(ends[0], kInto, 2, -1, RWF_NOWAIT));
  Show("read from an empty pipe, without waiting", Read(ends[0], kInto, 2, -1, RWF_NOWAIT));
  const int counter = eventfd(5, 0);
  const iovec eight = {right, 8};
  ShowCount("read of an eventfd", syscall(SYS_preadv2, counter, &eight, 1, -1L, 0L, RWF_NOWAIT));
  std::printf("  %d\n", right[0]);
  Show("and once more, without waiting", Read(counter, &eight, 1, -1, RWF_NOWAIT));

  // Appending, or not, for one call.
  constexpr int kAppend = 0x10, kNoAppend = 0x20;
  const int appending = open("file", O_RDWR | O_APPEND);
  Must(ftruncate(file, 3) == 0 && lseek(file, 0, SEEK_SET) == 0, "a short file");
  ShowCount("append", Write(file, from, 1, -1, kAppend));
  ShowCount("moves behind it", lseek(file, 0, SEEK_CUR));
  std::printf("[%s]\n", FileText("file"));
  ShowCount("append, whatever the position", Write(file, from, 1, 1, kAppend));
  ShowCount("does not move", lseek(file, 0, SEEK_CUR));
  std::printf("[%s]\n", FileText("file"));
  ShowCount("the next call does not", Write(file, from, 1, 0, 0));
  std::printf("[%s], O_APPEND: %d\n", FileText("file"), fcntl(file, F_GETFL) & O_APPEND);
  ShowCount("do not append", Write(appending, from + 1, 1, 1, kNoAppend));
  std::printf("[%s], O_APPEND: %d\n", FileText("file"),
              (fcntl(appending, F_GETFL) & O_APPEND) != 0);
  ShowCount("do not append at the position", Write(appending, from, 1, -1, kNoAppend));
  ShowCount("moves", lseek(appending, 0, SEEK_CUR));
  ShowCount("the next call does", Write(appending, from, 1, 0, 0));
  std::printf("[%s]\n", FileText("file"));
  ShowCount("not where nothing is appended", Write(file, from, 1, 0, kNoAppend));
  Show("both", Write(file, from, 1, 0, kAppend | kNoAppend));
  Show("both, and nothing to write", Write(file, from, 0, 0, kAppend | kNoAppend));
  Show("both, and an unknown one", Write(file, from, 1, 0, kAppend | kNoAppend | 1 << 20));
  ShowRead("of reads it says nothing", Read(file, kInto, 1, 0, kAppend));
  ShowRead("nor this", Read(file, kInto, 1, 0, kNoAppend));
  ShowCount("append to a pipe", Write(ends[1], from, 1, -1, kAppend));
  return 0;
}
