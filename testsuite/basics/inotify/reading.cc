// reading: how events are read: sizes, padding, several at once, too little room, merged ones,
// FIONREAD, a bad address; and what else may be done with an instance.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "testsuite/basics/inotify/events.h"

namespace {

int Waiting(int instance) {
  int bytes = -1;
  Must(ioctl(instance, FIONREAD, &bytes) == 0, "FIONREAD");
  return bytes;
}

void Make(const std::string& path) { Must(mknod(path.c_str(), S_IFREG | 0600, 0) == 0, "mknod"); }

}  // namespace

int main() {
  EnterScratchDirectory();
  Must(mkdir("dir", 0700) == 0 && mkdir("elsewhere", 0700) == 0, "mkdir");
  WriteFile("file", "text");
  Watcher watcher;
  const int instance = watcher.instance();
  watcher.Add("dir", IN_CREATE | IN_DELETE, "dir");
  watcher.Add("file", IN_ALL_EVENTS, "file");
  alignas(inotify_event) static char bytes[65536];

  ShowCount("nothing to read", read(instance, bytes, sizeof bytes));
  ShowCount("nothing to read into nothing", read(instance, bytes, 0));
  std::printf("waiting: %d\n", Waiting(instance));
  for (const size_t length : {1, 14, 15, 16, 31, 32, 255}) {
    Make("dir/" + std::string(length, 'n'));
    std::printf("name of %d: waiting %d, ", static_cast<int>(length), Waiting(instance));
    const ssize_t size = read(instance, bytes, sizeof bytes);
    const auto* event = reinterpret_cast<inotify_event*>(bytes);
    int zeros = 0;
    for (uint32_t i = 0; i < event->len; ++i) zeros += event->name[i] == '\0';
    std::printf("read %d, len %d, zeros %d\n", static_cast<int>(size), static_cast<int>(event->len),
                zeros);
  }
  Must(truncate("file", 1) == 0, "truncate");
  std::printf("without a name: %d\n", static_cast<int>(read(instance, bytes, sizeof bytes)));

  Make("dir/a");
  Make("dir/b");
  Make("dir/c");
  std::printf("three: waiting %d\n", Waiting(instance));
  ShowCount("no room", read(instance, bytes, 0));
  ShowCount("room for the header only", read(instance, bytes, 16));
  ShowCount("a byte too little", read(instance, bytes, 31));
  ShowCount("room for one", read(instance, bytes, 32));
  ShowCount("room for one and a half", read(instance, bytes, 50));
  std::printf("waiting %d\n", Waiting(instance));
  ShowCount("pread", pread(instance, bytes, sizeof bytes, 0));
  char* volatile nowhere = nullptr;
  ShowCount("to nowhere", read(instance, nowhere + 16, 32));
  ShowCount("which lost it", read(instance, bytes, sizeof bytes));

  Make("dir/d");
  Make("dir/e");
  char first[48], second[100];
  iovec vectors[2] = {{first, 32}, {second, sizeof second}};
  ShowCount("readv of one and the rest", readv(instance, vectors, 2));
  Make("dir/f");
  Make("dir/g");
  vectors[0].iov_len = 48;
  ShowCount("readv with a segment half full", readv(instance, vectors, 2));
  ShowCount("the rest", read(instance, bytes, sizeof bytes));
  Make("dir/h");
  vectors[0].iov_len = 20;
  ShowCount("readv with a first segment too small", readv(instance, vectors, 2));
  vectors[0].iov_len = 0;
  ShowCount("readv with an empty first segment", readv(instance, vectors, 2));
  ShowCount("it stayed", read(instance, bytes, sizeof bytes));
  ShowCount("readv of nothing, with an empty first segment", readv(instance, vectors, 2));

  // Equal successive events are one.
  const int fd = open("file", O_RDWR);
  for (int i = 0; i < 5; ++i) Must(write(fd, "x", 1) == 1, "write");
  watcher.Print("five writes");
  for (int i = 0; i < 3; ++i)
    Must(write(fd, "x", 1) == 1 && pread(fd, bytes, 1, 0) == 1, "write and read");
  watcher.Print("writes and reads in turn");
  Must(write(fd, "x", 1) == 1, "write");
  Must(read(instance, bytes, sizeof bytes) == 16, "read");
  Must(write(fd, "x", 1) == 1, "write");
  watcher.Print("a write after the queue was read");
  close(fd);
  watcher.Print("close");
  watcher.Add("dir", IN_MOVE, "dir");
  Must(rename("dir/a", "elsewhere/a") == 0 && rename("elsewhere/a", "dir/a") == 0 &&
           rename("dir/a", "elsewhere/a") == 0 && rename("elsewhere/a", "dir/a") == 0,
       "rename");
  watcher.Print("moves out and in");
  Make("elsewhere/x");
  Must(rename("dir/a", "elsewhere/a") == 0, "rename");
  Must(rename("elsewhere/a", "elsewhere/b") == 0 && rename("dir/b", "elsewhere/a") == 0, "rename");
  watcher.Print("two moves out");
  Must(rename("elsewhere/x", "dir/x") == 0 && rename("elsewhere/b", "dir/x") == 0, "rename");
  watcher.Print("two moves to one name: the second cookie is lost");

  // The rest of what one does with descriptors.
  ShowCount("write", write(instance, bytes, 16));
  ShowCount("lseek", lseek(instance, 5, SEEK_SET));
  Show("ftruncate", ftruncate(instance, 0));
  Show("an unknown request", ioctl(instance, 0x12345678, bytes));
  std::printf("access mode %d\n", fcntl(instance, F_GETFL) & O_ACCMODE);
  struct stat status;
  Must(fstat(instance, &status) == 0, "fstat");
  std::printf("type %o, mode %o, size %d\n", status.st_mode & S_IFMT, status.st_mode & 0777,
              static_cast<int>(status.st_size));
  char link[64] = "";
  Must(readlink(("/proc/self/fd/" + std::to_string(instance)).c_str(), link, sizeof link - 1) > 0,
       "readlink");
  std::printf("%s\n", link);
  const int shared = dup(instance);
  Make("dir/y");
  Must(rename("dir/y", "elsewhere/y") == 0, "rename");
  ShowCount("through a copy", read(shared, bytes, sizeof bytes));
  ShowCount("then here", read(instance, bytes, sizeof bytes));
  return 0;
}
