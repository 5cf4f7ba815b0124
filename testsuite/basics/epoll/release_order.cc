// release_order: several descriptions that go at once go in an order of their own, which the order
// of the events of those who watch their peers shows: the last number of close_range(2), of an exit
// and of an execve(2) first, the last message of a socket that is closed first, and what was in
// flight in a socket after all that went together with it.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "testsuite/basics/check.h"

namespace {

constexpr int kFirst = 200;
int epoll;

void Show(const char* what) {
  epoll_event events[16];
  const int count = epoll_wait(epoll, events, 16, 0);
  Must(count >= 0, "epoll_wait");
  std::printf("%s:", what);
  for (int i = 0; i < count; ++i) std::printf(" %u", events[i].data.u32);
  std::printf(count == 0 ? " nothing\n" : "\n");
}

// Four pipes: the writing ends get the numbers from kFirst on, the reading ends are watched.
void MakePipes() {
  for (int i = 0; i < 4; ++i) {
    int ends[2];
    Must(pipe(ends) == 0 && dup2(ends[1], kFirst + i) == kFirst + i && close(ends[1]) == 0, "pipe");
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.u32 = static_cast<uint32_t>(i);
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
  }
}

void ClosePipes() { Must(syscall(SYS_close_range, kFirst, kFirst + 3, 0) == 0, "close_range"); }

// Two messages with two writing ends each.
void SendPipes(int socket) {
  for (int i = 0; i < 2; ++i) {
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    iovec vector = {const_cast<char*>("x"), 1};
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(2 * sizeof(int));
    const int numbers[2] = {kFirst + 2 * i, kFirst + 2 * i + 1};
    std::memcpy(CMSG_DATA(header), numbers, sizeof numbers);
    Must(sendmsg(socket, &message, 0) == 1, "sendmsg");
  }
}

// A child is the last to have the writing ends, and is gone, or another program, when this returns.
template <typename End>
void LeaveToChild(End end) {
  int gate[2];
  Must(pipe2(gate, O_CLOEXEC) == 0, "pipe2");
  const pid_t child = fork();
  Must(child >= 0, "fork");
  if (child == 0) {
    char byte;
    close(gate[1]);
    Must(read(gate[0], &byte, 1) == 0, "read");
    end();
    _exit(1);
  }
  ClosePipes();
  close(gate[0]);
  close(gate[1]);
  Must(waitpid(child, nullptr, 0) == child, "waitpid");
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) return 0;
  epoll = epoll_create1(EPOLL_CLOEXEC);
  MakePipes();
  ClosePipes();
  Show("close_range");
  MakePipes();
  LeaveToChild([] { _exit(0); });
  Show("exit");
  MakePipes();
  LeaveToChild([] {
    for (int i = 0; i < 4; ++i) Must(fcntl(kFirst + i, F_SETFD, FD_CLOEXEC) == 0, "F_SETFD");
    execl("/proc/self/exe", "release_order", "again", nullptr);
  });
  Show("execve");

  int sockets[2];
  Must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0, "socketpair");
  MakePipes();
  SendPipes(sockets[0]);
  ClosePipes();
  Show("they are in flight");
  close(sockets[1]);
  Show("nobody will receive them");

  Must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0, "socketpair");
  MakePipes();
  SendPipes(sockets[0]);
  ClosePipes();
  char byte;
  Must(recv(sockets[1], &byte, 1, 0) == 1, "recv");
  Show("received without room for them");
  close(sockets[1]);
  Show("the rest");

  // A socket with two of them in flight goes together with the others.
  Must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0, "socketpair");
  MakePipes();
  SendPipes(sockets[0]);
  Must(close(kFirst) == 0 && close(kFirst + 3) == 0 && dup2(sockets[1], kFirst + 1) == kFirst + 1 &&
           close(kFirst + 2) == 0 && close(sockets[1]) == 0,
       "close");
  int more[2];
  Must(pipe(more) == 0 && dup2(more[1], kFirst) == kFirst && dup2(more[1], kFirst + 2) > 0 &&
           close(more[1]) == 0,
       "pipe");
  int last[2];
  Must(pipe(last) == 0 && dup2(last[1], kFirst + 2) == kFirst + 2 && close(last[1]) == 0, "pipe");
  epoll_event of_more = {};
  of_more.events = EPOLLIN | EPOLLET;
  of_more.data.u32 = 10;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, more[0], &of_more) == 0, "epoll_ctl");
  of_more.data.u32 = 11;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, last[0], &of_more) == 0, "epoll_ctl");
  ClosePipes();
  Show("a socket among others");

  // A datagram socket that is disconnected loses its messages: what was in them goes last.
  Must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) == 0, "socketpair");
  MakePipes();
  SendPipes(sockets[0]);
  ClosePipes();
  epoll_event sender = {};
  sender.events = EPOLLOUT | EPOLLET;
  sender.data.u32 = 9;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[0], &sender) == 0, "epoll_ctl");
  Show("a sender");
  const sockaddr nobody = {};
  Must(connect(sockets[1], &nobody, sizeof nobody) == 0, "connect");
  Show("disconnected");

  // Both ends of a pipe: the one that goes first is an edge for who watches the other one.
  const int outer = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  Must(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event) == 0, "epoll_ctl");
  int ends[2], other[2];
  Must(pipe(ends) == 0 && pipe(other) == 0 && write(other[1], "x", 1) == 1, "pipe");
  event.events = EPOLLIN;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0 &&
           epoll_ctl(epoll, EPOLL_CTL_ADD, other[0], &event) == 0,
       "epoll_ctl");
  Must(epoll_wait(outer, &event, 1, 0) == 1, "epoll_wait");
  Must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0, "socketpair");
  Must(dup2(ends[1], kFirst) == kFirst && dup2(ends[0], kFirst + 1) == kFirst + 1 &&
           dup2(ends[1], kFirst + 2) == kFirst + 2 && dup2(ends[0], kFirst + 3) == kFirst + 3,
       "dup2");
  SendPipes(sockets[0]);
  ClosePipes();
  close(ends[0]);
  close(ends[1]);
  std::printf("in flight: %d\n", epoll_wait(outer, &event, 1, 0));
  close(sockets[1]);
  std::printf("thrown away: %d\n", epoll_wait(outer, &event, 1, 0));

  // A FIFO is a pipe that has a name.
  EnterScratchDirectory();
  MakePipes();
  Must(mkfifo("fifo", 0600) == 0, "mkfifo");
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = 20;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, open("fifo", O_RDONLY | O_NONBLOCK), &event) == 0,
       "epoll_ctl");
  const int writer = open("fifo", O_WRONLY);
  Must(dup2(writer, kFirst + 2) == kFirst + 2 && close(writer) == 0, "dup2");
  Show("a number of a pipe goes to a FIFO");
  ClosePipes();
  Show("a FIFO among pipes");
  return 0;
}
