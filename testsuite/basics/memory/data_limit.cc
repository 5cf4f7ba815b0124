// data_limit: RLIMIT_DATA counts the pages of mappings that are private and writable and no stack:
// brk, mmap, mremap and mprotect give ENOMEM beyond it; VmData says how many there are. A limit of
// 0 lets everything, up to the hard one.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;

// Without the C library's help, whose buffers would be data, too.
size_t DataBytes() {
  static char text[4096];
  const int file = open("/proc/self/status", O_RDONLY);
  const ssize_t bytes = read(file, text, sizeof text - 1);
  Must(file >= 0 && bytes > 0 && close(file) == 0, "status");
  text[bytes] = '\0';
  const char* line = strstr(text, "VmData:");
  Must(line != nullptr, "VmData");
  return strtoul(line + 7, nullptr, 10) * 1024;
}

void SetLimit(rlim_t soft) {
  rlimit limit;
  Must(getrlimit(RLIMIT_DATA, &limit) == 0, "getrlimit");
  limit.rlim_cur = soft;
  Must(setrlimit(RLIMIT_DATA, &limit) == 0, "setrlimit");
}

void* Map(size_t pages, int prot, int flags, void* at = nullptr, int file = -1) {
  return mmap(at, pages * kPage, prot, flags | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
}

long ShowMap(const char* what, void* mapped) { return Show(what, mapped == MAP_FAILED ? -1 : 0); }

// So many pages more than now.
void Room(size_t pages) { SetLimit(DataBytes() + pages * kPage); }

size_t before;
void Grown(const char* what) {
  const size_t now = DataBytes();
  std::printf("%s: %ld pages\n", what,
              (static_cast<long>(now) - static_cast<long>(before)) / static_cast<long>(kPage));
}

void Mapping() {
  std::puts("- mmap");
  char* const area = static_cast<char*>(Map(16, PROT_NONE, MAP_PRIVATE));
  Must(area != MAP_FAILED, "mmap");
  Room(4);
  const int rw = PROT_READ | PROT_WRITE;
  ShowMap("5 pages", Map(5, rw, MAP_PRIVATE));
  char* four = static_cast<char*>(Map(4, rw, MAP_PRIVATE | MAP_FIXED, area));
  ShowMap("4 pages", four);
  ShowMap("one more", Map(1, rw, MAP_PRIVATE));
  ShowMap("one that is only written", Map(1, PROT_WRITE, MAP_PRIVATE));
  ShowMap("one that cannot be written", Map(1, PROT_READ, MAP_PRIVATE));
  ShowMap("nothing at all", Map(100, PROT_NONE, MAP_PRIVATE));
  ShowMap("a shared one", Map(100, rw, MAP_SHARED));
  ShowMap("a stack", Map(10, rw, MAP_PRIVATE | MAP_GROWSDOWN));
  const int file = open("/proc/self/exe", O_RDONLY);
  Must(file >= 0, "open");
  ShowMap("a file", Map(1, rw, MAP_PRIVATE, nullptr, file));
  ShowMap("a file that is only read", Map(1, PROT_READ, MAP_PRIVATE, nullptr, file));
  ShowMap("over what counts", Map(4, rw, MAP_PRIVATE | MAP_FIXED, four));
  // A page that is replaced makes room, whether or not it counts.
  ShowMap("and one page more, which does not count", Map(5, rw, MAP_PRIVATE | MAP_FIXED, four));
  ShowMap("over what counts, and does not afterwards",
          Map(2, PROT_READ, MAP_PRIVATE | MAP_FIXED, four));
  ShowMap("so there is room for one", Map(2, rw, MAP_PRIVATE));
  ShowMap("and no more", Map(1, rw, MAP_PRIVATE));
  ShowMap("and no more", Map(1, rw, MAP_PRIVATE));
  ShowMap("over what does not count", Map(2, rw, MAP_PRIVATE | MAP_FIXED, four));
  ShowMap("over half of what does not count",
          Map(6, rw, MAP_PRIVATE | MAP_FIXED, area + 8 * kPage));
  before = DataBytes();
  Show("munmap", munmap(four, 4 * kPage));
  Grown("and so");
}

void Protecting() {
  std::puts("- mprotect");
  SetLimit(RLIM_INFINITY);
  char* pages = static_cast<char*>(Map(8, PROT_READ, MAP_PRIVATE));
  Must(pages != MAP_FAILED, "mmap");
  before = DataBytes();
  Room(3);
  const int rw = PROT_READ | PROT_WRITE;
  Show("4 pages become data", mprotect(pages, 4 * kPage, rw));
  Grown("and so");
  Show("3 pages", mprotect(pages, 3 * kPage, rw));
  Grown("and so");
  Show("data stays data", mprotect(pages, 3 * kPage, rw | PROT_EXEC));
  Show("another page", mprotect(pages + 5 * kPage, kPage, rw));
  Show("across what is and what is not", mprotect(pages + 2 * kPage, 2 * kPage, rw));
  Show("not writable", mprotect(pages, kPage, PROT_READ));
  Grown("and so");
  Show("so another page", mprotect(pages + 5 * kPage, kPage, rw));
  Show("below the limit already", mprotect(pages + 5 * kPage, kPage, rw));
  SetLimit(kPage);
  Show("far beyond: data stays data", mprotect(pages + 1 * kPage, kPage, PROT_WRITE));
  Show("far beyond: less is allowed", mprotect(pages + 1 * kPage, kPage, PROT_NONE));
  Show("far beyond: no more", mprotect(pages + 1 * kPage, kPage, rw));
  SetLimit(RLIM_INFINITY);
  Must(munmap(pages, 8 * kPage) == 0, "munmap");
}

void Moving() {
  std::puts("- mremap");
  SetLimit(RLIM_INFINITY);
  const int rw = PROT_READ | PROT_WRITE;
  char* pages = static_cast<char*>(Map(4, rw, MAP_PRIVATE));
  char* other = static_cast<char*>(Map(4, PROT_READ, MAP_PRIVATE));
  Must(pages != MAP_FAILED && other != MAP_FAILED, "mmap");
  before = DataBytes();
  Room(2);
  ShowMap("3 pages more", mremap(pages, 4 * kPage, 7 * kPage, MREMAP_MAYMOVE));
  pages = static_cast<char*>(mremap(pages, 4 * kPage, 6 * kPage, MREMAP_MAYMOVE));
  ShowMap("2 pages more", pages);
  Grown("and so");
  other = static_cast<char*>(mremap(other, 4 * kPage, 20 * kPage, MREMAP_MAYMOVE));
  ShowMap("what does not count", other);
  ShowMap("fewer", mremap(pages, 6 * kPage, 3 * kPage, 0));
  Grown("and so");
  Room(0);
  char* moved = static_cast<char*>(Map(3, PROT_NONE, MAP_PRIVATE));
  pages =
      static_cast<char*>(mremap(pages, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, moved));
  ShowMap("as many, elsewhere", pages);
  ShowMap("leaving the old ones",
          mremap(pages, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr));
  Room(3);
  ShowMap("leaving the old ones, with room",
          mremap(pages, 3 * kPage, 3 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr));
  Room(0);
  ShowMap("leaving what does not count",
          mremap(other, kPage, kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr));
  SetLimit(RLIM_INFINITY);
}

// brk(2) itself, as the C library's goes by what it knows.
char* BreakAt(char* end) { return reinterpret_cast<char*>(syscall(SYS_brk, end)); }
void ShowBreak(const char* what, char* end) {
  std::printf("%s: %s\n", what, BreakAt(end) == end ? "ok" : "as before");
}

void Breaking() {
  std::puts("- brk");
  SetLimit(RLIM_INFINITY);
  char* end = BreakAt(nullptr);
  end += (kPage - reinterpret_cast<uintptr_t>(end) % kPage) % kPage;
  Must(BreakAt(end) == end, "brk");  // To the end of a page.
  before = DataBytes();
  Room(2);
  ShowBreak("3 pages", end + 2 * kPage + 1);
  ShowBreak("2 pages", end + 2 * kPage);
  Grown("and so");
  ShowBreak("a byte more", end + 2 * kPage + 1);
  ShowBreak("fewer", end + 1);
  ShowBreak("within the page", end + kPage);
  // The heap and the program's own data alone are compared first, also to make it smaller.
  SetLimit(RLIM_INFINITY);
  Must(BreakAt(end + 30 * kPage) == end + 30 * kPage, "brk");
  SetLimit(2 * kPage);
  ShowBreak("smaller, and still too large", end + 20 * kPage);
  SetLimit(RLIM_INFINITY);
  ShowBreak("as it was", end);
}

void Zero() {
  std::puts("- a limit of 0");
  const int rw = PROT_READ | PROT_WRITE;
  SetLimit(0);
  ShowMap("with a hard limit that lets it", Map(3, rw, MAP_PRIVATE));
  rlimit limit = {0, DataBytes() + kPage};
  Must(setrlimit(RLIMIT_DATA, &limit) == 0, "setrlimit");
  ShowMap("2 pages beyond the hard one", Map(2, rw, MAP_PRIVATE));
  ShowMap("1 page", Map(1, rw, MAP_PRIVATE));
  ShowMap("and another one", Map(1, rw, MAP_PRIVATE));
  ShowBreak("brk", BreakAt(nullptr) + kPage);
}

}  // namespace

int main() {
  DropRoot();
  std::setvbuf(stdout, nullptr, _IONBF, 0);  // No buffer that is allocated on the way.
  Mapping();
  Protecting();
  Moving();
  Breaking();
  Zero();
  return 0;
}
