#include "explore/schedule_file.h"

#include <xxhash.h>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pollux::explore {

using machine::Switch;
using nlohmann::json;

namespace {

// [from, retired (-1: at its end), after, what, to]. What: 0 it could not go on, 1 it could; and
// the next deadline is reached: 2, 3.
json ToJson(const Switch& change) {
  return {static_cast<int>(change.from),
          change.retired == Switch::kAtItsEnd ? -1 : static_cast<int64_t>(change.retired),
          change.after, (change.preempts ? 1 : 0) + (change.expires ? 2 : 0),
          static_cast<int>(change.to)};
}

Switch SwitchFrom(const json& row) {
  const int64_t retired = row.at(1);
  return {.from = Tid{row.at(0).get<int>()},
          .retired = retired < 0 ? Switch::kAtItsEnd : static_cast<uint64_t>(retired),
          .after = row.at(2),
          .preempts = (row.at(3).get<int>() & 1) != 0,
          .expires = (row.at(3).get<int>() & 2) != 0,
          .to = Tid{row.at(4).get<int>()}};
}

}  // namespace

std::string HashOf(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

std::string ToText(const ScheduleFile& file) {
  json switches = json::array();
  for (const Switch& change : file.schedule.switches) switches.push_back(ToJson(change));
  json object = {{"pollux_schedule", ScheduleFile::kVersion},
                 {"guest", file.guest},
                 {"guest_hash", file.guest_hash},
                 {"flags", file.flags},
                 {"arguments", file.arguments},
                 {"expected_exit", file.expectation.exit_status},
                 {"finding", file.finding},
                 {"summary", file.summary},
                 {"switches", switches}};
  if (file.expectation.out.has_value()) object["expected_stdout"] = *file.expectation.out;
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<ScheduleFile> ParseScheduleFile(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("pollux_schedule"))
    return absl::InvalidArgumentError("it is no schedule file");
  const json& version = object["pollux_schedule"];
  if (version != ScheduleFile::kVersion) {
    return absl::InvalidArgumentError(absl::StrCat("a schedule file of version ", version.dump(),
                                                   "; this pollux reads version ",
                                                   ScheduleFile::kVersion));
  }
  try {
    ScheduleFile file{.guest = object.at("guest"),
                      .guest_hash = object.at("guest_hash"),
                      .flags = object.at("flags"),
                      .arguments = object.at("arguments"),
                      .expectation = {.exit_status = object.at("expected_exit")},
                      .finding = object.at("finding"),
                      .summary = object.at("summary")};
    if (object.contains("expected_stdout"))
      file.expectation.out = object.at("expected_stdout").get<std::string>();
    for (const json& row : object.at("switches")) file.schedule.switches.push_back(SwitchFrom(row));
    return file;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("a broken schedule file: ", error.what()));
  }
}

}  // namespace pollux::explore
