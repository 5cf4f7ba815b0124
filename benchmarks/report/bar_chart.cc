#include "benchmarks/report/bar_chart.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace pollux::benchmarks {
namespace {

// What XML can hold, and means as text.
std::string AsText(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

constexpr int kWidth = 960, kLeft = 250, kRight = 60, kRow = 20, kBar = 13, kTextSize = 12;
constexpr char kDark[] = "#1f3a5f", kLight[] = "#6b94c4", kSlow[] = "#c0563f", kGrey[] = "#777";

std::string Text(double x, double y, std::string_view anchor, std::string_view style,
                 const std::string& text) {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>%s</text>\n", x, y,
                         anchor, style, AsText(text));
}

std::string Line(double x1, double y1, double x2, double y2, std::string_view style) {
  return absl::StrFormat("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2,
                         y2, style);
}

// A round number of ratios between two lines of the grid.
double Step(double most) {
  double step = 0.1;
  for (const double factor : {2.0, 2.5, 2.0, 2.0, 2.5, 2.0, 2.0, 2.5, 2.0}) {
    if (most / step <= 10) break;
    step *= factor;
  }
  return step;
}

}  // namespace

std::string ToSvg(const BarChart& chart) {
  double most = 1;
  for (const Bar& bar : chart.bars) {
    if (bar.ratio.has_value()) most = std::max(most, bar.ratio->high);
  }
  const double unit = (kWidth - kLeft - kRight) / most;
  const double top = 50 + 16.0 * static_cast<double>(chart.lines.size());
  const double bottom = top + kRow * static_cast<double>(chart.bars.size());
  const double height = bottom + 30;

  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
      "viewBox=\"0 0 %d %.0f\" font-family=\"sans-serif\" font-size=\"%d\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      kWidth, height, kWidth, height, kTextSize);
  svg += Text(16, 28, "start", "font-size=\"18\" font-weight=\"bold\"", chart.title);
  double y = 46;
  for (const std::string& line : chart.lines) {
    svg += Text(16, y, "start", absl::StrCat("fill=\"", kGrey, "\""), line);
    y += 16;
  }
  const double step = Step(most);
  for (int i = 0; i * step <= most; ++i) {
    const double x = kLeft + i * step * unit;
    svg += Line(x, top, x, bottom, "stroke=\"#ddd\"");
    svg += Text(x, bottom + 16, "middle", absl::StrCat("fill=\"", kGrey, "\""),
                absl::StrFormat("%g", i * step));
  }
  y = top;
  for (const Bar& bar : chart.bars) {
    const double middle = y + kRow / 2.0;
    svg +=
        Text(kLeft - 8, middle + 4, "end", bar.stands_out ? "font-weight=\"bold\"" : "", bar.name);
    if (bar.ratio.has_value()) {
      const Spread& ratio = *bar.ratio;
      absl::StrAppendFormat(
          &svg, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", kLeft,
          middle - kBar / 2.0, ratio.median * unit, kBar,
          ratio.median < 1 ? kSlow : (bar.stands_out ? kDark : kLight));
      svg += Line(kLeft + ratio.low * unit, middle, kLeft + ratio.high * unit, middle,
                  "stroke=\"#222\"");
      svg += Text(kLeft + ratio.high * unit + 6, middle + 4, "start", "",
                  absl::StrFormat("%.2f", ratio.median));
    } else {
      svg +=
          Text(kLeft + unit + 6, middle + 4, "start", absl::StrCat("fill=\"", kGrey, "\""), "n/a");
    }
    y += kRow;
  }
  svg += Line(kLeft + unit, top, kLeft + unit, bottom, "stroke=\"#222\" stroke-dasharray=\"4 3\"");
  return svg + "</svg>\n";
}

}  // namespace pollux::benchmarks
