// auxiliary_vector: what the kernel tells a program in its auxiliary vector agrees with the
// program.
#include <elf.h>
#include <sys/auxv.h>

#include "testsuite/basics/check.h"

extern "C" char _start[];

int main(int, char** argv) {
  std::printf("page size %lu\n", getauxval(AT_PAGESZ));
  std::printf("clock ticks a second %lu\n", getauxval(AT_CLKTCK));
  std::printf("secure %lu\n", getauxval(AT_SECURE));

  const auto* random = reinterpret_cast<const unsigned char*>(getauxval(AT_RANDOM));
  Must(random != nullptr, "AT_RANDOM is there");
  int sum = 0;
  for (int i = 0; i < 16; ++i) sum += random[i];
  Must(sum > 0, "AT_RANDOM points to bytes that are not all zero");

  Must(getauxval(AT_ENTRY) == reinterpret_cast<unsigned long>(_start), "AT_ENTRY is _start");
  const auto* headers = reinterpret_cast<const Elf64_Phdr*>(getauxval(AT_PHDR));
  Must(headers != nullptr && getauxval(AT_PHENT) == sizeof(Elf64_Phdr), "AT_PHDR and AT_PHENT");
  int loads = 0;
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); ++i) loads += headers[i].p_type == PT_LOAD;
  Must(loads > 0, "AT_PHDR points to program headers, some of them PT_LOAD");

  const auto* name = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  Must(name != nullptr && std::strlen(name) > 0, "AT_EXECFN is there");
  const char* last = std::strrchr(argv[0], '/');
  Must(std::strstr(name, last != nullptr ? last + 1 : argv[0]) != nullptr,
       "AT_EXECFN names the program");

  Must(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid(), "AT_UID and AT_EUID");
  Must(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid(), "AT_GID and AT_EGID");
  errno = 0;
  const unsigned long missing = getauxval(12345);
  std::printf("an entry that is not there: %lu, %s\n", missing, ErrorName(errno));
  return 0;
}
