// pidfds: descriptors of other processes: made by pidfd_open and by clone; signals, waiting,
// readiness in poll and epoll, what is left when the process has gone.
#include <linux/sched.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "testsuite/basics/tasks.h"

namespace {

constexpr auto kPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which older headers have not.

int Open(pid_t pid, unsigned flags = 0) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, flags));
}
int Send(int fd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0));
}

int Ready(int fd) {
  pollfd watched = {fd, POLLIN, 0};
  Must(poll(&watched, 1, 0) >= 0, "poll");
  return watched.revents;
}

void Ask(const char* what, int fd, int options) {
  siginfo_t info = {};
  if (waitid(kPidfd, static_cast<id_t>(fd), &info, options) != 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else if (info.si_pid == 0) {
    std::printf("%s: nobody yet\n", what);
  } else {
    std::printf("%s: code %d, status %d\n", what, info.si_code, info.si_status);
  }
}

}  // namespace

int main() {
  DropRoot();
  Gate gate;
  pid_t child = Fork([&] {
    gate.Pass();
    return 3;
  });
  const int fd = Open(child);
  const int quick = Open(child, O_NONBLOCK);
  std::printf("opened, flags %d %d\n", fcntl(fd, F_GETFD), fcntl(quick, F_GETFL) & O_NONBLOCK);
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = 5;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  std::printf("runs: ready %d %d\n", Ready(fd), epoll_wait(epoll, &event, 1, 0));
  Ask("runs", fd, WEXITED | WNOHANG);
  Ask("runs, asked not to wait", quick, WEXITED);
  Show("signal 0", Send(fd, 0));
  Show("SIGSTOP", Send(fd, SIGSTOP));
  Ask("stopped", fd, WSTOPPED);
  std::printf("stopped: ready %d\n", Ready(fd));
  Show("SIGCONT", Send(fd, SIGCONT));
  Ask("continued", fd, WCONTINUED);
  gate.Open();
  Must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
  std::printf("has ended: events %x, ready %x\n", event.events, Ready(quick));
  Show("signal to a zombie", Send(fd, SIGTERM));
  Ask("looked at", fd, WEXITED | WNOWAIT);
  Ask("taken", quick, WEXITED);
  Ask("taken twice", fd, WEXITED);
  Show("signal to nobody", Send(fd, 0));
  std::printf("taken: ready %x, ", Ready(fd));
  std::printf("events %x\n", (epoll_wait(epoll, &event, 1, 0), event.events));
  Show("open of nobody", Open(child));
  close(fd);
  close(quick);

  // A zombie can be opened still.
  child = Fork([] { return 4; });
  siginfo_t info;
  Must(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0, "waitid");
  const int late = Open(child);
  std::printf("opened late: ready %x\n", Ready(late));
  Ask("opened late", late, WEXITED);
  close(late);

  // By clone.
  int pidfd = -1;
  std::fflush(stdout);
  child = static_cast<pid_t>(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0));
  if (child == 0) _exit(pidfd == -1 ? 5 : 6);
  std::printf("by clone: %d, flags %d\n", child > 0, fcntl(pidfd, F_GETFD));
  Ask("by clone", pidfd, WEXITED);
  close(pidfd);

  // Killed through a descriptor that another process was sent; only its parent can wait for it.
  child = Fork([] { return pause(); });
  int victim = Open(child);
  ShowEnd("another child", Fork([&] {
            Ask("  not my child", victim, WEXITED);
            Show("  killed by it", Send(victim, SIGKILL));
            pollfd watched = {victim, POLLIN, 0};
            return poll(&watched, 1, -1);
          }));
  Ask("killed", victim, WEXITED);
  close(victim);

  // Of another process's descriptors.
  int pair[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  child = Fork([&] {
    close(pair[0]);
    int pipe_ends[2];
    Must(pipe(pipe_ends) == 0 && dup2(pipe_ends[1], 60) == 60, "pipe");
    Must(write(pair[1], "x", 1) == 1, "write");
    char byte = 0;
    return read(pipe_ends[0], &byte, 1) == 1 ? byte : 1;
  });
  char byte;
  Must(read(pair[0], &byte, 1) == 1, "read");
  victim = Open(child);
  const int taken = static_cast<int>(syscall(SYS_pidfd_getfd, victim, 60, 0));
  if (taken >= 0) {
    Must(write(taken, "\x2a", 1) == 1, "write");
    std::printf("pidfd_getfd: ok\n");
  } else {
    std::printf("pidfd_getfd: %s\n", ErrorName(errno));
    Must(Send(victim, SIGKILL) == 0, "kill");
  }
  ShowEnd("its reader", child);
  Show("pidfd_getfd of nobody", syscall(SYS_pidfd_getfd, victim, 60, 0));
  return 0;
}
