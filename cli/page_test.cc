// The page of --report in a browser: clicked through, and asked what it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/browser.h"
#include "cli/report.h"
#include "cli/report_testing.h"
#include "machine/history/history.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using machine::InterestEvent;
using machine::Outcome;
using nlohmann::json;
using testing::HasSubstr;

constexpr uint64_t kEpollCtl = 21, kEpollCreate = 20, kFutex = 98, kSendto = 206, kRecvfrom = 207;

// ---- Two runs that are alike up to their fourth call. In the first one the edge that call 4 makes
// is given to thread 1001, which does not read.

CallRecord& Add(History& history, int tid, uint64_t number, std::string text, machine::Step began,
                machine::Step ended) {
  CallRecord call = Call(history.calls.size() + 1, tid, number);
  call.text = std::move(text);
  call.began = began;
  call.began_at = {static_cast<int64_t>(began) * 10};
  call.ended = ended;
  call.ended_at = {static_cast<int64_t>(ended) * 10};
  if (ended == 0) call.state = CallRecord::State::kOpen;
  history.calls.push_back(std::move(call));
  return history.calls.back();
}

std::shared_ptr<History> Common() {
  auto history = std::make_shared<History>();
  history->descriptions[1] = {.id = 1, .type = "eventpoll", .last_number = 5};
  history->descriptions[2] = {.id = 2, .type = "socket", .last_number = 3};
  history->interests[1] = {
      .id = 1, .instance = 1, .target = 2, .label = os_emu::FdLabel(os_emu::Fd{3})};
  Add(*history, 1000, kEpollCreate, "epoll_create1(0) = 5", 100, 110);
  CallRecord& set =
      Add(*history, 1000, kEpollCtl,
          "epoll_ctl(5, EPOLL_CTL_ADD, 3, {EPOLLIN|EPOLLET, {u32=3, u64=3}}) = 0", 200, 210);
  set.description = 1;
  set.second = 2;
  CallRecord& wait =
      Add(*history, 1001, kEpollPwait,
          "epoll_pwait(5, [{EPOLLIN, {u32=3, u64=3}}], 8, -1, NULL, 8) = 1", 300, 620);
  wait.description = 1;
  wait.woken_by = 4;
  wait.woken = 405;
  Add(*history, 1002, kSendto, "sendto(4, \"ping\", 4, 0, NULL, 0) = 4", 400, 410);
  const auto event = [&](InterestEvent::Kind kind, os_emu::EventMask events, machine::Step step,
                         machine::CallId call) {
    history->interest_events.push_back({.kind = kind,
                                        .interest = 1,
                                        .events = events,
                                        .step = step,
                                        .at = {static_cast<int64_t>(step) * 10},
                                        .call = call});
  };
  event(InterestEvent::Kind::kSet, os_emu::kIn | os_emu::kEdge, 205, 2);
  event(InterestEvent::Kind::kNoticed, os_emu::kIn, 405, 4);
  event(InterestEvent::Kind::kDelivered, os_emu::kIn, 615, 3);
  return history;
}

