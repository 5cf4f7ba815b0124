// advice: madvise(MADV_DONTNEED) takes away what was written: private anonymous pages are zero
// again, shared ones keep it.
#include <sys/mman.h>

#include "testsuite/basics/check.h"

int main() {
  constexpr size_t kPage = 4096;
  constexpr int kBoth = PROT_READ | PROT_WRITE;

  auto* anonymous =
      static_cast<char*>(mmap(nullptr, 3 * kPage, kBoth, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(anonymous, 'a', 3 * kPage);
  Must(madvise(anonymous + kPage, 1, MADV_DONTNEED) == 0, "madvise");
  std::printf("anonymous: %d %d %d\n", anonymous[kPage - 1], anonymous[kPage],
              anonymous[2 * kPage]);
  anonymous[kPage] = 'b';
  std::printf("written again: %c\n", anonymous[kPage]);

  auto* shared_anonymous =
      static_cast<char*>(mmap(nullptr, kPage, kBoth, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  shared_anonymous[0] = 'k';
  Must(madvise(shared_anonymous, kPage, MADV_DONTNEED) == 0, "madvise");
  std::printf("shared anonymous: %c\n", shared_anonymous[0]);

  Must(mprotect(anonymous, kPage, PROT_NONE) == 0 &&
           madvise(anonymous, kPage, MADV_DONTNEED) == 0 &&
           mprotect(anonymous, kPage, PROT_READ) == 0,
       "closed pages can be forgotten too");
  std::printf("closed: %d\n", anonymous[0]);
  return 0;
}
