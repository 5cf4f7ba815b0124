// code_in_shared_file: code in a file that is mapped shared: it changes with the file, whoever
// writes it.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"
#include "testsuite/basics/code/machine_code.h"

namespace {

constexpr size_t kPage = 4096;
sigjmp_buf back;
void OnFault(int signal) { siglongjmp(back, signal); }

void WriteCode(int file, off_t offset, int number) {
  const Returns code(number);
  Must(pwrite(file, code.bytes, sizeof code.bytes, offset) == sizeof code.bytes, "pwrite");
}

void Fence(char* start) { __builtin___clear_cache(start, start + kPage); }

}  // namespace

int main() {
  EnterScratchDirectory();
  const int file = open("code", O_RDWR | O_CREAT, 0700);
  Must(file >= 0 && ftruncate(file, 2 * kPage) == 0, "open");
  WriteCode(file, 0, 1);
  WriteCode(file, kPage, 2);
  auto* shared =
      static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0));
  auto* own =
      static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0));
  auto* second =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, kPage));
  Must(shared != MAP_FAILED && own != MAP_FAILED && second != MAP_FAILED, "mmap");
  std::printf("mapped: %d %d %d %d\n", Call(shared), Call(own), Call(own + kPage), Call(second));

  WriteCode(file, 0, 3);
  Fence(shared);
  std::printf("written by write(2): %d\n", Call(shared));

  // A private page that was written is the process's own.
  Must(mprotect(own, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
  Place(own, 4);
  Must(mprotect(own, kPage, PROT_READ | PROT_EXEC) == 0, "mprotect");
  std::printf("patched privately: %d, the file: %d\n", Call(own), Call(shared));
  Must(madvise(own, kPage, MADV_DONTNEED) == 0, "madvise");
  Fence(own);
  std::printf("patch forgotten: %d\n", Call(own));

  // A writable mapping elsewhere.
  auto* writable =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  Must(writable != MAP_FAILED, "mmap");
  for (int i = 0; i < 100; ++i) {
    Place(writable, 100 + i);
    Fence(shared);
    Must(Call(shared) == 100 + i, "written through a shared mapping");
  }
  std::printf("written through a shared mapping: %d\n", Call(shared));

  // The file becomes shorter: its code is gone.
  signal(SIGBUS, OnFault);
  Must(ftruncate(file, kPage) == 0, "ftruncate");
  const int signal_number = sigsetjmp(back, 1);
  if (signal_number == 0) Call(shared + kPage);
  std::printf("beyond the end of the file: %s\n", signal_number == SIGBUS ? "SIGBUS" : "no SIGBUS");
  Must(close(file) == 0 && unlink("code") == 0, "unlink");
  std::printf("the file is gone, the mapping is not: %d\n", Call(shared));
  return 0;
}
