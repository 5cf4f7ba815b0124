// hardware_capabilities: AT_HWCAP names the extensions of RV64GC: a letter is a bit.
#include <sys/auxv.h>

#include "testsuite/basics/check.h"

int main() {
  const unsigned long capabilities = getauxval(AT_HWCAP);
  for (const char letter : {'I', 'M', 'A', 'F', 'D', 'C'}) {
    Must(capabilities >> (letter - 'A') & 1, "AT_HWCAP has I, M, A, F, D and C");
  }
  Must((capabilities >> ('V' - 'A') & 1) == 0, "AT_HWCAP has no V");
  return 0;
}
