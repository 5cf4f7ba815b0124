// locking: mlock, mlock2, mlockall and their opposites: what may be locked, and how much of it.
#include <sys/mman.h>
#include <sys/resource.h>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kBoth = PROT_READ | PROT_WRITE;

char* Map(size_t pages, int flags = 0) {
  void* const memory =
      mmap(nullptr, pages * kPage, kBoth, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

void Limit(size_t bytes) {
  rlimit limit;
  Must(getrlimit(RLIMIT_MEMLOCK, &limit) == 0, "getrlimit");
  limit.rlim_cur = bytes;
  Must(setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "setrlimit");
}

long Lock2(const void* memory, size_t bytes, unsigned flags) {
  return syscall(SYS_mlock2, memory, bytes, flags);
}

void OnePage() {
  Limit(2 * kPage);
  char* const page = Map(3);
  Must(page != nullptr && munmap(page + kPage, kPage) == 0, "a page, a hole and a page");
  page[0] = 'a';
  Show("mlock", mlock(page, kPage));
  Show("mlock again, part of it", mlock(page + 100, 1));
  std::printf("[%c]\n", page[0]);
  Show("munlock, part of it", munlock(page + 100, 1));
  Show("munlock again", munlock(page, kPage));
  Show("then it can be forgotten", madvise(page, kPage, MADV_DONTNEED));
  std::printf("[%d]\n", page[0]);
  Show("mlock2", Lock2(page, kPage, 0));
  Show("mlock2, when touched", Lock2(page, kPage, MLOCK_ONFAULT));
  Show("mlock2, an unknown flag", Lock2(page, kPage, 2));
  Show("munlock", munlock(page, kPage));

  Show("mlock of nothing", mlock(page, 0));
  Show("mlock of a hole", mlock(page + kPage, kPage));
  Show("mlock2 of a hole", Lock2(page + kPage, kPage, 0));
  Show("munlock of a hole", munlock(page + kPage, kPage));
  Show("munlock up to a hole", munlock(page, 2 * kPage));
  // Two wrong things: the limit is looked at first.
  Show("mlock that wraps around", mlock(page, ~size_t{0} - kPage));
  Show("mlock2 that wraps around", Lock2(page, ~size_t{0} - kPage, 0));
  Show("munlock that wraps around", munlock(page, ~size_t{0} - kPage));
  Must(mprotect(page, kPage, PROT_NONE) == 0, "mprotect");
  Show("munlock of a closed page", munlock(page, kPage));
  Show("mlock2 of a closed page, when touched", Lock2(page, kPage, MLOCK_ONFAULT));
  munmap(page, 3 * kPage);
}

void HowMuch() {
  Limit(kPage);
  char* const pages = Map(2);
  Must(pages != nullptr, "mmap");
  Show("one page of one", mlock(pages, kPage));
  Show("the same again", mlock(pages, kPage));
  Show("two pages of one", mlock(pages, 2 * kPage));
  Show("two pages of one, when touched", Lock2(pages, 2 * kPage, MLOCK_ONFAULT));
  Show("munlock", munlock(pages, 2 * kPage));
  Show("another", mlock(pages + kPage, kPage));
  Show("munlockall", munlockall());
  Show("all, which are more than that", mlockall(MCL_CURRENT));
  Show("one that is mapped locked", Map(1, MAP_LOCKED) == nullptr ? -1 : 0);
  Show("munlockall", munlockall());

  Limit(0);
  Show("mlock where nothing may", mlock(pages, kPage));
  Show("mlock2 where nothing may", Lock2(pages, kPage, 0));
  Show("mlock of nothing where nothing may", mlock(pages, 0));
  Show("mlockall where nothing may", mlockall(MCL_FUTURE));
  Show("munlock where nothing may", munlock(pages, kPage));
  Show("munlockall where nothing may", munlockall());
}

void ToCome() {
  Limit(kPage);
  Show("mlockall of what comes", mlockall(MCL_FUTURE));
  Must(Map(1) != nullptr, "mmap");
  Show("munlockall", munlockall());
  char* const next = Map(1);
  Must(next != nullptr, "mmap");
  Show("what comes then can be forgotten", madvise(next, kPage, MADV_DONTNEED));
  Show("mlockall of what comes, when touched", mlockall(MCL_FUTURE | MCL_ONFAULT));
  Show("munlockall", munlockall());
  Show("mlockall of nothing", mlockall(0));
  Show("mlockall, when touched, of nothing", mlockall(MCL_ONFAULT));
  Show("mlockall, an unknown flag", mlockall(MCL_FUTURE | 8));
}

}  // namespace

int main() {
  DropRoot();
  OnePage();
  HowMuch();
  ToCome();
  return 0;
}
