// moving: mremap grows, shrinks and moves mappings, with what is in them, and leaves nothing behind
// unless asked to.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kBoth = PROT_READ | PROT_WRITE;

sigjmp_buf back;
void OnFault(int) { siglongjmp(back, 1); }

// The first character of a page; '.' is zero, '-' nothing there.
char Letter(const volatile char* page) {
  if (sigsetjmp(back, 1) != 0) return '-';
  const char letter = *page;
  return letter == 0 ? '.' : letter;
}
std::string Contents(const char* start, int pages) {
  std::string text;
  for (int i = 0; i < pages; ++i) text += Letter(start + i * kPage);
  return text;
}

char* Pages(const char* letters) {
  const size_t count = std::strlen(letters);
  char* start =
      static_cast<char*>(mmap(nullptr, count * kPage, kBoth, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(start != MAP_FAILED, "mmap");
  for (size_t i = 0; i < count; ++i) start[i * kPage] = letters[i];
  return start;
}

}  // namespace

int main() {
  signal(SIGSEGV, OnFault);
  signal(SIGBUS, OnFault);

  char* start = Pages("abcdefgh");
  Must(munmap(start + 6 * kPage, 2 * kPage) == 0, "munmap");
  Must(mremap(start, 6 * kPage, 8 * kPage, 0) == start, "it grows in place where there is room");
  std::printf("grown in place: %s\n", Contents(start, 8).c_str());
  Must(mremap(start, 8 * kPage, 3 * kPage, 0) == start, "it shrinks in place");
  std::printf("shrunk: %s\n", Contents(start, 8).c_str());
  Must(mremap(start, 3 * kPage, 2 * kPage + 1, 0) == start, "lengths are rounded up");
  std::printf("same in pages: %s\n", Contents(start, 3).c_str());

  char* wall = static_cast<char*>(
      mmap(start + 3 * kPage, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  Must(wall == start + 3 * kPage, "mmap behind it");
  char* moved = static_cast<char*>(mremap(start, 3 * kPage, 5 * kPage, MREMAP_MAYMOVE));
  Must(moved != MAP_FAILED && moved != start, "it moves where there is no room");
  std::printf("moved: %s, old place: %s\n", Contents(moved, 5).c_str(), Contents(start, 3).c_str());

  char* target = Pages("12345678");
  Must(mremap(moved, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, target + 2 * kPage) ==
           target + 2 * kPage,
       "MREMAP_FIXED");
  std::printf("fixed: %s, old place: %s\n", Contents(target, 8).c_str(),
              Contents(moved, 5).c_str());
  Must(mremap(target + 2 * kPage, kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
              target + 6 * kPage) == target + 6 * kPage,
       "moved and grown at once");
  std::printf("from the middle: %s\n", Contents(target, 8).c_str());

  // Protection moves along.
  char* closed = Pages("pq");
  Must(mprotect(closed, 2 * kPage, PROT_NONE) == 0, "mprotect");
  closed = static_cast<char*>(mremap(closed, 2 * kPage, 4 * kPage, MREMAP_MAYMOVE));
  Must(closed != MAP_FAILED, "mremap of closed pages");
  std::printf("closed: %s, ", Contents(closed, 4).c_str());
  Must(mprotect(closed, 4 * kPage, kBoth) == 0, "mprotect");
  std::printf("open: %s\n", Contents(closed, 4).c_str());
  return 0;
}
