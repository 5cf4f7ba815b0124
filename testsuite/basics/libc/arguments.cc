// arguments: argv and the environment arrive as they were given, the empty ones too, and the
// environment can be changed.
#include "testsuite/basics/check.h"

int main(int argc, char** argv) {
  std::printf("%d arguments\n", argc - 1);
  for (int i = 1; i < argc; ++i) std::printf("[%s]\n", argv[i]);
  Must(argv[argc] == nullptr, "argv ends with a null pointer");
  const char* name = std::strrchr(argv[0], '/');
  std::printf("argv[0] ends in %s\n", name != nullptr ? name : argv[0]);

  for (const char* variable : {"COLOUR", "EMPTY", "WITH_EQUALS", "NOT_SET"}) {
    const char* value = std::getenv(variable);
    std::printf("%s is %s\n", variable, value != nullptr ? value : "not set");
  }
  int count = 0;
  while (environ[count] != nullptr) ++count;
  std::printf("%d variables\n", count);

  Must(setenv("NEW", "1", 1) == 0 && setenv("NEW", "2", 0) == 0, "setenv");
  Must(unsetenv("COLOUR") == 0, "unsetenv");
  std::printf("NEW=%s COLOUR=%s\n", std::getenv("NEW"),
              std::getenv("COLOUR") != nullptr ? std::getenv("COLOUR") : "none");
  Show("setenv of a name with =", setenv("A=B", "1", 1));
  return 0;
}
