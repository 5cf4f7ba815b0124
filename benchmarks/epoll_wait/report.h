// What the benchmark has measured, and its forms: a table for people, JSON, a picture.
#ifndef POLLUX_BENCHMARKS_EPOLL_WAIT_REPORT_H_
#define POLLUX_BENCHMARKS_EPOLL_WAIT_REPORT_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/report/statistics.h"

namespace pollux::benchmarks {

enum class Level : size_t { kHost, kLibrary, kGuest };
inline constexpr std::array<Level, 3> kLevels = {Level::kHost, Level::kLibrary, Level::kGuest};
inline constexpr std::array<const char*, 3> kLevelNames = {"host", "os_emu", "guest"};

struct MeasuredCell {
  std::string name;
  // Nanoseconds of a call, by level and round; no rounds: n/a. Levels that have rounds have the
  // same.
  std::array<std::vector<double>, 3> nanoseconds;

  const std::vector<double>& of(Level level) const {
    return nanoseconds[static_cast<size_t>(level)];
  }
  // How many times as fast the guest is as the host, in each round; empty: n/a.
  std::vector<double> Speedups() const;
};

struct EpollWaitReport {
  std::string machine, date;
  std::string host_limit;  // In words.
  std::vector<MeasuredCell> cells;
  // What a registration costs, in bytes: what os_emu has allocated, by which the program with a
  // guest has grown.
  std::optional<double> allocated_per_registration, resident_per_registration;
};

// A figure that the report is about. Only those that the cells allow.
struct Figure {
  std::string name;
  Spread value;
  bool at_least;  // The target is a least value, else a greatest.
  double target;

  bool met() const { return at_least ? value.median >= target : value.median <= target; }
};
// `few`, `most`: the names of the cells with one ready and few or most registered.
std::vector<Figure> Figures(const EpollWaitReport& report, const std::string& few,
                            const std::string& most);

std::string Table(const EpollWaitReport& report, const std::vector<Figure>& figures);
std::string ToJson(const EpollWaitReport& report, const std::vector<Figure>& figures);
std::string ToSvg(const EpollWaitReport& report, const std::vector<Figure>& figures);

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_EPOLL_WAIT_REPORT_H_
