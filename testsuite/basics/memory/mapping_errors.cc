// mapping_errors: the memory calls with one wrong thing each.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kRead = PROT_READ, kWrite = PROT_WRITE, kBoth = PROT_READ | PROT_WRITE;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

void ShowMapping(const char* what, void* start) { Show(what, start == MAP_FAILED ? -1 : 0); }

char* Pages(int count) {
  void* start = mmap(nullptr, count * kPage, kBoth, kAnonymous, -1, 0);
  Must(start != MAP_FAILED, "mmap");
  return static_cast<char*>(start);
}
// `count` pages with nothing behind them.
char* PagesBeforeHole(int count) {
  char* start = Pages(count + 1);
  Must(munmap(start + count * kPage, kPage) == 0, "munmap");
  return start;
}

void Mmap() {
  char* page = Pages(1);
  char* const no_user_address = reinterpret_cast<char*>(uint64_t{1} << 62);
  ShowMapping("mmap, length 0", mmap(nullptr, 0, kRead, kAnonymous, -1, 0));
  ShowMapping("mmap, neither private nor shared",
              mmap(nullptr, kPage, kRead, MAP_ANONYMOUS, -1, 0));
  ShowMapping("mmap, MAP_FIXED at an odd address",
              mmap(page + 1, kPage, kRead, kAnonymous | MAP_FIXED, -1, 0));
  ShowMapping("mmap, MAP_FIXED beyond all addresses",
              mmap(no_user_address, kPage, kRead, kAnonymous | MAP_FIXED, -1, 0));
  ShowMapping("mmap, MAP_FIXED_NOREPLACE on a mapping",
              mmap(page, kPage, kRead, kAnonymous | MAP_FIXED_NOREPLACE, -1, 0));
  ShowMapping("mmap, hint beyond all addresses",
              mmap(no_user_address, kPage, kRead, kAnonymous, -1, 0));
  ShowMapping("mmap, too long", mmap(nullptr, uint64_t{1} << 62, kRead, kAnonymous, -1, 0));
  ShowMapping("mmap, length that wraps", mmap(nullptr, SIZE_MAX, kRead, kAnonymous, -1, 0));
  ShowMapping("mmap, anonymous with a bad number",
              mmap(nullptr, kPage, kRead, kAnonymous, 12345, 0));

  WriteFile("file", "contents");
  const int reader = open("file", O_RDONLY), writer = open("file", O_WRONLY);
  const int path_only = open("file", O_PATH), directory = open(".", O_RDONLY | O_DIRECTORY);
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  const int counter = eventfd(0, 0), epoll = epoll_create1(0);
  ShowMapping("mmap, number not open", mmap(nullptr, kPage, kRead, MAP_PRIVATE, 12345, 0));
  ShowMapping("mmap, offset not of a page", mmap(nullptr, kPage, kRead, MAP_PRIVATE, reader, 1));
  ShowMapping("mmap, O_WRONLY", mmap(nullptr, kPage, kRead, MAP_PRIVATE, writer, 0));
  ShowMapping("mmap, O_WRONLY and PROT_WRITE", mmap(nullptr, kPage, kWrite, MAP_SHARED, writer, 0));
  ShowMapping("mmap, O_RDONLY shared and writable",
              mmap(nullptr, kPage, kBoth, MAP_SHARED, reader, 0));
  ShowMapping("mmap, O_RDONLY private and writable",
              mmap(nullptr, kPage, kBoth, MAP_PRIVATE, reader, 0));
  ShowMapping("mmap, O_PATH", mmap(nullptr, kPage, kRead, MAP_PRIVATE, path_only, 0));
  ShowMapping("mmap, directory", mmap(nullptr, kPage, kRead, MAP_PRIVATE, directory, 0));
  ShowMapping("mmap, pipe", mmap(nullptr, kPage, kRead, MAP_PRIVATE, ends[0], 0));
  ShowMapping("mmap, eventfd", mmap(nullptr, kPage, kRead, MAP_PRIVATE, counter, 0));
  ShowMapping("mmap, epoll instance", mmap(nullptr, kPage, kRead, MAP_PRIVATE, epoll, 0));
  ShowMapping("mmap, offset beyond the file",
              mmap(nullptr, kPage, kRead, MAP_PRIVATE, reader, 1 << 20));
  ShowMapping("mmap, offset and length that wrap",
              mmap(nullptr, 16 * kPage, kRead, MAP_PRIVATE, reader,
                   static_cast<off_t>(~uint64_t{0} << 12)));
  ShowMapping("mmap, MAP_SHARED_VALIDATE and an unknown flag",
              mmap(nullptr, kPage, kRead, MAP_SHARED_VALIDATE | 0x00800000, reader, 0));
  ShowMapping("mmap, MAP_SHARED and an unknown flag",
              mmap(nullptr, kPage, kRead, MAP_SHARED | 0x00800000, reader, 0));
}

void Munmap() {
  char* page = Pages(1);
  Show("munmap, odd address", munmap(page + 1, kPage));
  Show("munmap, length 0", munmap(page, 0));
  Show("munmap, length that wraps", munmap(page, SIZE_MAX - 100));
  Show("munmap, beyond all addresses", munmap(reinterpret_cast<void*>(uint64_t{1} << 62), kPage));
  Show("munmap, odd length", munmap(page, 1));
}

