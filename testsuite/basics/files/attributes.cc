// attributes: what stat says of files of all kinds, and what changes it: chmod, umask, utimensat,
// links. Only what does not depend on the file system below.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

const char* TypeName(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "link";
    case S_IFIFO:
      return "fifo";
    case S_IFCHR:
      return "character device";
    case S_IFSOCK:
      return "socket";
  }
  return "no type";
}

struct stat Stat(const char* path) {
  struct stat status;
  Must(lstat(path, &status) == 0, path);
  return status;
}

void ShowStat(const char* what, const struct stat& status) {
  std::printf("%s: %s %04o, mine %d\n", what, TypeName(status.st_mode), status.st_mode & 07777,
              status.st_uid == geteuid());
}
void ShowDescriptor(const char* what, int fd) {
  struct stat status;
  Must(fstat(fd, &status) == 0, what);
  std::printf("%s: %s %04o, size %lld, links %d\n", what, TypeName(status.st_mode),
              status.st_mode & 07777, static_cast<long long>(status.st_size),
              static_cast<int>(status.st_nlink));
}

}  // namespace

int main() {
  EnterScratchDirectory();

  // umask.
  std::printf("umask was %o\n", umask(027));
  Must(close(open("masked", O_CREAT | O_WRONLY, 0666)) == 0 && mkdir("masked_directory", 0777) == 0,
       "open and mkdir");
  ShowStat("umask 027, 666", Stat("masked"));
  ShowStat("umask 027, 777", Stat("masked_directory"));
  umask(0);
  Must(close(open("all", O_CREAT | O_WRONLY, 07777)) == 0, "open");
  ShowStat("umask 0, 7777", Stat("all"));
  umask(0777);
  const int unreadable = open("nothing_allowed", O_CREAT | O_RDWR, 0666);
  ShowStat("umask 777", Stat("nothing_allowed"));
  ShowCount("but what opened it may write", write(unreadable, "x", 1));
  umask(022);

  // chmod.
  Show("chmod", chmod("masked", 0400));
  ShowStat("after chmod", Stat("masked"));
  Show("fchmod", fchmod(unreadable, 0765));
  ShowStat("after fchmod", Stat("nothing_allowed"));
  Show("chmod of nothing", chmod("missing", 0400));
  Must(symlink("masked", "link") == 0, "symlink");
  Show("chmod through a link", chmod("link", 0640));
  ShowStat("its target", Stat("masked"));
  ShowStat("the link", Stat("link"));
  Show("chmod of a directory, sticky", chmod("masked_directory", 01755));
  ShowStat("after chmod", Stat("masked_directory"));
  Show("chown to myself", chown("masked", geteuid(), getegid()));
  Show("chown to nobody in particular", chown("masked", -1, -1));

  // Size, blocks, links.
  const int file = open("sized", O_CREAT | O_RDWR, 0644);
  Must(ftruncate(file, 1 << 20) == 0, "ftruncate");
  ShowDescriptor("a file with a hole", file);
  Must(link("sized", "sized_too") == 0, "link");
  ShowDescriptor("with two names", file);
  Must(unlink("sized") == 0 && unlink("sized_too") == 0, "unlink");
  ShowDescriptor("with none", file);

  // Times.
  const timespec times[2] = {{1000000000, 123456789}, {2000000000, 987654321}};
  Show("utimensat", utimensat(AT_FDCWD, "masked", times, 0));
  struct stat status = Stat("masked");
  std::printf("accessed %lld.%09ld, modified %lld.%09ld\n",
              static_cast<long long>(status.st_atim.tv_sec), status.st_atim.tv_nsec,
              static_cast<long long>(status.st_mtim.tv_sec), status.st_mtim.tv_nsec);
  const timespec omit[2] = {{0, UTIME_OMIT}, {5, 0}};
  Show("utimensat, one omitted", utimensat(AT_FDCWD, "masked", omit, 0));
  status = Stat("masked");
  std::printf("accessed %lld, modified %lld\n", static_cast<long long>(status.st_atim.tv_sec),
              static_cast<long long>(status.st_mtim.tv_sec));
  const timespec wrong[2] = {{0, 1000000000}, {5, 0}};
  Show("utimensat, too many nanoseconds", utimensat(AT_FDCWD, "masked", wrong, 0));
  Show("futimens, now", futimens(file, nullptr));
  const struct stat old = Stat("all");
  WriteFile("all", "changed");
  const struct stat changed = Stat("all");
  std::printf("writing does not turn time back: %d\n",
              changed.st_mtim.tv_sec > old.st_mtim.tv_sec ||
                  (changed.st_mtim.tv_sec == old.st_mtim.tv_sec &&
                   changed.st_mtim.tv_nsec >= old.st_mtim.tv_nsec));

  // Other kinds.
  int ends[2];
  Must(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3 && mkfifo("fifo", 0640) == 0,
       "pipe and mkfifo");
  ShowDescriptor("pipe", ends[0]);
  ShowStat("fifo", Stat("fifo"));
  ShowDescriptor("eventfd", eventfd(0, 0));
  ShowDescriptor("epoll instance", epoll_create1(0));
  status = Stat("/dev/null");
  std::printf("/dev/null: %s %u:%u\n", TypeName(status.st_mode), major(status.st_rdev),
              minor(status.st_rdev));

  // Wrong things.
  Show("fstat of a free number", fstat(12345, &status));
  Show("stat of nothing", stat("missing", &status));
  Show("stat of an empty path", stat("", &status));
  Show("stat of a file with a slash behind", stat("masked/", &status));
  Show("lstat of a link with a slash behind", lstat("link/", &status));
  Show("fstatat with AT_EMPTY_PATH", fstatat(file, "", &status, AT_EMPTY_PATH));
  Show("fstatat with an unknown flag", fstatat(AT_FDCWD, "masked", &status, 1));
  struct statx extended;
  Show("statx", statx(AT_FDCWD, "masked", 0, STATX_BASIC_STATS, &extended));
  std::printf("statx: %s %04o, size %llu, links %u, has what was asked for %d\n",
              TypeName(extended.stx_mode), extended.stx_mode & 07777,
              static_cast<unsigned long long>(extended.stx_size), extended.stx_nlink,
              (extended.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  Show("statx with a reserved bit", statx(AT_FDCWD, "masked", 0, STATX__RESERVED, &extended));
  return 0;
}
