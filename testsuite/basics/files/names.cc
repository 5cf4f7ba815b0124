// names: rename, link, unlink, symlink and readlink: what they do, and what they refuse, one wrong
// thing each.
#include <fcntl.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

void ShowLink(const char* what, const char* path) {
  char target[100] = "";
  const ssize_t size = readlink(path, target, sizeof target - 1);
  std::printf("%s: %s\n", what, size >= 0 ? target : ErrorName(errno));
}

int Links(const char* path) {
  struct stat status;
  return lstat(path, &status) == 0 ? static_cast<int>(status.st_nlink) : -1;
}

bool SameFile(const char* a, const char* b) {
  struct stat first, second;
  return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_ino == second.st_ino &&
         first.st_dev == second.st_dev;
}

void Renames() {
  WriteFile("a", "text of a");
  WriteFile("b", "text of b");
  Must(mkdir("empty", 0700) == 0 && mkdir("full", 0700) == 0 && mkdir("full/inner", 0700) == 0,
       "mkdir");
  WriteFile("full/file", "in full");
  Show("rename to a new name", rename("a", "c"));
  Show("the old name", access("a", F_OK));
  std::printf("[%s]\n", FileText("c"));
  Show("rename over a file", rename("c", "b"));
  std::printf("[%s]\n", FileText("b"));
  Show("rename to itself", rename("b", "b"));
  Show("rename of nothing", rename("missing", "x"));
  Show("rename into nothing", rename("b", "missing/x"));
  Show("rename to an empty path", rename("b", ""));
  Show("rename of a file over a directory", rename("b", "empty"));
  Show("rename of a directory over a file", rename("empty", "b"));
  Show("rename of a directory over a full one", rename("empty", "full"));
  Show("rename of a directory over an empty one", rename("full", "empty"));
  std::printf("[%s]\n", FileText("empty/file"));
  Must(rename("empty", "full") == 0, "rename back");
  Show("rename of a directory into itself", rename("full", "full/inner/x"));
  Show("rename of a directory over its child", rename("full", "full/inner"));
  Show("rename of a directory over its parent", rename("full/inner", "full"));
  Show("rename of .", rename(".", "x"));
  Show("rename to ..", rename("full", "full/.."));
  Show("rename of a file with a slash behind", rename("b/", "x"));
  Show("rename of a file to a name with a slash behind", rename("b", "x/"));
  Show("rename of a directory to a name with a slash behind", rename("full", "moved/"));
  Show("rename into another directory", rename("b", "moved/inner/b"));
  std::printf("[%s]\n", FileText("moved/inner/b"));
  Must(rename("moved/inner/b", "b") == 0, "rename back");
  WriteFile("other", "text of other");
  Show("RENAME_NOREPLACE", renameat2(AT_FDCWD, "b", AT_FDCWD, "other", RENAME_NOREPLACE));
  Show("RENAME_EXCHANGE", renameat2(AT_FDCWD, "b", AT_FDCWD, "other", RENAME_EXCHANGE));
  std::printf("[%s]", FileText("b"));
  std::printf(" [%s]\n", FileText("other"));
  Show("RENAME_EXCHANGE with a directory",
       renameat2(AT_FDCWD, "b", AT_FDCWD, "moved", RENAME_EXCHANGE));
  std::printf("[%s]\n", FileText("b/file"));
  Show("RENAME_EXCHANGE with nothing",
       renameat2(AT_FDCWD, "b", AT_FDCWD, "missing", RENAME_EXCHANGE));
  Show("both flags", renameat2(AT_FDCWD, "b", AT_FDCWD, "x", RENAME_NOREPLACE | RENAME_EXCHANGE));
  Show("unknown flag", renameat2(AT_FDCWD, "b", AT_FDCWD, "x", 0x100));
  const int file = open("moved", O_RDONLY);
  Must(rename("moved", "elsewhere") == 0, "rename");
  struct stat status;
  Must(fstat(file, &status) == 0, "fstat");
  std::printf("an open file does not mind: %lld bytes\n", static_cast<long long>(status.st_size));
}

