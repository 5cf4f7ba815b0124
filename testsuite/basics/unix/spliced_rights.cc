// spliced_rights: splice(2) reads past descriptors that were sent along. They are closed when the
// call is over, after what it has moved has woken readers.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utility>

#include "testsuite/basics/check.h"

int main() {
  int ends[2], sent[2], filled[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  Must(pipe(sent) == 0 && pipe(filled) == 0, "pipe");

  const int epoll = epoll_create1(0);
  for (const auto& [name, fd] : {std::pair('s', sent[0]), std::pair('f', filled[0])}) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<unsigned char>(name);
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  }

  char byte = 'x';
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &sent[1], sizeof(int));
  Must(sendmsg(ends[0], &message, 0) == 1, "sendmsg");
  close(sent[1]);

  ShowCount("splice", splice(ends[1], nullptr, filled[1], nullptr, 1, 0));
  epoll_event events[4];
  const int count = epoll_wait(epoll, events, 4, 0);
  for (int i = 0; i < count; ++i) {
    std::printf("%c: %s\n", static_cast<char>(events[i].data.u32),
                events[i].events == EPOLLIN    ? "IN"
                : events[i].events == EPOLLHUP ? "HUP"
                                               : "?");
  }
  return 0;
}
