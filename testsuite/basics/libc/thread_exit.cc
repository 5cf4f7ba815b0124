// thread_exit: the system call exit, which ends a thread, ends the process with its last one: no
// handler runs, nothing is flushed, and of the status eight bits are left.
#include "testsuite/basics/check.h"

namespace {

struct Global {
  ~Global() {
    std::printf("never destroyed\n");
    std::fflush(stdout);
  }
} global;

void NeverCalled() {
  std::printf("never called\n");
  std::fflush(stdout);
}

}  // namespace

int main() {
  Must(std::atexit(NeverCalled) == 0, "atexit");
  std::printf("one thread\n");
  std::fflush(stdout);
  std::printf("never flushed\n");
  syscall(SYS_exit, 0x1234);
  return 1;
}
