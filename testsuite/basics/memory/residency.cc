// residency: mincore's arguments and errors. Which pages it says are in memory: pages_in_memory.
#include <sys/mman.h>

#include <cstdint>

#include "testsuite/basics/check.h"

int main() {
  DropRoot();
  constexpr size_t kPage = 4096;
  auto* const pages = static_cast<char*>(
      mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(pages != MAP_FAILED && munmap(pages + 2 * kPage, kPage) == 0, "two pages and a hole");
  Must(mlock(pages, kPage) == 0, "mlock");
  const auto probe = [](const void* from, size_t bytes, void* out) {
    return syscall(SYS_mincore, from, bytes, out);
  };

  unsigned char there[4] = {0xaa, 0xaa, 0xaa, 0xaa};
  Show("a locked page", probe(pages, kPage, there));
  std::printf("in memory %d, beyond %02x\n", there[0] & 1, there[1]);
  std::memset(there, 0xaa, sizeof there);
  Show("a byte is a page", probe(pages, 1, there));
  std::printf("in memory %d, beyond %02x\n", there[0] & 1, there[1]);
  std::memset(there, 0xaa, sizeof there);
  Show("a page and a byte are two", probe(pages, kPage + 1, there));
  std::printf("in memory %d, told %d, beyond %02x\n", there[0] & 1, there[1] != 0xaa, there[2]);
  std::memset(there, 0xaa, sizeof there);
  Show("nothing", probe(pages, 0, there));
  std::printf("untold %02x\n", there[0]);
  Show("nothing, to nowhere", probe(pages, 0, nullptr));

  Show("not at a page", probe(pages + 1, kPage, there));
  Show("a hole", probe(pages + 2 * kPage, kPage, there));
  Show("into a hole", probe(pages, 3 * kPage, there));
  std::printf("the first is told: %d\n", there[0] & 1);
  Show("to nowhere", probe(pages, kPage, nullptr));
  Show("wraps around", probe(pages, ~size_t{0} - kPage, there));
  Show("to the kernel's addresses",
       probe(pages, kPage, reinterpret_cast<void*>(~uint64_t{0} << 40)));
  return 0;
}
