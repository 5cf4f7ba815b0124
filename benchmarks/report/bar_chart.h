// A picture of ratios: a bar each, with its spread.
#ifndef POLLUX_BENCHMARKS_REPORT_BAR_CHART_H_
#define POLLUX_BENCHMARKS_REPORT_BAR_CHART_H_

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/report/statistics.h"

namespace pollux::benchmarks {

struct Bar {
  std::string name;
  std::optional<Spread> ratio;  // Nothing: it was not measured.
  bool stands_out = false;
};

struct BarChart {
  std::string title;
  std::vector<std::string> lines;  // Below the title: what is measured, where, when.
  std::vector<Bar> bars;
};

// Well-formed SVG, whatever the texts are. There is a mark at 1, where both are alike.
std::string ToSvg(const BarChart& chart);

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_REPORT_BAR_CHART_H_
