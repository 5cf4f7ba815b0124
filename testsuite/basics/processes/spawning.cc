// spawning: vfork, posix_spawn with its actions and attributes, and clone with memory
// shared and not: other ways to have another program run.
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>

#include "testsuite/basics/processes/self.h"

namespace {

constexpr char kSelf[] = "/proc/self/exe";
char name[] = "self", say[] = "say", ends[] = "end", word[] = "a word";
char* const kSay[] = {name, say, word, nullptr};
char* const kEnd[] = {name, ends, nullptr};
char* const kNothing[] = {nullptr};

int by_vfork;

int Deep(int depth) { return depth == 0 ? 5 : Deep(depth - 1) + (depth % 2 == 0 ? 1 : -1); }

int CloneBody(void* argument) {
  ++by_vfork;
  return *static_cast<int*>(argument) + Deep(10) - 5;
}

void Spawn(const char* what, char* const* argv, const posix_spawn_file_actions_t* actions,
           const posix_spawnattr_t* attributes) {
  std::printf("%s\n", what);
  std::fflush(stdout);
  pid_t child = 0;
  const int error = posix_spawn(&child, kSelf, actions, attributes, argv, kNothing);
  if (error != 0) {
    std::printf("  %s\n", ErrorName(error));
    return;
  }
  ShowEnd("  ended", child);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] == 's') {
    struct sigaction action;
    sigset_t mask;
    Must(sigaction(SIGUSR1, nullptr, &action) == 0, "sigaction");
    Must(sigprocmask(SIG_BLOCK, nullptr, &mask) == 0, "sigprocmask");
    std::printf("  %s; its own group %d, session %d; ignored %d, blocked %d\n", argv[2],
                getpgrp() == getpid(), getsid(0) == getpid(), action.sa_handler == SIG_IGN,
                sigismember(&mask, SIGUSR2));
    return 3;
  }
  if (argc > 1) return 4;
  EnterScratchDirectory();

  // The parent of a vfork waits until the child executes or ends; they have one memory.
  std::fflush(stdout);
  pid_t child = vfork();
  if (child == 0) {
    ++by_vfork;
    _exit(6);
  }
  std::printf("vfork: %d\n", by_vfork);
  ShowEnd("ended", child);
  child = vfork();
  if (child == 0) {
    execve(kSelf, kEnd, kNothing);
    _exit(127);
  }
  ShowEnd("vfork and execve", child);
  child = vfork();
  if (child == 0) {
    if (execve("nowhere", kEnd, kNothing) != 0) by_vfork = errno;
    _exit(127);
  }
  std::printf("seen in the parent: %s\n", ErrorName(by_vfork));
  ShowEnd("vfork and a failing execve", child);

  Spawn("posix_spawn", kSay, nullptr, nullptr);
  posix_spawn_file_actions_t actions;
  Must(posix_spawn_file_actions_init(&actions) == 0, "posix_spawn_file_actions_init");
  Must(posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0600) == 0, "");
  Must(posix_spawn_file_actions_adddup2(&actions, 1, 30) == 0, "adddup2");
  Must(posix_spawn_file_actions_addclose(&actions, 30) == 0, "addclose");
  Spawn("into a file", kSay, &actions, nullptr);
  std::printf("the file: %s", FileText("out"));
  Must(posix_spawn_file_actions_addopen(&actions, 5, "nowhere/at/all", O_RDONLY, 0) == 0, "");
  Spawn("an action that fails", kSay, &actions, nullptr);
  posix_spawnattr_t attributes;
  Must(posix_spawnattr_init(&attributes) == 0, "posix_spawnattr_init");
  Must(signal(SIGUSR1, SIG_IGN) != SIG_ERR, "signal");
  Spawn("ignored signals stay so", kSay, nullptr, nullptr);
  const sigset_t first = SetOf({SIGUSR1}), second = SetOf({SIGUSR2});
  Must(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETSIGMASK) == 0,
       "setflags");
  Must(posix_spawnattr_setsigdefault(&attributes, &first) == 0, "setsigdefault");
  Must(posix_spawnattr_setsigmask(&attributes, &second) == 0, "setsigmask");
  Spawn("a group, a default, a mask", kSay, nullptr, &attributes);
  Must(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID) == 0, "setflags");
  Spawn("a session", kSay, nullptr, &attributes);
  const int missing = posix_spawn(&child, "nowhere", nullptr, nullptr, kSay, kNothing);
  std::printf("not there: %s; no child: %s\n", ErrorName(missing),
              waitpid(-1, nullptr, 0) < 0 ? ErrorName(errno) : "one");

  // clone with a stack: in the same memory, in a copy, and as vfork.
  constexpr size_t kBytes = 256 << 10;
  auto* stack = static_cast<char*>(
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(stack != MAP_FAILED, "mmap");
  int number = 11;
  for (const int flags : {SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD}) {
    by_vfork = 0;
    std::fflush(stdout);
    child = clone(CloneBody, stack + kBytes, flags, &number);
    Must(child > 0, "clone");
    if ((flags & CLONE_VFORK) != 0) Must(by_vfork == 1, "the parent has waited");
    ShowEnd("clone", child);
    std::printf("the same memory: %d\n", by_vfork);
  }
  return 0;
}
