// working_directory: where relative paths start, and what getcwd says of it: after chdir and
// fchdir, when the directory is renamed or removed.
#include <fcntl.h>
#include <limits.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

std::string start;

// The working directory without the scratch directory's own name, which is random.
void Where(const char* what) {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) == nullptr) {
    std::printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  std::string text = path;
  if (text.compare(0, start.size(), start) == 0) text = "START" + text.substr(start.size());
  std::printf("%s: %s\n", what, text.c_str());
}

}  // namespace

int main() {
  EnterScratchDirectory();
  char path[PATH_MAX];
  Must(getcwd(path, sizeof path) != nullptr, "getcwd");
  start = path;
  Must(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("a/b/c", 0700) == 0, "mkdir");
  Must(symlink("a/b", "link") == 0, "symlink");
  WriteFile("file", "at the start");
  WriteFile("a/b/file", "in b");

  Where("at first");
  Show("chdir", chdir("a/b/c"));
  Where("then");
  std::printf("[%s]", FileText("../file"));
  std::printf(" [%s]\n", FileText("../../../file"));
  Show("chdir ..", chdir(".."));
  Where("then");
  Show("chdir to the start", chdir(start.c_str()));
  Show("chdir through a link", chdir("link"));
  Where("a link is no place");
  std::printf("[%s]\n", FileText("file"));
  const int c = open("c", O_RDONLY | O_DIRECTORY), file = open("file", O_RDONLY),
            path_only = open("c", O_PATH);
  Show("fchdir", fchdir(c));
  Where("then");
  Show("fchdir of a file", fchdir(file));
  Show("fchdir of O_PATH", fchdir(path_only));
  Show("fchdir of a free number", fchdir(12345));
  Show("chdir to nothing", chdir("missing"));
  Show("chdir to a file", chdir("../file"));
  Show("chdir to an empty path", chdir(""));
  Show("chdir to /", chdir("/"));
  Where("the root");
  Show("chdir above the root", chdir("../.."));
  Where("is the root");

  Must(fchdir(c) == 0, "fchdir");
  Must(rename((start + "/a").c_str(), (start + "/renamed").c_str()) == 0, "rename");
  Where("renamed above");
  std::printf("[%s]\n", FileText("../file"));
  Show("getcwd into little room", getcwd(path, 5) == nullptr ? -1 : 0);
  Show("getcwd into no room", getcwd(path, 0) == nullptr ? -1 : 0);

  Must(rmdir((start + "/renamed/b/c").c_str()) == 0, "rmdir of the working directory");
  Where("removed");
  Show("a file in it", open("x", O_WRONLY | O_CREAT, 0600));
  Show("open of it", open(".", O_RDONLY));
  Show("its parent", chdir(".."));
  Where("is still there");

  Must(chdir(start.c_str()) == 0, "chdir");
  for (const char* name :
       {"link/file", "renamed/./b//../b/file", "file/..", "missing", "renamed/missing"}) {
    char* real = realpath(name, path);
    std::printf("realpath of %s: %s\n", name,
                real != nullptr ? real + start.size() : ErrorName(errno));
  }
  Must(fchdir(open("/tmp", O_RDONLY)) == 0, "fchdir");
  return 0;
}
