// pages_in_memory: what mincore says of pages that were written, read, given back, populated and
// locked, in memory of one's own, in shared memory and in files; and the ways to have pages
// populated. (Of a private page that was only read nothing is said.)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kBoth = PROT_READ | PROT_WRITE;

// A mapping whose neighbours never become one huge page with it.
char* Map(size_t pages, int prot, int flags, int file = -1) {
  void* const mapped =
      mmap(nullptr, pages * kPage, prot, flags | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
  Must(mapped != MAP_FAILED, "mmap");
  Must(madvise(mapped, pages * kPage, MADV_NOHUGEPAGE) == 0, "MADV_NOHUGEPAGE");
  return static_cast<char*>(mapped);
}

void ShowPages(const char* what, const char* pages, size_t count) {
  unsigned char there[16];
  Must(mincore(const_cast<char*>(pages), count * kPage, there) == 0, "mincore");
  std::printf("%s: ", what);
  for (size_t i = 0; i < count; ++i) std::putchar('0' + there[i]);
  std::putchar('\n');
}

void Load(const char* at) { (void)*static_cast<const volatile char*>(at); }

void Anonymous() {
  std::puts("- memory of one's own");
  char* pages = Map(6, kBoth, MAP_PRIVATE);
  ShowPages("at first", pages, 6);
  pages[kPage] = 'x';
  pages[3 * kPage + 17] = 'x';
  ShowPages("two are written", pages, 6);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    ShowPages("in a child", pages, 6);
    pages[0] = 'x';
    ShowPages("which writes another", pages, 6);
    std::fflush(stdout);
    _exit(0);
  }
  Must(child > 0 && waitpid(child, nullptr, 0) == child, "waitpid");
  ShowPages("in the parent", pages, 6);
  Must(mprotect(pages, 2 * kPage, PROT_NONE) == 0, "mprotect");
  ShowPages("closed", pages, 6);
  Must(mprotect(pages, 2 * kPage, kBoth) == 0, "mprotect");
  Must(madvise(pages + 3 * kPage, kPage, MADV_DONTNEED) == 0, "MADV_DONTNEED");
  ShowPages("one is given back", pages, 6);
  char* const moved = static_cast<char*>(mremap(pages, 6 * kPage, 8 * kPage, MREMAP_MAYMOVE));
  Must(moved != MAP_FAILED, "mremap");
  ShowPages("grown", moved, 8);
  std::memset(moved + 2 * kPage, 'x', 6 * kPage);
  ShowPages("all the rest is written", moved, 8);
}

void Shared() {
  std::puts("- shared memory");
  char* pages = Map(6, kBoth, MAP_SHARED);
  ShowPages("at first", pages, 6);
  pages[kPage] = 'x';
  Load(pages + 3 * kPage);
  ShowPages("one is written, one is read", pages, 6);
  const pid_t child = fork();
  if (child == 0) {
    pages[0] = 'x';
    _exit(0);
  }
  Must(child > 0 && waitpid(child, nullptr, 0) == child, "waitpid");
  ShowPages("a child writes another", pages, 6);
  Must(madvise(pages, 4 * kPage, MADV_DONTNEED) == 0, "MADV_DONTNEED");
  ShowPages("given back", pages, 6);
  Must(madvise(pages, 2 * kPage, MADV_REMOVE) == 0, "MADV_REMOVE");
  ShowPages("removed", pages, 6);
}

