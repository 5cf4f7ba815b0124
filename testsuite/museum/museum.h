// The frame of the exhibits. Each program is one source with two lives: with the argument "bug" it
// has the bug that its first lines tell of, with "fixed" it has not. The two differ in the lines
// that ask for `fixed`, one or two, marked "<== the fix".
//
//     int main(int argc, char** argv) {
//       EnterExhibit(argc, argv);
//       ...
//       return Ok();
//     }
//
// Where the bug does not show, both print "ok" and exit with 0. Where it does, either Fail says
// what went wrong and the program exits with 1, or all threads wait for what nobody will send.
#ifndef POLLUX_TESTSUITE_MUSEUM_MUSEUM_H_
#define POLLUX_TESTSUITE_MUSEUM_MUSEUM_H_

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "testsuite/basics/check.h"

inline bool fixed = false;

inline void EnterExhibit(int argc, char** argv) {
  const std::string life = argc == 2 ? argv[1] : "";
  if (life != "bug" && life != "fixed") {
    std::fprintf(stderr, "usage: %s bug|fixed\n", argv[0]);
    std::exit(2);
  }
  fixed = life == "fixed";
}

// The bug showed. From any thread, whatever the others are doing.
[[noreturn]] inline void Fail(const char* what) {
  std::fprintf(stderr, "the bug: %s\n", what);
  _exit(1);
}

inline int Ok() {
  std::printf("ok\n");
  return 0;
}

// Two ends of a connection that blocks, unless asked with MSG_DONTWAIT.
struct SocketPair {
  SocketPair() {
    int ends[2];
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    server = ends[0];
    client = ends[1];
  }
  int server, client;
};

inline void Send(int fd, char byte) {
  Must(send(fd, &byte, 1, MSG_NOSIGNAL) == 1, "sending a byte");
}

inline char Receive(int fd) {
  char byte;
  Must(recv(fd, &byte, 1, 0) == 1, "receiving a byte");
  return byte;
}

// epoll_ctl with ADD or MOD; `name` comes back with each event.
inline void Watch(int epoll, int operation, int fd, uint32_t events, uint32_t name) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = name;
  Must(epoll_ctl(epoll, operation, fd, &event) == 0, "epoll_ctl");
}

#endif  // POLLUX_TESTSUITE_MUSEUM_MUSEUM_H_
