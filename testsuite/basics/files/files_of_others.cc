// files_of_others: what a guest that is not root may not do to files that are root's.
#include <fcntl.h>

#include "testsuite/basics/check.h"

int main() {
  Must(geteuid() == 1000 && getegid() == 1000, "the guest is user 1000");
  EnterScratchDirectory();
  WriteFile("mine", "text");
  struct stat status;
  Must(stat("/", &status) == 0 && status.st_uid == 0 && (status.st_mode & 022) == 0,
       "the root directory is root's");
  Must(stat("/tmp", &status) == 0 && (status.st_mode & 07777) == 01777,
       "/tmp is everybody's, and sticky");
  Show("a file in the root directory", open("/file", O_WRONLY | O_CREAT, 0600));
  Show("a directory in the root directory", mkdir("/directory", 0700));
  Show("chmod of the root directory", chmod("/", 0777));
  Show("chown of the root directory", chown("/", 1000, -1));
  Show("rename of /tmp", rename("/tmp", "/tmp2"));
  Show("unlink of a device", unlink("/dev/null"));
  Show("utimensat of the root directory", utimensat(AT_FDCWD, "/", nullptr, 0));
  Show("giving a file away", chown("mine", 0, -1));
  Show("giving a file to another group", chown("mine", -1, 5));
  Show("mknod of a device", mknod("device", S_IFCHR | 0600, 0x103));
  Show("setuid to root", setuid(0));
  return 0;
}
