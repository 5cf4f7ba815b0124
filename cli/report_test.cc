#include "cli/report.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "machine/history/history.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using nlohmann::json;

constexpr std::string_view kDataBegin = "<script type=\"application/json\" id=\"data\">";
constexpr std::string_view kDataEnd = "</script>";

machine::Outcome OutcomeWith(int calls, const std::string& text) {
  auto history = std::make_shared<History>();
  for (int i = 1; i <= calls; ++i) {
    history->calls.push_back({.id = static_cast<machine::CallId>(i),
                              .pid = Tid{1000},
                              .tid = Tid{1000 + i % 10},
                              .number = 63,
                              .args = {4},
                              .began = static_cast<machine::Step>(i) * 100,
                              .ended = static_cast<machine::Step>(i) * 100 + 50,
                              .began_at = {i * 1000},
                              .ended_at = {i * 1000 + 500},
                              .state = CallRecord::State::kReturned,
                              .result = 1,
                              .woken_by = static_cast<machine::CallId>(i > 1 ? i - 1 : 0),
                              .text = text + std::to_string(i)});
  }
  machine::Outcome outcome{.kind = machine::Outcome::Kind::kDeadlock};
  outcome.explanation = "deadlock: every thread waits\npollux: why: it does";
  outcome.reasons = {"thread 1001 sleeps since step 100"};
  outcome.history = std::move(history);
  return outcome;
}

json DataOf(const std::string& page) {
  const size_t begin = page.find(kDataBegin) + kDataBegin.size();
  return json::parse(page.substr(begin, page.find(kDataEnd, begin) - begin));
}

TEST(ReportTest, HasTheRunInOneFile) {
  const std::string page = ReportOf("bin/server", OutcomeWith(20, "read(4, \"x\", 1) = "));
  const json data = DataOf(page);
  EXPECT_EQ(data.at("guest"), "bin/server");
  EXPECT_EQ(data.at("summary"), "deadlock: every thread waits");
  EXPECT_EQ(data.at("reasons").size(), 1u);
  ASSERT_EQ(data.at("calls").size(), 20u);
  EXPECT_EQ(data.at("threads").size(), 10u);
  // Id, thread, name, begin (a difference), duration, step, text, state, who woke it.
  const json call = data.at("calls").at(2);
  EXPECT_EQ(call.at(0), 3);
  EXPECT_EQ(call.at(3), 1000);
  EXPECT_EQ(call.at(4), 500);
  EXPECT_EQ(call.at(8), 2);
  EXPECT_EQ(data.at("texts").at(call.at(6).get<int>()), "read(4, \"x\", 1) = 3");
  EXPECT_EQ(data.at("left_out"), 0);
}

TEST(ReportTest, AsksForNothingElse) {
  const std::string page = ReportOf("server", OutcomeWith(20, "read(4) = "));
  for (const std::string_view word : {"http:", "https:", "src=", "@import", "url("})
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(ReportTest, TextOfTheGuestsStaysText) {
  const std::string hostile = "read(4, \"</script><script>alert(1)</script>\xff<!--\", 40) = ";
  const std::string page = ReportOf("<b>server</b>", OutcomeWith(3, hostile));
  const size_t begin = page.find(kDataBegin) + kDataBegin.size();
  const std::string data = page.substr(begin, page.find(kDataEnd, begin) - begin);
  EXPECT_EQ(data.find('<'), std::string::npos);
  EXPECT_EQ(DataOf(page).at("guest"), "<b>server</b>");
}

TEST(ReportTest, OfALongRunTheLastCallsAreThere) {
  const std::string page =
      ReportOf("server", OutcomeWith(static_cast<int>(History::kMostCalls),
                                     "epoll_pwait(3, [{events=EPOLLIN, data=0x4}], 8, -1) = "));
  EXPECT_LT(page.size(), 5'000'000u);
  const json data = DataOf(page);
  const size_t kept = data.at("calls").size();
  EXPECT_GT(kept, 20'000u);
  EXPECT_EQ(data.at("left_out").get<size_t>() + kept, History::kMostCalls);
}

}  // namespace
}  // namespace pollux::cli
