#include "cli/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/report_testing.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using nlohmann::json;

CallRecord Call(machine::CallId id, int tid, uint64_t number, int64_t began, int64_t ended) {
  return {.id = id,
          .pid = Tid{1000},
          .tid = Tid{tid},
          .number = number,
          .args = {4},
          .began = id * 100,
          .ended = id * 100 + 10,
          .began_at = {began},
          .ended_at = {ended},
          .state = CallRecord::State::kReturned,
          .result = 1};
}

json EventsOf(const History& history) {
  const json whole = json::parse(TimelineOf(history));
  return whole.at("traceEvents");
}

json Find(const json& events, const std::string& phase, const std::string& name) {
  for (const json& event : events) {
    if (event.at("ph") == phase && event.at("name") == name) return event;
  }
  return nullptr;
}

TEST(TimelineTest, ASliceACall) {
  History history;
  history.calls.push_back(Call(1, 1001, kRead, 5000, 7500));
  history.calls.back().text = "read(4, \"x\", 1) = 1";
  const json events = EventsOf(history);
  const json slice = Find(events, "X", "read");
  ASSERT_TRUE(slice.is_object());
  EXPECT_EQ(slice.at("ts"), 5.0);
  EXPECT_EQ(slice.at("dur"), 2.5);
  EXPECT_EQ(slice.at("pid"), 1000);
  EXPECT_EQ(slice.at("tid"), 1001);
  EXPECT_EQ(slice.at("args").at("call"), "read(4, \"x\", 1) = 1");
  EXPECT_EQ(Find(events, "M", "thread_name").at("args").at("name"), "thread 1001");
}

TEST(TimelineTest, AFlowFromWhoWakesToWhoIsWoken) {
  History history;
  history.calls.push_back(Call(1, 1001, kEpollPwait, 1000, 9000));
  history.calls.push_back(Call(2, 1000, kWrite, 8000, 8000));
  history.calls[0].woken_by = 2;
  history.calls[0].woken = 205;
  const json events = EventsOf(history);
  const json from = Find(events, "s", "wakes"), to = Find(events, "f", "wakes");
  ASSERT_TRUE(from.is_object() && to.is_object());
  EXPECT_EQ(from.at("id"), to.at("id"));
  EXPECT_EQ(from.at("tid"), 1000);
  EXPECT_EQ(from.at("ts"), 8.0);
  EXPECT_EQ(to.at("tid"), 1001);
  EXPECT_EQ(to.at("ts"), 8.999);  // At 9 it is over.
}

TEST(TimelineTest, ACallThatTakesNoTimeEndsBeforeTheNext) {
  History history;
  history.calls.push_back(Call(1, 1001, kRead, 5000, 5000));
  history.calls.push_back(Call(2, 1001, kWrite, 5003, 5003));
  const json events = EventsOf(history);
  EXPECT_EQ(Find(events, "X", "read").at("dur"), 0.002);
  EXPECT_EQ(Find(events, "X", "write").at("dur"), 0.01);
}

// What the format asks for, and what viewers drop where it is not so: in a thread slices that
// overlap are nested; a flow begins and ends within slices, which a viewer has met before, and does
// not go back in time.
void CheckFormat(const json& events) {
  struct Slice {
    double begin, end;  // As viewers reckon that take numbers as they are.
  };
  std::map<std::pair<int, int>, std::vector<Slice>> slices;
  std::map<uint64_t, json> flows;
  const auto nanoseconds = [](const json& value) {
    return static_cast<int64_t>(std::llround(value.get<double>() * 1000));
  };
  for (const json& event : events) {
    ASSERT_TRUE(event.at("name").is_string() && event.at("pid").is_number_integer() &&
                event.at("tid").is_number_integer() && event.at("ts").is_number())
        << event;
    const std::string phase = event.at("ph");
    const int64_t at = nanoseconds(event.at("ts"));
    ASSERT_GE(at, 0) << event;
    std::vector<Slice>& mine = slices[{event.at("pid"), event.at("tid")}];
    if (phase == "X") {
      const double begin = event.at("ts");
      const Slice slice{begin, begin + event.at("dur").get<double>()};
      ASSERT_GE(slice.end, slice.begin) << event;
      for (const Slice& other : mine) {
        const bool apart = slice.end <= other.begin || other.end <= slice.begin;
        const bool nested = (other.begin <= slice.begin && slice.end <= other.end) ||
                            (slice.begin <= other.begin && other.end <= slice.end);
        ASSERT_TRUE(apart || nested) << event;
      }
      mine.push_back(slice);
    } else if (phase == "s" || phase == "f") {
      const double time = event.at("ts");
      ASSERT_TRUE(std::any_of(mine.begin(), mine.end(), [&](const Slice& slice) {
        return slice.begin <= time && time < slice.end;
      })) << event;
      const auto [known, is_new] = flows.emplace(event.at("id"), event);
      ASSERT_EQ(is_new, phase == "s") << event;
      if (is_new) continue;
      EXPECT_EQ(event.at("bp"), "e");
      EXPECT_EQ(event.at("name"), known->second.at("name"));
      EXPECT_EQ(event.at("cat"), known->second.at("cat"));
      EXPECT_LE(nanoseconds(known->second.at("ts")), at) << event;
      known->second["ends"] = true;
    } else if (phase == "i") {
      EXPECT_EQ(event.at("s"), "t");
    } else {
      ASSERT_EQ(phase, "M") << event;
      EXPECT_TRUE(event.at("args").at("name").is_string());
    }
  }
  for (const auto& [id, flow] : flows) EXPECT_TRUE(flow.contains("ends")) << flow;
}

