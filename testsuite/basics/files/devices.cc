// devices: the small devices that programs rely on: null, zero, full, urandom.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>

#include <algorithm>

#include "testsuite/basics/check.h"

int main() {
  char bytes[100];
  const int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR),
            full = open("/dev/full", O_RDWR);
  const int random = open("/dev/urandom", O_RDONLY);
  Must(null >= 0 && zero >= 0 && full >= 0 && random >= 0, "open");
  ShowCount("null: read", read(null, bytes, sizeof bytes));
  ShowCount("null: write", write(null, bytes, sizeof bytes));
  ShowCount("null: lseek", lseek(null, 100, SEEK_SET));
  std::memset(bytes, 1, sizeof bytes);
  ShowCount("zero: read", read(zero, bytes, sizeof bytes));
  std::printf("all zero: %d\n",
              std::all_of(bytes, bytes + sizeof bytes, [](char c) { return c == 0; }));
  ShowCount("zero: write", write(zero, bytes, sizeof bytes));
  ShowCount("full: read", read(full, bytes, sizeof bytes));
  ShowCount("full: write", write(full, bytes, sizeof bytes));
  ShowCount("urandom: read", read(random, bytes, sizeof bytes));
  std::printf("some are not zero: %d\n",
              std::any_of(bytes, bytes + sizeof bytes, [](char c) { return c != 0; }));
  auto* mapped =
      static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0));
  Show("zero: mmap", mapped == MAP_FAILED ? -1 : 0);
  if (mapped != MAP_FAILED) {
    mapped[10] = 'x';
    std::printf("%d%c\n", mapped[0], mapped[10]);
  }
  Show("null: mmap", mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, null, 0) == MAP_FAILED ? -1 : 0);

  termios terminal;
  Show("null: TCGETS", tcgetattr(null, &terminal));
  Show("null: TIOCGWINSZ", ioctl(null, TIOCGWINSZ, bytes));
  int count = -1;
  int ends[2];
  Must(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3, "pipe");
  Show("pipe: FIONREAD", ioctl(ends[0], FIONREAD, &count));
  std::printf("%d bytes\n", count);
  int on = 1;
  Show("pipe: FIONBIO", ioctl(ends[0], FIONBIO, &on));
  std::printf("O_NONBLOCK: %d\n", (fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
  Show("pipe: FIOCLEX", ioctl(ends[0], FIOCLEX));
  std::printf("close-on-exec: %d\n", fcntl(ends[0], F_GETFD));
  Show("pipe: an unknown request", ioctl(ends[0], 0x12345678, 0));
  Show("a free number: FIONREAD", ioctl(12345, FIONREAD, &count));
  Show("open of a device with a slash behind", open("/dev/null/", O_RDWR));
  Show("O_TRUNC of a device", open("/dev/null", O_WRONLY | O_TRUNC));
  Show("O_CREAT of a device", open("/dev/null", O_WRONLY | O_CREAT, 0600));
  std::printf("a terminal: %d\n", isatty(null));
  return 0;
}
