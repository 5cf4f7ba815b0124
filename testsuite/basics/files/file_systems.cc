// file_systems: statfs and fstatfs, as far as they do not tell of the host's disks.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

long ByPath(const char* path, struct statfs* status) { return syscall(SYS_statfs, path, status); }
long ByNumber(int fd, struct statfs* status) { return syscall(SYS_fstatfs, fd, status); }

void Print(const char* what, int fd) {
  struct statfs status;
  std::memset(&status, 0xaa, sizeof status);
  if (ByNumber(fd, &status) != 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  std::printf("%s: type %lx, block %ld, fragment %ld, blocks %llu, name %ld\n", what,
              static_cast<long>(status.f_type), static_cast<long>(status.f_bsize),
              static_cast<long>(status.f_frsize), static_cast<unsigned long long>(status.f_blocks),
              static_cast<long>(status.f_namelen));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  WriteFile("file", "text");
  Must(symlink("file", "link") == 0 && symlink("loop", "loop") == 0 && mkdir("closed", 0) == 0,
       "symlink and mkdir");
  const int file = open("file", O_RDONLY), directory = open(".", O_RDONLY | O_DIRECTORY),
            path = open("file", O_PATH);
  Must(file >= 0 && directory >= 0 && path >= 0, "open");

  struct statfs here, there;
  std::memset(&here, 0xaa, sizeof here);
  Show("statfs", ByPath("file", &here));
  std::printf("sensible: %d %d %d\n", here.f_bsize > 0 && here.f_frsize > 0,
              here.f_bfree <= here.f_blocks && here.f_bavail <= here.f_bfree,
              here.f_namelen >= 255);
  std::printf("spare: %ld %ld %ld %ld\n", static_cast<long>(here.f_spare[0]),
              static_cast<long>(here.f_spare[1]), static_cast<long>(here.f_spare[2]),
              static_cast<long>(here.f_spare[3]));
  const auto same = [&] {
    return here.f_type == there.f_type && here.f_bsize == there.f_bsize &&
           here.f_namelen == there.f_namelen &&
           std::memcmp(&here.f_fsid, &there.f_fsid, sizeof here.f_fsid) == 0;
  };
  Show("by a link", ByPath("link", &there));
  std::printf("the same: %d\n", same());
  Show("by the directory", ByPath(".", &there));
  std::printf("the same: %d\n", same());
  Show("fstatfs", ByNumber(file, &there));
  std::printf("the same: %d\n", same());
  Show("fstatfs by the directory", ByNumber(directory, &there));
  std::printf("the same: %d\n", same());
  Show("fstatfs by a path", ByNumber(path, &there));
  std::printf("the same: %d\n", same());

  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Print("pipe", ends[0]);
  Print("eventfd", eventfd(0, 0));
  Print("AF_UNIX socket", socket(AF_UNIX, SOCK_STREAM, 0));
  Print("TCP socket", socket(AF_INET, SOCK_STREAM, 0));
  Print("pidfd", static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  Print("/proc", open("/proc/self", O_RDONLY | O_DIRECTORY));
  Show("statfs of /proc", ByPath("/proc", &there));
  std::printf("type %lx\n", static_cast<long>(there.f_type));
  const int memory = memfd_create("memory", 0);
  Show("fstatfs of memory", ByNumber(memory, &there));
  std::printf("type %lx\n", static_cast<long>(there.f_type));

  Show("statfs of nothing", ByPath("missing", &there));
  Show("statfs of an empty path", ByPath("", &there));
  Show("statfs below a file", ByPath("file/below", &there));
  Show("statfs of a loop", ByPath("loop", &there));
  Show("statfs behind a closed door", ByPath("closed/file", &there));
  Show("statfs of a long name", ByPath(std::string(256, 'n').c_str(), &there));
  Show("statfs of a long path", ByPath(std::string(4096, '/').c_str(), &there));
  Show("statfs of a path nowhere", ByPath(nullptr, &there));
  Show("statfs to nowhere", ByPath("file", nullptr));
  Show("fstatfs of a free number", ByNumber(12345, &there));
  Show("fstatfs to nowhere", ByNumber(file, nullptr));
  return 0;
}
