// What a socket may be called: paths, abstract names, names that the kernel picks; and who finds
// it.
#include <sys/stat.h>

#include "testsuite/basics/unix/sockets.h"

namespace {

void ShowName(const char* what, int fd, bool peer = false) {
  sockaddr_un name;
  memset(&name, 'z', sizeof name);
  socklen_t bytes = sizeof name;
  const int result = peer ? getpeername(fd, reinterpret_cast<sockaddr*>(&name), &bytes)
                          : getsockname(fd, reinterpret_cast<sockaddr*>(&name), &bytes);
  if (result != 0) {
    printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  printf("%s: %u bytes, family %d", what, bytes, name.sun_family);
  if (bytes > 2 && name.sun_path[0] != '\0') printf(", path %s", name.sun_path);
  if (bytes > 2 && name.sun_path[0] == '\0') printf(", abstract");
  printf("\n");
}

long BindBytes(int fd, const char* bytes, socklen_t length) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  memcpy(name.sun_path, bytes, length);
  return bind(fd, reinterpret_cast<sockaddr*>(&name), offsetof(sockaddr_un, sun_path) + length);
}

void Paths() {
  printf("-- paths\n");
  const int fd = NewSocket(SOCK_STREAM);
  ShowName("unbound", fd);
  ShowName("unconnected peer", fd, true);
  Show("bind", Bind(fd, Address("one")));
  ShowName("bound", fd);
  struct stat status;
  Must(stat("one", &status) == 0, "stat");
  printf("mode %o, size %ld\n", status.st_mode, static_cast<long>(status.st_size));
  Show("bind again", Bind(fd, Address("two")));
  Show("nothing is left of two", stat("two", &status));
  Show("open", open("one", O_RDWR));
  const int other = NewSocket(SOCK_STREAM);
  Show("a name that is taken", Bind(other, Address("one")));
  WriteFile("file", "x");
  Show("a file's name", Bind(other, Address("file")));
  Show("in no directory", Bind(other, Address("none/x")));
  Show("in a file", Bind(other, Address("file/x")));
  Show("with a slash", Bind(other, Address("three/")));
  umask(077);
  Show("without a final NUL", BindBytes(other, "four", 4));
  ShowName("without a final NUL", other);
  Must(stat("four", &status) == 0, "stat");
  printf("mode %o\n", status.st_mode);
  umask(022);
  Must(unlink("four") == 0, "unlink");
  ShowName("removed", other);
  const int longest = NewSocket(SOCK_STREAM);
  Show("108 bytes", BindBytes(longest, std::string(108, 'p').c_str(), 108));
  sockaddr_un room[2];
  socklen_t bytes = sizeof room;
  Must(getsockname(longest, reinterpret_cast<sockaddr*>(room), &bytes) == 0, "getsockname");
  printf("%u bytes\n", bytes);
  const int nul = NewSocket(SOCK_STREAM);
  Show("what follows a NUL", BindBytes(nul, "five\0six", 8));
  ShowName("what follows a NUL", nul);
  for (int end : {fd, other, longest, nul}) close(end);
  Show("a closed one's path", stat("one", &status));
}

void Finding() {
  printf("-- finding\n");
  const int listener = Listener(Address("here"), 5);
  const int datagrams = NewSocket(SOCK_DGRAM);
  Must(Bind(datagrams, Address("datagrams")) == 0, "bind");
  Must(symlink("here", "link") == 0, "symlink");
  Must(rename("here", "moved") == 0, "rename");
  Show("connect to the old name", Connect(NewSocket(SOCK_STREAM), Address("here")));
  Show("connect to the new name", Connect(NewSocket(SOCK_STREAM), Address("moved")));
  Must(rename("moved", "here") == 0, "rename");
  Must(link("here", "twin") == 0, "link");
  Show("connect through a link", Connect(NewSocket(SOCK_STREAM), Address("link")));
  Show("connect to a second name", Connect(NewSocket(SOCK_STREAM), Address("twin")));
  Show("seqpacket to a stream", Connect(NewSocket(SOCK_SEQPACKET), Address("here")));
  Show("stream to datagrams", Connect(NewSocket(SOCK_STREAM), Address("datagrams")));
  Show("to a file", Connect(NewSocket(SOCK_STREAM), Address("file")));
  Show("to nothing", Connect(NewSocket(SOCK_STREAM), Address("nothing")));
  Must(chmod("here", 0400) == 0, "chmod");
  Show("not writable", Connect(NewSocket(SOCK_STREAM), Address("here")));
  Must(chmod("here", 0200) == 0, "chmod");
  Show("writable only", Connect(NewSocket(SOCK_STREAM), Address("here")));
  close(listener);
  Show("nobody there any more", Connect(NewSocket(SOCK_STREAM), Address("here")));
  Must(mknod("node", S_IFSOCK | 0666, 0) == 0, "mknod");
  Show("a node without a socket", Connect(NewSocket(SOCK_STREAM), Address("node")));
}

void Abstract() {
  printf("-- abstract names\n");
  const int fd = NewSocket(SOCK_STREAM);
  const Address name("@pollux-names-");
  Show("bind", Bind(fd, name));
  Show("connect without listen", Connect(NewSocket(SOCK_STREAM), name));
  Must(listen(fd, 1) == 0, "listen");
  const int client = NewSocket(SOCK_STREAM);
  Show("connect", Connect(client, name));
  ShowName("client", client);
  printf("the peer has the listener's name: ");
  sockaddr_un peer;
  socklen_t bytes = sizeof peer;
  Must(getpeername(client, reinterpret_cast<sockaddr*>(&peer), &bytes) == 0, "getpeername");
  printf("%s\n", bytes == name.bytes && memcmp(&peer, &name.un, bytes) == 0 ? "yes" : "no");
  Address longer = name;
  ++longer.bytes;
  Show("one more byte is another name", Connect(NewSocket(SOCK_STREAM), longer));
  Show("taken", Bind(NewSocket(SOCK_STREAM), name));
  Show("another type", Bind(NewSocket(SOCK_DGRAM), name));
  close(fd);
  Show("free again", Bind(NewSocket(SOCK_STREAM), name));
}

void Automatic() {
  printf("-- names that the kernel picks\n");
  const int fd = NewSocket(SOCK_DGRAM);
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  Show("bind", bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(sa_family_t)));
  ShowName("name", fd);
  Show("bind again", bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(sa_family_t)));
  Show("bind to a path", Bind(fd, Address("late")));
  socklen_t bytes = sizeof name;
  Must(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &bytes) == 0, "getsockname");
  Must(strspn(name.sun_path + 1, "0123456789abcdef") == 5, "five hexadecimal digits");
  const int sender = NewSocket(SOCK_DGRAM);
  Show("send to it", sendto(sender, "x", 1, 0, reinterpret_cast<sockaddr*>(&name), bytes));
}

