// Runs the programs of run lists, each by the same seed, and prints a hash of what the beginning of
// each did: its trace, its output and how far it came. One process for all of them: that a
// sanitized pollux starts takes longer than most runs.
//
//   trace_hashes fast|reference SHARD SHARDS RUN_LIST...
//
// The first 300,000 instructions where several tasks run by then, else 100,000.
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

std::string HashOf(interp::EngineKind engine, const std::vector<std::string>& words) {
  uint64_t hash = 0;
  const auto add = [&](std::string_view bytes) {
    hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash);
  };
  bool several = false;
  machine::Options options;
  options.seed = 3;
  options.engine = engine;
  options.strategy.preemption_rate.per_million = 5000;
  options.trace = [&](std::string_view line) {
    several |= line.starts_with("[pid ");
    add(line);
  };
  options.warn = [&](std::string_view line) { add(line); };
  options.output = [&](int stream, std::string_view bytes) {
    add(absl::StrCat(stream, " ", absl::string_view(bytes.data(), bytes.size())));
  };
  auto machine = Machine::Create(std::move(options));
  if (!machine.ok()) return std::string(machine.status().message());
  const std::string& path = words.front();
  std::vector<std::string> arguments = words;
  arguments.front() = NameOf(path);
  const absl::Status loaded = (*machine)->Load(Contents(path), arguments.front(), arguments);
  if (!loaded.ok()) return std::string(loaded.message());
  // Who reads symbols has no room for a sanitizer's shadow.
  (*machine)->SetStacks(false);
  constexpr uint64_t kFew = 100'000, kMany = 300'000;
  std::optional<Outcome> outcome = (*machine)->RunUntil(kFew);
  if (!outcome.has_value() && several) outcome = (*machine)->RunUntil(kMany);
  if (outcome.has_value()) {
    add(absl::StrCat(static_cast<int>(outcome->kind), " ", outcome->ExitCode(), " ",
                     outcome->virtual_time.value, " ", outcome->explanation));
  }
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16), " after ", (*machine)->instructions());
}

}  // namespace
}  // namespace pollux

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const auto engine = std::string_view(argv[1]) == "fast" ? pollux::interp::EngineKind::kFast
                                                          : pollux::interp::EngineKind::kReference;
  const int shard = std::atoi(argv[2]), shards = std::atoi(argv[3]);
  int number = 0;
  for (int i = 4; i < argc; ++i) {
    for (const std::vector<std::string>& words : pollux::RunsOf(argv[i])) {
      if (number++ % shards != shard) continue;
      std::printf("%s: %s\n", absl::StrJoin(words, " ").c_str(),
                  pollux::HashOf(engine, words).c_str());
      std::fflush(stdout);
    }
  }
  return number > 0 ? 0 : 1;
}
