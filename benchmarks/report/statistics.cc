#include "benchmarks/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "abi/check.h"

namespace pollux::benchmarks {

double Percentile(std::vector<double> values, double percent) {
  POLLUX_CHECK(!values.empty() && percent >= 0 && percent <= 100) << percent;
  std::sort(values.begin(), values.end());
  const double at = static_cast<double>(values.size() - 1) * percent / 100;
  const double whole = std::floor(at);
  const double low = values[static_cast<size_t>(whole)];
  const double high = values[static_cast<size_t>(std::ceil(at))];
  return low + (high - low) * (at - whole);
}

double GeometricMean(absl::Span<const double> values) {
  POLLUX_CHECK(!values.empty());
  double logarithms = 0;
  for (const double value : values) logarithms += std::log(value);
  return std::exp(logarithms / static_cast<double>(values.size()));
}

Spread SpreadOf(const std::vector<double>& values) {
  return {.low = Percentile(values, 10), .median = Median(values), .high = Percentile(values, 90)};
}

std::vector<double> Quotients(absl::Span<const double> over, absl::Span<const double> under) {
  POLLUX_CHECK(over.size() == under.size()) << over.size() << " and " << under.size();
  std::vector<double> quotients;
  for (size_t i = 0; i < over.size(); ++i) quotients.push_back(over[i] / under[i]);
  return quotients;
}

}  // namespace pollux::benchmarks