void Lengths() {
  printf("-- lengths\n");
  const int fd = NewSocket(SOCK_STREAM);
  sockaddr_un name[2] = {};
  name[0].sun_family = AF_UNIX;
  strcpy(name[0].sun_path, "length");
  const auto* address = reinterpret_cast<const sockaddr*>(name);
  Show("bind 0", bind(fd, address, 0));
  Show("bind 1", bind(fd, address, 1));
  Show("bind 111", bind(fd, address, 111));
  Show("bind 129", bind(fd, address, 129));
  Show("bind -1", bind(fd, address, static_cast<socklen_t>(-1)));
  Show("connect 2", connect(fd, address, 2));
  Show("connect 111", connect(fd, address, 111));
  name[0].sun_family = AF_INET;
  Show("another family", bind(fd, address, 20));
  socklen_t bytes = 3;
  unsigned char out[8] = {9, 9, 9, 9, 9, 9, 9, 9};
  const int bound = NewSocket(SOCK_STREAM);
  Must(Bind(bound, Address("cut")) == 0, "bind");
  Show("three bytes' room", getsockname(bound, reinterpret_cast<sockaddr*>(out), &bytes));
  printf("%u bytes: %d %d %d %d\n", bytes, out[0], out[1], out[2], out[3]);
  bytes = static_cast<socklen_t>(-1);
  Show("negative room", getsockname(bound, reinterpret_cast<sockaddr*>(out), &bytes));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Paths();
  Finding();
  Abstract();
  Automatic();
  Lengths();
  return 0;
}
