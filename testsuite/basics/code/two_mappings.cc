// two_mappings: a page that is mapped twice, writable at one address and executable at the other,
// as just-in-time compilers do.
#include <sys/mman.h>

#include "testsuite/basics/check.h"
#include "testsuite/basics/code/machine_code.h"

int main() {
  constexpr size_t kPage = 4096;
  char* writable = static_cast<char*>(
      mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Must(writable != MAP_FAILED, "mmap");
  char* executable = static_cast<char*>(mremap(writable, 0, kPage, MREMAP_MAYMOVE));
  Must(executable != MAP_FAILED && mprotect(executable, kPage, PROT_READ | PROT_EXEC) == 0,
       "another mapping");
  for (int i = 0; i < 100; ++i) {
    const Returns function(900 + i);
    std::memcpy(writable, function.bytes, sizeof function.bytes);
    __builtin___clear_cache(executable, executable + sizeof function.bytes);
    Must(Call(executable) == 900 + i, "written through another mapping");
  }
  std::printf("%d\n", Call(executable));
  return 0;
}
