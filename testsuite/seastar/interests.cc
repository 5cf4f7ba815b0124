// What Seastar asks epoll for (src/core/reactor_backend.cc: get_epoll_future, wait_and_process,
// forget). Level-triggered, and lazy: an interest stays registered when it has been reported, in
// the hope that it will be asked for again without a system call. Only when it is reported while
// nobody asks is it taken back, with EPOLL_CTL_MOD or, when nothing is left, EPOLL_CTL_DEL; the
// next who asks adds it anew.
#include "testsuite/basics/net.h"
#include "testsuite/seastar/reactor.h"

namespace {

void Tell(const char* what, const PollableFd& fd) {
  std::printf("%s: watched %s, asked for %s\n", what,
              fd.registered ? Names(fd.registered).c_str() : "nothing",
              fd.requested ? Names(fd.requested).c_str() : "nothing");
}

// Lets the loop come round a few times before `task`.
void Later(int rounds, Task task) {
  if (rounds == 0) return task();
  Reactor::Current().AddTask([rounds, task] { Later(rounds - 1, task); });
}

}  // namespace

int main() {
  Smp smp(1);
  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  PollableFd fd(ends[0]);
  char byte;
  smp.Run([&] {
    Reactor& core = Reactor::Current();
    core.WhenReadable(fd, [&] {
      Tell("a byte has come", fd);
      Must(read(fd.fd, &byte, 1) == 1, "read");
      Later(3, [&] {
        Tell("it has been read", fd);
        Must(write(ends[1], "y", 1) == 1, "write");
        Later(3, [&] {
          Tell("another has come unasked", fd);
          // The one that is there already is reported when it is asked for.
          core.WhenReadable(fd, [&] {
            Tell("asked for and reported", fd);
            core.WhenWritable(fd, [&] {
              Tell("writable too", fd);
              Later(3, [&] {
                Tell("and neither is wanted", fd);
                core.WhenWritable(fd, [&] {
                  Tell("asked for writing", fd);
                  close(ends[1]);
                  // The end is told to whoever asks, whatever that is.
                  core.WhenReadable(fd, [&] {
                    Tell("the peer has gone", fd);
                    core.Forget(fd);
                    close(fd.fd);
                    smp.Stop();
                  });
                });
              });
            });
          });
        });
      });
    });
    Tell("asked for reading", fd);
    Must(write(ends[1], "x", 1) == 1, "write");
  });
  return 0;
}
