// Whole machines on a real guest program (probe_guest.c).
#include "machine/machine.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/task/signal.h"

namespace pollux::machine {
namespace {

using Kind = Outcome::Kind;

const std::string& Probe() {
  static const std::string* const kFile = [] {
    const char* path = std::getenv("PROBE");
    EXPECT_NE(path, nullptr) << "PROBE names the guest program";
    std::ifstream file(path, std::ios::binary);
    return new std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return *kFile;
}

struct Result {
  Outcome outcome;
  std::vector<std::string> trace;
  std::vector<std::string> warnings;
};

Result RunProbe(std::vector<std::string> arguments, Options options = {}) {
  Result result;
  options.trace = [&](std::string_view line) { result.trace.emplace_back(line); };
  options.warn = [&](std::string_view line) { result.warnings.emplace_back(line); };
  auto machine = Machine::Create(std::move(options));
  EXPECT_TRUE(machine.ok()) << machine.status();
  arguments.insert(arguments.begin(), "probe");
  const absl::Status loaded = (*machine)->Load(Probe(), "probe", arguments);
  EXPECT_TRUE(loaded.ok()) << loaded;
  result.outcome = (*machine)->Run();
  return result;
}

TEST(Machine, ExitsWithTheGuestsStatus) {
  const Result result = RunProbe({"exit", "7"});
  EXPECT_EQ(result.outcome.kind, Kind::kExited);
  EXPECT_EQ(result.outcome.ExitCode(), 7);
  EXPECT_TRUE(result.warnings.empty()) << result.warnings[0];
}

TEST(Machine, AbortKillsWithSigabrt) {
  const Result result = RunProbe({"abort"});
  EXPECT_EQ(result.outcome.kind, Kind::kKilled);
  EXPECT_EQ(result.outcome.signal, os_emu::kSigAbrt);
  EXPECT_EQ(result.outcome.ExitCode(), 134);
}

TEST(Machine, ABadStoreKillsWithSigsegvAndSaysWhere) {
  const Result result = RunProbe({"segv"});
  EXPECT_EQ(result.outcome.signal, os_emu::kSigSegv);
  EXPECT_NE(result.outcome.explanation.find("a store to 0x10"), std::string::npos)
      << result.outcome.explanation;
}

TEST(Machine, WaitingForNothingIsADeadlockThatNamesTheCall) {
  const Result result = RunProbe({"deadlock"});
  EXPECT_EQ(result.outcome.kind, Kind::kDeadlock);
  EXPECT_EQ(result.outcome.ExitCode(), 124);
  EXPECT_NE(result.outcome.explanation.find("epoll_pwait(3"), std::string::npos)
      << result.outcome.explanation;
}

TEST(Machine, StopsAtExactlyTheStepLimit) {
  Options options;
  options.max_steps = 1'000'003;
  const Result result = RunProbe({"spin"}, options);
  EXPECT_EQ(result.outcome.kind, Kind::kStepLimit);
  EXPECT_EQ(result.outcome.instructions, 1'000'003u);
  EXPECT_EQ(result.outcome.ExitCode(), 124);
}

TEST(Machine, AnHourOfSleepTakesNoTime) {
  const Result result = RunProbe({"sleep"});
  EXPECT_EQ(result.outcome.ExitCode(), 0);
  EXPECT_GE(result.outcome.virtual_time, Nanos{3600'000'000'000});
  EXPECT_LT(result.outcome.instructions, 1'000'000u);
}

TEST(Machine, TheMemoryLimitHolds) {
  Options options;
  options.max_memory_bytes = uint64_t{64} << 20;
  const Result result = RunProbe({"eat"}, options);
  // malloc gives up (the memset of a null pointer), or a page cannot be had: a signal in both
  // cases.
  EXPECT_EQ(result.outcome.kind, Kind::kKilled) << result.outcome.explanation;
}

TEST(Machine, TheSameSeedGivesTheSameRun) {
  const Result a = RunProbe({"random"}), b = RunProbe({"random"});
  EXPECT_EQ(a.outcome.ExitCode(), 0);
  EXPECT_GT(a.trace.size(), 5u);
  EXPECT_EQ(a.trace, b.trace);
  EXPECT_EQ(a.outcome.instructions, b.outcome.instructions);
}

TEST(Machine, AnotherSeedGivesOtherAddressesAndNumbers) {
  Options other;
  other.seed = 2;
  const Result a = RunProbe({"random"}), b = RunProbe({"random"}, other);
  ASSERT_FALSE(a.trace.empty());
  EXPECT_NE(a.trace, b.trace);
}

TEST(Machine, BothEnginesGiveTheSameRun) {
  Options reference;
  reference.engine = interp::EngineKind::kReference;
  for (const char* what : {"random", "sleep", "abort", "segv"}) {
    const Result a = RunProbe({what}), b = RunProbe({what}, reference);
    EXPECT_EQ(a.trace, b.trace) << what;
    EXPECT_EQ(a.outcome.instructions, b.outcome.instructions) << what;
    EXPECT_EQ(a.outcome.virtual_time, b.outcome.virtual_time) << what;
    EXPECT_EQ(a.outcome.explanation, b.outcome.explanation) << what;
  }
}

TEST(Machine, ADynamicOrForeignFileIsRefusedInOneLine) {
  for (const std::string& file : {std::string("#!/bin/sh\n"), std::string(),
                                  std::string("\x7f"
                                              "ELF")}) {
    auto machine = Machine::Create({});
    ASSERT_TRUE(machine.ok());
    const absl::Status loaded = (*machine)->Load(file, "x", {"x"});
    EXPECT_TRUE(absl::IsFailedPrecondition(loaded)) << loaded;
    EXPECT_EQ(std::string(loaded.message()).find('\n'), std::string::npos);
  }
}

TEST(Machine, AWorkingDirectoryThatIsNotThereIsRefused) {
  Options options;
  options.cwd = "/no/such/place";
  auto machine = Machine::Create(options);
  ASSERT_TRUE(machine.ok());
  EXPECT_TRUE(absl::IsInvalidArgument((*machine)->Load(Probe(), "probe", {"probe"})));
}

}  // namespace
}  // namespace pollux::machine