Outcome Failing() {
  auto history = Common();
  Add(*history, 1000, kFutex, "futex(0x2000, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>", 500, 0);
  Add(*history, 1001, kEpollPwait, "epoll_pwait(5, <unfinished ...>", 700, 0).description = 1;
  Add(*history, 1002, kRecvfrom, "recvfrom(4, <unfinished ...>", 800, 0);
  history->preemptions.push_back({Tid{1001}, Tid{1002}, 650, nullptr});
  Outcome outcome;
  outcome.kind = Outcome::Kind::kDeadlock;
  outcome.instructions = 1000;
  outcome.virtual_time = {10'000};
  outcome.history = std::move(history);
  outcome.reasons = {
      "thread 1001 sleeps in epoll_pwait(5) since step 700, though descriptor 3 (socket) is ready: "
      "EPOLLIN. Its edge was given to thread 1001 by epoll_pwait(5) = 1 at step 615.",
      "a cycle: thread 1000 waits for the end of thread 1002."};
  outcome.call_stacks[6] = "0x1234 in Drive at loop.cc:59\n0x5678 in main at loop.cc:104";
  outcome.threads = {
      {.pid = 1000, .tid = 1001, .state = "epoll_pwait(5, ", .stack = {{.pc = 0x99}}}};
  return outcome;
}

Outcome Passing() {
  auto history = Common();
  Add(*history, 1001, kRecvfrom, "recvfrom(3, \"ping\", 64, 0, NULL, NULL) = 4", 700, 710);
  Add(*history, 1000, kFutex, "futex(0x2000, FUTEX_WAIT_PRIVATE, 0, NULL) = 0", 720, 730);
  Outcome outcome;
  outcome.instructions = 900;
  outcome.virtual_time = {9000};
  outcome.history = std::move(history);
  return outcome;
}

// ---- A page in a browser.

std::string Outputs() {
  const char* const outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  return outputs == nullptr ? std::string(std::getenv("TEST_TMPDIR")) : outputs;
}

struct Color {
  int red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};
void PrintTo(const Color& color, std::ostream* out) {
  *out << "rgb(" << color.red << ", " << color.green << ", " << color.blue << ")";
}

class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string profile = absl::StrCat(std::getenv("TEST_TMPDIR"), "/browser-XXXXXX");
    ASSERT_NE(mkdtemp(profile.data()), nullptr);
    absl::StatusOr<std::unique_ptr<Browser>> browser = Browser::Start(profile);
    ASSERT_TRUE(browser.ok()) << browser.status();
    browser_ = *std::move(browser);
    browser_->Resize(1400, 900);
    browser_->PreferDark(false);
  }
  // Whatever a test does, the page has no errors.
  void TearDown() override {
    if (browser_ == nullptr) return;
    EXPECT_EQ(browser_->errors(), std::vector<std::string>());
    Shot("last");
  }

  void Open(const std::string& page) {
    const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/page.html");
    std::ofstream(path) << page;
    OpenFile(path);
  }
  void OpenFile(const std::string& path) {
    browser_->Open(path);
    Ask("started");
    browser_->Settle();
  }
  void OpenBoth() {
    const Outcome failing = Failing(), passing = Passing();
    const ReportedRun runs[] = {{.title = "the failing one", .outcome = &failing},
                                {.title = "the passing one", .outcome = &passing}};
    Open(ReportOf("a guest", runs));
  }
  // To be looked at: bazel-testlogs/cli/page_test/test.outputs.
  void Shot(const std::string& what) {
    EXPECT_TRUE(browser_->Screenshot(
        absl::StrCat(Outputs(), "/", testing::UnitTest::GetInstance()->current_test_info()->name(),
                     "_", what, ".png")));
  }

  json Ask(const std::string& expression) { return browser_->Evaluate(expression); }
  std::string Text(const std::string& selector) {
    const json text =
        Ask(absl::StrCat("document.querySelector(", json(selector).dump(), ").textContent"));
    return text.is_string() ? text.get<std::string>() : "(nothing)";
  }
  // Where the page draws what lies at a step: in the window, in the middle of the thread's lane.
  struct Point {
    double x = 0, y = 0;
  };
  Point At(int run, double step, int tid) {
    const json point = Ask(absl::StrCat(
        "(() => { const one = views[", run, "], box = one.canvas.getBoundingClientRect();",
        "return [box.x + one.x(one.ofStep(", step, ")), box.y + one.y(one.run.laneOf.get(", tid,
        ")) + one.lane / 2]; })()"));
    if (!point.is_array()) return {};
    return {point.at(0), point.at(1)};
  }
  // What is painted there, in the canvas of the run.
  Color At(int run, Point point) {
    const json color = Ask(absl::StrCat(
        "(() => { const one = views[", run, "], box = one.canvas.getBoundingClientRect();",
        "return [...one.context.getImageData(Math.floor(", point.x, " - box.x), Math.floor(",
        point.y, " - box.y), 1, 1).data]; })()"));
    if (!color.is_array()) return {};
    return {color.at(0), color.at(1), color.at(2)};
  }
  // A colour of the page's style, as it is now: "--mark".
  Color Named(const std::string& name) {
    const json color = Ask(absl::StrCat(
        "(() => { const g = document.createElement('canvas').getContext('2d');",
        "g.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('", name,
        "').trim(); g.fillRect(0, 0, 1, 1); return [...g.getImageData(0, 0, 1, 1).data]; })()"));
    if (!color.is_array()) return {};
    return {color.at(0), color.at(1), color.at(2)};
  }
  // How many lanes have a name painted before them.
  int NamedLanes(int run) {
    return Ask(absl::StrCat(
                   "(() => { const one = views[", run, "]; let count = 0;",
                   "for (let y = kAxis; y + one.lane <= one.height + 1; y += one.lane) {",
                   "  const bytes = one.context.getImageData(8, y + 4, kGutter - 20, one.lane - "
                   "8).data;",
                   "  if (bytes.some((byte, i) => Math.abs(byte - bytes[i % 4]) > 40)) ++count;",
                   "} return count; })()"))
        .get<int>();
  }
  // Clicks an element, by what it says.
  void ClickText(const std::string& selector, const std::string& text) {
    const json box =
        Ask(absl::StrCat("(() => { for (const one of document.querySelectorAll(",
                         json(selector).dump(), "))", "if (one.textContent === ", json(text).dump(),
                         ") { one.scrollIntoView({block: 'nearest'});",
                         "const box = one.getClientRects()[0]; return [box.x + box.width / 2, "
                         "box.y + box.height / 2]; }",
                         "return null; })()"));
    ASSERT_TRUE(box.is_array()) << selector << " that says " << text << " is not there";
    browser_->Click(box.at(0), box.at(1));
  }
  void ClickCall(int run, double step, int tid) {
    const Point point = At(run, step, tid);
    browser_->Click(point.x, point.y);
  }
  // What the panel says of a property.
  std::string Row(const std::string& section, const std::string& name) {
    const json text =
        Ask(absl::StrCat("(() => { for (const row of document.querySelectorAll('#", section,
                         " tr'))", "if (row.cells[0].textContent === '", name,
                         "') return row.cells[1].textContent;", "return ''; })()"));
    return text.is_string() ? text.get<std::string>() : "(nothing)";
  }
  json View() { return Ask("[view.from, view.to]"); }

  std::unique_ptr<Browser> browser_;
};

