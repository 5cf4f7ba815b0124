// faults: a bad access becomes SIGSEGV with the right si_code and si_addr, and the program can go
// on: it jumps out of the handler. Before that nothing of the access has happened.
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

const char* CodeName() {
  if (seen.si_signo == SIGSEGV && seen.si_code == SEGV_MAPERR) return "SEGV_MAPERR";
  if (seen.si_signo == SIGSEGV && seen.si_code == SEGV_ACCERR) return "SEGV_ACCERR";
  return "something else";
}

// Prints what happens when `access` runs; addresses are counted from `base`.
template <typename Access>
void Try(const char* what, const void* base, Access access) {
  if (sigsetjmp(back, 1) == 0) {
    access();
    std::printf("%s: no fault\n", what);
    return;
  }
  const auto offset = reinterpret_cast<intptr_t>(seen.si_addr) - reinterpret_cast<intptr_t>(base);
  std::printf("%s: %s at %+jd\n", what, CodeName(), static_cast<intmax_t>(offset));
}

// The compiler is not to know what it points to.
template <typename T>
T* Hidden(T* pointer) {
  asm("" : "+r"(pointer));
  return pointer;
}
template <typename T>
void Read(const void* at) {
  at = Hidden(at);
  (void)*static_cast<const volatile T*>(at);
}
template <typename T>
void Write(void* at, T value) {
  at = Hidden(at);
  *static_cast<volatile T*>(at) = value;
}
void Call(const void* at) { reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(at))(); }

char* Page(int protection) {
  // With a page on either side that cannot be used.
  auto* start =
      static_cast<char*>(mmap(nullptr, 3 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(start != MAP_FAILED && mprotect(start + kPage, kPage, protection) == 0, "mmap");
  return start + kPage;
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(SIGSEGV, &action, nullptr) == 0, "sigaction");

  char* none = Page(PROT_NONE);
  Try("read of PROT_NONE", none, [=] { Read<char>(none + 10); });
  Try("write to PROT_NONE", none, [=] { Write<char>(none + 11, 1); });
  Try("call into PROT_NONE", none, [=] { Call(none + 12); });

  char* read_only = Page(PROT_READ);
  Try("read of PROT_READ", read_only, [=] { Read<char>(read_only); });
  Try("write to PROT_READ", read_only, [=] { Write<uint64_t>(read_only + 8, 1); });
  Try("call into PROT_READ", read_only, [=] { Call(read_only + 16); });
  Must(mprotect(read_only, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
  Try("after mprotect", read_only, [=] { Write<uint64_t>(read_only + 8, 1); });
  Try("call into data", read_only, [=] { Call(read_only + 16); });
  Must(mprotect(read_only, kPage, PROT_READ | PROT_EXEC) == 0, "mprotect");
  Try("write to code", read_only, [=] { Write<char>(read_only + 20, 1); });

  char* gone = Page(PROT_READ | PROT_WRITE);
  Write<char>(gone, 1);
  Must(munmap(gone, kPage) == 0, "munmap");
  Try("read of nothing", gone, [=] { Read<uint32_t>(gone + 100); });
  Try("write to nothing", gone, [=] { Write<uint16_t>(gone + 102, 1); });
  Try("call into nothing", gone, [=] { Call(gone + 104); });

  Try("read of a null pointer", nullptr, [] { Read<int>(nullptr); });
  Try("read behind a null pointer", nullptr, [] { Read<int>(reinterpret_cast<int*>(40)); });
  Try("write to a null pointer", nullptr, [] { Write<int>(nullptr, 1); });
  Try("call of a null pointer", nullptr, [] { Call(nullptr); });

  // Over a page's end: what is reported is the first byte that is missing, and nothing is written.
  char* last = Page(PROT_READ | PROT_WRITE);
  Try("the last word of a page", last, [=] { Write<uint64_t>(last + kPage - 8, ~uint64_t{0}); });
  std::memset(last + kPage - 8, 0, 8);
  Try("a write over the end of a page", last,
      [=] { Write<uint64_t>(last + kPage - 3, ~uint64_t{0}); });
  std::printf("written: %d %d %d\n", last[kPage - 3], last[kPage - 2], last[kPage - 1]);
  Try("a read over the end of a page", last, [=] { Read<uint32_t>(last + kPage - 1); });
  Try("a read over the start of a page", last, [=] { Read<uint64_t>(last - 5); });

  // The library's functions fault like anything else, though not everywhere at the same byte.
  if (sigsetjmp(back, 1) == 0) {
    std::memset(last, 'x', kPage);
    last[std::strlen(Hidden(last))] = 'y';
  }
  std::printf("strlen: %s\n", CodeName());
  seen = {};
  if (sigsetjmp(back, 1) == 0) std::memset(Hidden(last) + kPage - 100, 1, 200);
  std::printf("memset: %s\n", CodeName());

  int faults = 0;
  for (int i = 0; i < 5000; ++i) {
    if (sigsetjmp(back, 1) == 0) {
      Read<char>(none + i % kPage);
    } else {
      Must(seen.si_addr == none + i % kPage, "si_addr, many times");
      ++faults;
    }
  }
  std::printf("%d faults in a row\n", faults);
  return 0;
}