void Mprotect() {
  char* pages = PagesBeforeHole(2);
  Show("mprotect, odd address", mprotect(pages + 1, kPage, kRead));
  Show("mprotect, length 0", mprotect(pages, 0, kRead));
  Show("mprotect, length 0 where nothing is", mprotect(pages + 2 * kPage, 0, kRead));
  Show("mprotect, nothing there", mprotect(pages + 2 * kPage, kPage, kRead));
  Show("mprotect, length that wraps", mprotect(pages, SIZE_MAX - kPage, kRead));
  Show("mprotect, unknown protection", mprotect(pages, kPage, 0x1000));
  Show("mprotect, grows down and up",
       mprotect(pages, kPage, kRead | PROT_GROWSDOWN | PROT_GROWSUP));
  Show("mprotect, growing down of no stack", mprotect(pages, kPage, kRead | PROT_GROWSDOWN));
  Show("mprotect, a hole at the end", mprotect(pages, 3 * kPage, kRead));
  // What came before the hole has changed.
  int ends[2];
  Must(pipe(ends) == 0 && write(ends[1], "x", 1) == 1, "pipe");
  Show("read into a page before the hole", read(ends[0], pages + kPage, 1));
  const int reader = open("file", O_RDONLY);
  void* shared = mmap(nullptr, kPage, kRead, MAP_SHARED, reader, 0);
  void* own = mmap(nullptr, kPage, kRead, MAP_PRIVATE, reader, 0);
  Show("mprotect, shared file opened for reading made writable", mprotect(shared, kPage, kBoth));
  Show("mprotect, private file opened for reading made writable", mprotect(own, kPage, kBoth));
}

void Mremap() {
  char* pages = PagesBeforeHole(4);
  char* target = Pages(8);
  ShowMapping("mremap, odd address", mremap(pages + 1, kPage, kPage, 0));
  ShowMapping("mremap, new length 0", mremap(pages, kPage, 0, 0));
  ShowMapping("mremap, unknown flag", mremap(pages, kPage, kPage, 0x100));
  ShowMapping("mremap, MREMAP_FIXED alone", mremap(pages, kPage, kPage, MREMAP_FIXED, target));
  ShowMapping("mremap, MREMAP_DONTUNMAP alone",
              mremap(pages, kPage, kPage, MREMAP_DONTUNMAP, nullptr));
  ShowMapping("mremap, MREMAP_DONTUNMAP with another length",
              mremap(pages, kPage, 2 * kPage, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, nullptr));
  ShowMapping("mremap, nothing there", mremap(pages + 4 * kPage, kPage, 2 * kPage, MREMAP_MAYMOVE));
  ShowMapping("mremap, more than there is", mremap(pages, 5 * kPage, 6 * kPage, MREMAP_MAYMOVE));
  ShowMapping("mremap, to an odd address",
              mremap(pages, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, target + 1));
  ShowMapping("mremap, onto itself",
              mremap(pages, 2 * kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, pages + kPage));
  ShowMapping("mremap, grow where something follows", mremap(target, kPage, 2 * kPage, 0));
  ShowMapping("mremap, too long", mremap(pages, kPage, uint64_t{1} << 62, MREMAP_MAYMOVE));
  ShowMapping("mremap, old length 0 of a private mapping", mremap(pages, 0, kPage, MREMAP_MAYMOVE));
  char* other = Pages(2);
  Must(mprotect(other + kPage, kPage, kRead) == 0, "mprotect");
  ShowMapping("mremap, grow over two mappings",
              mremap(other, 2 * kPage, 4 * kPage, MREMAP_MAYMOVE));
}

void Advice() {
  char* pages = PagesBeforeHole(2);
  Show("madvise, odd address", madvise(pages + 1, kPage, MADV_DONTNEED));
  Show("madvise, odd length", madvise(pages, 10, MADV_DONTNEED));
  Show("madvise, length 0", madvise(pages, 0, MADV_DONTNEED));
  Show("madvise, unknown advice", madvise(pages, kPage, 1234));
  Show("madvise, unknown advice and length 0", madvise(pages, 0, 1234));
  Show("madvise, nothing there", madvise(pages + 2 * kPage, kPage, MADV_DONTNEED));
  Show("madvise, a hole at the end", madvise(pages, 3 * kPage, MADV_DONTNEED));
  Show("madvise, length that wraps", madvise(pages, SIZE_MAX, MADV_DONTNEED));
  for (const int advice : {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_FREE}) {
    Show("madvise, good advice", madvise(pages, kPage, advice));
  }
  Show("msync, odd address", msync(pages + 1, kPage, MS_SYNC));
  Show("msync, both ways", msync(pages, kPage, MS_SYNC | MS_ASYNC));
  Show("msync, unknown flag", msync(pages, kPage, 0x100));
  Show("msync, nothing there", msync(pages + 2 * kPage, kPage, MS_SYNC));
  Show("msync, fine", msync(pages, kPage, MS_SYNC));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Mmap();
  Munmap();
  Mprotect();
  Mremap();
  Advice();
  return 0;
}
