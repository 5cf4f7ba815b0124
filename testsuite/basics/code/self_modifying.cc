// self_modifying: code that a program writes, runs, overwrites and runs again, in a page that is
// readable, writable and executable, and in one that is never more than two of these.
#include <sys/mman.h>

#include "testsuite/basics/check.h"
#include "testsuite/basics/code/machine_code.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kAll = PROT_READ | PROT_WRITE | PROT_EXEC;

char* Pages(int count, int protection) {
  void* start = mmap(nullptr, count * kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(start != MAP_FAILED, "mmap");
  return static_cast<char*>(start);
}

}  // namespace

int main() {
  char* code = Pages(3, kAll);
  Place(code, 1);
  std::printf("first: %d\n", Call(code));
  Place(code, 2);
  std::printf("overwritten: %d\n", Call(code));
  for (int i = 0; i < 2000; ++i) {
    Place(code, i);
    Must(Call(code) == i, "each version runs");
  }
  std::printf("2000 versions\n");

  // Many functions; one changes, and the others are left alone.
  constexpr int kFunctions = 3 * kPage / 8;
  for (int i = 0; i < kFunctions; ++i) Place(code + 8 * i, i);
  int wrong = 0;
  for (int i = 0; i < kFunctions; ++i) wrong += Call(code + 8 * i) != i;
  for (int i = 0; i < kFunctions; i += 7) Place(code + 8 * i, 1999);
  for (int i = 0; i < kFunctions; ++i) wrong += Call(code + 8 * i) != (i % 7 == 0 ? 1999 : i);
  std::printf("%d functions, %d wrong\n", kFunctions, wrong);

  // Over a page's border, at every even offset.
  for (size_t offset = 2; offset < 8; offset += 2) {
    Place(code + kPage - offset, static_cast<int>(100 + offset));
    std::printf("over the border: %d\n", Call(code + kPage - offset));
  }

  char* guarded = Pages(1, PROT_READ | PROT_WRITE);
  for (int i = 0; i < 50; ++i) {
    Must(mprotect(guarded, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
    Place(guarded + 16, 500 + i);
    Must(mprotect(guarded, kPage, PROT_READ | PROT_EXEC) == 0, "mprotect");
    Must(Call(guarded + 16) == 500 + i, "written, then executable");
  }
  std::printf("written and executable in turn\n");

  // Another page at the same address is other code; a moved page is the same.
  for (int i = 0; i < 20; ++i) {
    Must(mmap(guarded, kPage, kAll, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == guarded,
         "mmap");
    Place(guarded + 16, 700 + i);
    Must(Call(guarded + 16) == 700 + i, "a new page at an old address");
  }
  char* moved =
      static_cast<char*>(mremap(guarded, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, code));
  Must(moved == code, "mremap");
  std::printf("moved: %d\n", Call(code + 16));
  return 0;
}
