// Hostile guests: random_calls makes system calls with arguments that no program would choose.
#include "testsuite/cli/hostile.h"

namespace pollux::hostile {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv);
  std::mt19937_64 random(arguments.seed);
  int failures = 0, finished = 0, died = 0;
  for (int i = 0; i < arguments.runs && failures < 5; ++i) {
    const std::string seed = std::to_string(random());
    // Every other one is remembered and explained.
    std::vector<std::string> words = {arguments.elf, seed};
    if (i % 2 == 1) words.insert(words.begin(), {"--explain", "--lint=all"});
    const Ending ending = Run(arguments.pollux, words);
    if (const std::string wrong = Judge(ending); !wrong.empty()) {
      ++failures;
      std::printf(
          "FAILED: %s\n%s\n--- command: pollux run --max_steps=5000000 --max_memory=256M %s"
          "random_calls.elf %s\n",
          wrong.c_str(), ending.errors.substr(0, 4000).c_str(),
          i % 2 == 1 ? "--explain --lint=all " : "", seed.c_str());
    } else if (ending.code() == 0) {
      ++finished;
    } else {
      ++died;
    }
  }
  std::printf("%d finished, %d ended otherwise\n", finished, died);
  if (failures == 0 && finished < arguments.runs / 10) {
    std::printf("FAILED: hardly a guest comes to its end\n");
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pollux::hostile

int main(int argc, char** argv) { return pollux::hostile::Main(argc, argv); }
