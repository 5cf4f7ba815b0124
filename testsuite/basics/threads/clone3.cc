// clone3: clone(2)'s arguments in a structure, of which there are longer and shorter ones: its
// errors and their order, and a process made by it.
#include <linux/sched.h>
#include <sys/mman.h>

#include <cstdint>

#include "testsuite/basics/tasks.h"

namespace {

// Of uapi/linux/sched.h; longer than what anybody knows.
struct Arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup, unknown[8];
};
constexpr size_t kFirst = 64, kSecond = 80, kThird = 88;

long Clone3(const void* arguments, size_t bytes) { return syscall(SYS_clone3, arguments, bytes); }

// The child says 7 and ends.
void Try(const char* what, const Arguments& arguments, size_t bytes = kThird) {
  std::fflush(stdout);
  const long result = Clone3(&arguments, bytes);
  if (result == 0) _exit(7);
  Show(what, result);
  if (result <= 0) return;
  int status = 0;
  Must(waitpid(static_cast<pid_t>(result), &status, __WALL) == result, "waitpid");
  Must(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child's status");
}

}  // namespace

int main() {
  DropRoot();
  Arguments plain = {};
  plain.exit_signal = SIGCHLD;
  Try("a child", plain);
  Try("the first size", plain, kFirst);
  Try("the second size", plain, kSecond);
  Try("a longer one of zeros", plain, sizeof plain);
  Try("too short", plain, kFirst - 8);
  Try("too long", plain, 5000);
  Arguments wrong = plain;
  wrong.unknown[3] = 1;
  Try("something in what is not known", wrong, sizeof wrong);
  wrong = plain;
  wrong.flags = uint64_t{1} << 40;
  Try("an unknown flag", wrong);
  wrong.flags = SIGUSR1;
  Try("a signal among the flags", wrong);
  wrong.flags = 0x00400000;
  Try("CLONE_DETACHED", wrong);
  wrong = plain;
  wrong.exit_signal = 65;
  Try("signal 65", wrong);
  wrong.exit_signal = 256 + SIGCHLD;
  Try("signal 273", wrong);
  wrong.exit_signal = 0;
  Try("no signal", wrong);
  wrong = plain;
  wrong.flags = CLONE_PARENT;
  Try("CLONE_PARENT and a signal", wrong);
  wrong = plain;
  wrong.stack = 4096;
  Try("a stack without a size", wrong);
  wrong = plain;
  wrong.stack_size = 4096;
  Try("a size without a stack", wrong);
  wrong.stack = UINT64_MAX - 100;
  Try("a stack beyond the end", wrong);
  wrong = plain;
  wrong.set_tid_size = 100;
  Try("too many ids", wrong);
  wrong.set_tid_size = 1;
  Try("ids that are not there", wrong);
  wrong = plain;
  wrong.set_tid = 8;
  Try("ids, but none", wrong);
  wrong = plain;
  wrong.flags = CLONE_SIGHAND;
  Try("CLONE_SIGHAND without CLONE_VM", wrong);
  wrong.flags = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND;
  Try("CLONE_SIGHAND with CLONE_CLEAR_SIGHAND", wrong);
  Show("nothing there", Clone3(reinterpret_cast<void*>(8), kThird));
  Show("nothing there, too short", Clone3(reinterpret_cast<void*>(8), 8));

  // Dispositions go back to the default, what is ignored stays so.
  Handle(SIGUSR1, [](int) {});
  Must(signal(SIGUSR2, SIG_IGN) != SIG_ERR, "signal");
  Arguments clear = plain;
  clear.flags = CLONE_CLEAR_SIGHAND;
  std::fflush(stdout);
  const long child = Clone3(&clear, kThird);
  if (child == 0) {
    struct sigaction first, second;
    sigaction(SIGUSR1, nullptr, &first);
    sigaction(SIGUSR2, nullptr, &second);
    _exit((first.sa_handler == SIG_DFL) + 2 * (second.sa_handler == SIG_IGN));
  }
  ShowEnd("CLONE_CLEAR_SIGHAND", static_cast<pid_t>(child));

  // Ids and a pidfd, written into the parent, and into the child's own memory.
  int parent_word = 0, child_word = 0, pidfd = -1;
  Arguments ids = plain;
  ids.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID;
  ids.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  ids.parent_tid = reinterpret_cast<uintptr_t>(&parent_word);
  ids.child_tid = reinterpret_cast<uintptr_t>(&child_word);
  const long second = Clone3(&ids, kThird);
  if (second == 0) _exit(child_word == getpid() ? 7 : 8);
  Must(second > 0 && parent_word == second && child_word == 0, "the ids");
  std::printf("pidfd: %d\n", fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
  ShowEnd("with ids", static_cast<pid_t>(second));
  return 0;
}
