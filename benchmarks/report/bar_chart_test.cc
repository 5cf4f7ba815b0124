#include "benchmarks/report/bar_chart.h"

#include <string>

#include "gtest/gtest.h"

namespace pollux::benchmarks {
namespace {

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(BarChart, HasABarForEachRatioThatWasMeasured) {
  const std::string svg = ToSvg({.title = "t",
                                 .lines = {},
                                 .bars = {{.name = "one", .ratio = Spread{1, 2, 3}},
                                          {.name = "two", .ratio = Spread{0.2, 0.5, 0.8}},
                                          {.name = "three", .ratio = std::nullopt}}});
  EXPECT_EQ(Count(svg, "<rect "), 1u + 2u) << "the paper, and a bar each";
  EXPECT_EQ(Count(svg, ">n/a<"), 1u);
  EXPECT_EQ(Count(svg, ">2.00<"), 1u);
  EXPECT_EQ(Count(svg, ">0.50<"), 1u);
}

TEST(BarChart, IsWellFormedWhateverTheTextsAre) {
  const std::string svg =
      ToSvg({.title = "a < b & \"c\"\n\x80</svg>", .lines = {}, .bars = {{.name = "'<x>'"}}});
  EXPECT_EQ(Count(svg, "</svg>"), 1u);
  EXPECT_EQ(Count(svg, "<x>"), 0u);
  EXPECT_NE(svg.find("a &lt; b &amp; &quot;c&quot;??&lt;/svg&gt;"), std::string::npos) << svg;
}

}  // namespace
}  // namespace pollux::benchmarks
