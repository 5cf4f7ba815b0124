// Histories that were never run, for tests of what shows them.
#ifndef POLLUX_CLI_REPORT_TESTING_H_
#define POLLUX_CLI_REPORT_TESTING_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "machine/history/history.h"

namespace pollux::cli {

inline constexpr uint64_t kRead = 63, kWrite = 64, kEpollPwait = 22;

inline machine::CallRecord Call(machine::CallId id, int tid, uint64_t number) {
  return {.id = id,
          .pid = Tid{1000},
          .tid = Tid{tid},
          .number = number,
          .args = {4},
          .began = id * 100,
          .ended = id * 100 + 10,
          .began_at = {static_cast<int64_t>(id) * 1000},
          .ended_at = {static_cast<int64_t>(id) * 1000 + 100},
          .state = machine::CallRecord::State::kReturned,
          .result = 1};
}

// Ten threads: one writes, one reads what comes, and so on.
inline std::shared_ptr<machine::History> LongHistory(size_t calls) {
  auto history = std::make_shared<machine::History>();
  history->descriptions[1] = {.id = 1, .type = "eventpoll", .last_number = 5};
  history->descriptions[2] = {.id = 2, .type = "socket", .last_number = 4};
  history->interests[1] = {
      .id = 1, .instance = 1, .target = 2, .label = os_emu::FdLabel(os_emu::Fd{4})};
  history->interest_events.push_back({.kind = machine::InterestEvent::Kind::kSet,
                                      .interest = 1,
                                      .events = os_emu::kIn,
                                      .step = 1});
  for (size_t i = 1; i <= calls; ++i) {
    const uint64_t number = i % 3 == 0 ? kRead : i % 3 == 1 ? kEpollPwait : kWrite;
    machine::CallRecord call = Call(i, 1000 + static_cast<int>(i * 7 % 10), number);
    call.text = absl::StrCat("call(", i % 12, ", \"message number ", i,
                             " of many that are all of them different\", ", i * 37, ") = 1");
    call.description = 2;
    // It waits until the next call of its thread, ten later, is about to begin.
    call.ended = call.began + (number == kEpollPwait ? 900 : 40);
    call.ended_at = {call.began_at.value + (number == kEpollPwait ? 9000 : 400)};
    if (number == kEpollPwait && i + 4 <= calls) {
      call.woken_by = i + 4;
      call.woken = (i + 4) * 100 + 5;
    }
    history->calls.push_back(std::move(call));
    if (i % 10 == 0) {
      history->interest_events.push_back({.kind = machine::InterestEvent::Kind::kNoticed,
                                          .interest = 1,
                                          .events = os_emu::kIn,
                                          .step = i * 100,
                                          .at = {static_cast<int64_t>(i) * 1000},
                                          .call = i});
    }
  }
  return history;
}

}  // namespace pollux::cli

#endif  // POLLUX_CLI_REPORT_TESTING_H_
