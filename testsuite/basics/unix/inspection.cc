// What is said of a socket elsewhere: fstat(2), /proc/self/fd, fcntl(2), calls that are not for
// sockets; and sockets that a service manager hands over.
#include <sys/stat.h>

#include "testsuite/basics/unix/sockets.h"

int main() {
  EnterScratchDirectory();
  const Pair pair = MakePair(SOCK_STREAM);
  struct stat status;
  Must(fstat(pair.a, &status) == 0, "fstat");
  printf("mode %o, %lu links, size %ld, own uid %d\n", status.st_mode,
         static_cast<unsigned long>(status.st_nlink), static_cast<long>(status.st_size),
         status.st_uid == getuid());
  char link[64] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(pair.a);
  Must(readlink(path.c_str(), link, sizeof link - 1) > 0, "readlink");
  printf("link text: %s\n",
         link == "socket:[" + std::to_string(status.st_ino) + "]" ? "socket:[inode]" : link);
  Show("open it again", open(path.c_str(), O_RDWR));
  struct stat through;
  Must(stat(path.c_str(), &through) == 0, "stat");
  printf("stat through the link: %s\n", through.st_ino == status.st_ino ? "same" : "another");
  printf("flags %#x\n", fcntl(pair.a, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND));
  Show("lseek", lseek(pair.a, 0, SEEK_CUR));
  char byte;
  Show("pread", pread(pair.a, &byte, 1, 0));
  Show("pwrite", pwrite(pair.a, &byte, 1, 0));
  Show("ftruncate", ftruncate(pair.a, 0));
  Show("fsync", fsync(pair.a));

  // As sd_is_socket_unix() looks at what LISTEN_FDS brought.
  const int listener = Listener(Address("service"), 5);
  const int given = fcntl(listener, F_DUPFD, 10);
  close(listener);
  int type = 0, accepting = 0;
  socklen_t bytes = sizeof type;
  Must(getsockopt(given, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM, "type");
  bytes = sizeof accepting;
  Must(getsockopt(given, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &bytes) == 0, "SO_ACCEPTCONN");
  sockaddr_un name = {};
  bytes = sizeof name;
  Must(getsockname(given, reinterpret_cast<sockaddr*>(&name), &bytes) == 0, "getsockname");
  Must(fstat(given, &status) == 0 && S_ISSOCK(status.st_mode), "S_ISSOCK");
  printf("listening %d, family %d, at %s\n", accepting, name.sun_family, name.sun_path);
  const int client = NewSocket(SOCK_STREAM);
  Show("connect", Connect(client, Address("service")));
  const int server = accept(given, nullptr, nullptr);
  Send(client, "activated");
  ShowRead("server", server, 20);

  // The name service's cache is not there: libc asks it first and goes on without it.
  const int cache = NewSocket(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
  Show("a cache that is not there", Connect(cache, Address("/var/run/pollux-none/socket")));
  return 0;
}
