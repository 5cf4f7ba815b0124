// bus_error_shared: pages of a file mapping that lie beyond the file's end raise SIGBUS, and the
// end is where it is now: files grow and shrink below their mappings.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
sigjmp_buf back;
siginfo_t seen;
void OnFault(int, siginfo_t* info, void*) {
  seen = *info;
  siglongjmp(back, 1);
}

void TryRead(const char* what, const char* base, size_t offset) {
  if (sigsetjmp(back, 1) == 0) {
    const int value = *static_cast<const volatile char*>(base + offset);
    std::printf("%s: %d\n", what, value);
    return;
  }
  std::printf("%s: %s at %+td\n", what,
              seen.si_signo == SIGBUS && seen.si_code == BUS_ADRERR ? "SIGBUS, BUS_ADRERR"
              : seen.si_signo == SIGSEGV                            ? "SIGSEGV"
                                                                    : "something else",
              static_cast<char*>(seen.si_addr) - base);
}

void TryWrite(const char* what, char* base, size_t offset) {
  if (sigsetjmp(back, 1) == 0) {
    *static_cast<volatile char*>(base + offset) = 1;
    std::printf("%s: written\n", what);
    return;
  }
  std::printf("%s: %s at %+td\n", what, seen.si_signo == SIGBUS ? "SIGBUS" : "SIGSEGV",
              static_cast<char*>(seen.si_addr) - base);
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : {SIGBUS, SIGSEGV})
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  EnterScratchDirectory();

  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(file >= 0 && ftruncate(file, kPage + 10) == 0 && pwrite(file, "z", 1, kPage + 9) == 1,
       "file");
  auto* shared =
      static_cast<char*>(mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  auto* own =
      static_cast<char*>(mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0));
  auto* read_only = static_cast<char*>(mmap(nullptr, 4 * kPage, PROT_READ, MAP_SHARED, file, 0));
  Must(shared != MAP_FAILED && own != MAP_FAILED && read_only != MAP_FAILED, "mmap");

  TryRead("the last byte", shared, kPage + 9);
  TryRead("behind it on its page", shared, kPage + 10);
  TryRead("the next page", shared, 2 * kPage + 5);
  TryWrite("a write to the next page", shared, 2 * kPage + 6);
  TryRead("privately", own, 2 * kPage);
  TryWrite("a write, privately", own, 3 * kPage);
  TryWrite("a write to a read-only mapping, beyond the end", read_only, 3 * kPage);

  Must(ftruncate(file, 3 * kPage) == 0, "ftruncate");
  TryRead("after the file has grown", shared, 2 * kPage + 5);
  TryRead("a page more", shared, 3 * kPage);
  TryWrite("write", shared, 2 * kPage + 5);
  TryWrite("write, privately", own, 2 * kPage + 5);

  Must(ftruncate(file, 1) == 0, "ftruncate");
  TryRead("after the file has shrunk", shared, kPage);
  TryRead("the first page", shared, 0);
  TryRead("a private copy is gone too", own, 2 * kPage + 5);
  Must(ftruncate(file, 3 * kPage) == 0, "ftruncate");
  TryRead("what was cut off is zero", shared, 2 * kPage + 5);
  return 0;
}
