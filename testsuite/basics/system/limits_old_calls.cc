// limits_old_calls: getrlimit and setrlimit, for which the C library calls prlimit64: they are
// about the same limits.
#include <sys/resource.h>

#include "testsuite/basics/check.h"

namespace {

long Get(long resource, void* limit) { return syscall(SYS_getrlimit, resource, limit); }
long Set(long resource, const void* limit) { return syscall(SYS_setrlimit, resource, limit); }

void Print(const char* what, const rlimit& limit) {
  std::printf("%s: %d %d\n", what, static_cast<int>(limit.rlim_cur),
              static_cast<int>(limit.rlim_max));
}

}  // namespace

int main() {
  DropRoot();
  rlimit limit = {}, same = {};
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    Must(Get(resource, &limit) == 0 && limit.rlim_cur <= limit.rlim_max, "getrlimit");
    Must(syscall(SYS_prlimit64, 0, resource, nullptr, &same) == 0 &&
             same.rlim_cur == limit.rlim_cur && same.rlim_max == limit.rlim_max,
         "prlimit64 says the same");
  }

  limit = {100, 200};
  Show("lower both", Set(RLIMIT_NOFILE, &limit));
  limit = {};
  Show("read", Get(RLIMIT_NOFILE, &limit));
  Print("by getrlimit", limit);
  Must(prlimit(0, RLIMIT_NOFILE, nullptr, &limit) == 0, "prlimit");
  Print("by prlimit64", limit);
  limit = {200, 200};
  Show("raise the soft one to the hard one", Set(RLIMIT_NOFILE, &limit));
  limit = {200, 201};
  Show("raise the hard one", Set(RLIMIT_NOFILE, &limit));
  limit = {151, 150};
  Show("soft above hard", Set(RLIMIT_NOFILE, &limit));
  limit = {0, 50};
  Show("none", Set(RLIMIT_NOFILE, &limit));
  Show("so there is no number", dup(0));
  limit = {50, 50};
  Show("some", Set(RLIMIT_NOFILE, &limit));
  Show("so there is one", dup(0));

  Show("getrlimit of an unknown resource", Get(RLIM_NLIMITS, &limit));
  Show("getrlimit of a negative resource", Get(-1, &limit));
  Show("getrlimit to nowhere", Get(RLIMIT_NOFILE, nullptr));
  Show("setrlimit of an unknown resource", Set(RLIM_NLIMITS, &limit));
  Show("setrlimit from nowhere", Set(RLIMIT_NOFILE, nullptr));
  Must(Get(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  Print("what is left", limit);
  return 0;
}
