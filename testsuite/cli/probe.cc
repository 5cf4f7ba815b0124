// probe: a guest that does what its first argument says, so that tests of the command line see the
// world that it was given.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

const char* Error() { return strerrorname_np(errno); }

void PrintBytes(const char* what, const void* bytes, size_t size) {
  printf("%s ", what);
  for (size_t i = 0; i < size; ++i) printf("%02x", static_cast<const unsigned char*>(bytes)[i]);
  printf("\n");
}

int Cat(const char* path) {
  const int fd = open(path, O_RDONLY);
  char bytes[4096];
  ssize_t size;
  if (fd < 0) {
    printf("%s: %s\n", path, Error());
    return 1;
  }
  while ((size = read(fd, bytes, sizeof bytes)) > 0) fwrite(bytes, 1, size, stdout);
  if (size < 0) printf("%s: %s\n", path, Error());
  return size < 0;
}

int List(const char* path) {
  DIR* directory = opendir(path);
  if (directory == nullptr) {
    printf("%s: %s\n", path, Error());
    return 1;
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory)) names.push_back(entry->d_name);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) printf("%s\n", name.c_str());
  return 0;
}

// Tries all that changes a directory.
int Change(const std::string& directory) {
  const std::string file = directory + "/file", fresh = directory + "/fresh";
  const auto show = [](const char* what, int result) {
    printf("%s: %s\n", what, result >= 0 ? "ok" : Error());
  };
  show("read", open(file.c_str(), O_RDONLY));
  const int writer = open(file.c_str(), O_RDWR);
  show("write", writer >= 0 ? static_cast<int>(pwrite(writer, "W", 1, 0)) : -1);
  show("truncate", truncate(file.c_str(), 3));
  show("create", open(fresh.c_str(), O_WRONLY | O_CREAT, 0600));
  show("chmod", chmod(file.c_str(), 0640));
  show("rename", rename(file.c_str(), (directory + "/renamed").c_str()));
  show("rename back", rename((directory + "/renamed").c_str(), file.c_str()));
  show("link", link(file.c_str(), (directory + "/linked").c_str()));
  show("symlink", symlink("file", (directory + "/soft").c_str()));
  show("mkdir", mkdir((directory + "/inner").c_str(), 0700));
  show("rmdir", rmdir((directory + "/inner").c_str()));
  show("unlink", unlink(file.c_str()));
  return 0;
}

int Chance() {
  PrintBytes("AT_RANDOM", reinterpret_cast<const void*>(getauxval(AT_RANDOM)), 16);
  unsigned char random[16];
  if (getrandom(random, sizeof random, 0) != sizeof random) return 1;
  PrintBytes("getrandom", random, sizeof random);
  const int fd = open("/dev/urandom", O_RDONLY);
  if (read(fd, random, sizeof random) != sizeof random) return 1;
  PrintBytes("urandom", random, sizeof random);
  const void* heap = malloc(1);
  const void* mapping = malloc(1 << 24);
  printf("addresses %p %p %p %p\n", static_cast<const void*>(&fd), heap, mapping,
         reinterpret_cast<void*>(getauxval(AT_ENTRY)));
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  printf("clock %lld.%09ld\n", static_cast<long long>(now.tv_sec), now.tv_nsec);
  struct stat status;
  if (stat("/tmp", &status) != 0) return 1;
  printf("pid %d inode %llu\n", getpid(), static_cast<unsigned long long>(status.st_ino));
  return 0;
}

int Eat(size_t megabytes) {
  size_t eaten = 0;
  while (eaten < megabytes) {
    char* block = static_cast<char*>(malloc(1 << 20));
    if (block == nullptr) break;
    memset(block, 1, 1 << 20);
    ++eaten;
  }
  printf("%s\n", eaten == megabytes ? "all of it" : "less");
  return eaten == megabytes ? 0 : 1;
}

// The README's epoll calls, with numbers that are known: nothing else is open.
int Epoll() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int counter = eventfd(0, EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = counter;
  epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event);
  epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event);
  const uint64_t one = 1;
  if (write(counter, &one, sizeof one) != sizeof one) return 1;
  epoll_event events[4];
  epoll_wait(epoll, events, 4, 100);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return 1;
  if (write(ends[1], "a\tpipe\n", 7) != 7) return 1;
  close(ends[0]);
  return open("/missing", O_RDONLY | O_CLOEXEC) >= 0;
}

// Executes a file of so many MiB that is all hole, but for the first bytes of a program.
int ExecuteHole(long mebibytes) {
  char path[] = "/tmp/hole";
  const int file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0755);
  if (write(file, "\177ELF", 4) != 4 || ftruncate(file, mebibytes << 20) != 0) return 1;
  close(file);
  char* arguments[] = {path, nullptr};
  execv(path, arguments);
  printf("%s\n", Error());
  return 0;
}

int Hang() {
  const int epoll = epoll_create1(0), counter = eventfd(0, 0);
  epoll_event event = {};
  event.events = EPOLLIN;
  epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event);
  return epoll_wait(epoll, &event, 1, -1);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const char* argument = argc > 2 ? argv[2] : "";
  if (what == "exit") return atoi(argument);
  if (what == "arguments") {
    for (int i = 0; i < argc; ++i) printf("[%s]\n", argv[i]);
    return 0;
  }
  if (what == "environment") {
    for (char** variable = environ; *variable != nullptr; ++variable) printf("%s\n", *variable);
    return 0;
  }
  if (what == "cat") return Cat(argument);
  if (what == "list") return List(argument);
  if (what == "change") return Change(argument);
  if (what == "chance") return Chance();
  if (what == "eat") return Eat(atol(argument));
  if (what == "epoll") return Epoll();
  if (what == "execute_hole") return ExecuteHole(atol(argument));
  if (what == "hang") return Hang();
  if (what == "sleep") return static_cast<int>(sleep(atoi(argument)));
  if (what == "raise") return raise(atoi(argument));
  if (what == "spin") {
    volatile int turns = 0;
    for (;;) turns = turns + 1;
  }
  if (what == "ids") {
    printf("%d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
    return 0;
  }
  if (what == "directory") {
    char path[4096];
    printf("%s\n", getcwd(path, sizeof path) != nullptr ? path : Error());
    return 0;
  }
  if (what == "unknown_call") {
    for (int i = 0; i < 3; ++i) printf("%ld %s\n", syscall(5000), Error());
    return 0;
  }
  if (what == "input") {
    char line[100];
    while (fgets(line, sizeof line, stdin) != nullptr) printf("<%s", line);
    return 0;
  }
  if (what == "errors") {
    fprintf(stderr, "from the guest\n");
    return 0;
  }
  fprintf(stderr, "probe: what is %s?\n", what.c_str());
  return 99;
}
