// proc_self: what a program finds out about itself below /proc/self: its descriptors and what they
// refer to, its file, its arguments, its mappings.
#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "testsuite/basics/check.h"

namespace {

std::string ReadLink(const std::string& path) {
  char target[4096];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  return size >= 0 ? std::string(target, size) : ErrorName(errno);
}

std::string Descriptor(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Numbers of inodes are replaced by #, and the scratch directory by START.
void ShowDescriptor(const char* what, int fd) {
  std::string target = ReadLink(Descriptor(fd));
  const std::string start = ScratchDirectory();
  if (target.compare(0, start.size(), start) == 0) target.replace(0, start.size(), "START");
  std::string text;
  for (const char c : target) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) text += c;
    if (digit && (text.empty() || text.back() != '#')) text += '#';
  }
  std::printf("%s: %s\n", what, text.c_str());
}

std::string Read(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

int main(int, char** argv) {
  Must(close_range(3, ~0u, 0) == 0, "close_range");
  EnterScratchDirectory();
  WriteFile("file", "0123456789");
  const int file = open("file", O_RDWR), directory = open(".", O_RDONLY),
            path = open("file", O_PATH);
  int ends[2];
  Must(file == 3 && pipe2(ends, O_NONBLOCK) == 0, "open");
  const int counter = eventfd(0, 0), epoll = epoll_create1(0), memory = memfd_create("name", 0);

  ShowDescriptor("file", file);
  ShowDescriptor("directory", directory);
  ShowDescriptor("O_PATH", path);
  ShowDescriptor("pipe", ends[0]);
  ShowDescriptor("eventfd", counter);
  ShowDescriptor("epoll instance", epoll);
  ShowDescriptor("memfd", memory);
  ShowDescriptor("/dev/null", open("/dev/null", O_RDONLY));
  ShowDescriptor("a free number", 700);
  Must(rename("file", "renamed") == 0, "rename");
  ShowDescriptor("renamed", file);
  Must(unlink("renamed") == 0, "unlink");
  ShowDescriptor("deleted", file);

  // Opening such a link opens the file again, with an offset and a mode of its own.
  char text[16] = "";
  Must(lseek(file, 5, SEEK_SET) == 5, "lseek");
  const int again = open(Descriptor(file).c_str(), O_RDONLY);
  ShowCount("opened again", read(again, text, 3));
  std::printf("[%s]\n", text);
  ShowCount("which is read-only", write(again, "x", 1));
  Show("a free number cannot be opened", open(Descriptor(700).c_str(), O_RDONLY));
  struct stat status, same;
  Must(stat(Descriptor(file).c_str(), &status) == 0 && fstat(file, &same) == 0, "stat");
  std::printf("stat follows: %d, links %d\n", status.st_ino == same.st_ino,
              static_cast<int>(status.st_nlink));
  Must(lstat(Descriptor(file).c_str(), &status) == 0, "lstat");
  std::printf("lstat: a link %d, mode %o\n", S_ISLNK(status.st_mode), status.st_mode & 0777);

  // The directory lists the numbers that are open.
  DIR* list = opendir("/proc/self/fd");
  Must(list != nullptr, "opendir");
  std::set<int> numbers;
  while (const dirent* entry = readdir(list)) {
    if (entry->d_name[0] != '.') numbers.insert(std::atoi(entry->d_name));
  }
  numbers.erase(dirfd(list));
  for (const int number : numbers) std::printf("%d ", number);
  std::printf("\n");
  Must(closedir(list) == 0, "closedir");

  const char* name = std::strrchr(argv[0], '/') + 1;
  const std::string command = Read("/proc/self/cmdline");
  Must(command == std::string(argv[0]) + '\0', "cmdline is argv");
  std::printf("comm is the start of the name: %d\n",
              Read("/proc/self/comm") == std::string(name).substr(0, 15) + "\n");
  Must(ReadLink("/proc/self") == std::to_string(getpid()), "/proc/self is the process");
  Must(ReadLink("/proc/self/cwd") == ScratchDirectory(), "cwd");
  std::printf("root: %s\n", ReadLink("/proc/self/root").c_str());
  Must(ReadLink("/proc/self/exe").find('/') == 0, "exe");
  std::ifstream executable("/proc/self/exe");
  executable.read(text, 4);
  Must(std::string(text, 4) ==
           "\x7f"
           "ELF",
       "the program can be read");

  void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char line[40];
  std::snprintf(line, sizeof line, "%lx-%lx r-xp 00000000 00:00 0",
                reinterpret_cast<unsigned long>(page),
                reinterpret_cast<unsigned long>(page) + 4096);
  const std::string maps = Read("/proc/self/maps");
  std::printf("maps: the mapping %d, [stack] %d, [heap] %d\n", maps.find(line) != std::string::npos,
              maps.find("[stack]") != std::string::npos, maps.find("[heap]") != std::string::npos);
  const std::string own_status = Read("/proc/self/status");
  std::printf("status: threads %d, pid %d\n",
              own_status.find("\nThreads:\t1\n") != std::string::npos,
              own_status.find("\nPid:\t" + std::to_string(getpid()) + "\n") != std::string::npos);
  Show("nobody's", access("/proc/67108863", F_OK));
  Show("a file there", open("/proc/self/new", O_WRONLY | O_CREAT, 0600));
  Show("mkdir there", mkdir("/proc/self/new", 0700));
  return 0;
}
