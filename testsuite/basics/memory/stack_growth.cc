// stack_growth: how far a stack grows by itself: RLIMIT_STACK is about the stack alone, RLIMIT_AS
// about all mappings together (acct_stack_growth() in the kernel's mm/vma.c); past either there is
// nothing, for the program and for a system call. RLIMIT_AS and execve.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>

#include "testsuite/basics/tasks.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// VmSize. Without the C library's help, whose buffers would be mappings, too.
size_t MappedBytes() {
  static char text[4096];
  const int file = open("/proc/self/status", O_RDONLY);
  const ssize_t bytes = read(file, text, sizeof text - 1);
  Must(file >= 0 && bytes > 0 && close(file) == 0, "status");
  text[bytes] = '\0';
  const char* line = strstr(text, "VmSize:");
  Must(line != nullptr, "VmSize");
  return strtoul(line + 7, nullptr, 10) * 1024;
}

void SetLimit(int resource, rlim_t soft) {
  rlimit limit;
  Must(getrlimit(resource, &limit) == 0, "getrlimit");
  limit.rlim_cur = soft;
  Must(setrlimit(resource, &limit) == 0, "setrlimit");
}
void Room(size_t pages) { SetLimit(RLIMIT_AS, MappedBytes() + pages * kPage); }

// A page of the main stack that is there, and the lowest one so far.
char* lowest;
void OnFault(int signal, siginfo_t* info, void*) {
  Must(signal == SIGSEGV && info->si_addr >= lowest - 100000 * kPage && info->si_addr < lowest,
       "a fault in the stack");
  std::printf("nothing there, code %d\n", info->si_code);
  std::fflush(stdout);
  _exit(0);
}

// In a child: grows the stack by so many pages, which may end it.
void Grow(const char* what, size_t pages, void (*before)()) {
  std::printf("%s: ", what);
  const pid_t child = Fork([&] {
    if (before != nullptr) before();
    const size_t was = MappedBytes();
    static_cast<volatile char*>(lowest)[-static_cast<ptrdiff_t>(pages * kPage)] = 1;
    std::printf("%zu pages more\n", (MappedBytes() - was) / kPage);
    return 0;
  });
  Must(StatusText(Wait(child)) == "exited 0", "the child");
}

void ReadInto(const char* what, size_t pages, void (*before)()) {
  const pid_t child = Fork([&] {
    before();
    int ends[2];
    Must(pipe(ends) == 0 && write(ends[1], "x", 1) == 1, "pipe");
    ShowCount(what, read(ends[0], lowest - pages * kPage, 1));
    return 0;
  });
  Must(StatusText(Wait(child)) == "exited 0", "the child");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return 7;  // Executed.
  DropRoot();
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  stack_t stack = {};
  static char handlers[1 << 16];
  stack.ss_sp = handlers;
  stack.ss_size = sizeof handlers;
  Must(sigaltstack(&stack, nullptr) == 0, "sigaltstack");
  Handle(SIGSEGV, OnFault, SA_ONSTACK);
  SetLimit(RLIMIT_STACK, 8 << 20);

  // To where the stack certainly was not.
  lowest = static_cast<char*>(__builtin_frame_address(0)) - 100 * kPage;
  lowest -= reinterpret_cast<uintptr_t>(lowest) % kPage;
  static_cast<volatile char*>(lowest)[0] = 1;

  Grow("without a limit", 200, nullptr);
  Grow("to a limit of all", 20, [] { Room(20); });
  Grow("a page past it", 21, [] { Room(20); });
  Grow("the limit counts whole pages", 21,
       [] { SetLimit(RLIMIT_AS, MappedBytes() + 21 * kPage - 1); });
  Grow("past the limit already", 1, [] { SetLimit(RLIMIT_AS, kPage); });
  Grow("no growth is needed", 0, [] { SetLimit(RLIMIT_AS, kPage); });
  Grow("other mappings take it", 20, [] {
    Room(20);
    Must(mmap(nullptr, kPage, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
         "mmap");
  });
  Grow("and give it back", 20, [] {
    Room(20);
    void* const page = mmap(nullptr, kPage, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Must(page != MAP_FAILED && munmap(page, kPage) == 0, "mmap");
  });
  Grow("a limit that rises again", 21, [] {
    Room(20);
    Room(21);
  });
  Grow("data has a limit of its own", 20, [] { SetLimit(RLIMIT_DATA, kPage); });
  Grow("the stack's own limit", 200, [] { SetLimit(RLIMIT_STACK, 400 * kPage); });
  Grow("past it", 310, [] { SetLimit(RLIMIT_STACK, 400 * kPage); });
  ReadInto("read(2) to the limit of all", 20, [] { Room(20); });
  ReadInto("read(2) past it", 21, [] { Room(20); });

  // What grew counts for mmap(2).
  const pid_t child = Fork([] {
    Room(30);
    static_cast<volatile char*>(lowest)[-static_cast<ptrdiff_t>(20 * kPage)] = 1;
    for (const size_t pages : {11, 10, 1}) {
      void* const place =
          mmap(nullptr, pages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      std::printf("%zu pages beside the stack: ", pages);
      Show("mmap", place == MAP_FAILED ? -1 : 0);
    }
    return 0;
  });
  Must(StatusText(Wait(child)) == "exited 0", "the child");

  // The limits of vfork(2)'s child are its own.
  Grow("after vfork", 20, [] {
    const pid_t other = vfork();
    if (other == 0) {
      rlimit limit = {kPage, RLIM_INFINITY};
      setrlimit(RLIMIT_AS, &limit);
      setrlimit(RLIMIT_STACK, &limit);
      _exit(0);
    }
    Must(other > 0, "vfork");
    Wait(other);
  });

  // A program that does not fit ends: the old one is gone when that is seen.
  for (const rlim_t limit : {rlim_t{1} << 16, rlim_t{1} << 33, rlim_t{RLIM_INFINITY}}) {
    const pid_t executing = Fork([&] {
      signal(SIGSEGV, SIG_IGN);
      SetLimit(RLIMIT_AS, limit);
      char* const arguments[] = {argv[0], const_cast<char*>("again"), nullptr};
      execv("/proc/self/exe", arguments);
      return 1;
    });
    ShowEnd(limit == 1 << 16           ? "executing in 64 KiB"
            : limit == rlim_t{1} << 33 ? "executing in 8 GiB"
                                       : "executing without a limit",
            executing);
  }
  return 0;
}
