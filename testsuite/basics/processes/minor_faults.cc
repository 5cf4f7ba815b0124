// Pages that are touched for the first time are counted: ru_minflt of the process and of children
// that were waited for, and /proc/PID/stat.
#include <sys/mman.h>
#include <sys/resource.h>

#include "testsuite/basics/tasks.h"

namespace {

constexpr size_t kPage = 4096;
constexpr long kPages = 100;

long Faults(int who) {
  rusage usage;
  Must(getrusage(static_cast<__rusage_who_t>(who), &usage) == 0, "getrusage");
  return usage.ru_minflt;
}

// Fields 10 and 11 of /proc/self/stat.
long Told(bool of_children) {
  const char* at = std::strrchr(FileText("/proc/self/stat"), ')');
  Must(at != nullptr, "/proc/self/stat");
  for (int spaces = 0; spaces < (of_children ? 9 : 8); ++at) spaces += *at == ' ';
  return std::strtol(at, nullptr, 10);
}

void Touch(int flags) {
  char* const pages = static_cast<char*>(
      mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0));
  Must(pages != MAP_FAILED, "mmap");
  // Or one fault would be for all of them, where there are such kernels.
  madvise(pages, kPages * kPage, MADV_NOHUGEPAGE);
  for (long i = 0; i < kPages; ++i) pages[i * static_cast<long>(kPage)] = 1;
}

void ShowMore(const char* what, long before, long after) {
  std::printf("%s: %s\n", what,
              after - before >= kPages ? "as many more"
              : after == before        ? "no more"
                                       : "some more");
}

}  // namespace

int main() {
  long before = Faults(RUSAGE_SELF), told = Told(false);
  Touch(MAP_PRIVATE);
  ShowMore("private pages", before, Faults(RUSAGE_SELF));
  ShowMore("in /proc", told, Told(false));

  before = Faults(RUSAGE_CHILDREN), told = Told(true);
  const pid_t child = Fork([] {
    const long at_first = Faults(RUSAGE_SELF);
    Touch(MAP_PRIVATE);
    ShowMore("a child's", at_first, Faults(RUSAGE_SELF));
    return 0;
  });
  siginfo_t info;
  Must(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0, "waitid");
  ShowMore("children, before they were waited for", before, Faults(RUSAGE_CHILDREN));
  rusage usage;
  Must(wait4(child, nullptr, 0, &usage) == child, "wait4");
  ShowMore("told with its end", 0, usage.ru_minflt);
  ShowMore("children then", before, Faults(RUSAGE_CHILDREN));
  ShowMore("in /proc", told, Told(true));
  return 0;
}
