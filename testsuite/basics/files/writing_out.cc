// writing_out: sync, syncfs, sync_file_range, readahead, posix_fadvise: they change nothing that a
// program sees, but say what they are not for.
#include <fcntl.h>
#include <sys/eventfd.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

long Advise(int fd, int64_t from, int64_t bytes, int advice) {
  return syscall(SYS_fadvise64, fd, from, bytes, advice);
}
long Ahead(int fd, int64_t from, size_t bytes) { return syscall(SYS_readahead, fd, from, bytes); }
long Range(int fd, int64_t from, int64_t bytes, unsigned flags) {
  return syscall(SYS_sync_file_range, fd, from, bytes, flags);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  WriteFile("file", "some text");
  const int file = open("file", O_RDWR), write_only = open("file", O_WRONLY),
            directory = open(".", O_RDONLY | O_DIRECTORY), path = open("file", O_PATH),
            counter = eventfd(0, 0), null = open("/dev/null", O_RDWR);
  int ends[2];
  Must(file >= 0 && write_only >= 0 && directory >= 0 && path >= 0 && counter >= 0 && null >= 0 &&
           pipe(ends) == 0,
       "open");
  constexpr int kFree = 12345;

  sync();
  Show("syncfs by a file", syscall(SYS_syncfs, file));
  Show("syncfs by a directory", syscall(SYS_syncfs, directory));
  Show("syncfs by a pipe", syscall(SYS_syncfs, ends[0]));
  Show("syncfs by a path", syscall(SYS_syncfs, path));
  Show("syncfs by a free number", syscall(SYS_syncfs, kFree));

  constexpr unsigned kAll =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  Show("sync_file_range", Range(file, 0, 4, SYNC_FILE_RANGE_WRITE));
  Show("sync_file_range, to the end", Range(file, 4, 0, kAll));
  Show("sync_file_range, behind the end", Range(file, 1 << 20, 4, kAll));
  Show("sync_file_range, for nothing", Range(file, 0, 4, 0));
  Show("sync_file_range, write only", Range(write_only, 0, 4, kAll));
  Show("sync_file_range, directory", Range(directory, 0, 0, 0));
  Show("sync_file_range, unknown flag", Range(file, 0, 4, 8));
  Show("sync_file_range, negative offset", Range(file, -1, 4, kAll));
  Show("sync_file_range, negative size", Range(file, 0, -4, kAll));
  Show("sync_file_range, more than there can be", Range(file, INT64_MAX, 4, kAll));
  Show("sync_file_range, pipe", Range(ends[0], 0, 4, kAll));
  Show("sync_file_range, eventfd", Range(counter, 0, 4, kAll));
  Show("sync_file_range, device", Range(null, 0, 4, kAll));
  Show("sync_file_range, path", Range(path, 0, 4, kAll));
  Show("sync_file_range, free number", Range(kFree, 0, 4, kAll));

  Show("readahead", Ahead(file, 0, 100));
  Show("readahead, behind the end", Ahead(file, 1 << 20, 100));
  Show("readahead of nothing", Ahead(file, 0, 0));
  Show("readahead, write only", Ahead(write_only, 0, 100));
  Show("readahead, directory", Ahead(directory, 0, 100));
  Show("readahead, pipe", Ahead(ends[0], 0, 100));
  Show("readahead, eventfd", Ahead(counter, 0, 100));
  Show("readahead, device", Ahead(null, 0, 100));
  Show("readahead, path", Ahead(path, 0, 100));
  Show("readahead, free number", Ahead(kFree, 0, 100));

  for (const int advice : {POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
                           POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE}) {
    Show("fadvise", Advise(file, 0, 0, advice));
  }
  Show("fadvise, a part", Advise(file, 4, 4, POSIX_FADV_WILLNEED));
  Show("fadvise, behind the end", Advise(file, 1 << 20, 4, POSIX_FADV_DONTNEED));
  Show("fadvise, write only", Advise(write_only, 0, 0, POSIX_FADV_NORMAL));
  Show("fadvise, directory", Advise(directory, 0, 0, POSIX_FADV_NORMAL));
  Show("fadvise, eventfd", Advise(counter, 0, 0, POSIX_FADV_NORMAL));
  Show("fadvise, device", Advise(null, 0, 0, POSIX_FADV_NORMAL));
  Show("fadvise, unknown", Advise(file, 0, 0, 6));
  Show("fadvise, unknown, negative", Advise(file, 0, 0, -1));
  Show("fadvise, negative size", Advise(file, 0, -1, POSIX_FADV_NORMAL));
  Show("fadvise, pipe", Advise(ends[0], 0, 0, POSIX_FADV_NORMAL));
  Show("fadvise, path", Advise(path, 0, 0, POSIX_FADV_NORMAL));
  Show("fadvise, free number", Advise(kFree, 0, 0, POSIX_FADV_NORMAL));

  std::printf("[%s], position %lld\n", FileText("file"),
              static_cast<long long>(lseek(file, 0, SEEK_CUR)));
  return 0;
}
