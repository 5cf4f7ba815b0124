// walk: random system calls on all kinds of descriptors, and what they answered.
//
//   walk [--seed=N] [--episodes=N] [--first=N] [--steps=N] [--lines] [--coverage]
//        [--own_world] [--canary=NAME]
//
// --own_world: where the host's kernel is asked, in a network and a file system that are like
// pollux's (own_world.h).
//
// Episode N of a seed always makes the same calls, whatever came before it. Prints a line with a
// digest of all answers for each episode: where two kernels agree, the output is the same.
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "testsuite/fuzz/kernel.h"
#include "testsuite/fuzz/own_world.h"
#include "testsuite/fuzz/transcript.h"
#include "testsuite/fuzz/walk.h"

namespace {

struct Settings {
  uint64_t seed = 1;
  uint64_t first = 0;
  uint64_t episodes = 10;
  uint64_t steps = 2000;
  bool lines = false;
  bool coverage = false;
  bool own_world = false;
  fuzz::Walk::Options walk;
};

bool ParseNumber(const char* word, const char* flag, uint64_t* value) {
  const size_t length = strlen(flag);
  if (strncmp(word, flag, length) != 0) return false;
  char* end = nullptr;
  *value = strtoull(word + length, &end, 10);
  return *end == '\0' && end != word + length;
}

bool Parse(const char* word, Settings* settings) {
  const std::string text = word;
  if (text == "--lines") return settings->lines = true;
  if (text == "--coverage") return settings->coverage = true;
  if (text == "--own_world") return settings->own_world = true;
  if (text == "--canary=forgets_a_byte") {
    settings->walk.canary = fuzz::Canary::kForgetsAByte;
    return true;
  }
  if (text == "--canary=hides_an_edge") {
    settings->walk.canary = fuzz::Canary::kHidesAnEdge;
    return true;
  }
  if (text == "--canary=mixes_numbers_up") {
    settings->walk.canary = fuzz::Canary::kMixesNumbersUp;
    return true;
  }
  return ParseNumber(word, "--seed=", &settings->seed) ||
         ParseNumber(word, "--first=", &settings->first) ||
         ParseNumber(word, "--episodes=", &settings->episodes) ||
         ParseNumber(word, "--steps=", &settings->steps);
}

[[noreturn]] void Die(const char* what) {
  fprintf(stderr, "walk: %s: %s\n", what, strerror(errno));
  exit(2);
}

// A fresh directory; without privileges; the same limits everywhere.
void Prepare(char* directory, bool own_world) {
  umask(022);
  if (mkdtemp(directory) == nullptr) Die("mkdtemp");
  if (geteuid() == 0 || own_world) {
    // Not the number: in the sandbox of a test there may be no other.
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capset, &header, none) != 0) Die("capset");
  }
  if (chdir(directory) != 0) Die("chdir");
  signal(SIGPIPE, SIG_IGN);
  const rlimit numbers = {fuzz::Walk::kNumbers, fuzz::Walk::kNumbers};
  if (setrlimit(RLIMIT_NOFILE, &numbers) != 0) Die("setrlimit");
  if (syscall(SYS_close_range, 3, ~0u, 0) != 0) Die("close_range");
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (!Parse(argv[i], &settings)) {
      fprintf(stderr, "walk: what is %s?\n", argv[i]);
      return 2;
    }
  }
  const char* given = getenv("TEST_TMPDIR");
  const char* const base = given != nullptr ? given : "/tmp";
  std::string directory = std::string(base) + "/walk.XXXXXX";
  if (settings.own_world && !fuzz::EnterOwnWorld(base)) Die("a world of its own");
  Prepare(directory.data(), settings.own_world);
  fuzz::Transcript transcript(settings.lines ? stdout : nullptr);
  for (uint64_t i = 0; i < settings.episodes; ++i) {
    const uint64_t episode = settings.first + i;
    fuzz::RandomChoices choices(settings.seed, episode);
    fuzz::Walk walk(fuzz::DirectKernel(), choices, transcript, settings.walk);
    walk.Episode(settings.steps);
    printf("episode %" PRIu64 ": %016" PRIx64 "\n", episode, transcript.TakeDigest());
  }
  fflush(stdout);
  fprintf(stderr, "walk: %" PRIu64 " calls\n", transcript.count());
  if (settings.coverage) transcript.PrintCoverage(stderr);
  if (chdir("/") != 0 || rmdir(directory.c_str()) != 0) Die("rmdir");
  return 0;
}
