// The host's kernel is the oracle: the same walks as a native program and as a guest of pollux, and
// in this process on the emulated kernel without an interpreter, must get the same answers.
//
// A longer run: see HACKING.md. What differs is printed call by call.
#include <sys/wait.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "testsuite/fuzz/in_process_kernel.h"
#include "testsuite/fuzz/walk.h"

ABSL_FLAG(std::string, pollux, "", "The command.");
ABSL_FLAG(std::string, guest, "", "The walk as a guest program.");
ABSL_FLAG(std::string, native, "", "The walk as a native program.");
ABSL_FLAG(uint64_t, seed, 1, "Of the walks.");
ABSL_FLAG(uint64_t, first, 0, "The first episode.");
ABSL_FLAG(uint64_t, episodes, 100, "How many.");
ABSL_FLAG(uint64_t, steps, 2000, "In each episode.");

namespace fuzz {
namespace {

struct Output {
  int status = -1;
  std::string text;
};

Output RunCommand(const std::string& command) {
  Output output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char bytes[65536];
  while (const size_t count = fread(bytes, 1, sizeof(bytes), pipe))
    output.text.append(bytes, count);
  output.status = pclose(pipe);
  return output;
}

std::string Arguments(uint64_t first, uint64_t episodes) {
  return absl::StrCat(" --seed=", absl::GetFlag(FLAGS_seed), " --first=", first,
                      " --episodes=", episodes, " --steps=", absl::GetFlag(FLAGS_steps));
}

// How a walk is run in each world; `more` are further words.
std::string NativeCommand(const std::string& more) {
  return absl::StrCat("TMPDIR=${TEST_TMPDIR:-/tmp} ", absl::GetFlag(FLAGS_native), " --own_world",
                      more, " 2>&1");
}
std::string GuestCommand(const std::string& more) {
  return absl::StrCat(absl::GetFlag(FLAGS_pollux), " run ", absl::GetFlag(FLAGS_guest), more,
                      " 2>&1");
}

// The digests of a run's episodes, by number.
using Digests = std::map<uint64_t, std::string>;
Digests DigestsIn(const std::string& text) {
  Digests digests;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    uint64_t number;
    if (words.size() == 3 && words[0] == "episode" &&
        absl::SimpleAtoi(absl::StripSuffix(words[1], ":"), &number)) {
      digests[number] = std::string(words[2]);
    }
  }
  return digests;
}

std::vector<std::string> LinesOf(const std::string& text) { return absl::StrSplit(text, '\n'); }

// Where two runs of an episode part, with what led there.
std::string FirstDifference(const std::string& native, const std::string& other) {
  const std::vector<std::string> a = LinesOf(native);
  const std::vector<std::string> b = LinesOf(other);
  size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  std::string text;
  for (size_t i = at > 40 ? at - 40 : 0; i < at; ++i) absl::StrAppend(&text, "    ", a[i], "\n");
  absl::StrAppend(&text, "  - ", at < a.size() ? a[at] : "(nothing)", "\n");
  absl::StrAppend(&text, "  + ", at < b.size() ? b[at] : "(nothing)", "\n");
  return text;
}

// The host's own kernel does some things later, in threads of its own, and then the order of two
// events is a matter of luck: an answer is right that it gives in one of so many runs.
constexpr int kTries = 12;

bool NativelyPossible(uint64_t episode, const std::string& digest) {
  for (int i = 0; i < kTries; ++i) {
    const Digests again = DigestsIn(RunCommand(NativeCommand(Arguments(episode, 1))).text);
    const auto found = again.find(episode);
    if (found != again.end() && found->second == digest) return true;
  }
  return false;
}

// So many differences are printed, and then it is enough.
constexpr uint64_t kMostReported = 5;

// Compares digests of another world with the host's; `lines` gives an episode's lines in that one.
template <typename Lines>
void Compare(const Digests& native, const Digests& other, Lines lines) {
  int lucky = 0;
  uint64_t reported = 0;
  for (const auto& [episode, digest] : native) {
    const auto found = other.find(episode);
    if (found != other.end() && found->second == digest) continue;
    if (found != other.end() && NativelyPossible(episode, found->second)) {
      ++lucky;
      continue;
    }
    const std::string more = absl::StrCat(Arguments(episode, 1), " --lines");
    const std::string expected = RunCommand(NativeCommand(more)).text, actual = lines(episode);
    if (actual == expected) {  // One try more.
      ++lucky;
      continue;
    }
    std::cout << "episode " << episode << " differs (- the host's kernel, + the emulated one)\n"
              << FirstDifference(expected, actual) << std::flush;
    if (++reported == kMostReported) break;
  }
  EXPECT_EQ(reported, 0u) << "episodes differ";
  std::printf("%zu episodes, %d of them with an answer that the host gives in some runs only\n",
              native.size(), lucky);
}

class CompareTest : public testing::Test {
 protected:
  static Digests Native(uint64_t first, uint64_t episodes) {
    const Output output = RunCommand(NativeCommand(Arguments(first, episodes)));
    EXPECT_EQ(output.status, 0) << output.text;
    return DigestsIn(output.text);
  }
};

TEST_F(CompareTest, AGuestGetsTheHostsAnswers) {
  const uint64_t first = absl::GetFlag(FLAGS_first);
  const uint64_t episodes = absl::GetFlag(FLAGS_episodes);
  const Digests native = Native(first, episodes);
  ASSERT_EQ(native.size(), episodes);
  const Output emulated = RunCommand(GuestCommand(Arguments(first, episodes) + " --coverage"));
  EXPECT_EQ(emulated.status, 0) << emulated.text.substr(0, 4000);
  Compare(native, DigestsIn(emulated.text), [](uint64_t episode) {
    return RunCommand(GuestCommand(absl::StrCat(Arguments(episode, 1), " --lines"))).text;
  });
  // The table: every call met every type.
  std::vector<std::string> never;
  for (const std::string& line : LinesOf(emulated.text)) {
    // What came in a message is rare: all calls meet it in a longer run only.
    const bool rare = episodes < 3000 && line.find(" received ") != std::string::npos;
    if (line.find(" never") != std::string::npos && !rare) never.push_back(line);
    if (getenv("POLLUX_SHOW_COVERAGE") != nullptr && line.find(':') != std::string::npos) {
      std::printf("%s\n", line.c_str());
    }
  }
  if (episodes >= 600) {
    EXPECT_TRUE(never.empty()) << never.size() << " holes, the first: " << never[0];
  }
}

TEST_F(CompareTest, TheLibraryGetsTheHostsAnswers) {
  // Other episodes than the guest's, so that both together see more.
  const uint64_t first = absl::GetFlag(FLAGS_first) + 1'000'000;
  const uint64_t episodes = absl::GetFlag(FLAGS_episodes);
  const Digests native = Native(first, episodes);
  ASSERT_EQ(native.size(), episodes);
  const auto walk = [](uint64_t episode, std::FILE* lines) {
    Transcript transcript(lines);
    InProcessKernel kernel;
    RandomChoices choices(absl::GetFlag(FLAGS_seed), episode);
    Walk(kernel, choices, transcript).Episode(absl::GetFlag(FLAGS_steps));
    return transcript.TakeDigest();
  };
  Digests emulated;
  for (uint64_t i = first; i < first + episodes; ++i) {
    char digest[17];
    std::snprintf(digest, sizeof(digest), "%016" PRIx64, walk(i, nullptr));
    emulated[i] = digest;
  }
  Compare(native, emulated, [&walk](uint64_t episode) {
    char* text = nullptr;
    size_t bytes = 0;
    std::FILE* lines = open_memstream(&text, &bytes);
    walk(episode, lines);
    std::fclose(lines);
    const std::string all(text, bytes);
    free(text);
    return all;
  });
}

// A walk that is wrong on purpose: comparing notices.
TEST_F(CompareTest, MistakesAreNoticed) {
  for (const char* canary : {"forgets_a_byte", "hides_an_edge", "mixes_numbers_up"}) {
    const Digests native = Native(0, 3);
    const Digests wrong = DigestsIn(
        RunCommand(GuestCommand(absl::StrCat(Arguments(0, 3), " --canary=", canary))).text);
    ASSERT_EQ(wrong.size(), 3u) << canary;
    int different = 0;
    for (const auto& [episode, digest] : native) different += wrong.at(episode) != digest;
    EXPECT_GT(different, 0) << canary;
  }
}

}  // namespace
}  // namespace fuzz

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
