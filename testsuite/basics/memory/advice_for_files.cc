// advice_for_files: after madvise(MADV_DONTNEED) private pages of a file show the file again;
// shared ones always do.
#include <fcntl.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

int main() {
  constexpr size_t kPage = 4096;
  constexpr int kBoth = PROT_READ | PROT_WRITE;
  EnterScratchDirectory();
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(file >= 0 && ftruncate(file, 2 * kPage) == 0 && pwrite(file, "ff", 2, 0) == 2, "file");
  auto* own = static_cast<char*>(mmap(nullptr, 2 * kPage, kBoth, MAP_PRIVATE, file, 0));
  own[0] = 'o';
  std::printf("private: %c%c, ", own[0], own[1]);
  Must(madvise(own, kPage, MADV_DONTNEED) == 0, "madvise");
  std::printf("then %c%c\n", own[0], own[1]);

  auto* shared = static_cast<char*>(mmap(nullptr, 2 * kPage, kBoth, MAP_SHARED, file, 0));
  shared[0] = 's';
  Must(madvise(shared, kPage, MADV_DONTNEED) == 0, "madvise");
  std::printf("shared: %c%c, seen privately: %c\n", shared[0], shared[1], own[0]);

  return 0;
}
