// linux_version: pollux is one named version of Linux on riscv64, and says so.
#include <sys/utsname.h>

#include "testsuite/basics/check.h"

int main() {
  utsname name;
  Must(uname(&name) == 0, "uname");
  std::printf("%s %.5s %s\n", name.sysname, name.release, name.machine);
  Must(std::strlen(name.nodename) > 0 && std::strlen(name.version) > 0, "nodename and version");
  char host[65];
  Must(gethostname(host, sizeof host) == 0 && std::strcmp(host, name.nodename) == 0, "gethostname");
  return 0;
}
