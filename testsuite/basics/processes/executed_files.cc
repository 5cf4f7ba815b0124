// executed_files: a file is written or executed, never both: what fails while a program runs from a
// file, what does not, and when the file can be written again.
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "testsuite/basics/processes/self.h"

namespace {

void Try(const char* what, const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC, 0600);
  Show(what, fd);
  if (fd >= 0) close(fd);
}

void Ways(const char* path) {
  Try("  to read", path, O_RDONLY);
  Try("  to write", path, O_WRONLY);
  Try("  to read and write", path, O_RDWR);
  Try("  to append", path, O_WRONLY | O_APPEND);
  Try("  as a path", path, O_PATH);
  Try("  to read, emptied", path, O_RDONLY | O_TRUNC);
  Try("  exclusively", path, O_WRONLY | O_CREAT | O_EXCL);
  Show("  truncate", truncate(path, 1 << 30));
  Show("  mode", chmod(path, 0700));
  struct stat status;
  Must(stat(path, &status) == 0, "stat");
  std::printf("  it is whole: %d\n", status.st_size > 4096);
}

pid_t Run(const char* path, int fd) {
  return Fork([=] {
    std::string number = std::to_string(fd), name = "copy", word = "wait";
    char* const argv[] = {name.data(), word.data(), number.data(), nullptr};
    char* const envp[] = {nullptr};
    execve(path, argv, envp);
    return 127;
  });
}

// Says that it runs, and waits until the pipe ends.
int Waiter(int fd) {
  char byte;
  Try("its own file, to write", "/proc/self/exe", O_WRONLY);
  ShowEnd("in a child", Fork([] {
            Try("its own file, to write", "/proc/self/exe", O_WRONLY);
            return 0;
          }));
  std::fflush(stdout);
  Must(write(fd, "x", 1) == 1, "write");
  return read(fd, &byte, 1) == 0 ? 4 : 5;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) return Waiter(std::atoi(argv[2]));
  std::ifstream own("/proc/self/exe", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(own), std::istreambuf_iterator<char>()};
  EnterScratchDirectory();
  const auto copy = [&bytes](const char* path) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    Must(fd >= 0, path);
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
      Must(written > 0, "write");
      done += static_cast<size_t>(written);
    }
    close(fd);
  };
  copy("program");
  int line[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, line) == 0, "socketpair");
  Must(fcntl(line[0], F_SETFD, FD_CLOEXEC) == 0, "fcntl");
  pid_t child = Run("program", line[1]);
  close(line[1]);
  char byte;
  Must(read(line[0], &byte, 1) == 1, "it runs");
  std::printf("while it runs\n");
  Ways("program");
  Show("another name", link("program", "other"));
  Try("  to write", "other", O_WRONLY);
  Show("the name goes", unlink("program"));
  Try("  to write by the other", "other", O_WRONLY);
  shutdown(line[0], SHUT_RDWR);
  ShowEnd("the program", child);
  std::printf("after it\n");
  Try("  to write", "other", O_WRONLY);
  close(line[0]);

  // The other way round.
  copy("program");
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, line) == 0, "socketpair");
  std::printf("open for writing\n");
  const int writer = open("program", O_WRONLY | O_CLOEXEC);
  ShowEnd("  executed", Fork([&] {
            char* const none[] = {nullptr};
            Show("  execve", execve("program", none, none));
            return 3;
          }));
  const int duplicate = dup(writer);
  close(writer);
  ShowEnd("  by a duplicate", Fork([&] {
            char* const none[] = {nullptr};
            Show("  execve", execve("program", none, none));
            return 3;
          }));
  close(duplicate);
  const int reader = open("program", O_RDONLY | O_CLOEXEC);
  child = Run("program", line[1]);
  Must(read(line[0], &byte, 1) == 1, "it runs");
  std::printf("it runs beside a reader\n");
  close(reader);
  close(line[1]);
  shutdown(line[0], SHUT_RDWR);
  ShowEnd("the program", child);

  // A file in memory.
  const int memory = memfd_create("program", 0);
  Must(memory >= 0, "memfd_create");
  ShowEnd("a file in memory that is open for writing", Fork([&] {
            char* const none[] = {nullptr};
            Show("  fexecve", execveat(memory, "", none, none, AT_EMPTY_PATH));
            return 3;
          }));

  return 0;
}