TEST_F(PageTest, LanesAndWhatFailed) {
  OpenBoth();
  EXPECT_EQ(Text("#title"), "a guest");
  EXPECT_EQ(Ask("document.querySelectorAll('.run').length"), 2);
  EXPECT_EQ(NamedLanes(0), 3);
  EXPECT_EQ(NamedLanes(1), 3);
  EXPECT_THAT(Text(".run h2"), HasSubstr("exit 124, 7 calls of 3 threads, 1000 steps, 10 us"));
  // Each call is painted where it was, and nothing beside it.
  const Color lane = Named("--lane"), back = At(0, At(0, 150, 1000));
  EXPECT_EQ(back, lane);
  EXPECT_NE(At(0, At(0, 205, 1000)), lane);
  EXPECT_NE(At(0, At(0, 405, 1002)), lane);
  EXPECT_EQ(At(0, At(0, 300, 1002)), lane);
  // The finding: a box with the reason, the end's line, and a frame around what waits for ever.
  EXPECT_EQ(Ask("document.querySelectorAll('.why').length"), 1);
  EXPECT_THAT(Text(".why"), HasSubstr("though descriptor 3 (socket) is ready: EPOLLIN"));
  EXPECT_EQ(Ask("getComputedStyle(document.querySelector('.why')).borderLeftColor"),
            "rgb(198, 40, 40)");
  const auto ends_marked = [&](int run, double step) {
    Point end = At(run, step, 1002);
    end.x -= 1;
    end.y += Ask("views[0].lane / 2").get<double>() - 2;  // Between lanes.
    const Color there = At(run, end);                     // A line of one pixel may lie across two.
    return there.red - there.blue > 60 && there.red - there.green > 60;
  };
  EXPECT_TRUE(ends_marked(0, 1000));
  EXPECT_FALSE(ends_marked(0, 600));
  EXPECT_FALSE(ends_marked(1, 900));
  EXPECT_EQ(Ask("(() => { const one = views[0], x = Math.round(one.x(one.ofStep(850)));"
                "const y = Math.round(one.y(one.run.laneOf.get(1001))) + 4;"
                "return [...one.context.getImageData(x, y, 12, 1).data].filter((byte, i, all) =>"
                "i % 4 === 0 && all[i] === 198 && all[i + 1] === 40).length > 3; })()"),
            true);
  Shot("light");
}

