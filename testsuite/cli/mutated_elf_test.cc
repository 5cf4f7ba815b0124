// Damaged guests: a good ELF file with random bytes changed, in its headers more often than
// elsewhere.
//
// A file for which pollux fails is kept in TEST_UNDECLARED_OUTPUTS_DIR.
#include <algorithm>

#include "testsuite/cli/hostile.h"

namespace pollux::hostile {
namespace {

// Numbers that break arithmetic.
uint64_t Interesting(std::mt19937_64& random) {
  const uint64_t kValues[] = {0,
                              1,
                              7,
                              0xfff,
                              0x1000,
                              0x7fffffff,
                              0x80000000,
                              0xffffffff,
                              uint64_t{1} << 32,
                              uint64_t{1} << 38,
                              uint64_t{1} << 47,
                              INT64_MAX,
                              uint64_t{1} << 63,
                              UINT64_MAX - 0xfff,
                              UINT64_MAX};
  const uint64_t value = kValues[random() % std::size(kValues)];
  return random() % 4 == 0 ? value - random() % 3 : value;
}

std::string Mutate(std::string bytes, std::mt19937_64& random) {
  const int changes = 1 + static_cast<int>(random() % 8);
  for (int i = 0; i < changes; ++i) {
    // The file header and the program headers are in the first 700 bytes.
    const size_t range = random() % 4 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 700);
    const size_t at = 4 + random() % (range - 12);
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case 2: {
        const uint64_t value = Interesting(random);
        bytes.replace(at & ~size_t{7}, 8, reinterpret_cast<const char*>(&value), 8);
        break;
      }
      case 3:
        if (random() % 16 == 0) bytes.resize(700 + random() % (bytes.size() - 700));
        break;
    }
  }
  return bytes;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv);
  const std::string good = ReadFile(arguments.elf);
  std::mt19937_64 random(arguments.seed);
  int failures = 0, refused = 0, died = 0, ran = 0;
  for (int i = 0; i < arguments.runs && failures < 5; ++i) {
    const std::string mutated = Mutate(good, random);
    WriteFile("mutated", mutated);
    const Ending ending = Run(arguments.pollux, {"./mutated", "exit", "5"});
    if (const std::string wrong = Judge(ending); !wrong.empty()) {
      ++failures;
      std::printf("FAILED: run %d: %s\n%s\n", i, wrong.c_str(),
                  ending.errors.substr(0, 2000).c_str());
      if (const char* kept = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) {
        WriteFile(std::string(kept) + "/mutated_" + std::to_string(i), mutated);
      }
    } else if (ending.code() == 126) {
      ++refused;
    } else if (ending.code() == 5) {
      ++ran;
    } else {
      ++died;
    }
  }
  std::printf("%d refused, %d ended otherwise, %d ran as if nothing had happened\n", refused, died,
              ran);
  if (failures == 0 && (refused == 0 || ran == 0)) {
    std::printf("FAILED: the mutations are all of one kind\n");
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pollux::hostile

int main(int argc, char** argv) { return pollux::hostile::Main(argc, argv); }
