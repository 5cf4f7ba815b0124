// modes_and_owners: fchmodat2, whose flags fchmodat never had, and fchown, which takes away more
// than it is asked to.
#include <fcntl.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

long Change(int directory, const char* path, int mode, int flags) {
  return syscall(SYS_fchmodat2, directory, path, mode, flags);
}

int Mode(const char* path) {
  struct stat status;
  Must(lstat(path, &status) == 0, path);
  return status.st_mode & 07777;
}

void Modes() {
  WriteFile("file", "text");
  Must(mkdir("directory", 0755) == 0 && symlink("file", "link") == 0 &&
           symlink("loop", "loop") == 0 && mkdir("closed", 0) == 0,
       "mkdir and symlink");
  WriteFile("directory/inner", "text");
  const int directory = open("directory", O_RDONLY | O_DIRECTORY), file = open("file", O_RDWR),
            path = open("file", O_PATH), link = open("link", O_PATH | O_NOFOLLOW);
  Must(directory >= 0 && file >= 0 && path >= 0 && link >= 0, "open");

  Show("fchmodat2", Change(AT_FDCWD, "file", 0640, 0));
  std::printf("%04o\n", Mode("file"));
  Show("through a link", Change(AT_FDCWD, "link", 0604, 0));
  std::printf("%04o\n", Mode("file"));
  Show("not through a link", Change(AT_FDCWD, "file", 0600, AT_SYMLINK_NOFOLLOW));
  std::printf("%04o\n", Mode("file"));
  Show("of a link", Change(AT_FDCWD, "link", 0644, AT_SYMLINK_NOFOLLOW));
  std::printf("%04o\n", Mode("file"));
  Show("below a directory", Change(directory, "inner", 0444, 0));
  std::printf("%04o\n", Mode("directory/inner"));
  Show("by number", Change(file, "", 0660, AT_EMPTY_PATH));
  std::printf("%04o\n", Mode("file"));
  Show("by the number of a path", Change(path, "", 0666, AT_EMPTY_PATH));
  std::printf("%04o\n", Mode("file"));
  Show("by the number of a link", Change(link, "", 0600, AT_EMPTY_PATH));
  std::printf("%04o\n", Mode("file"));
  Show("of a directory", Change(directory, "", 01711, AT_EMPTY_PATH));
  std::printf("%04o\n", Mode("directory"));
  Show("other bits of the mode do not count", Change(AT_FDCWD, "file", 0170611, 0));
  std::printf("%04o\n", Mode("file"));

  Show("unknown flag", Change(AT_FDCWD, "file", 0600, 1));
  Show("a flag of others", Change(AT_FDCWD, "file", 0600, AT_SYMLINK_FOLLOW));
  Show("nothing there", Change(AT_FDCWD, "missing", 0600, 0));
  Show("an empty path", Change(file, "", 0600, 0));
  Show("below a file", Change(file, "inner", 0600, 0));
  Show("below a file, by name", Change(AT_FDCWD, "file/inner", 0600, 0));
  Show("below a free number", Change(12345, "inner", 0600, 0));
  Show("a free number", Change(12345, "", 0600, AT_EMPTY_PATH));
  Show("a loop", Change(AT_FDCWD, "loop", 0600, 0));
  Show("behind a closed door", Change(AT_FDCWD, "closed/file", 0600, 0));
  Show("a long name", Change(AT_FDCWD, std::string(256, 'n').c_str(), 0600, 0));
  Show("a path nowhere", Change(AT_FDCWD, nullptr, 0600, 0));
  std::printf("%04o\n", Mode("file"));
}

void Owners() {
  WriteFile("owned", "text");
  const int file = open("owned", O_RDWR), read_only = open("owned", O_RDONLY),
            path = open("owned", O_PATH), directory = open("directory", O_RDONLY | O_DIRECTORY);
  Must(file >= 0 && read_only >= 0 && path >= 0 && directory >= 0, "open");
  struct stat status;
  Must(fstat(file, &status) == 0 && status.st_uid == geteuid() && status.st_gid == getegid(),
       "a new file is mine");
  Show("fchown to myself", fchown(file, geteuid(), getegid()));
  Show("fchown of the user", fchown(file, geteuid(), -1));
  Show("fchown of the group", fchown(file, -1, getegid()));
  Show("fchown of neither", fchown(file, -1, -1));
  Show("fchown, read only", fchown(read_only, geteuid(), getegid()));
  Show("fchown of a directory", fchown(directory, geteuid(), getegid()));
  Must(fstat(file, &status) == 0 && status.st_uid == geteuid() && status.st_gid == getegid(),
       "it still is");

  for (const int mode : {06755, 04644, 06744, 01777}) {
    Must(fchmod(file, mode) == 0, "fchmod");
    std::printf("%04o becomes ", Mode("owned"));
    Must(fchown(file, geteuid(), getegid()) == 0, "fchown");
    std::printf("%04o", Mode("owned"));
    Must(fchmod(file, mode) == 0 && fchown(file, -1, -1) == 0, "fchown");
    std::printf(", by neither %04o\n", Mode("owned"));
  }
  Must(fchmod(directory, 06755) == 0 && fchown(directory, geteuid(), getegid()) == 0, "fchown");
  std::printf("a directory: %04o\n", Mode("directory"));

  Show("fchown of a path", fchown(path, geteuid(), getegid()));
  Show("fchown of a free number", fchown(12345, geteuid(), getegid()));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Modes();
  Owners();
  return 0;
}
