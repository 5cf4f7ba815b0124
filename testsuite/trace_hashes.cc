// Runs the programs of run lists, each by the same seed, and prints a hash of what the beginning of
// each did: its trace, its output and how far it came. One process for all of them: that a
// sanitized pollux starts takes longer than most runs.
//
//   trace_hashes fast|reference SHARD SHARDS RUN_LIST...
//
// The first 300,000 instructions where several tasks run by then, else 100,000.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "machine/machine.h"

namespace pollux {
namespace {

using machine::Machine;
using machine::Outcome;

std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (text.empty()) {
    std::fprintf(stderr, "FAILED: %s is not there\n", path.c_str());
    std::exit(1);
  }
  return text;
}

// FNV-1a, 64 bits: the same in any build.
class Hash {
 public:
  void Add(std::string_view bytes) {
    for (const char byte : bytes) value_ = (value_ ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
    value_ = (value_ ^ '\n') * 0x100000001b3;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

std::string HashOf(interp::EngineKind engine, const std::vector<std::string>& words) {
  Hash hash;
  bool several = false;
  machine::Options options;
  options.seed = 3;
  options.engine = engine;
  options.strategy.preemption_rate.per_million = 5000;
  options.trace = [&](std::string_view line) {
    several |= line.starts_with("[pid ");
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
  arguments.front() = path.substr(path.rfind('/') + 1);
  const absl::Status loaded = (*machine)->Load(Contents(path), arguments.front(), arguments);
  if (!loaded.ok()) return std::string(loaded.message());
  // Who reads symbols has no room for a sanitizer's shadow.
  (*machine)->SetStacks(false);
  constexpr uint64_t kFew = 100'000, kMany = 300'000;
  std::optional<Outcome> outcome = (*machine)->RunUntil(kFew);
  if (!outcome.has_value() && several) outcome = (*machine)->RunUntil(kMany);
  if (outcome.has_value()) {
    hash.Add(absl::StrCat(static_cast<int>(outcome->kind), " ", outcome->ExitCode(), " ",
                          outcome->virtual_time.value, " ", outcome->explanation));
  }
  return absl::StrCat(absl::Hex(hash.value(), absl::kZeroPad16), " after ",
                      (*machine)->instructions());
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
    for (const absl::string_view line : absl::StrSplit(pollux::Contents(argv[i]), '\n')) {
      // What is quoted for a shell stays quoted: it does not matter here.
      const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (words.empty() || number++ % shards != shard) continue;
      std::printf("%s: %s\n", std::string(line).c_str(), pollux::HashOf(engine, words).c_str());
      std::fflush(stdout);
    }
  }
  return number > 0 ? 0 : 1;
}
