#include "cli/report.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/page/page.h"
#include "explore/schedule_file.h"
#include "machine/history/history.h"
#include "machine/history/wording.h"
#include "os_emu/task/signal.h"
#include "shims/context.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using nlohmann::json;

// Longer lines of a trace are cut.
constexpr size_t kLongestText = 240;

// How much of a history is shown; always the last.
struct Share {
  size_t calls, texts, events;
};

// As ASCII without '<': nothing in it would end a <script> element.
std::string Dump(const json& value) {
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return absl::StrReplaceAll(text, {{"<", "\\u003c"}});
}

// Numbers that grow, as what each adds to the one before.
class Growing {
 public:
  explicit Growing(json* column) : column_(column) {}
  void Add(int64_t value) { column_->push_back(value - std::exchange(last_, value)); }

 private:
  json* column_;
  int64_t last_ = 0;
};

class RunData {
 public:
  RunData(const ReportedRun& run, const Share& share)
      : run_(run), history_(*run.outcome->history), share_(share) {}

  json Make() {
    const machine::Outcome& outcome = *run_.outcome;
    json run = {{"title", run_.title},
                {"exit", outcome.ExitCode()},
                {"instructions", outcome.instructions},
                {"time", outcome.virtual_time.value},
                {"explanation", outcome.explanation},
                {"reasons", outcome.reasons}};
    run["lints"] = json::array();
    for (const machine::Outcome::Lint& lint : outcome.lints)
      run["lints"].push_back({lint.name, lint.text});
    run["stacks"] = json::object();
    for (const auto& [call, stack] : outcome.call_stacks) run["stacks"][absl::StrCat(call)] = stack;
    run["threads"] = json::array();
    for (const machine::ThreadReport& thread : outcome.threads)
      run["threads"].push_back({thread.pid, thread.tid, thread.state, StackJson(thread.stack)});
    AddCalls(run);
    AddEpoll(run);
    run["signals"] = json::array();
    for (size_t i = First(history_.signals.size(), share_.events); i < history_.signals.size();
         ++i) {
      const machine::SignalRecord& signal = history_.signals[i];
      run["signals"].push_back({static_cast<int32_t>(signal.tid),
                                Index(std::string(os_emu::SignalName(signal.signal))), signal.step,
                                signal.after});
    }
    run["preemptions"] = json::array();
    for (const machine::Preemption& preemption : history_.preemptions)
      run["preemptions"].push_back({static_cast<int32_t>(preemption.from),
                                    static_cast<int32_t>(preemption.to), preemption.step});
    run["strings"] = std::move(strings_);
    return run;
  }

 private:
  static size_t First(size_t size, size_t most) { return size - std::min(size, most); }

  static json StackJson(const std::vector<machine::Frame>& stack) {
    json frames = json::array();
    for (const machine::Frame& frame : stack) frames.push_back(FrameText(frame));
    return frames;
  }

  // Of a string that is there once.
  size_t Index(std::string text) {
    if (text.size() > kLongestText) {
      text.resize(kLongestText);
      text += "...";
    }
    const auto [known, is_new] = indices_.try_emplace(std::move(text), strings_.size());
    if (is_new) strings_.push_back(known->first);
    return known->second;
  }

  void AddCalls(json& run) {
    const size_t size = history_.calls.size();
    const size_t first = First(size, share_.calls), first_text = First(size, share_.texts);
    json names = json::array(), task_of = json::array(), tasks = json::array(),
         began = json::array(), took = json::array(), began_at = json::array(),
         took_time = json::array(), states = json::array(), results = json::array(),
         descriptions = json::array(), texts = json::array(), wakes = json::array(),
         seconds = json::array();
    std::map<std::pair<Tid, Tid>, size_t> places;
    Growing steps(&began), times(&began_at), text_indices(&texts);
    for (size_t i = first; i < size; ++i) {
      const CallRecord& call = history_.calls[i];
      const bool open = call.state == CallRecord::State::kOpen;
      names.push_back(Index(std::string(shims::SyscallName(call.number))));
      const auto [task, is_new] = places.try_emplace({call.tid, call.pid}, tasks.size());
      if (is_new) tasks.push_back({static_cast<int32_t>(call.tid), static_cast<int32_t>(call.pid)});
      task_of.push_back(task->second);
      steps.Add(static_cast<int64_t>(call.began));
      took.push_back(open ? 0 : call.ended - call.began);
      times.Add(call.began_at.value);
      took_time.push_back(open ? 0 : call.ended_at.value - call.began_at.value);
      states.push_back(static_cast<int>(call.state));
      // Of more than 53 bits: text, as the browser would round it.
      constexpr int64_t kMost = int64_t{1} << 53;
      if (call.result > kMost || call.result < -kMost) {
        results.push_back(absl::StrCat(call.result));
      } else {
        results.push_back(call.result);
      }
      descriptions.push_back(call.description);
      if (call.second != 0) seconds.push_back({i - first, call.second});
      const bool has_text = i >= first_text && !call.text.empty();
      text_indices.Add(
          static_cast<int64_t>(Index(has_text ? call.text : machine::CallWords(call))));
      if (call.woken != 0) wakes.push_back({i - first, call.woken_by, call.woken});
    }
    run["calls"] = {{"first", size == 0 ? 0 : history_.calls[first].id},
                    {"before", size == 0 ? 0 : history_.calls[first].id - 1},
                    {"withoutText", first_text > first ? first_text - first : 0},
                    {"name", std::move(names)},
                    {"task", std::move(task_of)},
                    {"tasks", std::move(tasks)},
                    {"began", std::move(began)},
                    {"took", std::move(took)},
                    {"at", std::move(began_at)},
                    {"time", std::move(took_time)},
                    {"state", std::move(states)},
                    {"result", std::move(results)},
                    {"description", std::move(descriptions)},
                    {"second", std::move(seconds)},
                    {"text", std::move(texts)},
                    {"wakes", std::move(wakes)}};
  }

