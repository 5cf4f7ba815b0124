#include "cli/timeline.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "machine/history/wording.h"
#include "os_emu/task/signal.h"
#include "shims/context.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using nlohmann::json;

double Microseconds(Nanos at) { return static_cast<double>(at.value) / 1000; }

// Each call takes some time, or viewers show nothing. No longer than until the thread's next one
// begins: viewers drop what overlaps in a thread and is not nested.
constexpr int64_t kLeastNs = 10;

class Timeline {
 public:
  explicit Timeline(const History& history) : history_(history) {}

  std::string Text() {
    for (const auto& [tid, call] : history_.long_waits) shown_.push_back(&call);
    for (const CallRecord& call : history_.calls) shown_.push_back(&call);
    for (const CallRecord* const call : shown_)
      last_ = std::max({last_, call->began_at.value, call->ended_at.value});
    std::map<Tid, int64_t> next;  // When it begins, of the thread's next call.
    for (auto call = shown_.rbegin(); call != shown_.rend(); ++call) {
      const auto known = next.find((*call)->tid);
      ends_[(*call)->id] = EndOf(**call, known == next.end() ? INT64_MAX : known->second);
      next[(*call)->tid] = (*call)->began_at.value;
    }
    for (const CallRecord* const call : shown_) Add(*call);
    // Behind all calls: a flow belongs to a call that a viewer has met.
    for (const CallRecord* const call : shown_) AddWake(*call);
    for (const machine::InterestEvent& event : history_.interest_events) Add(event);
    for (const machine::SignalRecord& signal : history_.signals) Add(signal);
    for (const auto& [tid, pid] : processes_) Name(tid, pid);
    const json whole = {{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events_)}};
    // Text of the guest's may be no UTF-8.
    return whole.dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  json Event(const char* phase, std::string name, double at, Tid tid) {
    return {{"ph", phase},
            {"name", std::move(name)},
            {"ts", at},
            {"pid", static_cast<int32_t>(processes_.at(tid))},
            {"tid", static_cast<int32_t>(tid)}};
  }

  int64_t EndOf(const CallRecord& call, int64_t next) const {
    const int64_t begin = call.began_at.value;
    int64_t end = call.state == CallRecord::State::kOpen ? last_ : call.ended_at.value;
    // A nanosecond is left between two: viewers add times up as floating point, some from the first
    // one on, where 10.101 + 0.009 is more than 10.110.
    end = std::min(std::max(end, begin + kLeastNs), std::max(next - 1, begin));
    while (end > begin &&
           Microseconds({begin}) + Microseconds({end - begin}) >= Microseconds({next}))
      --end;
    return end;
  }

  void Add(const CallRecord& call) {
    processes_.emplace(call.tid, call.pid);
    const bool open = call.state == CallRecord::State::kOpen;
    json slice = Event("X", shims::SyscallName(call.number), Microseconds(call.began_at), call.tid);
    slice["cat"] = "call";
    slice["dur"] = Microseconds({ends_.at(call.id) - call.began_at.value});
    slice["args"] = {{"call", call.text.empty() ? machine::CallWords(call) : call.text},
                     {"step", call.began}};
    if (open) slice["args"]["waits"] = true;
    if (const CallRecord* const waker = WakerOf(call)) {
      slice["args"]["woken_by"] = absl::StrCat(machine::ThreadWords(waker->tid), ", ",
                                               machine::CallWords(*waker), ", step ", call.woken);
    }
    events_.push_back(std::move(slice));
  }

  const CallRecord* WakerOf(const CallRecord& call) const {
    const CallRecord* const waker = history_.Find(call.woken_by);
    return waker != nullptr && waker->tid != call.tid ? waker : nullptr;
  }

  // From the beginning of the one to the last nanosecond of the other: at its end it is over, and a
  // flow to nothing.
  void AddWake(const CallRecord& call) {
    const CallRecord* const waker = WakerOf(call);
    if (waker == nullptr) return;
    const int64_t last = std::max(ends_.at(call.id) - 1, call.began_at.value);
    Flow("s", Microseconds({std::min(waker->began_at.value, last)}), *waker, call.id);
    Flow("f", Microseconds({last}), call, call.id);
  }

  void Flow(const char* phase, double at, const CallRecord& call, uint64_t id) {
    processes_.emplace(call.tid, call.pid);
    json flow = Event(phase, "wakes", at, call.tid);
    flow["cat"] = "wake";
    flow["id"] = id;
    if (phase[0] == 'f') flow["bp"] = "e";
    events_.push_back(std::move(flow));
  }

  void Add(const machine::InterestEvent& event) {
    const CallRecord* const call = history_.Find(event.call);
    const auto interest = history_.interests.find(event.interest);
    if (event.kind != machine::InterestEvent::Kind::kDelivered || call == nullptr ||
        interest == history_.interests.end())
      return;
    json instant = Event("i",
                         absl::StrCat(machine::EventWords(event.events), " of descriptor ",
                                      interest->second.label.Text()),
                         Microseconds(event.at), call->tid);
    instant["s"] = "t";
    instant["cat"] = "epoll";
    events_.push_back(std::move(instant));
  }

  void Add(const machine::SignalRecord& signal) {
    const CallRecord* const after = history_.Find(signal.after);
    if (after == nullptr || !processes_.contains(signal.tid)) return;
    json instant =
        Event("i", os_emu::SignalName(signal.signal), Microseconds(after->began_at), signal.tid);
    instant["s"] = "t";
    instant["cat"] = "signal";
    events_.push_back(std::move(instant));
  }

  void Name(Tid tid, Tid pid) {
    json thread = Event("M", "thread_name", 0, tid);
    thread["args"] = {{"name", machine::ThreadWords(tid)}};
    events_.push_back(std::move(thread));
    if (!named_.insert(pid).second) return;
    json process = Event("M", "process_name", 0, tid);
    process["args"] = {{"name", absl::StrCat("process ", static_cast<int32_t>(pid))}};
    events_.push_back(std::move(process));
  }

  const History& history_;
  std::vector<const CallRecord*> shown_;  // Of each thread in their order.
  json events_ = json::array();
  std::map<Tid, Tid> processes_;  // Of each thread.
  std::set<Tid> named_;
  std::map<machine::CallId, int64_t> ends_;  // In ns, as they are shown.
  int64_t last_ = 0;
};

}  // namespace

std::string TimelineOf(const History& history) { return Timeline(history).Text(); }

std::string WriteTimeline(const std::string& path, const History& history) {
  const std::string text = TimelineOf(history);
  std::FILE* const file = std::fopen(path.c_str(), "w");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  if (file != nullptr && std::fclose(file) != 0) written = false;
  return written ? "" : absl::StrCat("--timeline=", path, ": ", std::strerror(error));
}

}  // namespace pollux::cli
