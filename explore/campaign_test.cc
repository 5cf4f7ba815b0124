#include "explore/campaign.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explore/testing.h"
#include "gtest/gtest.h"

namespace pollux::explore {
namespace {

using std::chrono::milliseconds;
using testing::Victim;
using testing::VictimOptions;

CampaignOptions Options(uint64_t first, uint64_t last, int jobs) {
  CampaignOptions options{
      .machine = VictimOptions(), .first_seed = first, .last_seed = last, .jobs = jobs};
  options.keep_going = true;
  return options;
}

Summary Explore(const std::string& deed, const CampaignOptions& options) {
  absl::StatusOr<Summary> summary = RunCampaign(options, Victim(deed));
  EXPECT_TRUE(summary.ok()) << summary.status();
  return *std::move(summary);
}

using Table = std::vector<std::pair<std::string, std::pair<uint64_t, uint64_t>>>;
Table TableOf(const Summary& summary) {
  Table table;
  for (const Finding& finding : summary.findings)
    table.push_back({finding.key, {finding.first_seed, finding.schedules}});
  return table;
}

// The first child that this process has now.
pid_t SomeChild() {
  std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
  pid_t child = 0;
  children >> child;
  return child;
}

TEST(Campaign, FindsTheSameWithAnyNumberOfWorkers) {
  const Summary one = Explore("several", Options(1, 200, 1));
  EXPECT_EQ(one.schedules, 200u);
  EXPECT_TRUE(one.complete);
  EXPECT_EQ(one.findings.size(), 2u);
  const Summary three = Explore("several", Options(1, 200, 3));
  EXPECT_EQ(three.schedules, 200u);
  EXPECT_EQ(TableOf(three), TableOf(one));
}

TEST(Campaign, WarnsOnceOfAllSchedules) {
  for (const int jobs : {1, 3}) {
    std::multiset<std::string> lines;
    CampaignOptions options = Options(1, 100, jobs);
    options.machine.warn = [&](std::string_view line) { lines.emplace(line); };
    EXPECT_TRUE(Explore("ask", options).findings.empty());
    EXPECT_EQ(lines, (std::multiset<std::string>{
                         "warning: unsupported system call acct (89) returns ENOSYS",
                         "warning: unsupported system call mq_unlink (181) returns ENOSYS"}));
  }
}

TEST(Campaign, WithFeedbackToo) {
  CampaignOptions options = Options(51, 500, 1);
  options.machine.strategy.kind = machine::StrategyKind::kFeedback;
  const Summary one = Explore("several", options);
  EXPECT_EQ(one.schedules, 450u);
  options.jobs = 3;
  const Summary three = Explore("several", options);
  EXPECT_EQ(three.schedules, 450u);
  EXPECT_EQ(TableOf(three), TableOf(one));
}

TEST(Campaign, AWorkerThatDiesTakesNoOthersWithIt) {
  // A block of seeds is one worker's: who comes after it goes on with them.
  CampaignOptions options = Options(1, 60, 1);
  options.machine.strategy.kind = machine::StrategyKind::kFeedback;
  options.machine.max_steps = 200'000;
  bool killed = false;
  options.progress = [&](const CampaignOptions::Progress& now) {
    if (now.schedules > 3 && !killed) killed = kill(SomeChild(), SIGKILL) == 0;
    return true;
  };
  const Summary summary = Explore("spin", options);
  EXPECT_TRUE(killed);
  EXPECT_EQ(summary.schedules, 60u);
  EXPECT_TRUE(summary.complete);
}

TEST(Campaign, HalvesHaveTheHashOfTheWhole) {
  for (const auto kind : {machine::StrategyKind::kRandom, machine::StrategyKind::kFeedback}) {
    const auto hash = [&](uint64_t first, uint64_t last, int jobs) {
      CampaignOptions options = Options(first, last, jobs);
      options.machine.strategy.kind = kind;
      options.hash_traces = true;
      return Explore("mixture", options).trace_hash;
    };
    EXPECT_EQ(hash(1, 120, 2), hash(1, 120, 1));
    EXPECT_EQ(hash(1, 120, 2), hash(1, 70, 2) + hash(71, 120, 2));
    EXPECT_NE(hash(1, 120, 2), hash(1, 119, 2));
  }
}

TEST(Campaign, ADirectoryThatSchedulesCouldWriteToIsRefused) {
  CampaignOptions options = Options(1, 10, 1);
  options.machine.mounts = {"/d=/tmp"};
  const absl::StatusOr<Summary> summary = RunCampaign(options, Victim("mutex"));
  EXPECT_TRUE(absl::IsInvalidArgument(summary.status())) << summary.status();
}

TEST(Campaign, TwoHalvesGiveTogetherWhatTheWholeGives) {
  const Summary whole = Explore("several", Options(1, 100, 2));
  Findings together;
  for (const auto& [first, last] : {std::pair<uint64_t, uint64_t>(1, 50), {51, 100}}) {
    const Summary half = Explore("several", Options(first, last, 2));
    EXPECT_EQ(half.schedules, 50u);
    for (const Finding& finding : half.findings) together.Add(finding);
  }
  Summary halves;
  halves.findings = together.All();
  EXPECT_EQ(TableOf(halves), TableOf(whole));
}

TEST(Campaign, EndsWithTheFindingOfTheSmallestSeed) {
  const Summary all = Explore("several", Options(1, 100, 2));
  ASSERT_FALSE(all.findings.empty());
  for (const int jobs : {1, 3}) {
    CampaignOptions options = Options(1, 100, jobs);
    options.keep_going = false;
    const Summary first = Explore("several", options);
    ASSERT_EQ(first.findings.size(), 1u);
    EXPECT_EQ(first.findings[0].first_seed, all.findings[0].first_seed);
    EXPECT_EQ(first.findings[0].key, all.findings[0].key);
    EXPECT_EQ(first.schedules, first.findings[0].first_seed);
  }
}

TEST(Campaign, NothingIsFoundInACorrectProgram) {
  EXPECT_TRUE(Explore("mutex", Options(1, 200, 2)).findings.empty());
}

TEST(Campaign, AGuestAloneRunsOnce) {
  const Summary summary = Explore("alone", Options(1, 100, 1));
  EXPECT_TRUE(summary.only_one);
  EXPECT_EQ(summary.schedules, 1u);
}

TEST(Campaign, ACrashIsAFinding) {
  const Summary summary = Explore("crash", Options(1, 20, 2));
  ASSERT_EQ(summary.findings.size(), 1u);
  EXPECT_EQ(summary.findings[0].summary, "killed by SIGSEGV");
  EXPECT_EQ(summary.findings[0].schedules, 20u);
}

TEST(Campaign, AGuestThatSpinsForeverIsAFinding) {
  const Summary summary = Explore("spin", Options(1, 4, 2));
  ASSERT_EQ(summary.findings.size(), 1u);
  EXPECT_EQ(summary.findings[0].schedules, 4u);
  EXPECT_NE(summary.findings[0].summary.find("--max_steps"), std::string::npos);
}

TEST(Campaign, AGuestThatEatsAllMemoryFailsAlone) {
  const Summary summary = Explore("eat", Options(1, 4, 2));
  EXPECT_EQ(summary.schedules, 4u);
  for (const Finding& finding : summary.findings)
    EXPECT_EQ(finding.summary.find("pollux itself"), std::string::npos) << finding.summary;
  EXPECT_FALSE(summary.findings.empty());
}

TEST(Campaign, AForkBombEnds) {
  CampaignOptions options = Options(1, 2, 1);
  options.machine.max_memory_bytes = uint64_t{64} << 20;
  options.machine.max_steps = 1'000'000;
  const Summary summary = Explore("bomb", options);
  EXPECT_EQ(summary.schedules, 2u);
  for (const Finding& finding : summary.findings)
    EXPECT_EQ(finding.summary.find("pollux itself"), std::string::npos) << finding.summary;
}

TEST(Campaign, AScheduleThatTakesTooLongCostsOnlyItself) {
  CampaignOptions options = Options(1, 3, 1);
  options.machine.max_steps = 0;
  options.patience = milliseconds(1000);
  const Summary summary = Explore("doze", options);
  EXPECT_EQ(summary.schedules, 3u);
  ASSERT_EQ(summary.findings.size(), 1u);
  EXPECT_EQ(summary.findings[0].schedules, 3u);
  EXPECT_NE(summary.findings[0].summary.find("took longer than 1 s"), std::string::npos);
}

TEST(Campaign, AWorkerThatGetsNoProcessorDoesNotTakeTooLong) {
  // Its schedule has no end, so it stands still in the midst of one, for three times its patience.
  CampaignOptions options = Options(1, 1, 1);
  options.machine.max_steps = 0;
  options.patience = milliseconds(1500);
  int turns = 0;
  options.progress = [&](const CampaignOptions::Progress& now) {
    if (turns == 0 && now.elapsed >= milliseconds(500)) {
      EXPECT_EQ(kill(SomeChild(), SIGSTOP), 0);
      ++turns;
    }
    if (turns == 1 && now.elapsed >= milliseconds(5000)) {
      EXPECT_EQ(now.findings, 0u);
      EXPECT_EQ(kill(SomeChild(), SIGKILL), 0);
      ++turns;
    }
    return true;
  };
  const Summary summary = Explore("doze", options);
  EXPECT_EQ(turns, 2);
  ASSERT_EQ(summary.findings.size(), 1u);
  EXPECT_EQ(summary.findings[0].summary, "pollux itself was killed by SIGKILL");
}

TEST(Campaign, AWorkerThatDiesCostsOneSchedule) {
  // Its schedules have no end: two seconds after it began it is in the midst of one.
  CampaignOptions options = Options(1, 2, 1);
  options.machine.max_steps = 0;
  uint64_t killed = 0;
  options.progress = [&](const CampaignOptions::Progress& now) {
    if (now.schedules == killed && now.elapsed >= milliseconds(2000) * (killed + 1)) {
      EXPECT_EQ(kill(SomeChild(), SIGKILL), 0);
      ++killed;
    }
    return true;
  };
  const Summary summary = Explore("doze", options);
  EXPECT_EQ(killed, 2u);
  EXPECT_EQ(summary.schedules, 2u);
  EXPECT_TRUE(summary.complete);
  ASSERT_EQ(summary.findings.size(), 1u);
  EXPECT_EQ(summary.findings[0].summary, "pollux itself was killed by SIGKILL");
  EXPECT_EQ(summary.findings[0].schedules, 2u);
}

TEST(Campaign, StopsWhenItsTimeIsOver) {
  CampaignOptions options = Options(1, UINT64_MAX / 2, 2);
  options.time = milliseconds(1500);
  const Summary summary = Explore("mutex", options);
  EXPECT_FALSE(summary.complete);
  EXPECT_GT(summary.schedules, 0u);
}

TEST(Campaign, AFileThatIsNoProgramIsRefused) {
  const absl::StatusOr<Summary> summary =
      RunCampaign(Options(1, 10, 2), {.file = "no ELF", .name = "x", .arguments = {"x"}});
  EXPECT_TRUE(absl::IsFailedPrecondition(summary.status())) << summary.status();
}

}  // namespace
}  // namespace pollux::explore
