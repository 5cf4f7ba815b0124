// Runs the programs of run lists and prints a line for each: a hash of what it did (its trace, its
// output, how it ended), how far it came, and a hash of the order in which its tasks did it. One
// process for all of them: that pollux starts takes longer than most runs, a sanitized one above
// all.
//
//   trace_hashes runs|beginnings fast|reference SEED SHARD SHARDS RUN_LIST...
//
// A beginning is the first 300,000 instructions where several tasks run by then, else 100,000.
#include <xxhash.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "machine/machine.h"
#include "testsuite/run_lists.h"

namespace pollux {
namespace {

using machine::Machine;
using machine::Outcome;

// A chain of hashes.
class Hash {
 public:
  void Add(std::string_view bytes) {
    value_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), value_);
  }
  std::string Text() const { return absl::StrCat(absl::Hex(value_, absl::kZeroPad16)); }

 private:
  uint64_t value_ = 0;
};

// The task that a line of the trace is about: "[pid 2] ", and nothing while there is but one.
std::string_view TaskOf(std::string_view line) {
  return line.starts_with("[pid ") ? line.substr(0, line.find(' ', 5)) : std::string_view();
}

std::string LineOf(bool whole, interp::EngineKind engine, uint64_t seed,
                   const std::vector<std::string>& words) {
  Hash hash, order;
  bool several = false;
  machine::Options options;
  options.seed = seed;
  options.engine = engine;
  options.max_steps = 2'000'000'000;
  options.strategy.preemption_rate.per_million = 5000;
  options.trace = [&](std::string_view line) {
    const std::string_view task = TaskOf(line);
    several |= !task.empty();
    order.Add(task);
    hash.Add(line);
  };
  options.warn = [&](std::string_view line) { hash.Add(line); };
  options.output = [&](int stream, std::string_view bytes) {
    hash.Add(absl::StrCat(stream, " ", absl::string_view(bytes.data(), bytes.size())));
  };
  auto machine = Machine::Create(std::move(options));
  if (!machine.ok()) return std::string(machine.status().message());
  const std::string& path = words.front();
  std::vector<std::string> arguments = words;
  arguments.front() = NameOf(path);
  const absl::Status loaded = (*machine)->Load(Contents(path), arguments.front(), arguments);
  if (!loaded.ok()) return std::string(loaded.message());
  std::optional<Outcome> outcome;
  if (whole) {
    outcome = (*machine)->Run();
  } else {
    // Who reads symbols has no room for a sanitizer's shadow.
    (*machine)->SetStacks(false);
    constexpr uint64_t kFew = 100'000, kMany = 300'000;
    outcome = (*machine)->RunUntil(kFew);
    if (!outcome.has_value() && several) outcome = (*machine)->RunUntil(kMany);
  }
  if (outcome.has_value()) {
    hash.Add(absl::StrCat(static_cast<int>(outcome->kind), " ", outcome->ExitCode(), " ",
                          outcome->virtual_time.value, " ", outcome->explanation));
  }
  return absl::StrCat(hash.Text(), " after ", (*machine)->instructions(),
                      several ? absl::StrCat(", order ", order.Text()) : "");
}

}  // namespace
}  // namespace pollux

int main(int argc, char** argv) {
  if (argc < 7) return 2;
  const bool whole = std::string_view(argv[1]) == "runs";
  const auto engine = std::string_view(argv[2]) == "fast" ? pollux::interp::EngineKind::kFast
                                                          : pollux::interp::EngineKind::kReference;
  const int seed = std::atoi(argv[3]), shard = std::atoi(argv[4]), shards = std::atoi(argv[5]);
  int number = 0;
  for (int i = 6; i < argc; ++i) {
    for (const std::vector<std::string>& words : pollux::RunsOf(argv[i])) {
      if (number++ % shards != shard) continue;
      std::printf("%s: %s\n", absl::StrJoin(words, " ").c_str(),
                  pollux::LineOf(whole, engine, seed, words).c_str());
      std::fflush(stdout);
    }
  }
  return number > 0 ? 0 : 1;
}
