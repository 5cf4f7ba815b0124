#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "abi/check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/epoll_wait/cell_list.h"
#include "benchmarks/epoll_wait/scene.h"
#include "re2/re2.h"

namespace pollux::benchmarks {
namespace {

enum class Level { kHost, kLibrary, kGuest };
constexpr Level kLevels[] = {Level::kHost, Level::kLibrary, Level::kGuest};
const char* const kNames[] = {"host", "os_emu", "guest"};

std::string g_native, g_guest;

Scene* SceneOf(Level level, const Cell& cell) {
  static auto* const kScenes =
      new std::map<std::tuple<Level, SceneKind, uint32_t>, std::unique_ptr<Scene>>;
  auto [place, is_new] = kScenes->try_emplace({level, cell.scene, cell.size});
  if (!is_new) return place->second.get();
  switch (level) {
    case Level::kHost: {
      auto scene = MakeHostScene(g_native, cell.scene, cell.size);
      if (scene.ok()) place->second = *std::move(scene);
      break;
    }
    case Level::kLibrary:
      place->second = MakeLibraryScene(cell.scene, cell.size);
      break;
    case Level::kGuest:
      place->second = MakeGuestScene(g_guest, cell.scene, cell.size);
      break;
  }
  return place->second.get();
}

void Measure(benchmark::State& state, Level level, const Cell& cell) {
  Scene* scene = SceneOf(level, cell);
  if (scene == nullptr) {
    state.SkipWithError("n/a");
    return;
  }
  scene->Begin({.loop = cell.loop, .ready = cell.ready, .calls = cell.calls});
  scene->Batch();
  while (state.KeepRunningBatch(cell.calls)) state.SetIterationTime(scene->Batch().count());
}

class Reporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      values[run.run_name.function_name].push_back(run.GetAdjustedRealTime());
    }
  }
  std::map<std::string, std::vector<double>> values;
};

double Median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

int Main(int argc, char** argv) {
  CLI::App app;
  bool tiny = false;
  int rounds = 5;
  std::string only = ".*", min_time = "0.02";
  app.add_option("--native", g_native);
  app.add_option("--guest", g_guest);
  app.add_option("--rounds", rounds);
  app.add_option("--only", only);
  app.add_option("--min_time", min_time);
  app.add_flag("--tiny", tiny);
  CLI11_PARSE(app, argc, argv);
  const std::vector<Cell> cells = AllCells(tiny);
  std::string a = absl::StrCat("--benchmark_repetitions=", rounds), b = "--benchmark_enable_random_interleaving=true", c = absl::StrCat("--benchmark_min_time=", min_time);
  char* args[] = {argv[0], a.data(), b.data(), c.data(), nullptr};
  int n = 4;
  benchmark::Initialize(&n, args);
  for (const Cell& cell : cells) {
    if (!RE2::FullMatch(cell.name, only)) continue;
    for (Level level : kLevels) {
      benchmark::RegisterBenchmark(absl::StrCat(cell.name, ":", kNames[int(level)]).c_str(),
                                   [level, cell](benchmark::State& s) { Measure(s, level, cell); })
          ->UseManualTime();
    }
  }
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::vector<double> ratios;
  for (const Cell& cell : cells) {
    double t[3];
    for (int i = 0; i < 3; ++i) t[i] = Median(reporter.values[absl::StrCat(cell.name, ":", kNames[i])]);
    if (t[2] == 0) continue;
    absl::PrintF("%-32s %10.1f %10.1f %10.1f %6.2f\n", cell.name, t[0], t[1], t[2], t[0] / t[2]);
    if (t[0] > 0) ratios.push_back(t[0] / t[2]);
  }
  absl::PrintF("median %.2f\n", Median(ratios));
  return 0;
}

}  // namespace
}  // namespace pollux::benchmarks

int main(int argc, char** argv) { return pollux::benchmarks::Main(argc, argv); }
