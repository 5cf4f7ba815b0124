// A process that executes is the same owner of a file's signals; a thread of it that executes is no
// more: it has the process's number from then on (de_thread() of fs/exec.c).
#include <atomic>
#include <thread>

#include "testsuite/basics/signals/io_signals.h"
#include "testsuite/basics/tasks.h"

// What it is after execve(2): says that it is there, and waits for the end of its input.
static int After(const char* there, const char* end) {
  char byte;
  Must(write(std::stoi(there), "x", 1) == 1, "write");
  while (read(std::stoi(end), &byte, 1) > 0) {
  }
  return 0;
}

static void Execute(int there, int end) {
  const std::string numbers[2] = {std::to_string(there), std::to_string(end)};
  execl("/proc/self/exe", "after", numbers[0].c_str(), numbers[1].c_str(), nullptr);
}

static void Ask(const char* who, int kind, bool by_thread) {
  std::printf("- %s\n", who);
  int file[2], there[2], end[2], number[2];
  Must(pipe2(file, O_CLOEXEC) == 0 && pipe(there) == 0 && pipe(end) == 0 && pipe(number) == 0,
       "pipes");
  Gate known;
  const pid_t child = Fork([&] {
    close(end[1]);
    const auto body = [&] {
      const pid_t tid = static_cast<pid_t>(syscall(SYS_gettid));
      Must(write(number[1], &tid, sizeof tid) == sizeof tid, "write");
      known.Pass();
      Execute(there[1], end[0]);
    };
    if (by_thread) {
      std::thread(body).join();
    } else {
      body();
    }
    return 1;
  });
  pid_t tid = 0;
  Must(read(number[0], &tid, sizeof tid) == sizeof tid, "read");
  f_owner_ex owner = {};
  owner.type = static_cast<decltype(owner.type)>(kind);
  owner.pid = tid;
  Show("F_SETOWN_EX", fcntl(file[0], F_SETOWN_EX, &owner));
  Must(fcntl(file[0], F_GETOWN_EX, &owner) == 0, "F_GETOWN_EX");
  std::printf("before: its owner %d\n", owner.pid == tid);
  known.Open();
  char byte;
  Must(read(there[0], &byte, 1) == 1, "read");
  Must(fcntl(file[0], F_GETOWN_EX, &owner) == 0, "F_GETOWN_EX");
  std::printf("after: its owner %d, the process's number %d, nobody %d\n", owner.pid == tid,
              owner.pid == child, owner.pid == 0);
  close(end[1]);
  ShowEnd("the program", child);
  for (const int fd : {file[0], file[1], there[0], there[1], end[0], number[0], number[1]}) {
    close(fd);
  }
}

int main(int argc, char** argv) {
  if (argc == 3) return After(argv[1], argv[2]);
  Ask("the process, by its only thread", F_OWNER_PID, false);
  Ask("its only thread", F_OWNER_TID, false);
  Ask("another thread", F_OWNER_TID, true);
  return 0;
}
