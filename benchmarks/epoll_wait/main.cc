// bazel run //benchmarks:epoll_wait: what epoll costs on the host's kernel, in os_emu as a library
// and inside a guest.
//
// In each round each cell is measured at all three levels, one right after the other, so that a
// machine that is slow for a while is slow for all; who begins changes from round to round.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "benchmarks/epoll_wait/cell_list.h"
#include "benchmarks/epoll_wait/report.h"
#include "benchmarks/epoll_wait/scene.h"
#include "re2/re2.h"

namespace pollux::benchmarks {
namespace {

constexpr int kExitWrongUsage = 125;

struct Settings {
  std::string native, guest;  // The program, built twice.
  int rounds = 7;
  std::string only = ".*";
  std::string levels;
  double seconds = 0.02;
  std::string json = "epoll_wait.json", svg = "epoll_wait.svg";
  bool tiny = false;
};

// All scenes that were asked for so far: a scene serves many cells, in all rounds.
class Scenes {
 public:
  explicit Scenes(const Settings& settings) : settings_(settings) {}

  // Null: there is none at this level.
  Scene* Get(Level level, SceneKind kind, uint32_t size) {
    const auto [at, is_new] = scenes_.try_emplace({level, kind, size});
    if (is_new) at->second = Make(level, kind, size);
    return at->second.get();
  }

 private:
  std::unique_ptr<Scene> Make(Level level, SceneKind kind, uint32_t size) const {
    switch (level) {
      case Level::kHost: {
        absl::StatusOr<std::unique_ptr<Scene>> scene = MakeHostScene(settings_.native, kind, size);
        return scene.ok() ? *std::move(scene) : nullptr;
      }
      case Level::kLibrary:
        return MakeLibraryScene(kind, size);
      case Level::kGuest:
        return MakeGuestScene(settings_.guest, kind, size);
    }
    return nullptr;
  }

  const Settings& settings_;
  std::map<std::tuple<Level, SceneKind, uint32_t>, std::unique_ptr<Scene>> scenes_;
};

// One line that is written over, on a terminal.
class ProgressLine {
 public:
  ~ProgressLine() { Show(""); }
  void Show(const std::string& line) const {
    if (terminal_) absl::FPrintF(stderr, "\r\x1b[K%s", line);
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
};

// Takes the result of each benchmark where another reporter would print it.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) continue;
      nanoseconds = run.GetAdjustedRealTime();
      iterations = run.iterations;
    }
  }
  double nanoseconds = 0;
  int64_t iterations = 0;
};

class Measurement {
 public:
  explicit Measurement(const Settings& settings, std::vector<Cell> cells)
      : settings_(settings), cells_(std::move(cells)), scenes_(settings) {
    for (const Cell& cell : cells_) measured_.push_back({.name = cell.name, .nanoseconds = {}});
    iterations_.resize(cells_.size());
  }

  EpollWaitReport Run() {
    for (int round = 0; round < settings_.rounds; ++round) {
      for (size_t cell = 0; cell < cells_.size(); ++cell) {
        for (size_t turn = 0; turn < kLevels.size(); ++turn)
          MeasureAt(round, cell, kLevels[(turn + static_cast<size_t>(round)) % kLevels.size()]);
      }
    }
    return {.machine = {},
            .date = {},
            .host_limit = {},
            .cells = std::move(measured_),
            .allocated_per_registration = bytes_[static_cast<size_t>(Level::kLibrary)],
            .resident_per_registration = bytes_[static_cast<size_t>(Level::kGuest)]};
  }

 private:
  void MeasureAt(int round, size_t place, Level level) {
    const auto column = static_cast<size_t>(level);
    const char* const level_name = kLevelNames[column];
    if (settings_.levels.find(level_name) == std::string::npos) return;
    const Cell& cell = cells_[place];
    progress_.Show(absl::StrFormat("epoll_wait: round %d of %d: %s, %s", round + 1,
                                   settings_.rounds, cell.name, level_name));
    Scene* const scene = scenes_.Get(level, cell.scene, cell.size);
    if (scene == nullptr) return;
    if (cell.size == MostRegistered() && !bytes_[column].has_value())
      bytes_[column] = scene->bytes_per_registration();

    // The first round says how many calls fill the time.
    int64_t& iterations = iterations_[place][column];
    benchmark::internal::Benchmark* const declared = benchmark::RegisterBenchmark(
        absl::StrCat(cell.name, "/", level_name).c_str(), [&](benchmark::State& state) {
          scene->Begin({.loop = cell.loop, .ready = cell.ready, .calls = cell.calls});
          scene->Batch();  // Its memory is in the caches again.
          while (state.KeepRunningBatch(cell.calls)) {
            state.SetIterationTime(scene->Batch().count());
          }
        });
    declared->UseManualTime();
    if (iterations != 0) declared->Iterations(iterations);
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector);
    benchmark::ClearRegisteredBenchmarks();
    iterations = collector.iterations;
    POLLUX_CHECK(iterations > 0) << cell.name << " was not measured";
    measured_[place].nanoseconds[column].push_back(collector.nanoseconds);
  }

  const Settings& settings_;
  const std::vector<Cell> cells_;
  Scenes scenes_;
  std::vector<MeasuredCell> measured_;
  std::vector<std::array<int64_t, 3>> iterations_;  // Of a cell at a level; 0: not known yet.
  std::array<std::optional<double>, 3> bytes_;
  ProgressLine progress_;
};

