#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "benchmarks/engines/workload.h"

int main(int argc, char** argv) {
  // For the table's header.
  if (argc == 2 && std::strcmp(argv[1], "--compiler") == 0) {
#ifdef __clang__
    std::puts(__VERSION__);
#else
    std::puts("gcc " __VERSION__);
#endif
    return 0;
  }
  uint64_t iterations = ITERATIONS;
  if (argc > 1) {
    char* end = nullptr;
    errno = 0;
    iterations = std::strtoull(argv[1], &end, 10);
    if (argc > 2 || argv[1][0] < '0' || argv[1][0] > '9' || *end != '\0' || errno != 0) {
      std::fprintf(stderr, "usage: %s [ITERATIONS]\n", argv[0]);
      return 2;
    }
  }
  std::printf("%016" PRIx64 "\n", Work(iterations));
  return 0;
}
