#include "cli/report.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/report/report_page.h"
#include "machine/history/history.h"
#include "machine/history/wording.h"
#include "shims/context.h"

namespace pollux::cli {
namespace {

using machine::CallRecord;
using machine::History;
using nlohmann::json;

// What stands in the page's data, which page.js reads.
class Data {
 public:
  Data(const std::string& guest, const machine::Outcome& outcome, size_t first)
      : history_(*outcome.history), first_(first) {
    json calls = json::array();
    int64_t end = 0;
    for (size_t i = first; i < history_.calls.size(); ++i) {
      const CallRecord& call = history_.calls[i];
      end = std::max({end, call.began_at.value, call.ended_at.value});
      calls.push_back(CallOf(call));
    }
    // One more instruction, so that what waits has a length.
    data_ = {{"guest", guest},
             {"summary", SummaryOf(outcome)},
             {"reasons", outcome.reasons},
             {"left_out", LeftOut()},
             {"end", end + 10},
             {"threads", std::move(threads_)},
             {"names", std::move(names_)},
             {"texts", std::move(texts_)},
             {"calls", std::move(calls)},
             {"events", Events()},
             {"interests", Interests()},
             {"descriptions", Descriptions()},
             {"stacks", json::object()}};
    for (const auto& [call, stack] : outcome.call_stacks)
      data_["stacks"][std::to_string(call)] = stack;
  }

  std::string Text() const {
    const std::string text = data_.dump(-1, ' ', true, json::error_handler_t::replace);
    // Nothing of the guest's ends the element that it stands in.
    return absl::StrReplaceAll(text, {{"<", "\\u003c"}});
  }

 private:
  static std::string SummaryOf(const machine::Outcome& outcome) {
    if (outcome.ExitCode() == 0) return "";
    const std::string_view line =
        std::string_view(outcome.explanation).substr(0, outcome.explanation.find('\n'));
    if (outcome.kind == machine::Outcome::Kind::kExited)
      return absl::StrCat("exit status ", outcome.status);
    return std::string(line);
  }

  uint64_t LeftOut() const {
    return first_ < history_.calls.size() ? history_.calls[first_].id - 1 : first_;
  }

  template <typename Key>
  static int IndexOf(std::map<Key, int>& indices, const Key& key, json& list, json value) {
    const auto [known, is_new] = indices.try_emplace(key, static_cast<int>(list.size()));
    if (is_new) list.push_back(std::move(value));
    return known->second;
  }

  json CallOf(const CallRecord& call) {
    const auto tid = static_cast<int32_t>(call.tid), pid = static_cast<int32_t>(call.pid);
    const int thread = IndexOf(thread_indices_, tid, threads_, json::array({tid, pid}));
    const std::string name = shims::SyscallName(call.number);
    const int name_index = IndexOf(name_indices_, name, names_, name);
    constexpr size_t kMostText = 300;
    std::string text = call.text.empty() ? machine::CallWords(call) : call.text;
    if (text.size() > kMostText) text.resize(kMostText);
    const int text_index = IndexOf(text_indices_, text, texts_, text);
    const bool open = call.state == CallRecord::State::kOpen;
    const bool failed =
        call.state == CallRecord::State::kReturned && call.result < 0 && call.result >= -4095;
    const int64_t begin = call.began_at.value - last_begin_;
    last_begin_ = call.began_at.value;
    return json::array({call.id, thread, name_index, begin,
                        open ? 0 : std::max<int64_t>(0, call.ended_at.value - call.began_at.value),
                        call.began, text_index, (open ? 1 : 0) | (failed ? 2 : 0), call.woken_by});
  }

  json Events() const {
    json events = json::array();
    constexpr size_t kMost = 30'000;
    const auto& all = history_.interest_events;
    for (size_t i = all.size() > kMost ? all.size() - kMost : 0; i < all.size(); ++i) {
      events.push_back(json::array(
          {static_cast<int>(all[i].kind), all[i].interest, all[i].events, all[i].step}));
    }
    return events;
  }

  json Interests() const {
    json interests = json::object();
    constexpr size_t kMost = 5'000;
    size_t count = 0;
    for (const auto& [id, interest] : history_.interests) {
      if (++count > kMost) break;
      const auto target = history_.descriptions.find(interest.target);
      interests[std::to_string(id)] = json::array(
          {interest.instance, interest.label.Reported(),
           target == history_.descriptions.end() ? std::string() : target->second.type});
    }
    return interests;
  }

  json Descriptions() const {
    json descriptions = json::object();
    for (const auto& [id, interest] : history_.interests) {
      const auto instance = history_.descriptions.find(interest.instance);
      if (instance == history_.descriptions.end()) continue;
      descriptions[std::to_string(interest.instance)] =
          absl::StrCat("epoll, descriptor ", instance->second.last_number);
    }
    return descriptions;
  }

  const History& history_;
  const size_t first_;
  json threads_ = json::array(), names_ = json::array(), texts_ = json::array();
  std::map<int32_t, int> thread_indices_;
  std::map<std::string, int> name_indices_, text_indices_;
  int64_t last_begin_ = 0;
  json data_;
};

}  // namespace

std::string ReportOf(const std::string& guest, const machine::Outcome& outcome, size_t most_bytes) {
  const std::string_view page = kReportPage;
  const size_t place = page.find(kReportDataMark);
  std::string data;
  // The last half, quarter, ... of the calls, until there is room.
  size_t first = 0;
  for (;;) {
    data = Data(guest, outcome, first).Text();
    const size_t count = outcome.history->calls.size();
    if (page.size() + data.size() <= most_bytes || first >= count) break;
    first += std::max<size_t>(1, (count - first) / 4);
  }
  return std::string(page.substr(0, place)) + data +
         std::string(page.substr(place + kReportDataMark.size()));
}

std::string WriteReport(const std::string& path, const std::string& guest,
                        const machine::Outcome& outcome) {
  const std::string text = ReportOf(guest, outcome);
  std::FILE* const file = std::fopen(path.c_str(), "w");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  if (file != nullptr && std::fclose(file) != 0) written = false;
  return written ? "" : absl::StrCat("--report=", path, ": ", std::strerror(error));
}

}  // namespace pollux::cli
