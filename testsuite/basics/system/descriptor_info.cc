// descriptor_info: what /proc/self/fdinfo tells of a descriptor beside its position and flags, for
// the kinds that event loops are made of.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <fstream>
#include <string>

#include "testsuite/basics/check.h"

namespace {

// The lines of one descriptor that begin with `word`.
void Print(const char* what, int fd, const std::string& word) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, word.size(), word) == 0) std::printf("%s: %s\n", what, line.c_str());
  }
}

}  // namespace

int main() {
  Must(close_range(3, ~0u, 0) == 0, "close_range");
  const int counter = eventfd(3, EFD_NONBLOCK), semaphore = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
  Print("eventfd", counter, "eventfd-count:");
  Print("eventfd", counter, "eventfd-semaphore:");
  Print("eventfd", counter, "flags:");
  Print("semaphore", semaphore, "eventfd-count:");
  Print("semaphore", semaphore, "eventfd-semaphore:");
  Print("semaphore", semaphore, "flags:");
  // Each eventfd of the system has a number; that of a closed one is another's next.
  const auto id = [](int fd) {
    const std::string text = FileText(("/proc/self/fdinfo/" + std::to_string(fd)).c_str());
    int count = 0, number = -1, kind = -1;
    const size_t at = text.find("eventfd-count:");
    Must(
        at != std::string::npos &&
            std::sscanf(text.c_str() + at, "eventfd-count: %x eventfd-id: %d eventfd-semaphore: %d",
                        &count, &number, &kind) == 3,
        "the lines of an eventfd");
    return number;
  };
  std::printf("numbered %d, apart %d, the same of a duplicate %d\n", id(counter) >= 0,
              id(counter) != id(semaphore), id(counter) == id(dup(counter)));
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  Must(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0, "a terminal");
  int index = -1;
  const std::string lines = FileText(("/proc/self/fdinfo/" + std::to_string(terminal)).c_str());
  const size_t at = lines.find("tty-index:\t");
  Must(at != std::string::npos && std::sscanf(lines.c_str() + at, "tty-index: %d", &index) == 1,
       "the line of a terminal");
  std::printf("the index is the name's: %d\n",
              std::string(ptsname(terminal)) == "/dev/pts/" + std::to_string(index));
  close(terminal);
  const int epoll = epoll_create1(0);
  Print("no interest", epoll, "tfd:");
  struct stat status;
  Must(fstat(counter, &status) == 0, "fstat");
  for (const uint32_t events :
       {static_cast<uint32_t>(EPOLLIN), static_cast<uint32_t>(EPOLLOUT | EPOLLET),
        static_cast<uint32_t>(EPOLLIN | EPOLLONESHOT)}) {
    epoll_event event = {};
    event.events = events;
    event.data.u64 = 0x123456789abcdef0;
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0, "epoll_ctl");
    std::ifstream file("/proc/self/fdinfo/" + std::to_string(epoll));
    for (std::string line; std::getline(file, line);) {
      int number = -1;
      unsigned mask = 0;
      unsigned long data = 0, inode = 0;
      long position = -1;
      if (std::sscanf(line.c_str(), "tfd: %d events: %x data: %lx pos:%li ino:%lx sdev:", &number,
                      &mask, &data, &position, &inode) != 5) {
        continue;
      }
      std::printf("interest: number %d, events %x, data %lx, position %ld, inode %d; [%s]\n",
                  number, mask, data, position, inode == status.st_ino,
                  line.substr(0, line.find("ino:")).c_str());
    }
    Must(epoll_ctl(epoll, EPOLL_CTL_DEL, counter, &event) == 0, "epoll_ctl");
  }
  const int file = open("/dev/shm", O_TMPFILE | O_RDWR | O_APPEND, 0600);
  Must(file >= 0 && write(file, "text", 4) == 4, "a file");
  Print("file", file, "pos:");
  Print("file", file, "flags:");
  return 0;
}