TEST_F(PageTest, AClickShowsTheCallAndItsStack) {
  OpenBoth();
  ClickCall(0, 205, 1000);
  EXPECT_EQ(Text("#detail h2"), "epoll_ctl");
  EXPECT_EQ(Text("#detail pre"),
            "epoll_ctl(5, EPOLL_CTL_ADD, 3, {EPOLLIN|EPOLLET, {u32=3, u64=3}}) = 0");
  EXPECT_EQ(Row("detail", "thread"), "1000 of process 1000");
  EXPECT_EQ(Row("detail", "on"), "eventpoll #1, last as 5");
  EXPECT_EQ(Row("detail", "and"), "socket #2, last as 3");
  EXPECT_EQ(Row("detail", "took"), "100 ns");
  ClickCall(0, 850, 1001);
  EXPECT_EQ(Text("#detail h2"), "epoll_pwait");
  EXPECT_EQ(Row("detail", "state"), "waits to the end");
  EXPECT_EQ(Text("#detail h2 ~ h2 ~ pre"),
            "#0 0x1234 in Drive at loop.cc:59\n#1 0x5678 in main at loop.cc:104");
  // In the other run it is another call.
  ClickCall(1, 705, 1001);
  EXPECT_EQ(Text("#detail pre"), "recvfrom(3, \"ping\", 64, 0, NULL, NULL) = 4");
  EXPECT_EQ(Row("detail", "run"), "the passing one");
}

TEST_F(PageTest, WhoWokeWhom) {
  OpenBoth();
  ClickCall(0, 500, 1001);
  // Its arrow's head, where the wait ended.
  Point head = At(0, 405, 1001);
  head.x -= 4;
  EXPECT_EQ(At(0, head), Named("--link"));
  EXPECT_EQ(Row("detail", "woken by"),
            "thread 1002, sendto(4, \"ping\", 4, 0, NULL, 0) = 4, step 400");
  browser_->Press("w");
  EXPECT_EQ(Text("#detail h2"), "sendto");
  EXPECT_THAT(Row("detail", "wakes"), HasSubstr("thread 1001, epoll_pwait(5, "));
  browser_->Press("0");
  EXPECT_EQ(At(0, head), Named("--link"));
  // Of a call that woke nobody there is none.
  ClickCall(0, 205, 1000);
  EXPECT_NE(At(0, head), Named("--link"));
}

TEST_F(PageTest, ReadyListsAtAnyStep) {
  OpenBoth();
  ClickCall(0, 105, 1000);
  EXPECT_THAT(Text("#epoll"), HasSubstr("No instance has an interest."));
  ClickCall(0, 355, 1001);
  // A call that lasts is selected with the step that was clicked: before the edge.
  EXPECT_THAT(Text("#epoll"),
              HasSubstr("eventpoll #1, last as 5: 1 interests, 0 in the ready list"));
  EXPECT_EQ(Row("epoll", "fd 3"), "EPOLLIN|EPOLLET");
  ClickCall(0, 450, 1000);  // Beside all calls.
  EXPECT_THAT(Text("#detail"), HasSubstr("no call here"));
  EXPECT_THAT(Text("#epoll"), HasSubstr("1 interests, 1 in the ready list"));
  EXPECT_EQ(Row("epoll", "fd 3"), "EPOLLIN|EPOLLETready since step 405");
  // The sentence's links lead to the steps that it names.
  ClickText(".why a", "step 615");
  EXPECT_EQ(Text("#epoll h2"), "epoll at step 615");
  EXPECT_EQ(Text("#detail h2"), "epoll_pwait");
  EXPECT_EQ(Row("epoll", "fd 3"), "EPOLLIN|EPOLLETlast given at step 615: EPOLLIN");
  EXPECT_THAT(Text("#epoll"), HasSubstr("0 in the ready list"));
  // So do threads where it names none, and a key for one after the other.
  ClickText(".why a", "thread 1002");
  EXPECT_EQ(Text("#detail h2"), "recvfrom");
  for (const char* const step : {"700", "615", "500", "800", "700"}) {
    browser_->Press("f");
    EXPECT_EQ(Text("#epoll h2"), absl::StrCat("epoll at step ", step));
  }
}

