#include "benchmarks/epoll_wait/report.h"

#include <nlohmann/json.hpp>
#include <string>

#include "gtest/gtest.h"

namespace pollux::benchmarks {
namespace {

// Two rounds; the host has no million.
EpollWaitReport Example() {
  return {.machine = "m",
          .date = "d",
          .host_limit = "few",
          .cells = {{"level/10/1", {{{200, 400}, {10, 10}, {100, 100}}}},
                    {"level/1000000/1", {{{}, {11, 12}, {120, 140}}}},
                    {"ping-pong", {{{4000, 6000}, {50, 50}, {1000, 1000}}}},
                    {"slow", {{{50, 50}, {1, 1}, {100, 100}}}}},
          .allocated_per_registration = 200,
          .resident_per_registration = 300};
}

std::vector<Figure> FiguresOf(const EpollWaitReport& report) {
  return Figures(report, "level/10/1", "level/1000000/1");
}

TEST(Report, SpeedupsAreOfTheSameRound) {
  EXPECT_EQ(Example().cells[0].Speedups(), (std::vector<double>{2, 4}));
  EXPECT_TRUE(Example().cells[1].Speedups().empty());
}

TEST(Report, FiguresSayWhatIsMet) {
  const std::vector<Figure> figures = FiguresOf(Example());
  ASSERT_EQ(figures.size(), 7u);
  EXPECT_NE(figures[0].name.find("slow"), std::string::npos) << figures[0].name;
  EXPECT_DOUBLE_EQ(figures[0].value.median, 0.5);
  EXPECT_FALSE(figures[0].met());
  // The median cells of the rounds are 2 and 4.
  EXPECT_DOUBLE_EQ(figures[1].value.median, 3);
  EXPECT_TRUE(figures[1].met());
  EXPECT_DOUBLE_EQ(figures[2].value.median, 5);
  EXPECT_TRUE(figures[2].met()) << "exactly the target is enough";
  EXPECT_DOUBLE_EQ(figures[3].value.median, 1.3);
  EXPECT_TRUE(figures[3].met());
  EXPECT_DOUBLE_EQ(figures[4].value.median, 1.15);
  EXPECT_TRUE(figures[5].met());
  EXPECT_FALSE(figures[6].met());
}

TEST(Report, HasNoFiguresOfWhatWasNotMeasured) {
  EpollWaitReport report = Example();
  report.cells.resize(2);
  report.cells.erase(report.cells.begin());
  report.allocated_per_registration = report.resident_per_registration = std::nullopt;
  const std::vector<Figure> figures = FiguresOf(report);
  EXPECT_TRUE(figures.empty());
  EXPECT_NE(Table(report, figures).find("n/a"), std::string::npos);
  EXPECT_EQ(Table(report, figures).find("geometric mean"), std::string::npos);
}

TEST(Report, TableHasALineForEachCellAndTheMean) {
  const std::string table = Table(Example(), FiguresOf(Example()));
  EXPECT_NE(table.find("\nlevel/10/1 "), std::string::npos) << table;
  EXPECT_NE(table.find(" 3.00 (2.20..3.80)\n"), std::string::npos) << table;
  // The third roots of 2 * 4 * 0.5 and 4 * 6 * 0.5.
  EXPECT_NE(table.find(" 1.94 ("), std::string::npos) << table;
  EXPECT_NE(table.find("wanted: at least 1: NO\n"), std::string::npos) << table;
}

TEST(Report, JsonHasEveryRound) {
  const auto json = nlohmann::json::parse(ToJson(Example(), FiguresOf(Example())));
  EXPECT_EQ(json["cells"][0]["nanoseconds"]["host"], (std::vector<double>{200, 400}));
  EXPECT_EQ(json["cells"][0]["median_nanoseconds"]["host"], 300);
  EXPECT_FALSE(json["cells"][1]["nanoseconds"].contains("host"));
  EXPECT_EQ(json["figures"].size(), 7u);
  EXPECT_EQ(json["figures"][0]["met"], false);
}

TEST(Report, PictureNamesEveryCell) {
  const std::string svg = ToSvg(Example(), FiguresOf(Example()));
  for (const MeasuredCell& cell : Example().cells)
    EXPECT_NE(svg.find(">" + cell.name + "<"), std::string::npos) << cell.name;
}

}  // namespace
}  // namespace pollux::benchmarks
