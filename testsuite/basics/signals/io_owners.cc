// Who gets the signals of a file: a process, a thread or a group, named for the description, which
// dup(2) and fork(2) share; the number in si_fd is that of F_SETFL, whatever became of it; an owner
// that has gone gets nothing, and nobody has its place (fs/fcntl.c).
#include <limits.h>

#include <atomic>
#include <thread>

#include "testsuite/basics/signals/io_signals.h"
#include "testsuite/basics/tasks.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

static const char* Who(int number, bool is_group) {
  if (is_group) number = -number;
  return number == 0            ? "nobody"
         : number == getpid()   ? "this process"
         : number == -getpgrp() ? "this group"
         : number > 0           ? "another one"
                                : "another group";
}

static void ShowOwner(int fd) {
  f_owner_ex owner = {};
  Must(fcntl(fd, F_GETOWN_EX, &owner) == 0, "F_GETOWN_EX");
  static constexpr const char* kKinds[] = {"thread", "process", "group"};
  std::printf("  F_GETOWN: %s; F_GETOWN_EX: %s, %s\n", Who(fcntl(fd, F_GETOWN), false),
              kKinds[owner.type], Who(owner.pid, owner.type == F_OWNER_PGRP));
}

static int SetEx(int fd, int kind, pid_t pid) {
  f_owner_ex owner = {static_cast<decltype(f_owner_ex::type)>(kind), pid};
  return fcntl(fd, F_SETOWN_EX, &owner);
}

// Whether `signal` has come to who asks.
static bool Took(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  const timespec no_time = {0, 0};
  return sigtimedwait(&set, nullptr, &no_time) == signal;
}

static constexpr pid_t kNobody = 4194303;

static void Errors(int fd) {
  std::puts("- errors");
  Show("F_SETOWN of nobody's number", fcntl(fd, F_SETOWN, kNobody));
  Show("of nobody's group", fcntl(fd, F_SETOWN, -kNobody));
  Show("of the lowest number", fcntl(fd, F_SETOWN, INT_MIN));
  Show("F_SETOWN_EX from nowhere", fcntl(fd, F_SETOWN_EX, 8));
  Show("of no kind", SetEx(fd, 3, getpid()));
  Show("of no kind and nobody", SetEx(fd, -1, kNobody));
  Show("of nobody's number", SetEx(fd, F_OWNER_PID, kNobody));
  Show("of a negative number", SetEx(fd, F_OWNER_PID, -getpid()));
  Show("F_GETOWN_EX to nowhere", fcntl(fd, F_GETOWN_EX, 8));
  Show("F_SETSIG of -1", fcntl(fd, F_SETSIG, -1));
  Show("of 65", fcntl(fd, F_SETSIG, 65));
  Show("of too large a number", syscall(SYS_fcntl, fd, F_SETSIG, 1L << 32));
  Show("of 64", fcntl(fd, F_SETSIG, 64));
  ShowCount("F_GETSIG", fcntl(fd, F_GETSIG));
  uid_t uids[2] = {77, 77};
  Show("F_GETOWNER_UIDS", fcntl(fd, F_GETOWNER_UIDS, uids));
  std::printf("  this process's: %d\n", uids[0] == getuid() && uids[1] == geteuid());
  Show("to nowhere", fcntl(fd, F_GETOWNER_UIDS, 8));
  Show("of a closed number", fcntl(700, F_SETOWN, getpid()));
  Show("F_SETSIG", fcntl(700, F_SETSIG, 0));
}

static void Forms(int fd) {
  std::puts("- forms");
  ShowOwner(fd);
  Show("F_SETOWN of 0", fcntl(fd, F_SETOWN, 0));
  ShowOwner(fd);
  Show("of this process", fcntl(fd, F_SETOWN, getpid()));
  ShowOwner(fd);
  Show("then of nobody's number", fcntl(fd, F_SETOWN, kNobody));
  ShowOwner(fd);
  Show("of this group", fcntl(fd, F_SETOWN, -getpgrp()));
  ShowOwner(fd);
  Show("F_SETOWN_EX of this thread", SetEx(fd, F_OWNER_TID, getpid()));
  ShowOwner(fd);
  Show("of this process", SetEx(fd, F_OWNER_PID, getpid()));
  ShowOwner(fd);
  Show("of this group", SetEx(fd, F_OWNER_PGRP, getpgrp()));
  ShowOwner(fd);
  Show("of no thread", SetEx(fd, F_OWNER_TID, 0));
  ShowOwner(fd);
}

