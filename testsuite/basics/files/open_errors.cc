// open_errors: open(2) with one wrong thing each, and what each flag does to a file that is there.
#include <fcntl.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

void Open(const char* what, const char* path, int flags, mode_t mode = 0600) {
  const int fd = open(path, flags, mode);
  Show(what, fd);
  if (fd >= 0) close(fd);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  WriteFile("file", "contents");
  Must(mkdir("directory", 0700) == 0 && mkdir("directory/inner", 0700) == 0, "mkdir");
  Must(symlink("file", "link") == 0 && symlink("directory", "directory_link") == 0, "symlink");
  Must(symlink("missing", "dangling") == 0 && symlink("loop", "loop") == 0, "symlink");
  Must(symlink("ping", "pong") == 0 && symlink("pong", "ping") == 0, "symlink");

  Open("a file", "file", O_RDONLY);
  Open("nothing there", "missing", O_RDONLY);
  Open("an empty path", "", O_RDONLY);
  Open("nothing there, O_CREAT", "made", O_RDWR | O_CREAT);
  Open("there, O_CREAT", "file", O_RDWR | O_CREAT);
  Open("there, O_CREAT and O_EXCL", "file", O_RDWR | O_CREAT | O_EXCL);
  Open("nothing there, O_CREAT and O_EXCL", "made_too", O_RDWR | O_CREAT | O_EXCL);
  Open("dangling, O_CREAT and O_EXCL", "dangling", O_RDWR | O_CREAT | O_EXCL);
  Open("dangling, for reading", "dangling", O_RDONLY);
  Open("dangling, O_CREAT makes the target", "dangling", O_RDWR | O_CREAT);
  Open("the target", "missing", O_RDONLY);

  Open("a directory, for reading", "directory", O_RDONLY);
  Open("a directory, for writing", "directory", O_WRONLY);
  Open("a directory, for both", "directory", O_RDWR);
  Open("a directory, O_CREAT", "directory", O_RDONLY | O_CREAT);
  Open("a directory, O_CREAT and O_EXCL", "directory", O_RDONLY | O_CREAT | O_EXCL);
  Open("a directory, O_TRUNC", "directory", O_RDONLY | O_TRUNC);
  Open("a directory, O_DIRECTORY", "directory", O_RDONLY | O_DIRECTORY);
  Open("a file, O_DIRECTORY", "file", O_RDONLY | O_DIRECTORY);
  Open("nothing there, O_DIRECTORY", "nothing", O_RDONLY | O_DIRECTORY);
  Open("nothing there, O_CREAT and O_DIRECTORY", "nothing", O_RDWR | O_CREAT | O_DIRECTORY);
  Open("a link to a directory, O_DIRECTORY", "directory_link", O_RDONLY | O_DIRECTORY);

  Open("a link", "link", O_RDONLY);
  Open("a link, O_NOFOLLOW", "link", O_RDONLY | O_NOFOLLOW);
  Open("a link, O_NOFOLLOW and O_PATH", "link", O_PATH | O_NOFOLLOW);
  Open("a link to a directory, O_NOFOLLOW and O_DIRECTORY", "directory_link",
       O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
  Open("through a link, O_NOFOLLOW", "directory_link/inner", O_RDONLY | O_NOFOLLOW);
  Open("a link to itself", "loop", O_RDONLY);
  Open("two links to each other", "ping", O_RDONLY);
  Open("a link to itself, O_NOFOLLOW", "loop", O_RDONLY | O_NOFOLLOW);
  Open("through a link to itself", "loop/x", O_RDONLY);

  Open("a file, slash behind", "file/", O_RDONLY);
  Open("a directory, slash behind", "directory/", O_RDONLY);
  Open("a link to a directory, slash behind, O_NOFOLLOW", "directory_link/", O_RDONLY | O_NOFOLLOW);
  Open("nothing there, slash behind", "nothing/", O_RDONLY);
  Open("nothing there, slash behind, O_CREAT", "nothing/", O_RDWR | O_CREAT);
  Open("a file, slash behind, O_CREAT", "file/", O_RDWR | O_CREAT);
  Open("below a file", "file/x", O_RDONLY);
  Open("below a file, O_CREAT", "file/x", O_RDWR | O_CREAT);
  Open("the file's parent through it", "file/..", O_RDONLY);
  Open("below nothing", "nothing/x", O_RDONLY);
  Open("below nothing, O_CREAT", "nothing/x", O_RDWR | O_CREAT);
  Open("above the root", "/../../../tmp", O_RDONLY);
  Open("dots and slashes", ".//directory///inner/../../file", O_RDONLY);

  Open("a name of 255 bytes", std::string(255, 'n').c_str(), O_RDWR | O_CREAT);
  Open("a name of 256 bytes", std::string(256, 'n').c_str(), O_RDWR | O_CREAT);
  std::string path;
  while (path.size() < 4094) path += "./";
  Open("a path of 4095 bytes", (path + ".").c_str(), O_RDONLY);
  Open("a path of 4096 bytes", (path + "./").c_str(), O_RDONLY);

  Open("access mode 3", "file", 3);
  Open("O_PATH and O_CREAT", "nothing", O_PATH | O_CREAT);
  Open("O_APPEND and O_TRUNC", "file", O_WRONLY | O_APPEND | O_TRUNC);
  Open("O_TMPFILE of a file", "file", O_TMPFILE | O_RDWR);
  Open("O_TMPFILE for reading", "directory", O_TMPFILE | O_RDONLY);
  struct stat status;
  Must(stat("file", &status) == 0, "stat");
  std::printf("truncated: %lld bytes\n", static_cast<long long>(status.st_size));

  const int directory = open("directory", O_RDONLY | O_DIRECTORY), file = open("file", O_RDONLY);
  Show("openat, a bad number", openat(12345, "file", O_RDONLY));
  Show("openat, a bad number and an absolute path", openat(12345, "/tmp", O_RDONLY));
  Show("openat, the number of a file", openat(file, "x", O_RDONLY));
  Show("openat, the number of a directory", openat(directory, "inner", O_RDONLY));
  Show("openat, the number of a directory and an empty path", openat(directory, "", O_RDONLY));
  return 0;
}
