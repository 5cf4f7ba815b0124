// advice: madvise(MADV_DONTNEED) takes away what was written: anonymous pages are zero again, private pages of a file show the
// file again; shared pages keep it.
#include <fcntl.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

int main() {
  constexpr size_t kPage = 4096;
  constexpr int kBoth = PROT_READ | PROT_WRITE;
  EnterScratchDirectory();

  auto* anonymous = static_cast<char*>(mmap(nullptr, 3 * kPage, kBoth, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(anonymous, 'a', 3 * kPage);
  Must(madvise(anonymous + kPage, 1, MADV_DONTNEED) == 0, "madvise");
  std::printf("anonymous: %d %d %d\n", anonymous[kPage - 1], anonymous[kPage], anonymous[2 * kPage]);
  anonymous[kPage] = 'b';
  std::printf("written again: %c\n", anonymous[kPage]);

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

  auto* shared_anonymous = static_cast<char*>(mmap(nullptr, kPage, kBoth, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  shared_anonymous[0] = 'k';
  Must(madvise(shared_anonymous, kPage, MADV_DONTNEED) == 0, "madvise");
  std::printf("shared anonymous: %c\n", shared_anonymous[0]);

  Must(mprotect(anonymous, kPage, PROT_NONE) == 0 && madvise(anonymous, kPage, MADV_DONTNEED) == 0 &&
           mprotect(anonymous, kPage, PROT_READ) == 0,
       "closed pages can be forgotten too");
  std::printf("closed: %d\n", anonymous[0]);
  return 0;
}
