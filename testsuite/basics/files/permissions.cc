// permissions: what the mode bits of files and directories forbid to one who is not root.
#include <fcntl.h>

#include "testsuite/basics/check.h"

int main() {
  EnterScratchDirectory();
  Must(mkdir("closed", 0700) == 0 && mkdir("listed", 0700) == 0 && mkdir("passed", 0700) == 0 &&
           mkdir("read_only", 0700) == 0,
       "mkdir");
  for (const char* path : {"file", "closed/file", "listed/file", "passed/file", "read_only/file"})
    WriteFile(path, "text");
  Must(chmod("closed", 0) == 0 && chmod("listed", 0400) == 0 && chmod("passed", 0100) == 0 &&
           chmod("read_only", 0500) == 0,
       "chmod");

  struct stat status;
  Show("open below a closed directory", open("closed/file", O_RDONLY));
  Show("stat below a closed directory", stat("closed/file", &status));
  Show("a missing file below a closed directory", open("closed/missing", O_RDONLY));
  Show("list a closed directory", open("closed", O_RDONLY));
  Show("list a directory that can be read only", open("listed", O_RDONLY));
  Show("open below it", open("listed/file", O_RDONLY));
  Show("list a directory that can be passed only", open("passed", O_RDONLY));
  Show("open below it", open("passed/file", O_RDWR));
  Show("create in it", open("passed/new", O_WRONLY | O_CREAT, 0600));
  Show("create in a read-only directory", open("read_only/new", O_WRONLY | O_CREAT, 0600));
  Show("O_CREAT of what is there", open("read_only/file", O_WRONLY | O_CREAT, 0600));
  Show("unlink in a read-only directory", unlink("read_only/file"));
  Show("unlink of nothing in it", unlink("read_only/missing"));
  Show("rename in it", rename("read_only/file", "read_only/renamed"));
  Show("rename into it", rename("file", "read_only/moved"));
  Show("mkdir in it", mkdir("read_only/inner", 0700));
  Show("mkdir of what is there", mkdir("read_only/file", 0700));
  Show("chdir into a closed directory", chdir("closed"));
  Show("chdir into one that can be read only", chdir("listed"));

  const int opened = open("file", O_RDWR);
  for (const mode_t mode : {0000, 0200, 0400, 0600, 0077}) {
    Must(chmod("file", mode) == 0, "chmod");
    std::printf("-- mode %03o\n", mode);
    Show("for reading", open("file", O_RDONLY));
    Show("for writing", open("file", O_WRONLY));
    Show("for both", open("file", O_RDWR));
    Show("O_TRUNC", open("file", O_RDONLY | O_TRUNC));
    Show("O_PATH", open("file", O_PATH));
    Show("access R_OK", access("file", R_OK));
    Show("access W_OK", access("file", W_OK));
    Show("access X_OK", access("file", X_OK));
    Show("truncate", truncate("file", 3));
    Show("stat", stat("file", &status));
  }
  ShowCount("what is open stays open", write(opened, "x", 1));
  Show("access with a wrong mode", access("file", 8));
  Show("access of nothing", access("missing", F_OK));
  Show("faccessat with an unknown flag", faccessat(AT_FDCWD, "file", F_OK, 1));
  for (const char* path : {"closed", "listed", "passed", "read_only"})
    Must(chmod(path, 0700) == 0, "chmod");
  return 0;
}