TEST_F(PageTest, WhereTheRunsPart) {
  OpenBoth();
  const json notes =
      Ask("[...document.querySelectorAll('.note.part')].map((one) => one.textContent)");
  EXPECT_EQ(notes, json({"They part here: thread 1000, futex(0x2000, FUTEX_WAIT_PRIVATE, 0, NULL "
                         "<unfinished ...>, step 500",
                         "They part here: thread 1001, recvfrom(3, \"ping\", 64, 0, NULL, NULL) = "
                         "4, step 700"}));
  // A dashed line in both.
  for (const auto& [run, step] : {std::pair{0, 500}, {1, 700}}) {
    EXPECT_EQ(Ask(absl::StrCat(
                  "(() => { const one = views[", run, "], x = Math.round(one.x(one.ofStep(", step,
                  "))); const bytes = one.context.getImageData(x - 1, kAxis, 2, ",
                  "one.height - kAxis - 2).data; let count = 0;",
                  "for (let i = 0; i < bytes.length; i += 4)",
                  "if (Math.abs(bytes[i] - 178) < 90 && Math.abs(bytes[i + 1] - 106) < 90 &&",
                  "bytes[i] - bytes[i + 2] > 60) ++count;", "return count > one.height / 3; })()")),
              true)
        << run;
  }
  browser_->Press("d");
  EXPECT_EQ(Text("#detail h2"), "futex");
  EXPECT_EQ(Row("detail", "step"), "500 on");
  browser_->Press("r");
  browser_->Press("k");  // Its last call.
  EXPECT_EQ(Row("detail", "run"), "the passing one");
  EXPECT_EQ(Row("detail", "step"), "720 to 730");
}

// Each alone makes the fifth call another one: whose it is, which, when it began, and that it is
// there.
TEST_F(PageTest, WhatTwoRunsPartBy) {
  struct Case {
    std::string what;
    int tid;
    uint64_t number;
    machine::Step began;
    bool parts;
  };
  for (const Case& other :
       {Case{"nothing", 1000, kFutex, 500, false}, Case{"the thread", 1001, kFutex, 500, true},
        Case{"the call", 1000, kSendto, 500, true}, Case{"the step", 1000, kFutex, 501, true},
        Case{"the end", 0, 0, 0, true}}) {
    const auto one_history = Common(), other_history = Common();
    // What a call was given and gave may differ.
    Add(*one_history, 1000, kFutex, "one(1) = 1", 500, 510);
    if (other.tid != 0)
      Add(*other_history, other.tid, other.number, "other(2) = 2", other.began, 510);
    Outcome one = Passing(), another = Passing();
    one.history = one_history;
    another.history = other_history;
    const ReportedRun runs[] = {{.title = "one", .outcome = &one},
                                {.title = "another", .outcome = &another}};
    Open(ReportOf("a guest", runs));
    const json parts = Ask("part");
    EXPECT_EQ(parts, other.parts ? json({4, 4}) : json(nullptr)) << other.what;
  }
}

