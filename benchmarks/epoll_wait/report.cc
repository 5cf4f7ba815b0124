#include "benchmarks/epoll_wait/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/report/bar_chart.h"

namespace pollux::benchmarks {
namespace {

constexpr char kPingPong[] = "ping-pong";
constexpr char kGeometricMean[] = "geometric mean";

constexpr char kLegend[] =
    R"(
level/N/R            epoll_wait, N eventfds registered, R of them ready and reported
edge/N/R             R writes, and epoll_wait reports R edges
oneshot/N/R          R times EPOLL_CTL_MOD of one that is ready, and epoll_wait reports R
ctl/...              epoll_ctl, 1000 eventfds registered
write+wait+read/N    write, epoll_wait, read; always another of N registered eventfds
ping-pong            there and back between two threads, each of which writes, waits, reads
64-waiters           write; one of 64 threads in epoll_wait wakes, reads, and wakes the writer
nested/D/...         an eventfd in an instance, through D instances around it
timerfd/...          with 10,000 timerfds; arm: timerfd_settime; expire: arm the next one, epoll_wait
                     until it has expired, read; expire_all: the same for all at once, for each

Nanoseconds of such a call or sequence: median of the rounds +- half the span between their 10th and
90th percentile. host / guest: how many times as fast the guest is, median (10th..90th percentile).
)";

const MeasuredCell* Find(const EpollWaitReport& report, const std::string& name) {
  for (const MeasuredCell& cell : report.cells) {
    if (cell.name == name) return &cell;
  }
  return nullptr;
}

// The speedups of all cells that have some, round by round.
std::vector<std::vector<double>> ByRound(const EpollWaitReport& report) {
  std::vector<std::vector<double>> rounds;
  for (const MeasuredCell& cell : report.cells) {
    const std::vector<double> speedups = cell.Speedups();
    rounds.resize(std::max(rounds.size(), speedups.size()));
    for (size_t round = 0; round < speedups.size(); ++round)
      rounds[round].push_back(speedups[round]);
  }
  return rounds;
}

// Of what `summary` makes of the speedups of each round; nothing: there are none.
template <typename Summary>
std::optional<Spread> SpreadOfRounds(const EpollWaitReport& report, const Summary& summary) {
  std::vector<double> values;
  for (const std::vector<double>& round : ByRound(report)) values.push_back(summary(round));
  if (values.empty()) return std::nullopt;
  return SpreadOf(values);
}

std::optional<Spread> MeanSpeedup(const EpollWaitReport& report) {
  return SpreadOfRounds(report,
                        [](const std::vector<double>& round) { return GeometricMean(round); });
}

std::string TimeText(const std::vector<double>& nanoseconds) {
  if (nanoseconds.empty()) return "n/a";
  const Spread spread = SpreadOf(nanoseconds);
  // Half of what most rounds lie in, as a part of the median.
  const double percent = (spread.high - spread.low) / 2 / spread.median * 100;
  return absl::StrFormat("%.1f +-%2.0f%%", spread.median, percent);
}

std::string SpreadText(const Spread& spread) {
  return absl::StrFormat("%.2f (%.2f..%.2f)", spread.median, spread.low, spread.high);
}

nlohmann::ordered_json SpreadJson(const Spread& spread) {
  return {{"p10", spread.low}, {"median", spread.median}, {"p90", spread.high}};
}

std::string FigureText(const Figure& figure) {
  return absl::StrFormat("%s: %s; wanted: at %s %g: %s", figure.name, SpreadText(figure.value),
                         figure.at_least ? "least" : "most", figure.target,
                         figure.met() ? "yes" : "NO");
}

}  // namespace

std::vector<double> MeasuredCell::Speedups() const {
  if (of(Level::kHost).empty() || of(Level::kGuest).empty()) return {};
  return Quotients(of(Level::kHost), of(Level::kGuest));
}

std::vector<Figure> Figures(const EpollWaitReport& report, const std::string& few,
                            const std::string& most) {
  std::vector<Figure> figures;
  const MeasuredCell* slowest = nullptr;
  double least = 0;
  for (const MeasuredCell& cell : report.cells) {
    const std::vector<double> speedups = cell.Speedups();
    if (speedups.empty()) continue;
    const double speedup = Median(speedups);
    if (slowest != nullptr && speedup >= least) continue;
    slowest = &cell;
    least = speedup;
  }
  if (slowest != nullptr) {
    const auto median =
        SpreadOfRounds(report, [](const std::vector<double>& round) { return Median(round); });
    figures.push_back({absl::StrCat("guest's slowest cell, ", slowest->name,
                                    ", times as fast as the host's kernel"),
                       SpreadOf(slowest->Speedups()), true, 1});
    figures.push_back(
        {"guest's median cell, times as fast as the host's kernel", *median, true, 2.5});
  }
  if (const MeasuredCell* cell = Find(report, kPingPong);
      cell != nullptr && !cell->Speedups().empty()) {
    figures.push_back({"ping-pong in the guest, times as fast as the host's kernel",
                       SpreadOf(cell->Speedups()), true, 5});
  }
  const MeasuredCell* const with_few = Find(report, few);
  const MeasuredCell* const with_most = Find(report, most);
  for (const Level level : {Level::kGuest, Level::kLibrary}) {
    if (with_few == nullptr || with_most == nullptr) break;
    if (with_few->of(level).empty() || with_most->of(level).empty()) continue;
    figures.push_back(
        {absl::StrCat(kLevelNames[static_cast<size_t>(level)], ": ", most, " over ", few),
         SpreadOf(Quotients(with_most->of(level), with_few->of(level))), false, 1.3});
  }
  const std::pair<const char*, std::optional<double>> kBytes[] = {
      {"bytes a registration, allocated by os_emu", report.allocated_per_registration},
      {"bytes a registration, resident, with a guest", report.resident_per_registration}};
  for (const auto& [name, bytes] : kBytes) {
    if (bytes.has_value()) figures.push_back({name, {*bytes, *bytes, *bytes}, false, 256});
  }
  return figures;
}

