// limits_of_programs: execve(2) under RLIMIT_DATA and RLIMIT_AS: a program whose own data or
// mappings are more than that is ended by SIGSEGV, as it is too late for execve to fail; the limits
// count nothing of the program that was there before. A limit of 0 for data is none (up to the hard
// one).
#include <sys/mman.h>
#include <sys/resource.h>

#include "testsuite/basics/tasks.h"

namespace {

constexpr rlim_t kPage = 4096, kMany = rlim_t{1} << 30;

// So that the program has data of its own: more than a page, and less than kMany. (In between a
// dynamic linker may be what fails.)
char data[100000] = {1};

void Execute(const char* program, const char* what, int resource, rlim_t soft, rlim_t hard) {
  const pid_t child = Fork([&] {
    const rlimit limit = {soft, hard};
    Must(setrlimit(resource, &limit) == 0, "setrlimit");
    errno = 0;
    execl("/proc/self/exe", program, "executed", nullptr);
    std::printf("execl: %s\n", ErrorName(errno));
    return 1;
  });
  ShowEnd(what, child);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) return data[0] == 1 ? 0 : 2;
  DropRoot();
  const auto execute = [&](const char* what, int resource, rlim_t soft,
                           rlim_t hard = RLIM_INFINITY) {
    rlimit now;
    Must(getrlimit(resource, &now) == 0, "getrlimit");
    Execute(arguments[0], what, resource, soft, hard < now.rlim_max ? hard : now.rlim_max);
  };
  execute("without limits", RLIMIT_DATA, RLIM_INFINITY);
  execute("data, a page", RLIMIT_DATA, kPage);
  execute("data, a byte", RLIMIT_DATA, 1);
  execute("data, much", RLIMIT_DATA, kMany);
  execute("data, 0", RLIMIT_DATA, 0);
  execute("data, 0 and a hard limit of a page", RLIMIT_DATA, 0, kPage);
  execute("addresses, a page", RLIMIT_AS, kPage);
  execute("addresses, 0", RLIMIT_AS, 0);
  execute("addresses, 40 pages", RLIMIT_AS, 40 * kPage);
  execute("addresses, much", RLIMIT_AS, kMany);
  // What is mapped now is not the next program's.
  void* const mapped = mmap(nullptr, 2 * kMany, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  Must(mapped != MAP_FAILED, "mmap");
  execute("data, much, and more mapped", RLIMIT_DATA, kMany);
  execute("addresses, much, and more mapped", RLIMIT_AS, kMany);
  return 0;
}
