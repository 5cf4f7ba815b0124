// Messages that carry descriptors.
#ifndef POLLUX_TESTSUITE_BASICS_UNIX_RIGHTS_H_
#define POLLUX_TESTSUITE_BASICS_UNIX_RIGHTS_H_

#include <vector>

#include "testsuite/basics/unix/sockets.h"

// Sends `text` with descriptors; what sendmsg(2) returns.
inline ssize_t SendRights(int fd, const char* text, const std::vector<int>& rights,
                          int flags = MSG_DONTWAIT) {
  iovec data = {const_cast<char*>(text), strlen(text)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 300)] = {};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(sizeof(int) * rights.size());
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = SOL_SOCKET;
  message->cmsg_type = SCM_RIGHTS;
  message->cmsg_len = CMSG_LEN(sizeof(int) * rights.size());
  memcpy(CMSG_DATA(message), rights.data(), sizeof(int) * rights.size());
  return sendmsg(fd, &header, flags | MSG_NOSIGNAL);
}

struct Received {
  ssize_t bytes;
  int flags;
  size_t control_bytes;
  std::vector<int> rights;
  std::string text;
};

// Receives with room for `room` bytes of control messages.
inline Received ReceiveRights(int fd, size_t bytes, size_t room = CMSG_SPACE(sizeof(int) * 16),
                              int flags = MSG_DONTWAIT) {
  std::string text(bytes, '\0');
  iovec data = {text.data(), bytes};
  alignas(cmsghdr) char control[2048] = {};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = room > 0 ? control : nullptr;
  header.msg_controllen = room;
  Received received = {};
  received.bytes = recvmsg(fd, &header, flags);
  if (received.bytes < 0) return received;
  received.text = text.substr(0, static_cast<size_t>(received.bytes));
  received.flags = header.msg_flags;
  received.control_bytes = header.msg_controllen;
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= message->cmsg_len; at += sizeof(int)) {
      int right;
      memcpy(&right, reinterpret_cast<char*>(message) + at, sizeof right);
      received.rights.push_back(right);
    }
  }
  return received;
}

inline void ShowReceived(const char* what, const Received& received) {
  if (received.bytes < 0) {
    printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  printf("%s: \"%s\", %zu rights, flags %#x, %zu bytes of control\n", what, received.text.c_str(),
         received.rights.size(), received.flags, received.control_bytes);
}

inline void CloseAll(const Received& received) {
  for (int right : received.rights) close(right);
}

#endif  // POLLUX_TESTSUITE_BASICS_UNIX_RIGHTS_H_
