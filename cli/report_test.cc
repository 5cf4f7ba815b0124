#include "cli/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/report_testing.h"
#include "machine/history/history.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using machine::InterestEvent;
using machine::Outcome;
using nlohmann::json;

constexpr char kHostile[] = "</script><script>alert(1)</script><!--\xff\xfe\"{{data}}\n";

Outcome OutcomeOf(std::shared_ptr<const History> history) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kDeadlock;
  outcome.instructions = 5000;
  outcome.virtual_time = {70000};
  outcome.history = std::move(history);
  return outcome;
}

json DataOf(const Outcome& outcome, size_t most_bytes = kMostReportBytes) {
  const ReportedRun run{.title = "a run", .outcome = &outcome};
  return json::parse(ReportData("guest", {&run, 1}, most_bytes));
}

TEST(ReportTest, ACallAndItsWaker) {
  auto history = std::make_shared<History>();
  history->calls.push_back(Call(7, 1001, kEpollPwait));
  history->calls.back().woken_by = 8;
  history->calls.back().woken = 805;
  history->calls.push_back(Call(8, 1000, kWrite));
  history->calls.back().text = "write(4, \"x\", 1) = 1";
  const json run = DataOf(OutcomeOf(history)).at("runs").at(0);
  const json& calls = run.at("calls");
  EXPECT_EQ(calls.at("first"), 7);
  EXPECT_EQ(calls.at("before"), 6);
  EXPECT_EQ(calls.at("task"), json({0, 1}));
  EXPECT_EQ(calls.at("tasks"), json::parse("[[1001,1000],[1000,1000]]"));
  EXPECT_EQ(calls.at("began"), json({700, 100}));  // 700, and 100 later.
  EXPECT_EQ(calls.at("took"), json({10, 10}));
  EXPECT_EQ(calls.at("wakes"), json::parse("[[0,8,805]]"));
  const size_t text = calls.at("text").at(0).get<size_t>() + calls.at("text").at(1).get<int>();
  EXPECT_EQ(run.at("strings").at(text), "write(4, \"x\", 1) = 1");
  EXPECT_EQ(run.at("strings").at(calls.at("text").at(0).get<size_t>()), "epoll_pwait(4) = 1");
  EXPECT_EQ(run.at("exit"), 124);
}

TEST(ReportTest, WhyAndStacks) {
  Outcome outcome = OutcomeOf(std::make_shared<History>());
  outcome.reasons = {"thread 1001 sleeps"};
  outcome.call_stacks[7] = "0x1234 in take";
  outcome.threads = {{.pid = 1000, .tid = 1001, .state = "read(4, ", .stack = {{.pc = 0x99}}}};
  const json run = DataOf(outcome).at("runs").at(0);
  EXPECT_EQ(run.at("reasons").at(0), "thread 1001 sleeps");
  EXPECT_EQ(run.at("stacks").at("7"), "0x1234 in take");
  EXPECT_EQ(run.at("threads").at(0).at(1), 1001);
  EXPECT_EQ(run.at("threads").at(0).at(3).size(), 1u);
}

TEST(ReportTest, EpollEventsAndWhatWasSetBefore) {
  const auto history = LongHistory(30);
  const json run = DataOf(OutcomeOf(history)).at("runs").at(0);
  EXPECT_EQ(run.at("events").size(), 4u);
  EXPECT_EQ(run.at("events").at(0).at(0), 0);
  EXPECT_EQ(run.at("events").at(1).at(0), 1);
  EXPECT_EQ(run.at("interests").at(0), json::parse("[1,1,2,\"4\"]"));
  EXPECT_EQ(run.at("descriptions").at(0).at(1), "eventpoll");
  // Of the last ones only: that the interest was set is not forgotten.
  const json part = DataOf(OutcomeOf(LongHistory(2000)), 5000).at("runs").at(0);
  EXPECT_GT(part.at("eventsBefore"), 0);
  EXPECT_EQ(part.at("events").at(0).at(0), 0);
  EXPECT_EQ(part.at("interests").size(), 1u);
}