TEST_F(PageTest, Search) {
  OpenBoth();
  browser_->Press("/");
  browser_->Type("FD:3");
  // epoll_ctl of both runs, and the passing one's recvfrom.
  EXPECT_EQ(Text("#found"), "3 found");
  const Point found = At(0, 205, 1000);
  const json lane = Ask("views[0].lane");
  EXPECT_EQ(At(0, {found.x, found.y + lane.get<double>() / 2 - 3.5}), Named("--mark"));
  browser_->Press("Enter");
  EXPECT_EQ(Text("#found"), "1 of 3");
  EXPECT_EQ(Text("#detail h2"), "epoll_ctl");
  browser_->Press("Escape");  // Out of the field, for the keys.
  browser_->Press("p");
  EXPECT_EQ(Text("#found"), "3 of 3");
  EXPECT_EQ(Text("#detail h2"), "recvfrom");
  browser_->Press("n");
  browser_->Press("n");
  EXPECT_EQ(Text("#found"), "2 of 3");
  EXPECT_EQ(Row("detail", "run"), "the passing one");
  Ask("byId('search').value = ''");
  browser_->Press("/");
  browser_->Type("tid:1002 ping");
  EXPECT_EQ(Text("#found"), "2 found");
  browser_->Type("pong");
  EXPECT_EQ(Text("#found"), "0 found");
}

TEST_F(PageTest, ZoomAndPan) {
  OpenBoth();
  const json all = View();
  const double span = all.at(1).get<double>() - all.at(0).get<double>();
  const Point cursor = At(0, 405, 1002);
  browser_->Wheel(cursor.x, cursor.y, -400);
  const json near = View();
  const double near_span = near.at(1).get<double>() - near.at(0).get<double>();
  EXPECT_LT(near_span, span * 0.7);
  // What was under the cursor still is, in both runs.
  EXPECT_NEAR(At(0, 405, 1002).x, cursor.x, 1);
  EXPECT_NEAR(At(1, 405, 1002).x, cursor.x, 1);
  browser_->Drag(cursor.x, cursor.y, cursor.x + 200);
  EXPECT_NEAR(At(0, 405, 1002).x, cursor.x + 200, 2);
  EXPECT_EQ(Text("#detail h2"), "Call") << "dragging selects nothing";
  browser_->Press("ArrowRight");
  EXPECT_LT(At(0, 405, 1002).x, cursor.x + 100);
  browser_->Press("0");
  EXPECT_EQ(View(), all);
  browser_->Press("+");
  EXPECT_NE(View(), all);
  ClickText("#fit", "Fit");
  EXPECT_EQ(View(), all);
  EXPECT_EQ(Text("#axis"), "Axis: virtual time");
  browser_->Press("x");
  EXPECT_EQ(Text("#axis"), "Axis: steps");
  EXPECT_NEAR(View().at(1).get<double>(), 1018, 5);
}

TEST_F(PageTest, SmallWindow) {
  Outcome failing = Failing();
  failing.history = LongHistory(1000);
  failing.instructions = 101'000;
  failing.virtual_time = {1'010'000};
  const ReportedRun runs[] = {{.title = "a", .outcome = &failing},
                              {.title = "b", .outcome = &failing}};
  Open(ReportOf("a guest", runs));
  browser_->Resize(1000, 660);
  browser_->Settle();
  // It is painted anew, in pixels of the window, and all ten lanes have room.
  EXPECT_EQ(Ask("views.map((one) => { const box = one.canvas.getBoundingClientRect();"
                "return one.canvas.width - Math.round(box.width) + one.canvas.height - "
                "Math.round(box.height); })"),
            json({0, 0}));
  EXPECT_EQ(NamedLanes(1), 10);
  Shot("ten");
  // In a smaller one some have not: a bar says where one is.
  browser_->Resize(1000, 500);
  browser_->Settle();
  EXPECT_LT(NamedLanes(1), 10);
  const json right =
      Ask("(() => { const box = views[1].canvas.getBoundingClientRect();"
          "return [box.right - 3, box.y + kAxis + 4, box.bottom - 3]; })()");
  EXPECT_NE(At(1, {right.at(0), right.at(1)}), At(1, {right.at(0), right.at(2)}));
  EXPECT_EQ(At(1, {right.at(0), right.at(1)}), Named("--soft"));
}

