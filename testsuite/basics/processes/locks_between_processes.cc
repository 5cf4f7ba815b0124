// locks_between_processes: locks of files between processes: who holds one, waiting for one, the
// deadlock that is refused, and what a child inherits: flock's, not the process's own.
#include <sys/file.h>

#include "testsuite/basics/tasks.h"

namespace {

int file;

int Lock(int command, int type, off_t start, off_t length) {
  struct flock lock = {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return fcntl(file, command, &lock);
}

void Ask(const char* what, off_t start, pid_t expected) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_start = start;
  lock.l_len = 1;
  Must(fcntl(file, F_GETLK, &lock) == 0, "F_GETLK");
  std::printf("%s: %s\n", what,
              lock.l_type == F_UNLCK    ? "free"
              : lock.l_pid == expected  ? "held by it"
              : lock.l_pid == getppid() ? "held by the parent"
                                        : "held by another");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  file = open("file", O_RDWR | O_CREAT, 0600);
  Must(Lock(F_SETLK, F_WRLCK, 0, 10) == 0, "F_SETLK");
  ShowEnd("the child", Fork([] {
            Ask("the parent's", 0, getppid());
            Show("not inherited", Lock(F_SETLK, F_WRLCK, 5, 10));
            Show("beside it", Lock(F_SETLK, F_WRLCK, 10, 5));
            close(dup(file));  // Lets go of this process's locks alone.
            Ask("the parent's still", 0, getppid());
            return 0;
          }));

  // One waits, is interrupted, waits again.
  Gate waits;
  pid_t child = Fork([&] {
    Handle(SIGUSR1, [](int) {});
    waits.Open();
    Must(Lock(F_SETLKW, F_WRLCK, 5, 1) == -1 && errno == EINTR, "interrupted");
    waits.Open();
    Must(Lock(F_SETLKW, F_WRLCK, 5, 1) == 0, "F_SETLKW");
    Ask("seen by its holder", 5, 0);
    return Lock(F_SETLKW, F_UNLCK, 5, 1) == 0 ? 3 : 4;
  });
  waits.Pass();
  UntilProcessAsleep(child);
  Must(kill(child, SIGUSR1) == 0, "kill");
  waits.Pass();
  UntilProcessAsleep(child);
  Must(Lock(F_SETLK, F_UNLCK, 5, 1) == 0, "F_SETLK");
  ShowEnd("one that waited", child);

  // A waits for B and B for A: whoever asks last is refused.
  child = Fork([&] {
    Must(Lock(F_SETLK, F_WRLCK, 20, 1) == 0, "F_SETLK");
    waits.Open();
    Must(Lock(F_SETLKW, F_WRLCK, 0, 1) == 0, "F_SETLKW");
    return 5;
  });
  waits.Pass();
  UntilProcessAsleep(child);
  Show("a deadlock", Lock(F_SETLKW, F_WRLCK, 20, 1));
  Must(Lock(F_SETLK, F_UNLCK, 0, 0) == 0, "F_SETLK");
  ShowEnd("the other", child);

  // Locks end with their process.
  child = Fork([&] {
    Must(Lock(F_SETLK, F_WRLCK, 0, 1) == 0, "F_SETLK");
    waits.Open();
    return pause();
  });
  waits.Pass();
  Ask("held by a child", 0, child);
  Show("not to be had", Lock(F_SETLK, F_WRLCK, 0, 1));
  Must(kill(child, SIGKILL) == 0, "kill");
  Must(Lock(F_SETLKW, F_WRLCK, 0, 1) == 0, "waited for its end");
  ShowEnd("killed", child);
  Must(Lock(F_SETLK, F_UNLCK, 0, 0) == 0, "F_SETLK");

  // flock: of the description, which a child has too.
  Must(flock(file, LOCK_EX) == 0, "flock");
  ShowEnd("a child with the description", Fork([] { return flock(file, LOCK_EX | LOCK_NB) + 6; }));
  ShowEnd("a child that unlocks it", Fork([] { return flock(file, LOCK_UN) + 7; }));
  const int other = open("file", O_RDWR);
  Show("unlocked for all", flock(other, LOCK_EX | LOCK_NB));
  child = Fork([&] {
    close(other);
    waits.Open();
    return flock(file, LOCK_SH) + 8;
  });
  waits.Pass();
  UntilProcessAsleep(child);
  Must(flock(other, LOCK_UN) == 0, "flock");
  ShowEnd("one that waited", child);
  Must(flock(file, LOCK_UN) == 0, "flock");
  close(other);

  // Many that add to a number in the file, one at a time.
  Must(pwrite(file, "\0\0\0\0", 4, 0) == 4, "pwrite");
  for (int i = 0; i < 4; ++i) {
    Fork([] {
      const int mine = open("file", O_RDWR);
      for (int k = 0; k < 50; ++k) {
        if (k % 2 == 0) {
          Must(Lock(F_SETLKW, F_WRLCK, 0, 4) == 0, "F_SETLKW");
        }
        Must(flock(mine, LOCK_EX) == 0, "flock");
        int number = 0;
        Must(pread(mine, &number, 4, 0) == 4, "pread");
        ++number;
        Must(pwrite(mine, &number, 4, 0) == 4, "pwrite");
        Must(flock(mine, LOCK_UN) == 0, "flock");
        if (k % 2 == 0) Must(Lock(F_SETLKW, F_UNLCK, 0, 4) == 0, "F_SETLKW");
      }
      return 0;
    });
  }
  while (wait(nullptr) > 0) continue;
  int number = 0;
  Must(pread(file, &number, 4, 0) == 4, "pread");
  std::printf("counted: %d\n", number);
  return 0;
}
