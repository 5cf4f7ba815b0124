// mappings: what mmap, munmap and mprotect do where nothing is wrong: zeroed pages, replaced pages,
// holes, split ranges.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

sigjmp_buf back;
void OnFault(int) { siglongjmp(back, 1); }

bool CanRead(const volatile char* at) {
  if (sigsetjmp(back, 1) != 0) return false;
  (void)*at;
  return true;
}
bool CanWrite(volatile char* at) {
  if (sigsetjmp(back, 1) != 0) return false;
  *at = *at;
  return true;
}

// One character a page: '-' nothing, 'r' readable, 'w' writable.
void Map(const char* what, char* start, int pages) {
  std::string map;
  for (int i = 0; i < pages; ++i) {
    char* page = start + i * kPage;
    map += CanWrite(page) ? 'w' : CanRead(page) ? 'r' : '-';
  }
  std::printf("%-50s %s\n", what, map.c_str());
}

char* Mmap(void* at, size_t bytes, int protection, int flags) {
  void* start = mmap(at, bytes, protection, flags, -1, 0);
  Must(start != MAP_FAILED, "mmap");
  return static_cast<char*>(start);
}

}  // namespace

int main() {
  signal(SIGSEGV, OnFault);
  signal(SIGBUS, OnFault);

  char* start = Mmap(nullptr, 16 * kPage, PROT_READ | PROT_WRITE, kAnonymous);
  Must(reinterpret_cast<uintptr_t>(start) % kPage == 0, "mappings start at a page");
  for (size_t i = 0; i < 16 * kPage; ++i) Must(start[i] == 0, "new memory is zero");
  for (int i = 0; i < 16; ++i) start[i * kPage] = static_cast<char>('a' + i);
  Map("fresh", start, 16);
  Must(mprotect(start + 2 * kPage, 3 * kPage, PROT_READ) == 0, "mprotect");
  Map("three pages read-only", start, 16);
  Must(mprotect(start + 3 * kPage, kPage, PROT_NONE) == 0, "mprotect");
  Map("one of them closed", start, 16);
  Must(munmap(start + 8 * kPage, 2 * kPage + 1) == 0, "munmap");
  Map("a hole; the length is rounded up to pages", start, 16);
  Must(munmap(start + 7 * kPage, 6 * kPage) == 0, "munmap over the hole");
  Map("a larger hole", start, 16);
  Must(mprotect(start + 2 * kPage, 3 * kPage, PROT_READ | PROT_WRITE) == 0,
       "mprotect over a split range");
  Map("open again", start, 16);
  std::printf("contents: %c%c%c %c\n", start[2 * kPage], start[3 * kPage], start[4 * kPage],
              start[15 * kPage]);

  Must(Mmap(start + kPage, 2 * kPage, PROT_READ, kAnonymous | MAP_FIXED) == start + kPage,
       "MAP_FIXED");
  Map("replaced by MAP_FIXED", start, 16);
  std::printf("contents: %d %d %c\n", start[kPage], start[2 * kPage], start[3 * kPage]);
  Must(Mmap(start + 9 * kPage, kPage, PROT_READ, kAnonymous | MAP_FIXED_NOREPLACE) ==
           start + 9 * kPage,
       "MAP_FIXED_NOREPLACE into the hole");
  Map("the hole has an island", start, 16);
  Must(Mmap(start + 11 * kPage, kPage, PROT_READ | PROT_WRITE, kAnonymous) == start + 11 * kPage,
       "a free hint is taken");
  char* unaligned = Mmap(start + 12 * kPage + 5, 10, PROT_READ | PROT_WRITE, kAnonymous);
  Must(unaligned == start + 12 * kPage, "a hint is rounded down");
  Map("hints", start, 16);
  Must(Mmap(start, kPage, PROT_READ, kAnonymous) != start, "a hint that is in use is not taken");
  Must(munmap(start, 16 * kPage) == 0, "munmap of all of it");
  Map("gone", start, 16);
  Must(munmap(start, 16 * kPage) == 0, "munmap of nothing is no error");

  char* write_only = Mmap(nullptr, kPage, PROT_WRITE, kAnonymous);
  Map("PROT_WRITE alone can be read too", write_only, 1);
  char* down =
      Mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE, kAnonymous | MAP_NORESERVE | MAP_STACK);
  Map("MAP_NORESERVE and MAP_STACK", down, 4);
  char* populated =
      Mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE);
  Map("MAP_SHARED and MAP_POPULATE", populated, 4);

  // Many small mappings, every second one given back: neighbours are not touched.
  constexpr int kMany = 500;
  char* many = Mmap(nullptr, kMany * kPage, PROT_NONE, kAnonymous);
  for (int i = 0; i < kMany; i += 2) {
    Must(mprotect(many + i * kPage, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
    many[i * kPage] = static_cast<char>(i);
  }
  for (int i = 1; i < kMany; i += 2) Must(munmap(many + i * kPage, kPage) == 0, "munmap");
  for (int i = 0; i < kMany; i += 2)
    Must(many[i * kPage] == static_cast<char>(i), "neighbours are not touched");
  Map("every second one", many, 10);

  // Far more address space than memory.
  char* large = Mmap(nullptr, size_t{1} << 36, PROT_READ | PROT_WRITE, kAnonymous | MAP_NORESERVE);
  large[0] = large[(size_t{1} << 36) - 1] = 'x';
  std::printf("64 GiB of address space: %c%d%c\n", large[0], large[size_t{1} << 35],
              large[(size_t{1} << 36) - 1]);
  Must(munmap(large, size_t{1} << 36) == 0, "munmap");
  return 0;
}