  void AddEpoll(json& run) {
    // From the first call that is shown on; what was set before and holds then comes first.
    const size_t size = history_.interest_events.size();
    size_t first = First(size, share_.events);
    if (const size_t call = First(history_.calls.size(), share_.calls); call > 0) {
      const machine::Step began = history_.calls[call].began;
      while (first < size && history_.interest_events[first].step < began) ++first;
    }
    json events = json::array(), interests = json::array(), descriptions = json::array();
    std::map<uint32_t, bool> named;
    std::map<machine::DescriptionId, bool> meant;
    // What was set before the first that is shown.
    std::map<uint32_t, machine::InterestEvent> before;
    for (size_t i = 0; i < size; ++i) {
      const machine::InterestEvent& event = history_.interest_events[i];
      using Kind = machine::InterestEvent::Kind;
      if (i < first) {
        if (event.kind == Kind::kSet) before[event.interest] = event;
        if (event.kind == Kind::kGone) before.erase(event.interest);
        continue;
      }
      if (i == first) AddAll(events, before);
      AddEvent(events, event);
      named[event.interest] = true;
    }
    if (first == size) AddAll(events, before);
    for (const auto& [id, set] : before) named[id] = true;
    for (const auto& [id, unused] : named) {
      const auto found = history_.interests.find(id);
      if (found == history_.interests.end()) continue;
      const machine::InterestRecord& interest = found->second;
      interests.push_back({id, interest.instance, interest.target, interest.label.Text()});
      meant[interest.instance] = meant[interest.target] = true;
    }
    for (size_t i = First(history_.calls.size(), share_.calls); i < history_.calls.size(); ++i) {
      meant[history_.calls[i].description] = true;
      meant[history_.calls[i].second] = true;
    }
    for (const auto& [id, unused] : meant) {
      const auto found = history_.descriptions.find(id);
      if (found == history_.descriptions.end()) continue;
      descriptions.push_back(
          {id, found->second.type, found->second.last_number, found->second.released});
    }
    run["events"] = std::move(events);
    run["eventsBefore"] = first;
    run["interests"] = std::move(interests);
    run["descriptions"] = std::move(descriptions);
  }

  static void AddAll(json& events, const std::map<uint32_t, machine::InterestEvent>& some) {
    for (const auto& [id, event] : some) AddEvent(events, event);
  }
  static void AddEvent(json& events, const machine::InterestEvent& event) {
    events.push_back({static_cast<int>(event.kind), event.interest,
                      static_cast<uint32_t>(event.events), event.step, event.at.value, event.call});
  }

  const ReportedRun& run_;
  const History& history_;
  const Share share_;
  json strings_ = json::array();
  std::unordered_map<std::string, size_t> indices_;
};

std::string RunText(const ReportedRun& run, size_t most_bytes) {
  const History& history = *run.outcome->history;
  Share share{.calls = history.calls.size(),
              .texts = history.calls.size(),
              .events = std::max(history.interest_events.size(), history.signals.size())};
  for (;;) {
    std::string text = Dump(RunData(run, share).Make());
    if (Packed(text).size() <= most_bytes || share.calls + share.events < 16) return text;
    // Lines of the trace are the most, and a call without still has its name and its result.
    if (share.texts > share.calls / 32) {
      share.texts /= 2;
    } else {
      share.calls = share.calls * 3 / 4;
    }
    share.events = std::min(share.events, share.calls);
  }
}

}  // namespace

std::string Packed(std::string_view data) {
  uLongf size = compressBound(data.size());
  std::string packed(size, '\0');
  const int done =
      compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(data.data()), data.size(), Z_DEFAULT_COMPRESSION);
  POLLUX_CHECK(done == Z_OK) << "zlib packs into what it has asked for";
  packed.resize(size);
  return absl::Base64Escape(packed);
}

std::string ReportData(const std::string& title, std::span<const ReportedRun> runs,
                       size_t most_bytes) {
  std::string data = absl::StrCat("{\"title\":", Dump(title), ",\"runs\":[");
  for (const ReportedRun& run : runs)
    absl::StrAppend(&data, &run == runs.data() ? "" : ",",
                    RunText(run, most_bytes / std::max<size_t>(1, runs.size())));
  return data + "]}";
}

std::string ReportOf(const std::string& title, std::span<const ReportedRun> runs) {
  const std::string data = Packed(ReportData(title, runs));
  // No script runs but those that know the word: what is the guest's cannot, as it is part of what
  // the word is made from.
  const std::string word = explore::HashOf(data);
  std::string page;
  for (std::string_view rest = page::kHtml; !rest.empty();) {
    const size_t open = rest.find("{{"), close = rest.find("}}");
    page += rest.substr(0, open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    const std::string_view name = rest.substr(open + 2, close - open - 2);
    page += name == "style"    ? std::string_view(page::kCss)
            : name == "script" ? std::string_view(page::kJs)
            : name == "data"   ? std::string_view(data)
                               : std::string_view(word);
    rest.remove_prefix(close + 2);
  }
  return page;
}

std::string WriteReport(const std::string& path, const std::string& title,
                        std::span<const ReportedRun> runs) {
  const std::string text = ReportOf(title, runs);
  std::FILE* const file = std::fopen(path.c_str(), "we");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int error = errno;
  if (file != nullptr && std::fclose(file) != 0 && written) {
    written = false;
    error = errno;
  }
  return written ? "" : absl::StrCat("--report=", path, ": ", std::strerror(error));
}

}  // namespace pollux::cli
