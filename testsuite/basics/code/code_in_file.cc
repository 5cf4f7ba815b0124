// code_in_file: code that is mapped from a file, as a program loader does; then patched in place,
// and mapped over.
#include <fcntl.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"
#include "testsuite/basics/code/machine_code.h"

namespace {

constexpr size_t kPage = 4096;

void WriteCode(int file, off_t offset, int number) {
  const Returns code(number);
  Must(pwrite(file, code.bytes, sizeof code.bytes, offset) == sizeof code.bytes, "pwrite");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  const int file = open("code", O_RDWR | O_CREAT, 0700);
  Must(file >= 0 && ftruncate(file, 3 * kPage) == 0, "open");
  for (int i = 0; i < 3; ++i) WriteCode(file, i * kPage, 1 + i);
  auto* code =
      static_cast<char*>(mmap(nullptr, 3 * kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0));
  auto* last =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 2 * kPage));
  Must(code != MAP_FAILED && last != MAP_FAILED, "mmap");
  std::printf("mapped: %d %d %d %d\n", Call(code), Call(code + kPage), Call(code + 2 * kPage),
              Call(last));

  Must(mprotect(code, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
  Place(code, 4);
  Must(mprotect(code, kPage, PROT_READ | PROT_EXEC) == 0, "mprotect");
  unsigned char bytes[8];
  Must(pread(file, bytes, sizeof bytes, 0) == sizeof bytes, "pread");
  std::printf("patched: %d, in the file still the old code: %d\n", Call(code),
              std::memcmp(bytes, Returns(1).bytes, sizeof bytes) == 0);

  // The loader's way: a segment is mapped over part of a larger mapping.
  WriteCode(file, 0, 5);
  Must(mmap(code + kPage, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0) ==
           code + kPage,
       "MAP_FIXED");
  std::printf("mapped over: %d %d %d\n", Call(code), Call(code + kPage), Call(code + 2 * kPage));
  Must(munmap(code + kPage, kPage) == 0 && close(file) == 0 && unlink("code") == 0, "munmap");
  std::printf("the neighbours stay: %d %d\n", Call(code), Call(code + 2 * kPage));
  return 0;
}