void File() {
  std::puts("- a file");
  const int file = memfd_create("file", 0);
  Must(file >= 0 && ftruncate(file, 6 * kPage) == 0, "memfd");
  char byte = 'x';
  Must(pwrite(file, &byte, 1, kPage + 5) == 1, "pwrite");
  char* shared = Map(8, kBoth, MAP_SHARED, file);
  char* own = Map(8, kBoth, MAP_PRIVATE, file);
  ShowPages("one page is written", shared, 8);
  Must(pread(file, &byte, 1, 2 * kPage) == 1, "pread");
  ShowPages("a hole is read", shared, 8);
  Load(shared + 2 * kPage);
  ShowPages("a mapped hole is read", shared, 8);
  Load(own + 3 * kPage);
  own[4 * kPage] = 'x';
  ShowPages("and through a private mapping, and a copy", shared, 8);
  ShowPages("the private one", own, 8);
  Must(madvise(own, 6 * kPage, MADV_DONTNEED) == 0, "MADV_DONTNEED");
  ShowPages("copies are given back", own, 8);
  Must(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kPage, 2 * kPage) == 0, "punch");
  ShowPages("a hole is punched", shared, 8);
  own[0] = own[5 * kPage] = 'x';
  ShowPages("copies again", shared, 8);
  Must(ftruncate(file, 4 * kPage) == 0, "ftruncate");
  ShowPages("shorter", shared, 8);
  ShowPages("the private one", own, 8);
  Must(ftruncate(file, 7 * kPage) == 0, "ftruncate");
  ShowPages("longer", own, 8);
  close(file);
}

void Populating() {
  std::puts("- populating");
  ShowPages("MAP_POPULATE", Map(4, kBoth, MAP_PRIVATE | MAP_POPULATE), 4);
  ShowPages("shared", Map(4, kBoth, MAP_SHARED | MAP_POPULATE), 4);
  ShowPages("shared, for reading", Map(4, PROT_READ, MAP_SHARED | MAP_POPULATE), 4);
  ShowPages("without protection", Map(4, PROT_NONE, MAP_PRIVATE | MAP_POPULATE), 4);
  ShowPages("with MAP_NONBLOCK", Map(4, kBoth, MAP_PRIVATE | MAP_POPULATE | MAP_NONBLOCK), 4);
  ShowPages("MAP_LOCKED", Map(4, kBoth, MAP_PRIVATE | MAP_LOCKED), 4);
  rlimit before;
  Must(munlockall() == 0 && getrlimit(RLIMIT_MEMLOCK, &before) == 0, "getrlimit");
  for (const rlim_t limit : {rlim_t{0}, rlim_t{2 * kPage}}) {
    const rlimit lower = {limit, before.rlim_max};
    Must(setrlimit(RLIMIT_MEMLOCK, &lower) == 0, "setrlimit");
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED;
    void* const locked = mmap(nullptr, 3 * kPage, kBoth, flags, -1, 0);
    Show(limit == 0 ? "MAP_LOCKED, no limit left" : "more than the limit",
         locked == MAP_FAILED ? -1 : 0);
  }
  Must(setrlimit(RLIMIT_MEMLOCK, &before) == 0, "setrlimit");
  const int file = memfd_create("file", 0);
  Must(file >= 0 && ftruncate(file, 3 * kPage) == 0, "memfd");
  ShowPages("a file", Map(4, PROT_READ, MAP_SHARED | MAP_POPULATE, file), 4);
  Must(ftruncate(file, 0) == 0 && ftruncate(file, 3 * kPage) == 0, "ftruncate");
  char* const pages = Map(4, kBoth, MAP_PRIVATE, file);
  Show("MADV_POPULATE_READ beyond the end", madvise(pages, 4 * kPage, MADV_POPULATE_READ));
  ShowPages("up to there", pages, 4);
  Show("MADV_POPULATE_WRITE beyond the end", madvise(pages, 4 * kPage, MADV_POPULATE_WRITE));
  Show("mlock beyond the end", mlock(pages, 4 * kPage));
  close(file);

  char* const own = Map(8, kBoth, MAP_PRIVATE);
  Show("MADV_POPULATE_WRITE", madvise(own, 2 * kPage, MADV_POPULATE_WRITE));
  ShowPages("so many", own, 8);
  Must(mprotect(own + 2 * kPage, kPage, PROT_READ) == 0, "mprotect");
  Must(mprotect(own + 4 * kPage, kPage, PROT_NONE) == 0, "mprotect");
  Show("MADV_POPULATE_WRITE of what is read-only", madvise(own, 4 * kPage, MADV_POPULATE_WRITE));
  ShowPages("up to there", own, 8);
  Show("MADV_POPULATE_READ of what is closed",
       madvise(own + 3 * kPage, 3 * kPage, MADV_POPULATE_READ));
  Show("mlock of what is closed", mlock(own + 3 * kPage, 3 * kPage));
  Must(munmap(own + 6 * kPage, kPage) == 0, "munmap");
  Show("MADV_POPULATE_WRITE of a hole", madvise(own + 5 * kPage, 3 * kPage, MADV_POPULATE_WRITE));
  ShowPages("before it", own + 5 * kPage, 1);
  ShowPages("behind it", own + 7 * kPage, 1);
  Show("mlock of a hole", mlock(own + 5 * kPage, 3 * kPage));
  Show("MADV_POPULATE_WRITE of nothing", madvise(own, 0, MADV_POPULATE_WRITE));
  Show("not at a page", madvise(own + 1, kPage, MADV_POPULATE_WRITE));

  char* const shared = Map(4, kBoth, MAP_SHARED);
  Show("mlock of shared memory", mlock(shared, 2 * kPage));
  ShowPages("so many", shared, 4);
  Show("MADV_POPULATE_READ of shared memory",
       madvise(shared + 3 * kPage, kPage, MADV_POPULATE_READ));
  ShowPages("so many", shared, 4);
  char* const later = Map(4, kBoth, MAP_PRIVATE);
  Show("mlock2 with MLOCK_ONFAULT", mlock2(later, 4 * kPage, MLOCK_ONFAULT));
  ShowPages("so many", later, 4);
  later[0] = 'x';
  ShowPages("and a fault", later, 4);
}