TEST(ReportTest, ALongRunIsBounded) {
  Outcome outcome = OutcomeOf(LongHistory(History::kMostCalls));
  outcome.instructions = (History::kMostCalls + 10) * 100;
  outcome.virtual_time = {(static_cast<int64_t>(History::kMostCalls) + 10) * 1000};
  const std::string two_runs = [&] {
    const ReportedRun runs[] = {{.title = "a", .outcome = &outcome},
                                {.title = "b", .outcome = &outcome}};
    return ReportOf("guest", runs);
  }();
  EXPECT_LT(two_runs.size(), 5'000'000u);
  const ReportedRun run{.title = "100,000 calls", .outcome = &outcome};
  const std::string page = ReportOf("guest", {&run, 1});
  EXPECT_LT(page.size(), 5'000'000u);
  if (const char* const outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR"))
    std::ofstream(absl::StrCat(outputs, "/long.html")) << page;

  // Half of it is room enough.
  const json all = DataOf(outcome, kMostReportBytes / 2).at("runs").at(0).at("calls");
  EXPECT_EQ(all.at("name").size(), History::kMostCalls);
  EXPECT_EQ(all.at("withoutText"), 0);

  const json data = DataOf(outcome, 400'000).at("runs").at(0);
  const json& calls = data.at("calls");
  const size_t shown = calls.at("name").size();
  EXPECT_EQ(calls.at("before").get<size_t>() + shown, History::kMostCalls);
  EXPECT_EQ(calls.at("first"), calls.at("before").get<size_t>() + 1);
  EXPECT_GE(shown, History::kMostCalls / 4);
  EXPECT_GT(calls.at("withoutText"), 0);
  // What is left out is the oldest: the last call has its line.
  size_t text = 0;
  for (const json& growth : calls.at("text"))
    text = static_cast<size_t>(static_cast<int64_t>(text) + growth.get<int64_t>());
  EXPECT_NE(data.at("strings").at(text).get<std::string>().find("message number 100000 of"),
            std::string::npos);
}

TEST(ReportTest, HostileText) {
  auto history = std::make_shared<History>();
  history->calls.push_back(Call(1, 1000, kRead));
  history->calls.back().text = kHostile;
  Outcome outcome = OutcomeOf(history);
  outcome.explanation = kHostile;
  outcome.reasons = {kHostile};
  outcome.call_stacks[1] = kHostile;
  outcome.threads = {{.state = kHostile}};
  const ReportedRun run{.title = kHostile, .outcome = &outcome};
  const std::string data = ReportData(kHostile, {&run, 1});
  EXPECT_EQ(data.find('<'), std::string::npos);
  for (const char c : data) ASSERT_TRUE(c >= ' ' && c <= '~');
  const json parsed = json::parse(data);
  EXPECT_EQ(parsed.at("title").get<std::string>().substr(0, 9), "</script>");
  // It is once in the page, and a page's two scripts and their ends are all there are.
  const std::string page = ReportOf(kHostile, {&run, 1});
  const auto count = [&](std::string_view what) {
    size_t times = 0;
    for (size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1))
      ++times;
    return times;
  };
  EXPECT_EQ(count("<script"), 2u);
  EXPECT_EQ(count("</script"), 2u);
  EXPECT_EQ(count("alert(1)"), 0u);
}

TEST(ReportTest, ThePageLoadsNothing) {
  const Outcome outcome = OutcomeOf(LongHistory(10));
  const ReportedRun run{.title = "a", .outcome = &outcome};
  const std::string page = ReportOf("guest", {&run, 1});
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("href="), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(ReportTest, WhereItCannotBeWritten) {
  const Outcome outcome = OutcomeOf(LongHistory(3));
  const ReportedRun run{.title = "a", .outcome = &outcome};
  EXPECT_EQ(WriteReport("/nowhere/at/all", "guest", {&run, 1}),
            "--report=/nowhere/at/all: No such file or directory");
}

}  // namespace
}  // namespace pollux::cli
