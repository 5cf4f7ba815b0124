// file_events: which events the calls on one file raise, in which order, at a watch of the file and
// at a watch of its directory.
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "testsuite/basics/inotify/events.h"

int main() {
  EnterScratchDirectory();
  char bytes[8192] = "0123456789";
  Watcher watcher;
  watcher.Add(".");
  int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  Must(fd >= 0, "open");
  watcher.Print("open of a new file");
  ShowCount("write", write(fd, bytes, 10));
  watcher.Print("write");
  ShowCount("write of nothing", write(fd, bytes, 0));
  watcher.Print("write of nothing");
  Must(close(fd) == 0, "close");
  watcher.Print("close");

  watcher.Add("file");
  watcher.Print("the watch itself");
  fd = open("file", O_RDONLY);
  watcher.Print("open for reading");
  ShowCount("read", read(fd, bytes, 4));
  watcher.Print("read");
  ShowCount("pread", pread(fd, bytes, 4, 2));
  watcher.Print("pread");
  Must(lseek(fd, 0, SEEK_END) == 10, "lseek");
  watcher.Print("lseek");
  ShowCount("read at the end", read(fd, bytes, 4));
  watcher.Print("read at the end");
  iovec vectors[2] = {{bytes, 2}, {bytes + 2, 2}};
  ShowCount("readv at the end", readv(fd, vectors, 2));
  watcher.Print("readv at the end");
  ShowCount("preadv", preadv(fd, vectors, 2, 0));
  watcher.Print("preadv");
  ShowCount("read of nothing", read(fd, bytes, 0));
  watcher.Print("read of nothing");
  ShowCount("write to what is read-only", write(fd, bytes, 1));
  watcher.Print("write to what is read-only");
  ShowCount("read to nowhere", pread(fd, nullptr, 4, 0));
  watcher.Print("read to nowhere");
  const int copy = dup(fd);
  Must(close(copy) == 0, "close of the copy");
  watcher.Print("close of a copy");
  Must(close(fd) == 0, "close");
  watcher.Print("close after reading");

  fd = open("file", O_WRONLY);
  watcher.Print("open for writing");
  ShowCount("writev", writev(fd, vectors, 2));
  watcher.Print("writev");
  ShowCount("pwrite", pwrite(fd, bytes, 3, 100));
  watcher.Print("pwrite");
  ShowCount("pwritev", pwritev(fd, vectors, 2, 100));
  watcher.Print("pwritev");
  Show("ftruncate", ftruncate(fd, 50));
  watcher.Print("ftruncate");
  Show("ftruncate to what it is", ftruncate(fd, 50));
  watcher.Print("ftruncate to what it is");
  Show("fsync", fsync(fd));
  watcher.Print("fsync");
  Show("fallocate", posix_fallocate(fd, 0, 100));
  watcher.Print("fallocate");
  Must(close(fd) == 0, "close");
  watcher.Print("close after writing");
  Show("truncate", truncate("file", 20));
  watcher.Print("truncate");
  fd = open("file", O_WRONLY | O_TRUNC);
  watcher.Print("open with O_TRUNC");
  Must(close(fd) == 0, "close");
  watcher.Print("close of what wrote nothing");
  fd = open("file", O_RDWR | O_CREAT, 0600);
  Must(close(fd) == 0, "close");
  watcher.Print("open with O_CREAT of what is there, and close");
  Show("open with O_EXCL", open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
  watcher.Print("open with O_EXCL of what is there");
  fd = open("file", O_PATH);
  Must(close(fd) == 0, "close");
  watcher.Print("open with O_PATH, and close");
  Show("access", access("file", R_OK));
  struct stat status;
  Show("stat", stat("file", &status));
  watcher.Print("access and stat");

  Show("chmod", chmod("file", 0640));
  watcher.Print("chmod");
  Show("chmod to what it is", chmod("file", 0640));
  watcher.Print("chmod to what it is");
  Show("chown to nobody else", chown("file", -1, -1));
  watcher.Print("chown to nobody else");
  Show("chown to what it is", chown("file", getuid(), getgid()));
  watcher.Print("chown to what it is");
  timespec times[2] = {{1000, 0}, {2000, 0}};
  Show("utimensat of both times", utimensat(AT_FDCWD, "file", times, 0));
  watcher.Print("utimensat of both times");
  times[0].tv_nsec = UTIME_OMIT;
  Show("utimensat of the modification time", utimensat(AT_FDCWD, "file", times, 0));
  watcher.Print("utimensat of the modification time");
  times[0].tv_nsec = 0, times[1].tv_nsec = UTIME_OMIT;
  Show("utimensat of the access time", utimensat(AT_FDCWD, "file", times, 0));
  watcher.Print("utimensat of the access time");
  times[0].tv_nsec = times[1].tv_nsec = UTIME_NOW;
  Show("utimensat to now", utimensat(AT_FDCWD, "file", times, 0));
  watcher.Print("utimensat to now");
  times[0].tv_nsec = times[1].tv_nsec = UTIME_OMIT;
  Show("utimensat of nothing", utimensat(AT_FDCWD, "file", times, 0));
  watcher.Print("utimensat of nothing");

  // From file to file.
  static char large[200000];
  const int other = open("other", O_RDWR | O_CREAT, 0600);
  Must(write(other, large, sizeof large) == sizeof large, "write");
  watcher.Add("other");
  fd = open("file", O_RDWR | O_TRUNC);
  watcher.Print("before copying");
  off_t from = 0, to = 0;
  ShowCount("sendfile", sendfile(fd, other, &from, sizeof large));
  watcher.Print("sendfile");
  ShowCount("sendfile at the end", sendfile(fd, other, &from, sizeof large));
  watcher.Print("sendfile at the end");
  from = 0;
  ShowCount("copy_file_range", copy_file_range(other, &from, fd, &to, sizeof large, 0));
  watcher.Print("copy_file_range");
  ShowCount("copy_file_range at the end", copy_file_range(other, &from, fd, &to, 100, 0));
  watcher.Print("copy_file_range at the end");
  return 0;
}
