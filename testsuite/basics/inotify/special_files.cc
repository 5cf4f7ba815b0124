// special_files: events of what is not a regular file: devices, memfds; and fdinfo, which tells
// what an instance watches. (/dev/full, because nobody else on the machine opens it.)
#include <sys/mman.h>
#include <sys/stat.h>

#include <sstream>

#include "testsuite/basics/inotify/events.h"

int main() {
  EnterScratchDirectory();
  char bytes[100] = "x";
  Watcher watcher;
  watcher.Add("/dev/full", IN_ALL_EVENTS, "full");
  const int fd = open("/dev/full", O_RDWR);
  watcher.Print("open");
  ShowCount("write", write(fd, bytes, 10));
  watcher.Print("write that fails");
  ShowCount("read", read(fd, bytes, 10));
  watcher.Print("read");
  close(fd);
  watcher.Print("close");

  const int memory = memfd_create("memory", 0);
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
  watcher.Add(path, IN_ALL_EVENTS, "memfd");
  Must(write(memory, "text", 4) == 4 && pread(memory, bytes, 4, 0) == 4, "write and read");
  watcher.Print("the memfd that memfd_create gave");
  const int again = open(path, O_RDWR);
  Must(again >= 0 && write(again, "text", 4) == 4 && close(again) == 0, "write and close");
  watcher.Print("opened again");
  Must(ftruncate(memory, 100) == 0, "ftruncate");
  void* mapped = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, memory, 0);
  Must(mapped != MAP_FAILED && static_cast<char*>(mapped)[0] == 't', "mmap");
  Must(munmap(mapped, 4096) == 0, "munmap");
  watcher.Print("ftruncate and mmap");
  Must(close(memory) == 0, "close");
  watcher.Print("close of the memfd");

  // Who watches the directory is not told of reading and writing a special file in it.
  Must(mkfifo("fifo", 0600) == 0, "mkfifo");
  watcher.Add(".", IN_ACCESS | IN_MODIFY | IN_OPEN, "directory");
  const int fifo = open("fifo", O_RDWR | O_NONBLOCK);
  Must(fifo >= 0 && write(fifo, "x", 1) == 1 && read(fifo, bytes, 1) == 1, "FIFO");
  watcher.Print("FIFO, from the directory");
  watcher.Add("fifo", IN_ACCESS | IN_MODIFY, "fifo");
  Must(write(fifo, "x", 1) == 1 && read(fifo, bytes, 1) == 1, "FIFO");
  watcher.Print("FIFO, from itself");
  watcher.Add("fifo", IN_ACCESS | IN_MODIFY | IN_EXCL_UNLINK, "fifo");
  Must(unlink("fifo") == 0 && write(fifo, "x", 1) == 1 && read(fifo, bytes, 1) == 1, "FIFO");
  watcher.Print("FIFO without a name");
  close(fifo);

  // wd and mask; the rest differs from system to system.
  WriteFile("a", "");
  WriteFile("b", "");
  const int instance = inotify_init1(0);
  Must(inotify_add_watch(instance, "a", IN_OPEN) == 1, "inotify_add_watch");
  Must(inotify_add_watch(instance, "b", IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK) == 2,
       "inotify_add_watch");
  std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", instance);
  std::istringstream lines(FileText(path));
  struct stat status;
  for (std::string line; std::getline(lines, line);) {
    int descriptor = 0;
    unsigned long inode = 0;
    unsigned device = 0, mask = 0, ignored = 1;
    if (std::sscanf(line.c_str(), "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%x",
                    &descriptor, &inode, &device, &mask, &ignored) != 5) {
      continue;
    }
    Must(stat(descriptor == 1 ? "a" : "b", &status) == 0 && status.st_ino == inode, "ino");
    std::printf("fdinfo: watch %d, mask %x, ignored %x\n", descriptor, mask, ignored);
  }
  return 0;
}
