#include "cli/timeline.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using nlohmann::json;

constexpr uint64_t kRead = 63, kWrite = 64, kEpollPwait = 22;

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
  EXPECT_EQ(to.at("ts"), 9.0);
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