TEST_F(PageTest, KeysGoFromCallToCall) {
  OpenBoth();
  browser_->Press("j");
  EXPECT_EQ(Text("#detail h2"), "epoll_create1");
  browser_->Press("j");
  EXPECT_EQ(Text("#detail h2"), "epoll_ctl");
  browser_->Press("j");
  EXPECT_EQ(Text("#detail h2"), "futex");
  browser_->Press("k");
  EXPECT_EQ(Text("#detail h2"), "epoll_ctl");
  browser_->Press("j");
  browser_->Press("ArrowDown");
  EXPECT_EQ(Row("detail", "thread"), "1001 of process 1000");
  EXPECT_EQ(Row("detail", "step"), "300 to 620");
  browser_->Press("ArrowDown");
  EXPECT_EQ(Text("#detail h2"), "sendto");
  browser_->Press("ArrowUp");
  EXPECT_EQ(Row("detail", "thread"), "1001 of process 1000");
  browser_->Press("Escape");
  EXPECT_EQ(Text("#detail h2"), "Call");
  browser_->Press("?");
  EXPECT_EQ(Ask("byId('help').open"), true);
  EXPECT_THAT(Text("#help"), HasSubstr("where the runs part"));
  browser_->Press("Escape");
  EXPECT_EQ(Ask("byId('help').open"), false);
}

TEST_F(PageTest, Dark) {
  OpenBoth();
  const auto brightness = [](Color color) { return color.red + color.green + color.blue; };
  const Color light_lane = At(0, At(0, 150, 1000)), light_call = At(0, At(0, 205, 1000));
  EXPECT_GT(brightness(light_lane), 600);
  browser_->PreferDark(true);
  browser_->Settle();
  EXPECT_EQ(Ask("getComputedStyle(document.body).backgroundColor"), "rgb(20, 23, 26)");
  EXPECT_EQ(Ask("getComputedStyle(document.body).color"), "rgb(228, 231, 234)");
  // What is on the canvas is painted anew.
  EXPECT_EQ(At(0, At(0, 150, 1000)), Named("--lane"));
  EXPECT_LT(brightness(At(0, At(0, 150, 1000))), 150);
  EXPECT_LT(brightness(At(0, At(0, 205, 1000))), brightness(light_call));
  ClickCall(0, 850, 1001);
  Shot("dark");
}

TEST_F(PageTest, WhatIsTheGuestsIsText) {
  auto history = Common();
  history->calls.back().text = "sendto(4, \"</script><img src=x onerror=document.title=1>\") = 4";
  Outcome outcome = Failing();
  outcome.history = history;
  outcome.reasons = {"<b>thread 1001</b> & step 400"};
  const ReportedRun run{.title = "<i>a run</i>", .outcome = &outcome};
  Open(ReportOf("a guest", {&run, 1}));
  ClickCall(0, 405, 1002);
  EXPECT_EQ(Text("#detail pre"),
            "sendto(4, \"</script><img src=x onerror=document.title=1>\") = 4");
  EXPECT_EQ(Ask("document.querySelectorAll('img, b, i').length"), 0);
  EXPECT_EQ(Ask("document.title"), "pollux: a guest");
}

TEST_F(PageTest, NoCallAtAll) {
  Outcome outcome;
  outcome.history = std::make_shared<History>();
  const ReportedRun run{.title = "exited", .outcome = &outcome};
  Open(ReportOf("a guest", {&run, 1}));
  for (const char* const key : {"j", "k", "w", "f", "d", "r", "n", "x", "ArrowDown", "+", "0"})
    browser_->Press(key);
  EXPECT_THAT(Text(".run h2"), HasSubstr("exit 0, 0 calls of 0 threads"));
}

