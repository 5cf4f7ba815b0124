#include "benchmarks/engines/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "abi/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "benchmarks/report/statistics.h"

namespace pollux::benchmarks {

namespace {

using Json = nlohmann::ordered_json;

const std::vector<double>& Seconds(const Workload& workload, size_t engine) {
  return workload.seconds[engine];
}

double Least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

bool HasBaseline(const Report& report) { return report.engines.size() > kBaseline; }

size_t Rounds(const Report& report) {
  return report.workloads.empty() ? report.starts[0].seconds[kNative].size()
                                  : report.workloads[0].seconds[kNative].size();
}

// A mean that the report states.
struct Mean {
  std::string name;
  Spread range;
};

std::vector<Mean> Means(const Report& report) {
  std::vector<Mean> means;
  if (report.workloads.empty()) return means;
  const auto add = [&](std::string name, size_t of, size_t by) {
    means.push_back({std::move(name), SpreadOf(MeanRatios(report, of, by))});
  };
  add("speed of pollux, qemu's being 1", kQemu, kPollux);
  if (HasBaseline(report)) {
    add("speed of pollux, baseline's being 1", kBaseline, kPollux);
    add("speed of baseline, qemu's being 1", kQemu, kBaseline);
  }
  add("time of pollux, native's being 1", kPollux, kNative);
  if (HasBaseline(report)) add("time of baseline, native's being 1", kBaseline, kNative);
  add("time of qemu, native's being 1", kQemu, kNative);
  return means;
}

std::string Form(const Spread& range) {
  return absl::StrFormat("%5.2f %5.2f..%-5.2f", range.median, range.low, range.high);
}

// A line of the table is built from columns, and so is its head.
struct Column {
  std::string head;
  size_t width;
};

std::string Line(absl::string_view first, size_t first_width, const std::vector<std::string>& cells,
                 const std::vector<Column>& columns) {
  std::string line = absl::StrFormat("%-*s", static_cast<int>(first_width), first);
  for (size_t i = 0; i < cells.size(); ++i)
    absl::StrAppendFormat(&line, "  %*s", static_cast<int>(columns[i].width), cells[i]);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::vector<std::string> Heads(const std::vector<Column>& columns) {
  std::vector<std::string> heads;
  for (const Column& column : columns) heads.push_back(column.head);
  return heads;
}

size_t NameWidth(const std::vector<Workload>& workloads) {
  size_t width = 14;  // "geometric mean"
  for (const Workload& workload : workloads) width = std::max(width, workload.name.size());
  return width;
}

// The seconds of each engine, least and median.
void AddSeconds(const Report& report, const Workload& workload, double unit,
                std::vector<std::string>& cells) {
  for (size_t engine = 0; engine < report.engines.size(); ++engine) {
    const std::vector<double>& seconds = Seconds(workload, engine);
    cells.push_back(absl::StrFormat("%.3f", Least(seconds) * unit));
    cells.push_back(absl::StrFormat("%.3f", Percentile(seconds, 50) * unit));
  }
}

std::vector<Column> SecondsColumns(const Report& report) {
  std::vector<Column> columns;
  for (const std::string& engine : report.engines) {
    columns.push_back({engine, std::max<size_t>(6, engine.size())});
    columns.push_back({"median", 6});
  }
  return columns;
}

constexpr size_t kSpreadWidth = 18;

std::string WorkloadsTable(const Report& report) {
  std::vector<Column> columns = SecondsColumns(report);
  columns.push_back({"pollux/qemu", kSpreadWidth});
  if (HasBaseline(report)) columns.push_back({"pollux/baseline", kSpreadWidth});
  columns.push_back({"pollux", 6});
  if (HasBaseline(report)) columns.push_back({"baseline", 8});
  columns.push_back({"qemu", 6});

  const auto ratios = [&](auto&& range, std::vector<std::string>& cells) {
    cells.push_back(Form(range(kQemu, kPollux)));
    if (HasBaseline(report)) cells.push_back(Form(range(kBaseline, kPollux)));
    for (size_t engine : {kPollux, kBaseline, kQemu}) {
      if (engine < report.engines.size())
        cells.push_back(absl::StrFormat("%.2f", range(engine, kNative).median));
    }
  };
  const size_t width = NameWidth(report.workloads);
  std::string table = absl::StrCat(
      "Processor seconds, user and system, of whole processes: least and median of ",
      Rounds(report), " rounds.\n", "pollux/",
      HasBaseline(report) ? "qemu and pollux/baseline" : "qemu",
      ": how many times as fast pollux is, median and range (10th to 90th percentile) of the "
      "rounds.\n",
      "Last columns: how many times as long as natively.\n\n",
      Line("workload", width, Heads(columns), columns));
  for (const Workload& workload : report.workloads) {
    std::vector<std::string> cells;
    AddSeconds(report, workload, 1, cells);
    ratios([&](size_t of, size_t by) { return SpreadOf(Ratios(workload, of, by)); }, cells);
    table += Line(workload.name, width, cells, columns);
  }
  std::vector<std::string> cells(2 * report.engines.size());
  ratios([&](size_t of, size_t by) { return SpreadOf(MeanRatios(report, of, by)); }, cells);
  return table + Line("geometric mean", width, cells, columns);
}

std::string StartsTable(const Report& report) {
  std::vector<Column> columns = SecondsColumns(report);
  const size_t width = NameWidth(report.starts);
  std::string table =
      absl::StrCat("Start-up: processor milliseconds of a program that does nothing more.\n\n",
                   Line("program", width, Heads(columns), columns));
  for (const Workload& start : report.starts) {
    std::vector<std::string> cells;
    AddSeconds(report, start, 1000, cells);
    table += Line(start.name, width, cells, columns);
  }
  return table;
}

// The lines that say what ran where.
std::vector<std::string> Origin(const Report& report) {
  return {absl::StrCat(report.machine, "; ", report.date),
          absl::StrCat("native: ", report.native_compiler, "; guest: ", report.guest_compiler, "; ",
                       report.qemu_version)};
}

// ---------------------------------------------------------------------------------------------------
// JSON.

Json Summary(const Spread& range) {
  return {{"median", range.median}, {"p10", range.low}, {"p90", range.high}};
}

Json ToJson(const Report& report, const Workload& workload) {
  Json seconds = Json::object(), least = Json::object(), median = Json::object();
  for (size_t engine = 0; engine < report.engines.size(); ++engine) {
    const std::string& name = report.engines[engine];
    seconds[name] = Seconds(workload, engine);
    least[name] = Least(Seconds(workload, engine));
    median[name] = Percentile(Seconds(workload, engine), 50);
  }
  Json json = {{"name", workload.name},
               {"iterations", workload.iterations},
               {"seconds", seconds},
               {"least_seconds", least},
               {"median_seconds", median}};
  json["speed_over_qemu"] = Summary(SpreadOf(Ratios(workload, kQemu, kPollux)));
  if (HasBaseline(report))
    json["speed_over_baseline"] = Summary(SpreadOf(Ratios(workload, kBaseline, kPollux)));
  json["time_over_native"] = Summary(SpreadOf(Ratios(workload, kPollux, kNative)));
  return json;
}

// Throws a Json::exception on what is not of the form.
Workload WorkloadFrom(const Json& json, const std::vector<std::string>& engines) {
  Workload workload{json.at("name").get<std::string>(), json.at("iterations").get<uint64_t>(), {}};
  for (const std::string& engine : engines)
    workload.seconds.push_back(json.at("seconds").at(engine).get<std::vector<double>>());
  return workload;
}

// Whether every function here can work with it.
absl::Status Check(const Report& report) {
  const std::vector<std::string> all = {"native", "qemu", "pollux", "baseline"};
  if (report.engines.size() < kBaseline || report.engines.size() > all.size() ||
      !std::equal(report.engines.begin(), report.engines.end(), all.begin()))
    return absl::InvalidArgumentError("the engines are not native, qemu, pollux");
  if (report.workloads.empty() && report.starts.empty())
    return absl::InvalidArgumentError("no workloads");
  for (const std::vector<Workload>* workloads : {&report.workloads, &report.starts}) {
    for (const Workload& workload : *workloads) {
      for (const std::vector<double>& seconds : workload.seconds) {
        if (seconds.empty() || seconds.size() != Rounds(report))
          return absl::InvalidArgumentError(
              absl::StrCat(workload.name, " does not have the rounds of the others"));
        if (!std::all_of(seconds.begin(), seconds.end(),
                         [](double value) { return value > 0 && std::isfinite(value); }))
          return absl::InvalidArgumentError(absl::StrCat(workload.name, " took no time"));
      }
    }
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------
// The picture.

// Text as XML has it. What XML cannot hold at all becomes a question mark.
std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (unsigned char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += c < 0x20 || c >= 0x7f ? '?' : static_cast<char>(c);
    }
  }
  return escaped;
}

// Places are in pixels; texts have the left end, the middle or the right end at x.
class Drawing {
 public:
  enum class Anchor { kLeft, kMiddle, kRight };

  void Rectangle(double x, double y, double width, double height, absl::string_view colour) {
    absl::StrAppendFormat(&body_,
                          "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                          "fill=\"%s\"/>\n",
                          x, y, width, height, colour);
  }
  void Line(double x1, double y1, double x2, double y2, absl::string_view colour,
            double width = 1) {
    absl::StrAppendFormat(&body_,
                          "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
                          "stroke-width=\"%.1f\"/>\n",
                          x1, y1, x2, y2, colour, width);
  }
  void Text(double x, double y, absl::string_view text, int size, absl::string_view colour,
            Anchor anchor = Anchor::kLeft, bool bold = false) {
    constexpr absl::string_view kAnchors[] = {"start", "middle", "end"};
    absl::StrAppendFormat(&body_,
                          "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" "
                          "text-anchor=\"%s\"%s>%s</text>\n",
                          x, y, size, colour, kAnchors[static_cast<int>(anchor)],
                          bold ? " font-weight=\"bold\"" : "", Escaped(text));
  }
  std::string Done(double width, double height, absl::string_view background) const {
    return absl::StrFormat(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
        "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\">\n"
        // Lines end before a text begins.
        "<style>text { paint-order: stroke; stroke: %s; stroke-width: 3px }</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"%s\"/>\n%s</svg>\n",
        width, height, width, height, background, background, body_);
  }

 private:
  std::string body_;
};

// 0.25, 0.5, 1, 2...: so that an axis up to `most` has at most eight lines.
double Tick(double most) {
  double tick = 0.25;
  while (most / tick > 8) tick *= 2;
  return tick;
}

}  // namespace

std::vector<double> Ratios(const Workload& workload, size_t of, size_t by) {
  return Quotients(workload.seconds[of], workload.seconds[by]);
}

std::vector<double> MeanRatios(const Report& report, size_t of, size_t by) {
  std::vector<std::vector<double>> by_round(Rounds(report));
  for (const Workload& workload : report.workloads) {
    const std::vector<double> ratios = Ratios(workload, of, by);
    for (size_t round = 0; round < ratios.size(); ++round) by_round[round].push_back(ratios[round]);
  }
  std::vector<double> means;
  for (const std::vector<double>& ratios : by_round) means.push_back(GeometricMean(ratios));
  return means;
}

std::string Table(const Report& report) {
  std::string table = absl::StrCat(absl::StrJoin(Origin(report), "\n"), "\n\n");
  if (!report.workloads.empty()) absl::StrAppend(&table, WorkloadsTable(report), "\n");
  if (!report.starts.empty()) absl::StrAppend(&table, StartsTable(report), "\n");
  for (const Mean& mean : Means(report))
    absl::StrAppendFormat(&table, "geometric mean, %s: %.2f (%.2f..%.2f)\n", mean.name,
                          mean.range.median, mean.range.low, mean.range.high);
  return table;
}

std::string ToJson(const Report& report) {
  Json json = {{"machine", report.machine},
               {"date", report.date},
               {"native_compiler", report.native_compiler},
               {"guest_compiler", report.guest_compiler},
               {"qemu_version", report.qemu_version},
               {"engines", report.engines},
               {"geometric_means", Json::object()},
               {"workloads", Json::array()},
               {"starts", Json::array()}};
  for (const Mean& mean : Means(report)) json["geometric_means"][mean.name] = Summary(mean.range);
  for (const Workload& workload : report.workloads)
    json["workloads"].push_back(ToJson(report, workload));
  for (const Workload& start : report.starts) json["starts"].push_back(ToJson(report, start));
  // A name may hold any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Report> FromJson(absl::string_view text) {
  Report report;
  try {
    const Json json = Json::parse(text);
    json.at("machine").get_to(report.machine);
    json.at("date").get_to(report.date);
    json.at("native_compiler").get_to(report.native_compiler);
    json.at("guest_compiler").get_to(report.guest_compiler);
    json.at("qemu_version").get_to(report.qemu_version);
    json.at("engines").get_to(report.engines);
    for (const Json& workload : json.at("workloads"))
      report.workloads.push_back(WorkloadFrom(workload, report.engines));
    for (const Json& start : json.at("starts"))
      report.starts.push_back(WorkloadFrom(start, report.engines));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
  const absl::Status status = Check(report);
  if (!status.ok()) return status;
  return report;
}

std::string ToSvg(const Report& report) {
  constexpr absl::string_view kPaper = "#fcfcfb", kInk = "#22252a", kGrey = "#6b7079",
                              kFaint = "#e2e4e8", kBar = "#2f6fb3", kMeanBar = "#17406d",
                              kBaselineBar = "#b9bec7";
  using Anchor = Drawing::Anchor;
  struct Row {
    std::string name;
    Spread speed, baseline;
    bool is_mean;
  };
  const bool two = HasBaseline(report);
  std::vector<Row> rows;
  double most = 1.25;
  const auto add = [&](std::string name, auto&& ratios, bool is_mean) {
    Row row{std::move(name), SpreadOf(ratios(kPollux)), {0, 0, 0}, is_mean};
    if (two) row.baseline = SpreadOf(ratios(kBaseline));
    most = std::max({most, row.speed.high * 1.1, row.baseline.high * 1.1});
    rows.push_back(std::move(row));
  };
  for (const Workload& workload : report.workloads)
    add(
        workload.name, [&](size_t engine) { return Ratios(workload, kQemu, engine); }, false);
  if (!report.workloads.empty())
    add(
        "geometric mean", [&](size_t engine) { return MeanRatios(report, kQemu, engine); }, true);

  constexpr double kWidth = 900, kLeft = 150, kRight = 850, kTop = 120, kBarHeight = 16, kGap = 12;
  const double row_height = kBarHeight * (two ? 2 : 1) + kGap;
  const double bottom = kTop + row_height * static_cast<double>(rows.size()) + kGap;
  const auto x_of = [&](double speed) { return kLeft + speed / most * (kRight - kLeft); };

  Drawing drawing;
  drawing.Text(20, 34, "Speed of pollux, qemu-riscv64 being 1", 20, kInk, Anchor::kLeft, true);
  drawing.Text(20, 56,
               absl::StrFormat("Processor time of whole processes; median of %d rounds, thin lines "
                               "from the 10th to the 90th percentile",
                               Rounds(report)),
               13, kGrey);
  std::vector<std::string> origin = Origin(report);
  drawing.Text(20, 74, origin[0], 12, kGrey);
  drawing.Text(20, 91, origin[1], 12, kGrey);

  const double tick = Tick(most);
  for (double at = 0; at <= most; at += tick) {
    drawing.Line(x_of(at), kTop, x_of(at), bottom, kFaint);
    drawing.Text(x_of(at), bottom + 18, absl::StrFormat("%g", at), 12, kGrey, Anchor::kMiddle);
  }
  // Bars, then the line of qemu across them, then their values.
  std::vector<std::pair<double, const Spread*>> values;
  double y = kTop + kGap;
  for (const Row& row : rows) {
    drawing.Text(kLeft - 10, y + (row_height - kGap) / 2 + 5, row.name, 13, kInk, Anchor::kRight,
                 row.is_mean);
    const auto bar = [&](const Spread& range, absl::string_view colour) {
      drawing.Rectangle(kLeft, y, x_of(range.median) - kLeft, kBarHeight, colour);
      drawing.Line(x_of(range.low), y + kBarHeight / 2, x_of(range.high), y + kBarHeight / 2, kInk);
      values.push_back({y + kBarHeight / 2 + 5, &range});
      y += kBarHeight;
    };
    bar(row.speed, row.is_mean ? kMeanBar : kBar);
    if (two) bar(row.baseline, kBaselineBar);
    y += kGap;
  }
  drawing.Line(x_of(1), kTop - 4, x_of(1), bottom, kInk, 1.5);
  drawing.Text(x_of(1), kTop - 8, "qemu-riscv64", 12, kInk, Anchor::kMiddle);
  for (const auto& [value_y, range] : values)
    drawing.Text(x_of(range->high) + 6, value_y, absl::StrFormat("%.2f", range->median), 12, kInk);

  double below = bottom + 44;
  if (two) {
    drawing.Rectangle(20, below - 11, 12, 12, kBar);
    drawing.Text(38, below, "pollux", 12, kInk);
    drawing.Rectangle(110, below - 11, 12, 12, kBaselineBar);
    drawing.Text(128, below, "baseline", 12, kInk);
    below += 20;
  }
  if (!report.workloads.empty()) {
    drawing.Text(20, below,
                 absl::StrFormat(
                     "Geometric means of the time, native being 1: pollux %.1f%s, "
                     "qemu-riscv64 %.1f",
                     SpreadOf(MeanRatios(report, kPollux, kNative)).median,
                     two ? absl::StrFormat(", baseline %.1f",
                                           SpreadOf(MeanRatios(report, kBaseline, kNative)).median)
                         : "",
                     SpreadOf(MeanRatios(report, kQemu, kNative)).median),
                 12, kInk);
    below += 20;
  }
  return drawing.Done(kWidth, below + 6, kPaper);
}

}  // namespace pollux::benchmarks