static void Threads(int reader, int writer) {
  std::puts("- threads");
  SendSignals(reader, "reader", SIGUSR1);
  Gate known, written, taken;
  std::atomic<pid_t> tid = 0;
  bool other_took[2] = {};
  std::thread other([&] {
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    known.Open();
    for (bool& took : other_took) {
      written.Pass();
      took = Took(SIGUSR1);
      taken.Open();
    }
  });
  known.Pass();
  Show("F_SETOWN_EX of the other thread", SetEx(reader, F_OWNER_TID, tid));
  std::printf("F_GETOWN is it: %d\n", fcntl(reader, F_GETOWN) == tid);
  Must(write(writer, "x", 1) == 1, "write");
  std::printf("this one takes it: %d\n", Took(SIGUSR1));
  written.Open();
  taken.Pass();
  std::printf("the other one takes it: %d\n", other_took[0]);
  Show("F_SETOWN of the other thread", fcntl(reader, F_SETOWN, tid.load()));
  ShowOwner(reader);
  Must(write(writer, "x", 1) == 1, "write");
  std::printf("this one takes it: %d\n", Took(SIGUSR1));
  Show("F_SETOWN_EX once more", SetEx(reader, F_OWNER_TID, tid));
  written.Open();
  taken.Pass();
  other.join();
  // The kernel's thread ends a little after that.
  while (syscall(SYS_tgkill, getpid(), tid.load(), 0) == 0) sched_yield();
  ShowOwner(reader);
  Must(write(writer, "x", 1) == 1, "write");
  Tell("it has ended");
}

static void Processes(int reader, int writer) {
  std::puts("- processes");
  SendSignals(reader, "reader", SIGUSR1);
  Gate written;
  const auto body = [&] {
    written.Pass();
    return Took(SIGUSR1) ? 1 : 0;
  };
  const pid_t child = Fork(body);
  Show("F_SETOWN of a group that is none", fcntl(reader, F_SETOWN, -child));
  ShowOwner(reader);
  Must(write(writer, "x", 1) == 1, "write");
  Tell("  told");
  Show("F_SETOWN of a child", fcntl(reader, F_SETOWN, child));
  Must(write(writer, "x", 1) == 1, "write");
  written.Open();
  siginfo_t info;
  Must(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0, "waitid");
  std::printf("it took it: %d; as a zombie it is the owner: %d\n", info.si_status,
              fcntl(reader, F_GETOWN) == child);
  Wait(child);
  Took(SIGCHLD);
  ShowOwner(reader);
  Must(write(writer, "x", 1) == 1, "write");
  Tell("it has gone");

  // A group, whose leader goes first.
  const pid_t leader = Fork(body), member = Fork(body);
  Must(setpgid(leader, leader) == 0 && setpgid(member, leader) == 0, "setpgid");
  Show("F_SETOWN of a group", fcntl(reader, F_SETOWN, -leader));
  Must(write(writer, "x", 1) == 1, "write");
  kill(leader, SIGKILL);
  ShowEnd("the leader", leader);
  std::printf("the group is the owner: %d\n", fcntl(reader, F_GETOWN) == -leader);
  Show("F_SETOWN of it again", fcntl(reader, F_SETOWN, -leader));
  written.Open();
  ShowEnd("the member", member);
  while (Took(SIGCHLD)) {
  }
  ShowOwner(reader);
  Must(write(writer, "x", 1) == 1, "write");
  Tell("the group has gone");

  // One description, whoever has it.
  Must(fcntl(reader, F_SETOWN, getpid()) == 0, "F_SETOWN");
  const pid_t setter = Fork([&] {
    Must(fcntl(reader, F_SETSIG, SIGUSR2) == 0, "F_SETSIG");
    Must(write(writer, "x", 1) == 1, "write");
    return fcntl(reader, F_GETOWN) == getppid() ? 0 : 1;
  });
  ShowEnd("a child that sets the signal and writes", setter);
  Took(SIGCHLD);
  Tell("  told");
  const pid_t holder = Fork([&] {
    written.Pass();
    Must(write(writer, "x", 1) == 1, "write");
    return 0;
  });
  close(reader);
  written.Open();
  ShowEnd("a child that has it still", holder);
  Took(SIGCHLD);
  Tell("  told");
  ShowCount("nobody has it any more: write", write(writer, "x", 1));
  Tell("  told");
}

static void Numbers() {
  std::puts("- numbers");
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  SendSignals(ends[0], "the first number");
  const int second = fcntl(ends[0], F_DUPFD, 100);
  FileNames()[second] = "the second number";
  std::printf("the second one has O_ASYNC: %d, its signal %d\n",
              (fcntl(second, F_GETFL) & O_ASYNC) != 0, fcntl(second, F_GETSIG));
  Must(write(ends[1], "x", 1) == 1, "write");
  Tell("written");
  Must(AddFlags(second, O_ASYNC) == 0, "F_SETFL");
  Must(write(ends[1], "x", 1) == 1, "write");
  Tell("the flag is set by the second one");
  close(ends[0]);
  Must(write(ends[1], "x", 1) == 1, "write");
  Tell("the first one is closed");
  int other[2];
  Must(pipe(other) == 0, "pipe");
  Must(dup2(other[0], ends[0]) == ends[0], "dup2");
  Must(write(ends[1], "x", 1) == 1, "write");
  Tell("and given to another file");
  Must(DropFlags(second, O_ASYNC) == 0 && AddFlags(second, O_ASYNC) == 0, "F_SETFL");
  Must(write(ends[1], "x", 1) == 1, "write");
  Tell("the flag is cleared and set by the second one");
  close(second);
  Must(write(ends[1], "x", 1) == -1, "write");
  Tell("closed");
}

int main() {
  BlockSignals();
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Forms(ends[0]);
  Errors(ends[0]);
  Threads(ends[0], ends[1]);
  Processes(ends[0], ends[1]);
  Numbers();
  return 0;
}
