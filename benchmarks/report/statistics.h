// What benchmarks say of numbers that were measured several times.
#ifndef POLLUX_BENCHMARKS_REPORT_STATISTICS_H_
#define POLLUX_BENCHMARKS_REPORT_STATISTICS_H_

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace pollux::benchmarks {

// `values` are at least one, in any order. Between two values it is interpolated.
double Percentile(std::vector<double> values, double percent);
inline double Median(std::vector<double> values) { return Percentile(std::move(values), 50); }

// Of numbers above 0, at least one.
double GeometricMean(absl::Span<const double> values);

// What most values lie in: from the 10th to the 90th percentile.
struct Spread {
  double low = 0, median = 0, high = 0;
};
// At least one value.
Spread SpreadOf(const std::vector<double>& values);

// `over`[i] / `under`[i]: of two that were measured in the same rounds, as many of both.
std::vector<double> Quotients(absl::Span<const double> over, absl::Span<const double> under);

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_REPORT_STATISTICS_H_
