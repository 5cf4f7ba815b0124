// rights_between_processes: descriptors and credentials that travel over a socket from one process
// to another: the description is the sender's, the number the receiver's; it lives while it is
// under way.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "testsuite/basics/tasks.h"

namespace {

void Send(int socket, std::initializer_list<int> fds) {
  char byte = 'x';
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  memcpy(CMSG_DATA(header), fds.begin(), sizeof(int) * fds.size());
  Must(sendmsg(socket, &message, 0) == 1, "sendmsg");
}

// The first descriptor, and in `credentials` who sent it, where that is told.
int Receive(int socket, ucred* credentials = nullptr) {
  char byte;
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[256] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  int fd = -1;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (header->cmsg_type == SCM_CREDENTIALS && credentials != nullptr) {
      memcpy(credentials, CMSG_DATA(header), sizeof *credentials);
    }
  }
  return fd;
}

}  // namespace

int main() {
  EnterScratchDirectory();
  int pair[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
  const int on = 1;
  Must(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");

  // A file, with its position.
  pid_t child = Fork([&] {
    const int file = open("file", O_RDWR | O_CREAT, 0600);
    Must(write(file, "abcdef", 6) == 6 && lseek(file, 2, SEEK_SET) == 2, "write");
    Send(pair[1], {file});
    return 0;
  });
  ucred credentials = {};
  const int file = Receive(pair[0], &credentials);
  std::printf("from the child: %d, of my user: %d\n", credentials.pid == child,
              credentials.uid == getuid());
  ShowEnd("the child", child);
  char bytes[3] = {};
  Must(read(file, bytes, 2) == 2, "read");
  std::printf("a file whose opener has gone: %s\n", bytes);

  // A pipe's end under way keeps the pipe open.
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  child = Fork([&] {
    close(pair[0]);
    close(ends[0]);
    Send(pair[1], {ends[1]});
    return 0;
  });
  close(ends[1]);
  ShowEnd("the child", child);
  const int flags = fcntl(ends[0], F_GETFL);
  Must(fcntl(ends[0], F_SETFL, flags | O_NONBLOCK) == 0, "F_SETFL");
  Show("a writer is under way", read(ends[0], bytes, 1));
  int writer = Receive(pair[0]);
  Must(write(writer, "w", 1) == 1 && close(writer) == 0, "write");
  ShowCount("written", read(ends[0], bytes, 1));
  ShowCount("the end", read(ends[0], bytes, 1));

  // An eventfd becomes common to three; an epoll instance with what it watches.
  const int counter = eventfd(0, 0), epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = 9;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
  int others[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, others) == 0, "socketpair");
  child = Fork([&] {
    close(counter);
    close(epoll);
    const int watched = Receive(others[1]);
    epoll_event got = {};
    Must(epoll_wait(watched, &got, 1, -1) == 1, "epoll_wait");
    return static_cast<int>(got.data.u64);
  });
  const pid_t second = Fork([&] {
    close(counter);
    const uint64_t one = 1;
    return write(Receive(others[0]), &one, 8) == 8 ? 10 : 11;
  });
  Send(others[0], {epoll});
  Send(others[1], {counter});
  ShowEnd("waits in an instance that it was sent", child);
  ShowEnd("writes to an eventfd that it was sent", second);

  // A socket is sent through itself; a request carries the way for its answer.
  child = Fork([&] {
    close(others[0]);
    const int answer = Receive(others[1]);
    Must(send(answer, "42", 2, 0) == 2, "send");
    return 12;
  });
  int way[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, way) == 0, "socketpair");
  Send(others[0], {way[1]});
  close(way[1]);
  Must(recv(way[0], bytes, 2, MSG_WAITALL) == 2, "recv");
  std::printf("the answer: %.2s\n", bytes);
  ShowEnd("answers", child);
  ShowCount("the end of the way", recv(way[0], bytes, 1, 0));

  // Peers' credentials are of whoever made the pair.
  ShowEnd("who made it", Fork([&] {
            ucred peer;
            socklen_t size = sizeof peer;
            Must(getsockopt(pair[1], SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0, "SO_PEERCRED");
            return peer.pid == getppid() ? 13 : 14;
          }));
  return 0;
}