std::string MachineText() {
  std::string processor = "unknown processor";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (parts.size() != 2 || !absl::StartsWith(line, "model name")) continue;
    processor = std::string(absl::StripAsciiWhitespace(parts[1]));
    break;
  }
  utsname names;
  POLLUX_CHECK(uname(&names) == 0);
  return absl::StrFormat("%s, %d processors, %s %s", processor, sysconf(_SC_NPROCESSORS_ONLN),
                         names.sysname, names.release);
}

std::string HostLimitText() {
  rlimit limit;
  POLLUX_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return absl::StrCat("the host allows ", limit.rlim_max, " descriptors");
}

// Relative to where `bazel run` was called.
std::string OutputPath(const std::string& path) {
  const char* const directory = std::getenv("BUILD_WORKING_DIRECTORY");
  return directory == nullptr || path.empty() || path[0] == '/'
             ? path
             : absl::StrCat(directory, "/", path);
}

bool WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (file.flush()) return true;
  std::cerr << "epoll_wait: " << path << " cannot be written\n";
  return false;
}

void Declare(CLI::App& app, Settings& settings) {
  app.add_option("--rounds", settings.rounds,
                 "How often each cell is measured at each level; default 7.")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--only", settings.only, "RE2: only the cells with a match in their name.");
  app.add_option("--levels", settings.levels, "Of host,os_emu,guest; default all.")
      ->default_val("host,os_emu,guest");
  app.add_option("--seconds", settings.seconds,
                 "How long a cell is measured in a round at a level; default 0.02.")
      ->check(CLI::Range(1e-9, 60.0));
  app.add_option("--json", settings.json,
                 "Where to write all that was measured; default epoll_wait.json.");
  app.add_option("--svg", settings.svg,
                 "Where to write the picture of the ratios; default epoll_wait.svg.");
  app.add_flag("--tiny", settings.tiny,
               "Small scenes and few calls: whether all of it works. The figures mean nothing.");
  // Bazel says these two.
  app.add_option("--native", settings.native)->required()->group("");
  app.add_option("--guest", settings.guest)->required()->group("");
}

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app(
      "What epoll_wait(2) and its relatives cost: on the host's kernel, in os_emu as a "
      "library, inside a guest.",
      "epoll_wait");
  Declare(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "epoll_wait: " << error.what() << "\n";
    return kExitWrongUsage;
  }
  const RE2 only(settings.only, RE2::Quiet);
  if (!only.ok()) {
    std::cerr << "epoll_wait: --only=" << settings.only << ": " << only.error() << "\n";
    return kExitWrongUsage;
  }
  std::vector<Cell> cells;
  for (Cell& cell : AllCells(settings.tiny)) {
    if (RE2::PartialMatch(cell.name, only)) cells.push_back(std::move(cell));
  }
  if (cells.empty()) {
    std::cerr << "epoll_wait: --only=" << settings.only << ": no cell has such a name\n";
    return kExitWrongUsage;
  }

  std::string program = "epoll_wait";
  std::string seconds = absl::StrCat("--benchmark_min_time=", settings.seconds);
  char* arguments[] = {program.data(), seconds.data(), nullptr};
  int count = 2;
  benchmark::Initialize(&count, arguments);
  EpollWaitReport report = Measurement(settings, std::move(cells)).Run();
  report.machine = MachineText();
  report.date = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::LocalTimeZone());
  report.host_limit = HostLimitText();
  const std::vector<Figure> figures = Figures(report, FewRegisteredName(), MostRegisteredName());
  std::cout << Table(report, figures);
  const std::string json = OutputPath(settings.json), svg = OutputPath(settings.svg);
  if (!WriteFile(json, ToJson(report, figures)) || !WriteFile(svg, ToSvg(report, figures)))
    return kExitWrongUsage;
  std::cout << "\nAll rounds: " << json << "\nPicture: " << svg << "\n";
  return 0;
}

}  // namespace
}  // namespace pollux::benchmarks

int main(int argc, char** argv) { return pollux::benchmarks::Main(argc, argv); }
