// file_mappings: a file and its mappings are the same bytes: shared ones both ways, private ones
// until they are written.
#include <fcntl.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

int main() {
  constexpr size_t kPage = 4096;
  EnterScratchDirectory();
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(file >= 0 && ftruncate(file, 3 * kPage) == 0, "ftruncate");
  auto* shared =
      static_cast<char*>(mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  auto* twin =
      static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, kPage));
  auto* own =
      static_cast<char*>(mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0));
  Must(shared != MAP_FAILED && twin != MAP_FAILED && own != MAP_FAILED, "mmap");

  Must(pwrite(file, "written", 7, kPage) == 7, "pwrite");
  std::printf("write is seen: [%s] [%s] [%s]\n", shared + kPage, twin, own + kPage);
  std::strcpy(shared + kPage, "SHARED");
  char text[16] = "";
  Must(pread(file, text, 8, kPage) == 8, "pread");
  std::printf("a shared mapping writes: [%s] [%s] [%s]\n", text, twin, own + kPage);
  std::strcpy(own + kPage, "private");
  Must(pread(file, text, 8, kPage) == 8, "pread");
  std::printf("a private one does not: [%s] [%s] [%s]\n", text, twin, own + kPage);
  Must(pwrite(file, "again", 6, kPage) == 6, "pwrite");
  std::printf("and has its own page now: [%s] [%s]\n", twin, own + kPage);
  Must(pwrite(file, "other page", 11, 2 * kPage) == 11, "pwrite");
  std::printf("but only that page: [%s]\n", own + 2 * kPage);

  // A write may come from a mapping of the same file.
  Must(pwrite(file, shared + 2 * kPage, 11, 0) == 11, "pwrite from the mapping");
  std::printf("from the mapping: [%s]\n", shared);
  Must(pread(file, shared + 100, 5, kPage) == 5, "pread into the mapping");
  std::printf("into the mapping: [%s]\n", shared + 100);

  Must(msync(shared, 3 * kPage, MS_SYNC) == 0, "msync");
  Must(close(file) == 0, "close");
  std::strcpy(shared, "after close");
  std::printf("after close: [%s]\n", FileText("file"));
  Must(munmap(shared, 3 * kPage) == 0, "munmap");
  std::strcpy(twin, "the other mapping");
  const int again = open("file", O_RDWR);
  Must(pread(again, text, 10, kPage) == 10, "pread");
  std::printf("after munmap of one: [%.10s]\n", text);

  // The rest of the last page is zero, and what is written there does not reach the file.
  Must(ftruncate(again, 10) == 0 && pwrite(again, "0123456789", 10, 0) == 10, "ftruncate");
  auto* tail =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0));
  std::printf("behind the end: %d\n", tail[10]);
  tail[9] = 'T';
  tail[10] = 'U';
  struct stat status;
  Must(fstat(again, &status) == 0, "fstat");
  std::printf("size %lld, [%s]\n", static_cast<long long>(status.st_size), FileText("file"));

  // Mappings with an offset, many of them.
  Must(ftruncate(again, 64 * kPage) == 0, "ftruncate");
  for (int i = 0; i < 64; ++i) Must(pwrite(again, &i, sizeof i, i * kPage) == sizeof i, "pwrite");
  int wrong = 0;
  for (int i = 0; i < 64; ++i) {
    auto* page = static_cast<int*>(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, again, i * kPage));
    wrong += page[0] != i;
    if (i % 3 == 0) Must(munmap(page, kPage) == 0, "munmap");
  }
  std::printf("64 mappings, %d wrong\n", wrong);
  return 0;
}
