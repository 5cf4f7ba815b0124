// counters: eventfd: adding, reading, semaphores, limits, and what is refused.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <cinttypes>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

void Write(const char* what, int counter, uint64_t value) {
  std::printf("write of %s: ", what);
  const ssize_t result = write(counter, &value, sizeof value);
  std::printf("%s\n", result == sizeof value ? "ok" : ErrorName(errno));
}

void Read(int counter) {
  uint64_t value = 0;
  const ssize_t result = read(counter, &value, sizeof value);
  if (result == sizeof value) {
    std::printf("read: %" PRIu64 "\n", value);
  } else {
    std::printf("read: %s\n", ErrorName(errno));
  }
}

}  // namespace

int main() {
  int counter = eventfd(5, EFD_NONBLOCK);
  Read(counter);
  Read(counter);
  Write("0", counter, 0);
  Read(counter);
  Write("3", counter, 3);
  Write("4", counter, 4);
  Read(counter);
  Write("the largest", counter, UINT64_MAX - 1);
  Write("one more", counter, 1);
  Write("0 more", counter, 0);
  Read(counter);
  Write("all ones", counter, UINT64_MAX);
  Write("half", counter, UINT64_MAX / 2);
  Write("half", counter, UINT64_MAX / 2);
  Write("one", counter, 1);
  Read(counter);

  int semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  Read(semaphore);
  Write("3", semaphore, 3);
  for (int i = 0; i < 5; ++i) Read(semaphore);

  char bytes[16] = {1};
  ShowCount("write of 7 bytes", write(counter, bytes, 7));
  ShowCount("write of 9 bytes", write(counter, bytes, 9));
  ShowCount("read of 7 bytes", read(counter, bytes, 7));
  Write("1", counter, 1);
  ShowCount("read of 16 bytes", read(counter, bytes, 16));
  ShowCount("read of 0 bytes", read(counter, bytes, 0));
  ShowCount("pread", pread(counter, bytes, 8, 0));
  ShowCount("lseek", lseek(counter, 0, SEEK_SET));
  uint32_t halves[2] = {2, 0};
  const iovec parts[2] = {{&halves[0], 4}, {&halves[1], 4}};
  ShowCount("writev of two halves", writev(counter, parts, 2));
  uint64_t whole = 1;
  const iovec empty_first[2] = {{&whole, 0}, {&whole, 8}};
  ShowCount("writev with an empty first segment", writev(counter, empty_first, 2));
  const iovec empty_last[3] = {{&whole, 8}, {&whole, 0}, {&whole, 8}};
  ShowCount("writev with an empty segment in the middle", writev(counter, empty_last, 3));
  ShowCount("readv with an empty first segment", readv(counter, empty_first, 2));
  std::printf("%d\n", static_cast<int>(whole));
  Write("1", counter, 1);
  ShowCount("readv of two halves", readv(counter, parts, 2));
  std::printf("%u %u\n", halves[0], halves[1]);
  Show("ftruncate", ftruncate(counter, 0));
  Show("eventfd with an unknown flag", eventfd(0, 0x100));
  const int on_exec = eventfd(0, EFD_CLOEXEC);
  std::printf("close-on-exec %d, O_RDWR %d, O_NONBLOCK %d\n", fcntl(on_exec, F_GETFD),
              (fcntl(counter, F_GETFL) & O_ACCMODE) == O_RDWR,
              (fcntl(counter, F_GETFL) & O_NONBLOCK) != 0);
  const int copy = dup(counter);
  Write("9 through a duplicate", copy, 9);
  Read(counter);
  Show("eventfd_write", eventfd_write(counter, 3));
  eventfd_t value = 0;
  Show("eventfd_read", eventfd_read(counter, &value));
  std::printf("%" PRIu64 "\n", value);
  return 0;
}
