// What a comparison of engines measured, and its forms: a table for people, JSON, a picture.
//
// Everything said of speed is a ratio of two processor times of the same round, so that a machine
// that was slow for a while slowed both. Over the rounds a ratio has a median and a range, from the
// 10th to the 90th percentile.
#ifndef POLLUX_BENCHMARKS_ENGINES_REPORT_H_
#define POLLUX_BENCHMARKS_ENGINES_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pollux::benchmarks {

// The indices of Report::engines.
inline constexpr size_t kNative = 0, kQemu = 1, kPollux = 2, kBaseline = 3;

struct Workload {
  std::string name;
  uint64_t iterations = 0;
  // Processor seconds of the whole process, user and system: [engine][round].
  std::vector<std::vector<double>> seconds;

  friend bool operator==(const Workload&, const Workload&) = default;
};

struct Report {
  std::string machine, date;
  // What ran, each in a few words.
  std::string native_compiler, guest_compiler, qemu_version;
  // "native", "qemu", "pollux", and "baseline" where a second pollux was measured.
  std::vector<std::string> engines;
  std::vector<Workload> workloads;
  // Programs that only start and end; a round's seconds are those of one run. They are in no mean.
  std::vector<Workload> starts;

  friend bool operator==(const Report&, const Report&) = default;
};

// Of each round: the seconds of engine `of` divided by those of engine `by`.
std::vector<double> Ratios(const Workload& workload, size_t of, size_t by);

// Of each round: the geometric mean of the ratios over all workloads, at least one.
std::vector<double> MeanRatios(const Report& report, size_t of, size_t by);

std::string Table(const Report& report);
// All that was measured, and for those who only want to look: the summary of the table.
std::string ToJson(const Report& report);
// Takes what was measured out of ToJson's text.
absl::StatusOr<Report> FromJson(absl::string_view json);
// How fast pollux is beside qemu, a bar for each workload and one for the mean. Well-formed SVG
// whatever the names are.
std::string ToSvg(const Report& report);

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_ENGINES_REPORT_H_
