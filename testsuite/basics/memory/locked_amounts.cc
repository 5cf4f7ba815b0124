// locked_amounts: what counts against RLIMIT_MEMLOCK, and what gives it back: VmLck of
// /proc/self/status.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kBoth = PROT_READ | PROT_WRITE;

char* Map(size_t pages, int flags = 0, char* at = nullptr) {
  void* const memory = mmap(at, pages * kPage, kBoth, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

// Between pages that nobody can use, so that it never joins another.
char* MapApart(size_t pages, size_t room = 0) {
  char* const around = Map(pages + room + 2);
  Must(around != nullptr && mprotect(around, kPage, PROT_NONE) == 0 &&
           munmap(around + (1 + pages) * kPage, (room + 1) * kPage) == 0,
       "mmap");
  return around + kPage;
}

void Limit(size_t pages) {
  rlimit limit;
  Must(getrlimit(RLIMIT_MEMLOCK, &limit) == 0, "getrlimit");
  limit.rlim_cur = pages * kPage;
  Must(setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "setrlimit");
}

long LockedPages() {
  const char* line = std::strstr(FileText("/proc/self/status"), "VmLck:");
  Must(line != nullptr, "VmLck");
  return std::strtol(line + 6, nullptr, 10) / 4;
}
void Told(const char* what) { std::printf("%s: %ld locked\n", what, LockedPages()); }

bool ShowMapped(const char* what, char* mapped) {
  Show(what, mapped == nullptr ? -1 : 0);
  return mapped != nullptr;
}

void Sums() {
  Limit(6);
  char* const one = MapApart(4);
  char* const other = MapApart(4);
  Show("four", mlock(one, 4 * kPage));
  Told("then");
  Show("three more of six", mlock(other, 3 * kPage));
  Show("two more", mlock(other, 2 * kPage));
  Told("then");
  Show("those again", mlock(other, 2 * kPage));
  Show("those and one more", mlock(other, 3 * kPage));
  Show("two of each back", munlock(one + kPage, 2 * kPage));
  Told("then");
  Show("those and one more", mlock(other, 3 * kPage));
  Told("then");
  Show("unmapping a locked one", munmap(one, 2 * kPage));
  Told("then");
  Must(Map(1, MAP_FIXED, one + 3 * kPage) != nullptr, "mmap");
  Told("another one over it");
  // Up to a hole; what lies before is locked.
  Must(munmap(other + 3 * kPage, kPage) == 0, "munmap");
  Show("munlock of all", munlock(other, 3 * kPage));
  Show("mlock up to a hole", mlock(other, 5 * kPage));
  Told("then");
  Show("munlockall", munlockall());
  Told("then");
}

void Mapped() {
  Limit(4);
  char* const three = Map(3, MAP_LOCKED);
  Must(ShowMapped("three mapped locked", three), "mmap");
  Told("then");
  ShowMapped("two more", Map(2, MAP_LOCKED));
  Must(munmap(three, 3 * kPage) == 0, "munmap");
  Told("unmapped");
  Limit(0);
  ShowMapped("where nothing may", Map(1, MAP_LOCKED));
}

void Moving() {
  Limit(6);
  char* at = MapApart(2, /*room=*/8);
  Must(mlock(at, 2 * kPage) == 0, "mlock");
  Show("growing in its place", mremap(at, 2 * kPage, 4 * kPage, 0) == MAP_FAILED ? -1 : 0);
  Told("then");
  Show("growing over the limit", mremap(at, 4 * kPage, 8 * kPage, 0) == MAP_FAILED ? -1 : 0);
  Show("shrinking", mremap(at, 4 * kPage, kPage, 0) == MAP_FAILED ? -1 : 0);
  Told("then");
  char* const place = MapApart(3);
  at = static_cast<char*>(mremap(at, kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, place));
  Must(at == place, "mremap");
  Told("growing elsewhere");
  char* const left = at;
  at = static_cast<char*>(
      mremap(at, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr));
  Must(at != MAP_FAILED, "mremap");
  // That counts twice, and 6.18 never forgets it.
  Told("moved, and the old place kept");
  Show("forgetting what was left behind", madvise(left, kPage, MADV_DONTNEED));
  Show("forgetting what is locked", madvise(at, kPage, MADV_DONTNEED));
  Show("freeing it", madvise(at, kPage, MADV_FREE));
  Show("forgetting it though it is locked", madvise(at, kPage, MADV_DONTNEED_LOCKED));
  Show("msync that invalidates", msync(at, kPage, MS_SYNC | MS_INVALIDATE));
  Show("msync", msync(at, kPage, MS_SYNC));
  munlockall();
  Told("munlockall");
}

// What is counted ends with the process.
void InAChild(void (*body)()) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    body();
    std::fflush(stdout);
    _exit(0);
  }
  Must(waitpid(child, nullptr, 0) == child, "waitpid");
}

void Everything() {
  Limit(3);
  Show("all that comes", mlockall(MCL_FUTURE));
  Told("then");
  char* const two = Map(2);
  Must(two != nullptr, "mmap");
  Told("two came");
  ShowMapped("two more", Map(2));
  void* const end = sbrk(0);
  Show("a longer heap", sbrk(2 * kPage) == reinterpret_cast<void*>(-1) ? -1 : 0);
  Must(sbrk(0) == end, "the heap stays as it is");
  Show("none of what comes", mlockall(MCL_FUTURE | MCL_ONFAULT));
  InAChild([] {
    Told("a child");
    Must(Map(8) != nullptr, "mmap");
    Told("more of it");
  });
  Told("its parent");
  Show("munlockall", munlockall());
  Told("then");
  Must(Map(8) != nullptr, "mmap");
  Told("more came");
  Show("all that is there", mlockall(MCL_CURRENT));
  Told("then");
}

}  // namespace

int main() {
  DropRoot();
  Sums();
  Mapped();
  InAChild(Moving);
  Everything();
  return 0;
}
