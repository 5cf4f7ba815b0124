// Who is on the other side: SO_PEERCRED, SO_PASSCRED, SCM_CREDENTIALS.
#include "testsuite/basics/unix/sockets.h"

namespace {

std::string Whose(const ucred& who) {
  std::string text = who.pid == getpid() ? "own pid" : who.pid == 0 ? "no pid" : "another pid";
  text += who.uid == getuid()                 ? ", own uid"
          : who.uid == 65534                  ? ", overflow uid"
          : who.uid == static_cast<uid_t>(-1) ? ", no uid"
                                              : ", another uid";
  return text;
}

void ShowPeer(const char* what, int fd) {
  ucred peer = {};
  socklen_t bytes = sizeof peer;
  Must(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0, "SO_PEERCRED");
  printf("%s: %s, %u bytes\n", what, Whose(peer).c_str(), bytes);
}

void Receive(const char* what, int fd, size_t room = CMSG_SPACE(sizeof(ucred))) {
  char bytes[32];
  iovec data = {bytes, sizeof bytes};
  alignas(cmsghdr) char control[256] = {};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = room;
  const ssize_t count = recvmsg(fd, &header, MSG_DONTWAIT);
  if (count < 0) {
    printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  printf("%s: \"%.*s\", flags %#x, %zu bytes of control", what, static_cast<int>(count), bytes,
         header.msg_flags, header.msg_controllen);
  const cmsghdr* message = CMSG_FIRSTHDR(&header);
  if (message != nullptr && message->cmsg_len == CMSG_LEN(sizeof(ucred))) {
    ucred who;
    memcpy(&who, CMSG_DATA(message), sizeof who);
    printf(", from %s", Whose(who).c_str());
  }
  printf("\n");
}

ssize_t SendAs(int fd, const ucred& who, size_t bytes = sizeof(ucred)) {
  iovec data = {const_cast<char*>("as"), 2};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof who)] = {};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = SOL_SOCKET;
  message->cmsg_type = SCM_CREDENTIALS;
  message->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(message), &who, sizeof who);
  return sendmsg(fd, &header, 0);
}

void PassCredentials(int type) {
  printf("-- %s\n", TypeName(type));
  const Pair pair = MakePair(type | SOCK_NONBLOCK);
  const int on = 1, off = 0;
  Send(pair.a, "before");
  Must(setsockopt(pair.b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
  Send(pair.a, "after");
  Receive("sent before it was asked for", pair.b);
  Receive("sent after", pair.b);
  Send(pair.a, "short");
  Receive("no room", pair.b, 0);
  Send(pair.a, "short");
  Receive("little room", pair.b, CMSG_LEN(4));
  ucred self = {getpid(), getuid(), getgid()};
  ShowCount("as oneself", SendAs(pair.a, self));
  Receive("as oneself", pair.b);
  Must(setsockopt(pair.b, SOL_SOCKET, SO_PASSCRED, &off, sizeof off) == 0, "SO_PASSCRED");
  ShowCount("as oneself", SendAs(pair.a, self));
  Receive("not asked for", pair.b);
  self.pid = 1;
  ShowCount("with another pid", SendAs(pair.a, self));
  self.pid = getpid();
  self.uid = 0xffffffff;  // Others may be unknown where the test runs: EINVAL instead of EPERM.
  ShowCount("with no uid", SendAs(pair.a, self));
  self.uid = getuid();
  self.gid = 0xffffffff;
  ShowCount("with no gid", SendAs(pair.a, self));
  self.gid = getgid();
  ShowCount("too short", SendAs(pair.a, self, sizeof(ucred) - 4));
  close(pair.a);
  close(pair.b);
}

// A stream does not glue what different writers wrote.
void Glue() {
  printf("-- glue\n");
  const Pair pair = MakePair(SOCK_STREAM | SOCK_NONBLOCK);
  const int on = 1;
  Send(pair.a, "nobody ");
  Must(setsockopt(pair.b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
  Send(pair.a, "me ");
  Send(pair.a, "and me");
  ShowRead("plain reads too", pair.b, 30);
  ShowRead("the rest", pair.b, 30);
}

void Binding() {
  printf("-- a name to answer to\n");
  const int fd = NewSocket(SOCK_DGRAM);
  const int on = 1;
  Must(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
  const int server = NewSocket(SOCK_DGRAM);
  const Address name("@pollux-credentials-");
  Must(Bind(server, name) == 0 && Connect(fd, name) == 0, "connect");
  sockaddr_un own;
  socklen_t bytes = sizeof own;
  Must(getsockname(fd, reinterpret_cast<sockaddr*>(&own), &bytes) == 0, "getsockname");
  printf("connect(2) has bound it: %u bytes\n", bytes);
}

}  // namespace

int main() {
  DropRoot();
  const Pair pair = MakePair(SOCK_STREAM);
  ShowPeer("a pair", pair.a);
  ShowPeer("unconnected", NewSocket(SOCK_STREAM));
  const Address name("@pollux-peer-");
  const int bound = NewSocket(SOCK_STREAM);
  Must(Bind(bound, name) == 0, "bind");
  ShowPeer("bound", bound);
  Must(listen(bound, 1) == 0, "listen");
  ShowPeer("listening", bound);
  const int client = NewSocket(SOCK_STREAM);
  Must(Connect(client, name) == 0, "connect");
  ShowPeer("a client", client);
  ShowPeer("accepted", accept(bound, nullptr, nullptr));
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) PassCredentials(type);
  Glue();
  Binding();
  return 0;
}