TEST(TimelineTest, TheFormat) {
  const auto history = LongHistory(300);
  // Calls that take no time, near each other.
  for (CallRecord& call : history->calls) {
    if (call.number == kWrite) call.ended_at = call.began_at;
  }
  CallRecord again = history->calls.back();
  ++again.id;
  again.began_at.value += 2;
  again.ended_at = again.began_at;
  again.woken_by = 0;
  history->calls.push_back(again);
  history->signals.push_back({Tid{1001}, 10, 500, 7});
  const json events = EventsOf(*history);
  CheckFormat(events);
  EXPECT_TRUE(Find(events, "s", "wakes").is_object());
  EXPECT_TRUE(Find(events, "i", "SIGUSR1").is_object());
}

TEST(TimelineTest, EndsAreNotBehindTheNextCallWhereTheyAreAddedUp) {
  History history;
  history.calls.push_back(Call(1, 1001, kRead, 10101, 10110));
  history.calls.push_back(Call(2, 1001, kWrite, 10110, 10120));
  const json events = EventsOf(history);
  CheckFormat(events);
  EXPECT_EQ(Find(events, "X", "read").at("dur"), 0.008);  // 10.101 + 0.009 > 10.110
  // One behind the other, at any time, also reckoned from the first one on.
  History dense;
  int64_t now = 12345;
  for (machine::CallId id = 1; id <= 2000; ++id) {
    const auto length = static_cast<int64_t>(1 + id * id % 97 * (id % 1000));
    dense.calls.push_back(Call(id, 1001, kRead, now, now + length));
    now += length;
  }
  json dense_events = EventsOf(dense);
  CheckFormat(dense_events);
  for (json& event : dense_events)
    event["ts"] = std::max(event.at("ts").get<double>() - 12.345, 0.);
  CheckFormat(dense_events);
}

TEST(TimelineTest, WhatWaitsToTheEndLastsToTheEnd) {
  History history;
  history.calls.push_back(Call(1, 1001, kEpollPwait, 1000, 0));
  history.calls[0].state = CallRecord::State::kOpen;
  history.calls.push_back(Call(2, 1000, kWrite, 50000, 60000));
  const json slice = Find(EventsOf(history), "X", "epoll_pwait");
  EXPECT_EQ(slice.at("dur"), 59.0);
  EXPECT_EQ(slice.at("args").at("waits"), true);
}

TEST(TimelineTest, WhatWaitsSinceBeforeAllThatIsRememberedIsThere) {
  History history;
  history.long_waits.emplace(Tid{1001}, Call(1, 1001, kEpollPwait, 1000, 0));
  history.long_waits.at(Tid{1001}).state = CallRecord::State::kOpen;
  history.calls.push_back(Call(7, 1000, kWrite, 50000, 60000));
  const json events = EventsOf(history);
  CheckFormat(events);
  EXPECT_EQ(Find(events, "X", "epoll_pwait").at("dur"), 59.0);
}

TEST(TimelineTest, EventsThatAreGivenOut) {
  History history;
  history.calls.push_back(Call(1, 1001, kEpollPwait, 1000, 2000));
  history.interests[7] = {.id = 7, .label = os_emu::FdLabel(os_emu::Fd{5})};
  history.interest_events.push_back({.kind = machine::InterestEvent::Kind::kDelivered,
                                     .interest = 7,
                                     .events = os_emu::kIn,
                                     .at = {2000},
                                     .call = 1});
  EXPECT_TRUE(Find(EventsOf(history), "i", "EPOLLIN of descriptor 5").is_object());
}

TEST(TimelineTest, BytesThatAreNoText) {
  History history;
  history.calls.push_back(Call(1, 1001, kRead, 0, 0));
  history.calls.back().text = "read(4, \"\xff\xfe</script>\", 1) = 1";
  EXPECT_TRUE(Find(EventsOf(history), "X", "read").is_object());
}

}  // namespace
}  // namespace pollux::cli