// Two runs of 100,000 calls of ten threads each: how long it takes is said, and whether it can be
// used.
TEST_F(PageTest, TwoLongRuns) {
  Outcome failing = Failing(), passing = Passing();
  failing.history = LongHistory(History::kMostCalls);
  auto other = LongHistory(History::kMostCalls);
  constexpr size_t kPart = 97'000;
  for (size_t i = kPart; i < other->calls.size(); ++i) {
    other->calls[i].began += 50;
    other->calls[i].began_at = {other->calls[i].began_at.value + 500};
  }
  passing.history = other;
  failing.instructions = passing.instructions = (History::kMostCalls + 10) * 100;
  failing.virtual_time = passing.virtual_time = {(History::kMostCalls + 10) * 1000};
  const ReportedRun runs[] = {{.title = "failing", .outcome = &failing},
                              {.title = "passing", .outcome = &passing}};
  const std::string page = ReportOf("a guest", runs);
  EXPECT_LT(page.size(), 5'000'000u);
  const auto begin = std::chrono::steady_clock::now();
  const auto since = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begin)
        .count();
  };
  Open(page);
  const auto loaded = since();
  std::cout << page.size() << " bytes, there after " << loaded << " ms\n";
  EXPECT_EQ(NamedLanes(0), 10);
  EXPECT_EQ(NamedLanes(1), 10);
  Shot("light");
  const json took =
      Ask("(() => { const times = []; for (let i = 0; i < 40; ++i) {"
          "  const from = performance.now();"
          "  zoom(0.8, (view.from + view.to) / 2); for (const one of views) one.draw();"
          "  const seen = views[0].context.getImageData(0, 0, 1, 1); times.push(performance.now() "
          "- from);"
          "} fit(); return times.sort((a, b) => a - b); })()");
  ASSERT_EQ(took.size(), 40u);
  std::cout << "a step of zooming: " << took[20] << " ms (median), " << took[39] << " ms (most)\n";
  EXPECT_THAT(Text(".run h2"), HasSubstr("100000 calls of 10 threads"));
  EXPECT_EQ(Ask("runs[0].first + part[0]"), kPart + 1);
  browser_->Press("d");
  EXPECT_THAT(Text("#detail pre"), HasSubstr(absl::StrCat("message number ", kPart + 1, " of")));
  EXPECT_THAT(Text("#epoll"), HasSubstr("1 in the ready list"));
  Shot("part");
  browser_->Press("/");
  browser_->Type("3699963");  // An argument of it alone.
  EXPECT_EQ(Text("#found"), "2 found");
  browser_->Press("Enter");
  EXPECT_THAT(Text("#detail pre"), HasSubstr("message number 99999 of"));
  browser_->PreferDark(true);
  browser_->Press("Escape");
  browser_->Press("0");
  Shot("dark");
}

// A run that was: what explore writes of a bug of the museum.
TEST_F(PageTest, OfAnExhibit) {
  const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/exhibit.html");
  const std::string command =
      absl::StrCat(std::getenv("POLLUX"), " explore --jobs=1 --seeds=64 ", "--report=", path, " ",
                   std::getenv("EXHIBIT"), " bug >/dev/null 2>&1 </dev/null");
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 1) << "it has a finding";
  OpenFile(path);
  EXPECT_EQ(NamedLanes(0), 3);
  EXPECT_EQ(NamedLanes(1), 3);
  EXPECT_THAT(Text(".why p"), HasSubstr("sleeps in epoll_pwait(5) since step "));
  EXPECT_EQ(Ask("document.querySelectorAll('.note.part').length"), 2);
  // The step since which it sleeps, which the sentence names first.
  browser_->Press("f");
  EXPECT_EQ(Text("#detail h2"), "epoll_pwait");
  EXPECT_EQ(Row("detail", "state"), "waits to the end");
  EXPECT_THAT(Text("#detail"), HasSubstr(" in (anonymous namespace)::Drive at "));
  EXPECT_THAT(Row("epoll", "fd 3"), HasSubstr("EPOLLIN"));
  EXPECT_THAT(Row("epoll", "fd 3"), HasSubstr("last given at step "));
  Shot("finding");
  browser_->Press("d");
  EXPECT_EQ(Ask("selected.call"), Ask("part[0]"));
  Shot("part");
}

}  // namespace
}  // namespace pollux::cli
