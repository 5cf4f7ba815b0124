// Machines are cloned in the middle of a run: every program runs to a random instruction, where the
// machine is kept; what follows is, from there on and after going back to there as often as one
// likes, what it is without all that: the same trace, line by line, and the same end. A machine
// that went back can be kept again somewhere else.
//
//   clone_test RUN_LIST... [--root=DIR PROGRAM...]
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "machine/machine.h"
#include "testsuite/run_lists.h"

namespace pollux {
namespace {

using machine::Machine;
using machine::Outcome;

using Lines = std::vector<std::string>;

int failures = 0;
std::string root;       // For programs that find their libraries there.
FILE* report = stderr;  // What the programs print goes elsewhere.

// A machine with a program, and what it has traced.
class Run {
 public:
  Run(const std::string& file, const std::vector<std::string>& arguments) {
    const std::string& name = arguments[0];
    machine::Options options;
    options.seed = 3;
    options.root = root;
    options.strategy.preemption_rate.per_million = 5000;
    options.trace = [this](std::string_view line) { lines_.emplace_back(line); };
    options.warn = options.trace;
    auto machine = Machine::Create(std::move(options));
    if (!machine.ok()) std::abort();
    machine_ = *std::move(machine);
    const absl::Status loaded = machine_->Load(file, name, arguments);
    if (!loaded.ok()) {
      std::fprintf(report, "%s: %s\n", name.c_str(), loaded.ToString().c_str());
      std::abort();
    }
  }
  Machine& machine() { return *machine_; }
  Lines Take() { return std::exchange(lines_, {}); }

  // How it ended, as one more line of the trace.
  Lines ToTheEnd() {
    const Outcome outcome = machine_->Run();
    lines_.push_back("ends as " + std::to_string(static_cast<int>(outcome.kind)) + " with " +
                     std::to_string(outcome.ExitCode()) + " after " +
                     std::to_string(outcome.instructions) + " at " +
                     std::to_string(outcome.virtual_time.value) + " " + outcome.explanation);
    return Take();
  }

 private:
  Lines lines_;
  std::unique_ptr<Machine> machine_;
};

// `head` and `tail` together are `whole`.
void Compare(const std::string& name, const char* what, const Lines& whole, const Lines& head,
             const Lines& tail) {
  const auto at = [&](size_t i) -> std::string {
    if (i < head.size()) return head[i];
    return i - head.size() < tail.size() ? tail[i - head.size()] : "nothing";
  };
  for (size_t i = 0; i < std::max(whole.size(), head.size() + tail.size()); ++i) {
    const std::string expected = i < whole.size() ? whole[i] : "nothing";
    if (at(i) == expected) continue;
    std::fprintf(report, "FAILED: %s, %s: line %zu:\n  expected: %s\n  actual:   %s\n",
                 name.c_str(), what, i, expected.c_str(), at(i).c_str());
    ++failures;
    return;
  }
}

Lines operator+(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void Clone(const std::string& file, const std::vector<std::string>& arguments,
           std::mt19937_64& random) {
  const std::string name = absl::StrJoin(arguments, " ");
  Run straight(file, arguments);
  const Lines whole = straight.ToTheEnd();
  const uint64_t length = straight.machine().instructions();

  Run run(file, arguments);
  const uint64_t first = random() % (length + 1);
  const uint64_t second = first + random() % (length - first + 1);
  if (run.machine().RunUntil(first).has_value()) return;  // It ended with that instruction.
  const Lines head = run.Take();
  if (const absl::Status saved = run.machine().Save(); !saved.ok()) {
    std::fprintf(report, "FAILED: %s: %s\n", name.c_str(), saved.ToString().c_str());
    ++failures;
    return;
  }
  Compare(name, "going on where it was kept", whole, head, run.ToTheEnd());
  run.machine().Restore();
  Compare(name, "after going back", whole, head, run.ToTheEnd());
  // Back from the middle, and on to another place.
  run.machine().Restore();
  run.machine().RunUntil(first + random() % (length - first + 1));
  run.Take();
  run.machine().Restore();
  if (run.machine().RunUntil(second).has_value()) return;
  const Lines middle = run.Take();
  if (!run.machine().Save().ok()) std::abort();
  Compare(name, "kept a second time", whole, head + middle, run.ToTheEnd());
  run.machine().Restore();
  Compare(name, "after going back to there", whole, head + middle, run.ToTheEnd());
}

}  // namespace
}  // namespace pollux

int main(int argc, char** argv) {
  uint64_t seed = std::random_device()();
  if (const char* given = std::getenv("POLLUX_TEST_SEED")) seed = std::strtoull(given, nullptr, 0);
  std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  // What the programs print is in their traces.
  pollux::report = fdopen(dup(2), "w");
  const int null = open("/dev/null", O_RDWR);
  if (null < 0 || pollux::report == nullptr) return 1;
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  // And what pollux says of itself, is said.
  setvbuf(pollux::report, nullptr, _IOLBF, 0);
  stderr = pollux::report;
  int runs = 0;
  // Each with a seed of its own, so that one can be tried alone.
  const auto run = [&](const std::string& path, std::vector<std::string> arguments) {
    ++runs;
    const std::string file = pollux::Contents(path);
    arguments.insert(arguments.begin(), pollux::NameOf(path));
    std::mt19937_64 random(seed);
    pollux::Clone(file, arguments, random);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    constexpr std::string_view kRoot = "--root=";
    if (path.starts_with(kRoot)) {
      pollux::root = path.substr(kRoot.size());
    } else if (!pollux::root.empty()) {
      run(path, {});
    } else {
      for (std::vector<std::string> words : pollux::RunsOf(path)) {
        const std::string program = words[0];
        words.erase(words.begin());
        run(program, std::move(words));
      }
    }
  }
  std::fprintf(pollux::report, "%d runs, %d failures\n", runs, pollux::failures);
  std::fclose(pollux::report);
  return pollux::failures == 0 && runs > 0 ? 0 : 1;
}
