// unknown_calls: a number that is no system call answers ENOSYS, however often, and whatever its
// arguments.
#include <sys/syscall.h>

#include "testsuite/basics/check.h"

int main() {
  for (const long number : {1000L, 5000L, 1000000L, 0x7fffffffL}) {
    Show("unknown", syscall(number, 1, 2, 3, 4, 5, 6));
    Show("again", syscall(number));
  }
  std::printf("still here\n");
  return 0;
}
