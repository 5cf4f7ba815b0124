#include "benchmarks/engines/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace pollux::benchmarks {
namespace {

// Two workloads in three rounds. Beside qemu, pollux is 2, 2 and 4 times as fast, and then 0.5
// times.
Report Small() {
  return {.machine = "a machine",
          .date = "2026-01-02",
          .native_compiler = "gcc 1",
          .guest_compiler = "gcc 2",
          .qemu_version = "qemu-riscv64 version 3",
          .engines = {"native", "qemu", "pollux"},
          .workloads = {{"fast", 10, {{1, 1, 2}, {4, 8, 4}, {2, 4, 1}}},
                        {"slow", 20, {{1, 1, 1}, {2, 2, 2}, {4, 4, 4}}}},
          .starts = {
              {"hello", 0, {{0.001, 0.002, 0.001}, {0.003, 0.003, 0.003}, {0.005, 0.004, 0.006}}}}};
}

Report WithBaseline() {
  Report report = Small();
  report.engines.push_back("baseline");
  report.workloads[0].seconds.push_back({3, 6, 1.5});
  report.workloads[1].seconds.push_back({4, 4, 4});
  report.starts[0].seconds.push_back({0.01, 0.01, 0.01});
  return report;
}

std::string LineOf(const std::string& table, absl::string_view first_word) {
  for (absl::string_view line : absl::StrSplit(table, '\n'))
    if (absl::StartsWith(line, absl::StrCat(first_word, " "))) return std::string(line);
  return "";
}

TEST(Ratios, AreOfOneRound) {
  const Report report = Small();
  EXPECT_EQ(Ratios(report.workloads[0], kQemu, kPollux), (std::vector<double>{2, 2, 4}));
  EXPECT_EQ(Ratios(report.workloads[0], kPollux, kNative), (std::vector<double>{2, 4, 0.5}));
}

TEST(MeanRatios, AreOfOneRoundOverAllWorkloads) {
  const std::vector<double> means = MeanRatios(Small(), kQemu, kPollux);
  ASSERT_EQ(means.size(), 3u);
  EXPECT_DOUBLE_EQ(means[0], 1);
  EXPECT_DOUBLE_EQ(means[1], 1);
  EXPECT_DOUBLE_EQ(means[2], std::sqrt(2));
}

TEST(Table, SaysLeastMedianAndRatios) {
  const std::string table = Table(Small());
  //                                    native         qemu           pollux         over qemu
  EXPECT_EQ(LineOf(table, "fast"),
            "fast             1.000   1.000   4.000   4.000   1.000   2.000   2.00  2.00..3.60   "
            "  2.00    4.00")
      << table;
  EXPECT_EQ(LineOf(table, "slow"),
            "slow             1.000   1.000   2.000   2.000   4.000   4.000   0.50  0.50..0.50   "
            "  4.00    2.00")
      << table;
  EXPECT_NE(table.find("geometric mean, speed of pollux, qemu's being 1: 1.00 (1.00..1.33)\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("geometric mean, time of pollux, native's being 1: 2.83 "),
            std::string::npos)
      << table;
  // In milliseconds.
  EXPECT_EQ(LineOf(table, "hello"),
            "hello            1.000   1.000   3.000   3.000   4.000   5.000")
      << table;
  EXPECT_NE(table.find("native: gcc 1; guest: gcc 2; qemu-riscv64 version 3\n"), std::string::npos);
}

TEST(Table, ComparesWithABaseline) {
  EXPECT_EQ(Table(Small()).find("baseline"), std::string::npos);
  const std::string table = Table(WithBaseline());
  EXPECT_NE(table.find("geometric mean, speed of pollux, baseline's being 1: 1.22 "),
            std::string::npos)
      << table;
  EXPECT_NE(LineOf(table, "fast").find(" 1.50  1.50..1.50 "), std::string::npos) << table;
}

TEST(Table, HasNoMeanWithoutWorkloads) {
  Report report = Small();
  report.workloads.clear();
  EXPECT_NE(LineOf(Table(report), "hello"), "");
  EXPECT_EQ(Table(report).find("mean"), std::string::npos);
  EXPECT_NE(ToSvg(report), "");
}

TEST(Json, ComesBack) {
  for (Report report : {Small(), WithBaseline()}) {
    // Numbers come back to the last bit.
    report.workloads[0].seconds[kPollux][1] = 0.1 + 0.2;
    report.workloads[1].name = "a \"name\"\n{}";
    const absl::StatusOr<Report> back = FromJson(ToJson(report));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, report);
  }
}

TEST(Json, SaysTheMeans) {
  const auto json = nlohmann::json::parse(ToJson(Small()));
  EXPECT_DOUBLE_EQ(
      json["geometric_means"]["speed of pollux, qemu's being 1"]["median"].get<double>(), 1);
  EXPECT_DOUBLE_EQ(json["workloads"][0]["speed_over_qemu"]["median"].get<double>(), 2);
  EXPECT_DOUBLE_EQ(json["workloads"][0]["least_seconds"]["pollux"].get<double>(), 1);
}

TEST(Json, HoldsNamesOfAnyBytes) {
  Report report = Small();
  report.workloads[0].name = "\xff\xfe";
  EXPECT_TRUE(FromJson(ToJson(report)).ok());
}

TEST(Json, IsRefusedWhereSomethingIsWrong) {
  const std::string good = ToJson(Small());
  EXPECT_FALSE(FromJson("").ok());
  EXPECT_FALSE(FromJson(good.substr(0, good.size() / 2)).ok());
  EXPECT_FALSE(FromJson("[1, 2]").ok());
  const auto with = [&](auto&& change) {
    auto json = nlohmann::json::parse(good);
    change(json);
    return FromJson(json.dump()).ok();
  };
  EXPECT_TRUE(with([](auto&) {}));
  EXPECT_FALSE(with([](auto& json) { json.erase("engines"); }));
  EXPECT_FALSE(with([](auto& json) { json["engines"] = {"native", "qemu"}; }));
  EXPECT_FALSE(with([](auto& json) { json["engines"] = {"qemu", "native", "pollux"}; }));
  EXPECT_FALSE(with([](auto& json) { json["workloads"][1]["seconds"]["qemu"] = {1.0, 2.0}; }));
  EXPECT_FALSE(with([](auto& json) { json["workloads"][1]["seconds"]["qemu"][0] = 0; }));
  EXPECT_FALSE(with([](auto& json) { json["workloads"][1]["seconds"]["qemu"][0] = "1"; }));
  EXPECT_FALSE(with([](auto& json) { json["workloads"][0]["seconds"].erase("pollux"); }));
  EXPECT_FALSE(with([](auto& json) {
    json["workloads"].clear();
    json["starts"].clear();
  }));
}

TEST(Svg, EscapesHostileNames) {
  Report report = Small();
  report.workloads[0].name = "</text><script>alert(\"1\" & '2')</script>\x01\xff";
  report.machine = "<&>";
  const std::string svg = ToSvg(report);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_NE(svg.find("&lt;/text&gt;&lt;script&gt;alert(&quot;1&quot; &amp; &apos;2&apos;)"
                     "&lt;/script&gt;?"
                     "?</text>"),
            std::string::npos)
      << svg;
  EXPECT_NE(svg.find("&lt;&amp;&gt;; 2026-01-02</text>"), std::string::npos) << svg;
  EXPECT_EQ(std::count(svg.begin(), svg.end(), '<'), std::count(svg.begin(), svg.end(), '>'));
}

TEST(Svg, HasABarForEachWorkloadAndTheMean) {
  const auto count = [](const std::string& text, const std::string& part) {
    int found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
  };
  // One of all is the background; the legend of two engines has two.
  EXPECT_EQ(count(ToSvg(Small()), "<rect "), 1 + 3);
  EXPECT_EQ(count(ToSvg(WithBaseline()), "<rect "), 1 + 2 * 3 + 2);
  EXPECT_EQ(count(ToSvg(Small()), ">geometric mean<"), 1);
}

}  // namespace
}  // namespace pollux::benchmarks
