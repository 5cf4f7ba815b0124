// lock_lines: /proc/self/fdinfo tells of the locks that were made by a descriptor's description.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

// The lines of locks. What differs from run to run has a name instead.
void Print(const char* what, int fd, pid_t pid = getpid()) {
  struct stat status;
  Must(fstat(fd, &status) == 0, "fstat");
  std::printf("%s\n", what);
  const std::string text =
      FileText(("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(fd)).c_str());
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.rfind("lock:", 0) != 0) continue;
    int number = 0, owner = 0;
    unsigned major_number = 0, minor_number = 0;
    unsigned long inode = 0;
    char kind[10], advisory[10], type[10], start[30], stop[30];
    const int fields =
        std::sscanf(line.c_str(), "lock: %d: %9s %9s %9s %d %x:%x:%lu %29s %29s", &number, kind,
                    advisory, type, &owner, &major_number, &minor_number, &inode, start, stop);
    const bool right = inode == status.st_ino && major_number == major(status.st_dev) &&
                       minor_number == minor(status.st_dev);
    // The words are padded.
    std::printf("  [%s] %s, %s %s, %d fields\n", line.substr(0, line.find("ADVISORY")).c_str(),
                owner == getpid() ? "mine"
                : owner == -1     ? "nobody's"
                                  : "another's",
                type, right ? "of this file" : "of another file", fields);
    std::printf("    %s to %s\n", start, stop);
  }
}

void Set(int fd, int command, short type, off_t start, off_t length) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_start = start;
  lock.l_len = length;
  Must(fcntl(fd, command, &lock) == 0, "fcntl");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  const int a = open("file", O_RDWR | O_CREAT, 0600), b = open("file", O_RDWR);
  Must(a >= 0 && b >= 0 && write(a, "0123456789", 10) == 10, "a file");
  Print("fresh", a);
  Must(flock(a, LOCK_SH) == 0, "flock");
  Print("flock, shared", a);
  Print("the other description has none", b);
  Must(flock(a, LOCK_EX) == 0, "flock");
  Print("flock, exclusive", a);
  Print("a duplicate", dup(a));
  Must(flock(a, LOCK_UN) == 0, "flock");
  Print("unlocked", a);
  Set(a, F_SETLK, F_WRLCK, 2, 3);
  Print("a record", a);
  Set(b, F_SETLK, F_RDLCK, 7, 0);
  Print("another by the other description", b);
  Print("and the first", a);
  Set(a, F_SETLK, F_RDLCK, 3, 1);
  Print("three pieces", a);
  Set(a, F_SETLK, F_UNLCK, 0, 0);
  Print("all unlocked by one", b);
  Set(b, F_OFD_SETLK, F_WRLCK, 1, 1);
  Print("a description's", b);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    Print("the child sees it", b);
    Set(a, F_SETLK, F_WRLCK, 5, 1);
    Print("and its own", a);
    std::fflush(stdout);
    _exit(0);
  }
  Must(waitpid(child, nullptr, 0) == child, "waitpid");
  Print("which went with it", a);
  close(b);
  Print("nothing is left", a);
  return 0;
}