// MADV_REMOVE takes the pages from the object; a pipe that refers to them keeps them.
void InPipes() {
  std::puts("- removed while they are in a pipe");
  const int file = memfd_create("file", 0);
  Must(file >= 0 && ftruncate(file, 2 * kPage) == 0, "memfd");
  char* const pages = Map(2, kBoth, MAP_SHARED, file);
  pages[0] = 'a';
  pages[kPage] = 'b';
  int pipe[2];
  Must(pipe2(pipe, 0) == 0, "pipe2");
  const auto read_two = [&](const char* what) {
    char bytes[2] = {};
    Must(read(pipe[0], bytes, 2) == 2, "read");
    std::printf("%s: %02x %02x\n", what, bytes[0], bytes[1]);
  };
  const auto splice_two = [&] {
    for (loff_t at : {loff_t{0}, loff_t{kPage}})
      Must(splice(file, &at, pipe[1], nullptr, 1, 0) == 1, "splice");
  };
  splice_two();
  pages[0] = 'A';
  Must(madvise(pages + kPage, kPage, MADV_REMOVE) == 0, "MADV_REMOVE");
  pages[kPage] = 'B';
  read_two("spliced, one changed and one removed");
  std::printf("mapped: %02x %02x\n", pages[0], pages[kPage]);
  splice_two();
  Must(madvise(pages, 2 * kPage, MADV_REMOVE) == 0, "MADV_REMOVE");
  ShowPages("removed", pages, 2);
  read_two("spliced, both removed");
  std::printf("mapped: %02x %02x\n", pages[0], pages[kPage]);

  char* const shared = Map(2, kBoth, MAP_SHARED);
  shared[0] = 'c';
  shared[kPage] = 'd';
  for (char* at : {shared, shared + kPage}) {
    const iovec one = {at, 1};
    Must(vmsplice(pipe[1], &one, 1, 0) == 1, "vmsplice");
  }
  Must(madvise(shared, 2 * kPage, MADV_REMOVE) == 0, "MADV_REMOVE");
  shared[0] = 'C';
  read_two("memory by vmsplice, removed");
  std::printf("mapped: %02x %02x\n", shared[0], shared[kPage]);
}

}  // namespace

int main() {
  DropRoot();
  Anonymous();
  Shared();
  File();
  Populating();
  InPipes();
  return 0;
}
