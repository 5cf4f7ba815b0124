#include "explore/schedule_file.h"

#include <xxhash.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pollux::explore {

using machine::InjectedFault;
using machine::Switch;
using machine::WokenThread;
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

// A whole number in [least, most].
int64_t NumberFrom(const json& value, int64_t least, int64_t most) {
  if (!value.is_number_integer() || value.get<int64_t>() < least || value.get<int64_t>() > most)
    throw std::out_of_range("a number");
  return value.get<int64_t>();
}

Tid TidFrom(const json& value) {
  return Tid{static_cast<int32_t>(NumberFrom(value, 0, INT32_MAX))};
}

// [tid, retired, kind].
json ToJson(const InjectedFault& fault) {
  return {static_cast<int>(fault.tid), static_cast<int64_t>(fault.retired),
          static_cast<int>(fault.kind)};
}

InjectedFault FaultFrom(const json& row) {
  return {.tid = TidFrom(row.at(0)),
          .retired = static_cast<uint64_t>(NumberFrom(row.at(1), 0, INT64_MAX)),
          .kind = static_cast<shims::FaultKind>(NumberFrom(row.at(2), 0, shims::kFaultKinds - 1))};
}

// [waker, retired, after, woken].
json ToJson(const WokenThread& woken) {
  return {static_cast<int>(woken.waker), static_cast<int64_t>(woken.retired), woken.after,
          static_cast<int>(woken.woken)};
}

WokenThread WokenFrom(const json& row) {
  return {.waker = TidFrom(row.at(0)),
          .retired = static_cast<uint64_t>(NumberFrom(row.at(1), 0, INT64_MAX)),
          .after = static_cast<uint32_t>(NumberFrom(row.at(2), 0, UINT32_MAX)),
          .woken = TidFrom(row.at(3))};
}

Switch SwitchFrom(const json& row) {
  const int64_t retired = NumberFrom(row.at(1), -1, INT64_MAX);
  const int64_t what = NumberFrom(row.at(3), 0, 3);
  return {.from = TidFrom(row.at(0)),
          .retired = retired < 0 ? Switch::kAtItsEnd : static_cast<uint64_t>(retired),
          .after = static_cast<uint32_t>(NumberFrom(row.at(2), 0, UINT32_MAX)),
          .preempts = (what & 1) != 0,
          .expires = (what & 2) != 0,
          .to = TidFrom(row.at(4))};
}

}  // namespace

std::string HashOf(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

absl::StatusOr<std::string> ToText(const ScheduleFile& file) {
  if (file.schedule.truncated)
    return absl::InvalidArgumentError("the schedule is too long to be kept");
  json switches = json::array();
  for (const Switch& change : file.schedule.switches) switches.push_back(ToJson(change));
  json faults = json::array();
  for (const InjectedFault& fault : file.schedule.faults) faults.push_back(ToJson(fault));
  json woken = json::array();
  for (const WokenThread& thread : file.schedule.woken) woken.push_back(ToJson(thread));
  json object = {{"pollux_schedule", ScheduleFile::kVersion},
                 {"guest", file.guest},
                 {"guest_hash", file.guest_hash},
                 {"flags", file.flags},
                 {"arguments", file.arguments},
                 {"expected_exit", file.expectation.exit_status},
                 {"finding", file.finding},
                 {"summary", file.summary},
                 {"switches", switches},
                 {"faults", faults},
                 {"woken", woken}};
  // Any bytes.
  if (file.expectation.out.has_value())
    object["expected_stdout_hex"] = absl::BytesToHexString(*file.expectation.out);
  try {
    return object.dump() + "\n";
  } catch (const json::exception&) {
    return absl::InvalidArgumentError("a name, a flag or an argument is no UTF-8");
  }
}

absl::StatusOr<ScheduleFile> ParseScheduleFile(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("pollux_schedule"))
    return absl::InvalidArgumentError("it is no schedule file");
  const json& version = object["pollux_schedule"];
  if (version != ScheduleFile::kVersion && version != ScheduleFile::kOldestVersion) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a schedule file of ",
        version.is_number_unsigned() ? absl::StrCat("version ", version.get<uint64_t>())
                                     : "an unknown version",
        "; this pollux reads versions ", ScheduleFile::kOldestVersion, " and ",
        ScheduleFile::kVersion));
  }
  try {
    ScheduleFile file{.guest = object.at("guest"),
                      .guest_hash = object.at("guest_hash"),
                      .flags = object.at("flags"),
                      .arguments = object.at("arguments"),
                      .expectation = {.exit_status = static_cast<int>(
                                          NumberFrom(object.at("expected_exit"), 0, 255))},
                      .finding = object.at("finding"),
                      .summary = object.at("summary")};
    if (object.contains("expected_stdout_hex")) {
      file.expectation.out =
          absl::HexStringToBytes(object.at("expected_stdout_hex").get<std::string>());
    }
    for (const json& row : object.at("switches")) file.schedule.switches.push_back(SwitchFrom(row));
    for (const json& row : object.at("faults")) file.schedule.faults.push_back(FaultFrom(row));
    if (version == ScheduleFile::kVersion) {
      for (const json& row : object.at("woken")) file.schedule.woken.push_back(WokenFrom(row));
    }
    return file;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("a broken schedule file: ", error.what()));
  } catch (const std::out_of_range&) {
    return absl::InvalidArgumentError("a broken schedule file: a number that makes no sense");
  }
}

}  // namespace pollux::explore