void HardLinks() {
  WriteFile("file", "linked");
  Must(mkdir("directory", 0700) == 0, "mkdir");
  Show("link", link("file", "twin"));
  std::printf("links: %d, the same file: %d\n", Links("twin"), SameFile("file", "twin"));
  Show("rename to a link of the same file does nothing", rename("file", "twin"));
  std::printf("links: %d\n", Links("file"));
  Show("link over a file", link("file", "other"));
  Show("link of nothing", link("missing", "x"));
  Show("link of a directory", link("directory", "x"));
  Show("link with a slash behind", link("file", "x/"));
  Must(symlink("file", "soft") == 0, "symlink");
  Show("link of a symbolic link", link("soft", "soft_twin"));
  ShowLink("which is one itself", "soft_twin");
  Show("linkat following it", linkat(AT_FDCWD, "soft", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW));
  std::printf("links: %d\n", Links("file"));
  Show("linkat with an unknown flag", linkat(AT_FDCWD, "soft", AT_FDCWD, "x", 0x40));
  Show("unlink", unlink("file"));
  std::printf("links: %d, [%s]\n", Links("twin"), FileText("twin"));
}

void SymbolicLinks() {
  Show("symlink", symlink("some/where", "arrow"));
  ShowLink("readlink", "arrow");
  Show("symlink over a file", symlink("x", "twin"));
  Show("symlink over a symbolic link", symlink("x", "arrow"));
  Show("symlink to nothing", symlink("", "empty_arrow"));
  Show("symlink to a name with a slash behind", symlink("x", "name/"));
  Show("symlink to a very long target", symlink(std::string(4095, 't').c_str(), "long"));
  Show("symlink to too long a target", symlink(std::string(4096, 't').c_str(), "too_long"));
  ShowLink("readlink of a file", "twin");
  ShowLink("readlink of a directory", "directory");
  ShowLink("readlink of nothing", "missing");
  char small[4] = {'-', '-', '-', '-'};
  ShowCount("readlink into little room", readlink("arrow", small, 2));
  std::printf("[%.4s]\n", small);
  ShowCount("readlink into no room", readlink("arrow", small, 0));
  struct stat status;
  Must(lstat("arrow", &status) == 0, "lstat");
  std::printf("size %lld, a link %d, mode %o\n", static_cast<long long>(status.st_size),
              S_ISLNK(status.st_mode), status.st_mode & 07777);
  Show("stat of a dangling link", stat("arrow", &status));
  Must(mkdir("some", 0700) == 0, "mkdir");
  WriteFile("some/where", "found");
  std::printf("[%s]\n", FileText("arrow"));
  Must(symlink("../some", "directory/up") == 0, "symlink");
  std::printf("relative to the link's directory: [%s]\n", FileText("directory/up/where"));
  Show("unlink of a link leaves its target", unlink("arrow"));
  std::printf("[%s]\n", FileText("some/where"));
  Show("unlink of a link to a directory, slash behind", unlink("directory/up/"));
  Show("rmdir of a link to a directory", rmdir("directory/up"));

  // 40 links in a row are followed, 41 are not.
  WriteFile("link0", "the end of the chain");
  for (int i = 1; i <= 41; ++i) {
    Must(symlink(("link" + std::to_string(i - 1)).c_str(), ("link" + std::to_string(i)).c_str()) ==
             0,
         "symlink");
  }
  std::printf("[%s] [", FileText("link40"));
  std::printf("%s]\n", FileText("link41"));
}

void Removals() {
  Show("unlink of nothing", unlink("missing"));
  Show("unlink of a directory", unlink("directory"));
  Show("unlink with a slash behind", unlink("twin/"));
  Show("unlinkat AT_REMOVEDIR of a file", unlinkat(AT_FDCWD, "twin", AT_REMOVEDIR));
  Show("unlinkat with an unknown flag", unlinkat(AT_FDCWD, "twin", 1));
  Show("rmdir of a full directory", rmdir("directory"));
  Show("rmdir of a file", rmdir("twin"));
  Show("rmdir of nothing", rmdir("missing"));
  Show("rmdir of .", rmdir("some/."));
  Show("rmdir of ..", rmdir("some/.."));
  Show("rmdir of the root", rmdir("/"));
  Show("unlink", unlink("directory/up"));
  Show("rmdir with a slash behind", rmdir("directory/"));
  Show("mkdir over a file", mkdir("twin", 0700));
  Show("mkdir over a directory", mkdir("some", 0700));
  Show("mkdir in nothing", mkdir("missing/x", 0700));
  Show("mkdir with a slash behind", mkdir("fresh/", 0700));
  Show("mkdir of .", mkdir(".", 0700));
  Must(symlink("nowhere", "dangling") == 0, "symlink");
  Show("mkdir over a dangling link", mkdir("dangling", 0700));
  Show("mkdir over a dangling link, slash behind", mkdir("dangling/", 0700));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Renames();
  HardLinks();
  SymbolicLinks();
  Removals();
  return 0;
}
