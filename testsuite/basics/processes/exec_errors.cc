// exec_errors: why execve and execveat do not execute: each reason, and the order of two; the
// process goes on as if nothing had been asked. Scripts, and what their first line gives.
#include <sys/mman.h>
#include <sys/resource.h>

#include "testsuite/basics/processes/self.h"

namespace {

char* const kNoArguments[] = {nullptr};
char one[] = "one", two[] = "two words";
char* const kTwoArguments[] = {one, two, nullptr};

void Try(const char* what, const char* path, char* const* argv = kTwoArguments) {
  std::fflush(stdout);
  Show(what, execve(path, argv, kNoArguments));
}

void TryAt(const char* what, int directory, const char* path, int flags) {
  std::fflush(stdout);
  Show(what, execveat(directory, path, kTwoArguments, kNoArguments, flags));
}

void Make(const char* path, const std::string& bytes, mode_t mode) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  Must(fd >= 0 && write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
       path);
  Must(fchmod(fd, mode) == 0 && close(fd) == 0, path);
}

// The program's own file, under a name in this directory.
std::string OwnFile() {
  char path[4096];
  const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path);
  Must(bytes > 0, "readlink");
  return std::string(path, static_cast<size_t>(bytes));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    // Executed by a script, or by its own file's descriptor.
    for (int i = 1; i < argc; ++i) std::printf("  [%s]\n", argv[i]);
    return argc;
  }
  const std::string self = OwnFile();
  EnterScratchDirectory();
  Make("text", "no program\n", 0700);
  Make("empty", "", 0700);
  Make("forbidden", "#!/bin/true\n", 0600);
  Make("lost", "#!/nowhere/at/all\n", 0700);
  Make("nobody", "#!\n", 0700);
  Make("broken", std::string("\177ELF\2\1\1") + std::string(57, '\0'), 0700);
  Must(mkdir("directory", 0700) == 0 && mkdir("locked", 0) == 0, "mkdir");
  Must(symlink("loop", "loop") == 0 && symlink("text", "link") == 0, "symlink");
  Try("nowhere", "nowhere");
  Try("no name", "");
  Try("below a file", "text/more");
  Try("below what may not be entered", "locked/more");
  Try("a directory", "directory");
  Try("a loop", "loop");
  Try("too long a name", std::string(300, 'n').c_str());
  Try("too long a path", std::string(5000, '/').c_str());
  Try("no permission", "forbidden");
  Try("neither script nor ELF", "text");
  Try("empty", "empty");
  Try("a script for nobody", "nobody");
  Try("a script for what is not there", "lost");
  Try("a broken ELF", "broken");
  Try("name out of reach", reinterpret_cast<const char*>(8));
  Try("arguments out of reach", "text", reinterpret_cast<char* const*>(8));
  char* const bad[] = {one, reinterpret_cast<char*>(8), nullptr};
  Try("an argument out of reach", self.c_str(), bad);
  Try("nowhere, arguments out of reach", "nowhere", reinterpret_cast<char* const*>(8));
  Try("no permission, an argument out of reach", "forbidden", bad);
  std::string too_long(200 << 10, 'x');
  char* const long_argument[] = {one, too_long.data(), nullptr};
  Try("too long an argument", self.c_str(), long_argument);
  Try("too long an argument for what is not there", "nowhere", long_argument);

  const int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int file = open("text", O_RDONLY | O_CLOEXEC), path_only = open("text", O_PATH | O_CLOEXEC);
  const int closed_script = open("lost", O_RDONLY | O_CLOEXEC);
  TryAt("at: relative", directory, "text", 0);
  TryAt("at: an empty name", directory, "", 0);
  TryAt("at: the directory itself", directory, "", AT_EMPTY_PATH);
  TryAt("at: a file", file, "", AT_EMPTY_PATH);
  TryAt("at: O_PATH", path_only, "", AT_EMPTY_PATH);
  TryAt("at: below a file", file, "more", 0);
  TryAt("at: closed number", 700, "text", 0);
  TryAt("at: closed number, absolute", 700, "/nowhere", 0);
  TryAt("at: a link", directory, "link", 0);
  TryAt("at: a link, not followed", directory, "link", AT_SYMLINK_NOFOLLOW);
  TryAt("at: unknown flag", directory, "text", 0x10);
  TryAt("at: a script that nobody could open", closed_script, "", AT_EMPTY_PATH);

  // A file that somebody writes is not executed.
  const int writer = open("text", O_WRONLY | O_CLOEXEC);
  Try("open for writing", "text");
  close(writer);
  Try("no longer", "text");

  // Scripts. The interpreter is this program.
  Make("script", "#!" + self + "\nignored\n", 0700);
  Make("with_argument", "#! " + self + " \t an argument  \nignored\n", 0700);
  Make("script_of_script", "#!./script deep\n", 0700);
  Make("without_end", "#!" + self, 0700);
  Must(symlink("script", "linked_script") == 0, "symlink");
  for (const char* script :
       {"script", "with_argument", "./script_of_script", "without_end", "linked_script"}) {
    std::printf("%s\n", script);
    ShowEnd("ended", Fork([=] { return execve(script, kTwoArguments, kNoArguments); }));
  }
  Must(symlink("script_9", "unused") == 0, "symlink");
  Make("script_0", "#!" + self + "\n", 0700);
  for (int i = 1; i < 10; ++i) {
    Make(("script_" + std::to_string(i)).c_str(), "#!script_" + std::to_string(i - 1) + "\n", 0700);
  }
  std::printf("four deep\n");
  ShowEnd("ended", Fork([=] { return execve("script_3", kTwoArguments, kNoArguments); }));
  Try("ten deep", "script_9");
  std::printf("by a descriptor\n");
  ShowEnd("ended", Fork([&] {
            const int own = open("/proc/self/exe", O_RDONLY);
            return execveat(own, "", kTwoArguments, kNoArguments, AT_EMPTY_PATH);
          }));
  Must(chmod("locked", 0700) == 0, "chmod");
  return 0;
}
