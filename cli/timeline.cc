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

// Each event takes some time, or viewers show nothing: that of an instruction.
constexpr double kLeast = 0.01;

class Timeline {
 public:
  explicit Timeline(const History& history) : history_(history) {}

  std::string Text() {
    for (const CallRecord& call : history_.calls)
      last_ = std::max({last_, Microseconds(call.began_at), Microseconds(call.ended_at)});
    for (const CallRecord& call : history_.calls) Add(call);
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

  void Add(const CallRecord& call) {
    processes_.emplace(call.tid, call.pid);
    const bool open = call.state == CallRecord::State::kOpen;
    const double begin = Microseconds(call.began_at);
    const double end = open ? last_ : Microseconds(call.ended_at);
    json slice = Event("X", shims::SyscallName(call.number), begin, call.tid);
    slice["cat"] = "call";
    slice["dur"] = std::max(end - begin, kLeast);
    slice["args"] = {{"call", call.text.empty() ? machine::CallWords(call) : call.text},
                     {"step", call.began}};
    if (open) slice["args"]["waits"] = true;
    const CallRecord* const waker = history_.Find(call.woken_by);
    if (waker != nullptr && waker->tid != call.tid) {
      slice["args"]["woken_by"] = absl::StrCat(machine::ThreadWords(waker->tid), ", ",
                                               machine::CallWords(*waker), ", step ", call.woken);
      Flow("s", Microseconds(waker->began_at), *waker, call.id);
      Flow("f", std::max(begin, end), call, call.id);
    }
    events_.push_back(std::move(slice));
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
  json events_ = json::array();
  std::map<Tid, Tid> processes_;  // Of each thread.
  std::set<Tid> named_;
  double last_ = 0;
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