std::string Table(const EpollWaitReport& report, const std::vector<Figure>& figures) {
  std::string table =
      absl::StrCat(report.machine, "; ", report.date, "; ", report.host_limit, "\n", kLegend, "\n");
  size_t width = sizeof(kGeometricMean);
  for (const MeasuredCell& cell : report.cells) width = std::max(width, cell.name.size());
  const auto line = [&](const std::string& name, const std::array<std::string, 3>& times,
                        const std::string& speedup) {
    absl::StrAppendFormat(&table, "%-*s %18s %18s %18s   %s\n", static_cast<int>(width), name,
                          times[0], times[1], times[2], speedup);
  };
  line("", {kLevelNames[0], kLevelNames[1], kLevelNames[2]}, "host / guest");
  for (const MeasuredCell& cell : report.cells) {
    const std::vector<double> speedups = cell.Speedups();
    line(cell.name,
         {TimeText(cell.nanoseconds[0]), TimeText(cell.nanoseconds[1]),
          TimeText(cell.nanoseconds[2])},
         speedups.empty() ? "n/a" : SpreadText(SpreadOf(speedups)));
  }
  if (const std::optional<Spread> mean = MeanSpeedup(report))
    line(kGeometricMean, {}, SpreadText(*mean));
  table += "\n";
  for (const Figure& figure : figures) absl::StrAppend(&table, FigureText(figure), "\n");
  return table;
}

std::string ToJson(const EpollWaitReport& report, const std::vector<Figure>& figures) {
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  for (const MeasuredCell& cell : report.cells) {
    nlohmann::ordered_json times = nlohmann::ordered_json::object();
    nlohmann::ordered_json medians = nlohmann::ordered_json::object();
    for (const Level level : kLevels) {
      const char* const name = kLevelNames[static_cast<size_t>(level)];
      if (cell.of(level).empty()) continue;
      times[name] = cell.of(level);
      medians[name] = Median(cell.of(level));
    }
    nlohmann::ordered_json object = {
        {"name", cell.name}, {"median_nanoseconds", medians}, {"nanoseconds", times}};
    const std::vector<double> speedups = cell.Speedups();
    if (!speedups.empty()) object["host_over_guest"] = SpreadJson(SpreadOf(speedups));
    cells.push_back(object);
  }
  nlohmann::ordered_json json = {{"machine", report.machine},
                                 {"date", report.date},
                                 {"host_limit", report.host_limit},
                                 {"cells", cells}};
  if (const std::optional<Spread> mean = MeanSpeedup(report))
    json["host_over_guest_geometric_mean"] = SpreadJson(*mean);
  for (const Figure& figure : figures) {
    json["figures"].push_back({{"name", figure.name},
                               {"value", SpreadJson(figure.value)},
                               {figure.at_least ? "at_least" : "at_most", figure.target},
                               {"met", figure.met()}});
  }
  return json.dump(1) + "\n";
}

std::string ToSvg(const EpollWaitReport& report, const std::vector<Figure>& figures) {
  BarChart chart;
  chart.title = "epoll_wait inside a guest: times as fast as on the host's kernel";
  chart.lines.push_back(absl::StrCat(report.machine, "; ", report.date));
  chart.lines.push_back(absl::StrCat(
      "1: alike; lines: 10th to 90th percentile of the rounds; n/a: ", report.host_limit));
  for (const Figure& figure : figures) chart.lines.push_back(FigureText(figure));
  for (const MeasuredCell& cell : report.cells) {
    Bar bar{.name = cell.name};
    if (const std::vector<double> speedups = cell.Speedups(); !speedups.empty())
      bar.ratio = SpreadOf(speedups);
    chart.bars.push_back(std::move(bar));
  }
  if (const std::optional<Spread> mean = MeanSpeedup(report))
    chart.bars.push_back({.name = kGeometricMean, .ratio = mean, .stands_out = true});
  return ToSvg(chart);
}

}  // namespace pollux::benchmarks
