// descriptor_info: /proc/self/fdinfo of a socket says how many descriptors travel to it.
#include <fstream>

#include "testsuite/basics/unix/sockets.h"

namespace {

void Print(const char* what, int fd) {
  std::printf("%s:", what);
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 8, "scm_fds:") == 0) std::printf(" %s", line.c_str());
  }
  std::printf("\n");
}

void Send(int socket, size_t count) {
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  iovec vector = {const_cast<char*>("x"), 1};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  const int numbers[4] = {1, 1, 1, 1};
  std::memcpy(CMSG_DATA(header), numbers, count * sizeof(int));
  Must(sendmsg(socket, &message, 0) == 1, "sendmsg");
}

}  // namespace

int main() {
  char byte;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    std::printf("%s\n", TypeName(type));
    const Pair pair = MakePair(type);
    Print("fresh", pair.b);
    Send(pair.a, 2);
    Send(pair.a, 1);
    Print("sender", pair.a);
    Print("receiver", pair.b);
    Must(recv(pair.b, &byte, 1, 0) == 1, "recv");
    Print("one was read", pair.b);
    Must(recv(pair.b, &byte, 1, MSG_PEEK) == 1, "recv");
    Print("one was peeked at", pair.b);
    Print("not connected", NewSocket(type));
  }
  const int listener = NewSocket(SOCK_STREAM);
  const Address name("@descriptor_info");
  Must(Bind(listener, name) == 0 && listen(listener, 5) == 0, "listen");
  Print("listener", listener);
  for (int i = 0; i < 2; ++i) {
    const int client = NewSocket(SOCK_STREAM);
    Must(Connect(client, name) == 0, "connect");
    Send(client, 3);
  }
  Print("two wait to be accepted", listener);
  const int accepted = accept(listener, nullptr, nullptr);
  Print("one of them", accepted);
  Print("one waits", listener);
  Print("TCP", socket(AF_INET, SOCK_STREAM, 0));
  return 0;
}
