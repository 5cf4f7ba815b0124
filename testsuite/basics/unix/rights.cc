// Descriptors that travel: what arrives is the same open file; where they do not fit they are
// closed; they keep borders in a stream.
#include "testsuite/basics/unix/rights.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

namespace {

// A pipe whose writing end is watched through the reading one: HUP says that all copies are gone.
struct Probe {
  Probe() {
    int ends[2];
    Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
    reader = ends[0];
    writer = ends[1];
  }
  const char* State() const {
    char byte;
    return read(reader, &byte, 1) == 0 ? "closed everywhere" : "open somewhere";
  }
  int reader, writer;
};

void Basics(int type) {
  printf("-- %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Probe probe;
  ShowCount("send", SendRights(pair.a, "one", {probe.writer, probe.reader}));
  close(probe.writer);
  printf("in flight: %s\n", probe.State());
  Received received = ReceiveRights(pair.b, 10);
  ShowReceived("received", received);
  Must(received.rights.size() == 2, "two rights");
  Must(write(received.rights[0], "p", 1) == 1, "write");
  ShowRead("not a socket", received.rights[1], 1);
  char byte = '-';
  Must(read(received.rights[1], &byte, 1) == 1, "read");
  printf("through the pipe: %c, close on exec %d\n", byte, fcntl(received.rights[0], F_GETFD));
  CloseAll(received);
  printf("closed: %s\n", probe.State());

  Probe exec;
  Must(SendRights(pair.a, "two", {exec.writer}) == 3, "send");
  received = ReceiveRights(pair.b, 10, CMSG_SPACE(sizeof(int)), MSG_CMSG_CLOEXEC);
  ShowReceived("with MSG_CMSG_CLOEXEC", received);
  printf("close on exec %d\n", fcntl(received.rights[0], F_GETFD));
  CloseAll(received);

  Probe ignored;
  Must(SendRights(pair.a, "three", {ignored.writer}) == 5, "send");
  close(ignored.writer);
  ShowRead("a plain read", pair.b, 10);
  printf("and the right: %s\n", ignored.State());

  Probe lost;
  Must(SendRights(pair.a, "four", {lost.writer}) == 4, "send");
  close(lost.writer);
  close(pair.b);
  printf("the receiver closes: %s\n", lost.State());
  close(pair.a);
}

void Room(int type) {
  printf("-- room, %s\n", TypeName(type));
  for (size_t room : {size_t{0}, size_t{8}, CMSG_LEN(0), CMSG_LEN(4), CMSG_LEN(8), CMSG_SPACE(8),
                      CMSG_SPACE(12), CMSG_SPACE(100)}) {
    const Pair pair = MakePair(type | SOCK_NONBLOCK);
    Probe probe;
    Must(SendRights(pair.a, "x", {probe.reader, probe.reader, probe.writer}) == 1, "send");
    close(probe.writer);
    const Received received = ReceiveRights(pair.b, 10, room);
    printf("%zu ", room);
    ShowReceived("bytes of room", received);
    CloseAll(received);
    printf("%s\n", probe.State());
    close(pair.a);
    close(pair.b);
  }
}

void Peek(int type) {
  printf("-- peek, %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  Probe probe;
  Must(SendRights(pair.a, "peeked", {probe.writer}) == 6, "send");
  close(probe.writer);
  Received first = ReceiveRights(pair.b, 3, 256, MSG_PEEK);
  ShowReceived("peek", first);
  Received second = ReceiveRights(pair.b, 10);
  ShowReceived("receive", second);
  CloseAll(second);
  printf("%s\n", probe.State());
  CloseAll(first);
  printf("%s\n", probe.State());
  close(pair.a);
  close(pair.b);
}

void Borders() {
  printf("-- borders in a stream\n");
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  Send(pair.a, "plain");
  Must(SendRights(pair.a, "with", {0}) == 4, "send");
  Must(SendRights(pair.a, "more", {0, 0}) == 4, "send");
  Send(pair.a, "tail");
  for (int i = 0; i < 4; ++i) {
    const Received received = ReceiveRights(pair.b, 100);
    ShowReceived("received", received);
    CloseAll(received);
  }
  Must(SendRights(pair.a, "divided", {0}) == 7, "send");
  for (int i = 0; i < 3; ++i) {
    const Received received = ReceiveRights(pair.b, 3);
    ShowReceived("part", received);
    CloseAll(received);
  }
  ShowCount("rights without a byte", SendRights(pair.a, "", {0}));
  ShowReceived("nothing came", ReceiveRights(pair.b, 3));
  close(pair.a);
  close(pair.b);
}

void Epoll() {
  printf("-- an epoll instance travels\n");
  const Pair pair = MakePair(SOCK_SEQPACKET);
  const int epoll = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK);
  epoll_event event = {EPOLLIN, {.u32 = 'c'}};
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
  Must(SendRights(pair.a, "e", {epoll}) == 1, "send");
  close(epoll);
  const uint64_t one = 1;
  Must(write(counter, &one, sizeof one) == sizeof one, "write");
  const Received received = ReceiveRights(pair.b, 10);
  Must(received.rights.size() == 1, "one right");
  epoll_event events[2];
  ShowCount("events", epoll_wait(received.rights[0], events, 2, 0));
  printf("%c %s\n", static_cast<char>(events[0].data.u32), EventText(events[0].events).c_str());

  // In flight while its interest changes.
  Must(SendRights(pair.a, "e", {received.rights[0]}) == 1, "send");
  close(received.rights[0]);
  close(counter);
  const Received again = ReceiveRights(pair.b, 10);
  ShowCount("events of what is closed", epoll_wait(again.rights[0], events, 2, 0));

  // It watches the socket that it travels through.
  event.data.u32 = 's';
  Must(epoll_ctl(again.rights[0], EPOLL_CTL_ADD, pair.b, &event) == 0, "epoll_ctl");
  Must(SendRights(pair.a, "e", {again.rights[0]}) == 1, "send");
  ShowCount("it sees itself come", epoll_wait(again.rights[0], events, 2, 0));
  const Received third = ReceiveRights(pair.b, 10);
  ShowCount("and it is gone", epoll_wait(third.rights[0], events, 2, 0));
}

void Errors() {
  printf("-- errors\n");
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  ShowCount("a free number", SendRights(pair.a, "x", {0, 700}));
  ShowCount("a negative number", SendRights(pair.a, "x", {-1}));
  // It looks whether it is connected first.
  ShowCount("a free number, not connected",
            SendRights(socket(AF_UNIX, SOCK_SEQPACKET, 0), "x", {700}));
  ShowCount("of datagrams", SendRights(socket(AF_UNIX, SOCK_DGRAM, 0), "x", {700}));
  ShowCount("253", SendRights(pair.a, "x", std::vector<int>(253, 0)));
  ShowCount("254", SendRights(pair.a, "x", std::vector<int>(254, 0)));
  Received many = ReceiveRights(pair.b, 10, 2000);
  ShowReceived("253", many);
  CloseAll(many);
  const int path = open("/", O_PATH);
  ShowCount("an O_PATH descriptor", SendRights(pair.a, "x", {path}));
  CloseAll(ReceiveRights(pair.b, 10));

  alignas(cmsghdr) char control[CMSG_SPACE(16)] = {};
  iovec data = {const_cast<char*>("x"), 1};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  auto* message = reinterpret_cast<cmsghdr*>(control);
  const auto send = [&](const char* what, size_t length, int level, int type) {
    message->cmsg_len = length;
    message->cmsg_level = level;
    message->cmsg_type = type;
    ShowCount(what, sendmsg(pair.a, &header, 0));
  };
  send("no rights at all", CMSG_LEN(0), SOL_SOCKET, SCM_RIGHTS);
  send("half a right", CMSG_LEN(2), SOL_SOCKET, SCM_RIGHTS);
  send("too short", CMSG_LEN(0) - 1, SOL_SOCKET, SCM_RIGHTS);
  send("too long", sizeof control + 1, SOL_SOCKET, SCM_RIGHTS);
  send("an unknown type", CMSG_LEN(4), SOL_SOCKET, 99);
  send("another level", CMSG_LEN(4), 99, SCM_RIGHTS);
  header.msg_control = reinterpret_cast<void*>(8);
  ShowCount("a bad address", sendmsg(pair.a, &header, 0));
  header.msg_controllen = 10;
  ShowCount("a bad address, short", sendmsg(pair.a, &header, 0));

  // No number is free: what does not fit is closed.
  Probe probe;
  Must(SendRights(pair.a, "y", {probe.writer, probe.writer}) == 1, "send");
  close(probe.writer);
  ReadText(pair.b, 3);
  printf("with other bytes before: %s\n", probe.State());
  Probe second;
  Must(SendRights(pair.a, "y", {second.writer, second.writer}) == 1, "send");
  close(second.writer);
  const rlimit few = {static_cast<rlim_t>(second.writer + 1), 1024};
  Must(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
  const Received received = ReceiveRights(pair.b, 10);
  ShowReceived("one number is free", received);
  CloseAll(received);
  printf("%s\n", second.State());
}

}  // namespace

int main() {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Basics(type);
    Room(type);
    Peek(type);
  }
  Borders();
  Epoll();
  Errors();
  return 0;
}
