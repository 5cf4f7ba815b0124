// moving_twins: the two ways in which mremap leaves the old place as it is: MREMAP_DONTUNMAP moves
// the pages and keeps an empty mapping; an old length of 0 maps shared pages once more.
#include <sys/mman.h>

#include "testsuite/basics/check.h"

int main() {
  constexpr size_t kPage = 4096;
  constexpr int kBoth = PROT_READ | PROT_WRITE;
  auto* kept =
      static_cast<char*>(mmap(nullptr, 3 * kPage, kBoth, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(kept != MAP_FAILED, "mmap");
  kept[0] = 'x', kept[2 * kPage] = 'z';
  auto* moved = static_cast<char*>(
      mremap(kept, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr));
  Must(moved != MAP_FAILED && moved != kept, "MREMAP_DONTUNMAP");
  std::printf("moved: %c%d%c, old place: %d%d%d\n", moved[0], moved[kPage], moved[2 * kPage],
              kept[0], kept[kPage], kept[2 * kPage]);
  kept[0] = 'o';
  std::printf("two mappings: %c %c\n", kept[0], moved[0]);

  auto* shared =
      static_cast<char*>(mmap(nullptr, 2 * kPage, kBoth, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Must(shared != MAP_FAILED, "mmap");
  shared[0] = 's';
  auto* twin = static_cast<char*>(mremap(shared, 0, 2 * kPage, MREMAP_MAYMOVE));
  Must(twin != MAP_FAILED, "mremap of length 0");
  twin[kPage] = 't';
  std::printf("twins: %c%c %c%c\n", shared[0], shared[kPage], twin[0], twin[kPage]);
  Must(munmap(shared, 2 * kPage) == 0, "munmap");
  std::printf("one is left: %c%c\n", twin[0], twin[kPage]);
  return 0;
}
