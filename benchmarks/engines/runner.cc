// Measures engines side by side: every program natively, under qemu-riscv64, under pollux, and
// under a second pollux where --baseline names one. In each round every engine runs every program,
// one after the other, in an order that changes; all must print the same and exit alike.
//
//   bazel run //benchmarks:engines -- [--rounds=N] [--only=RE2] [--baseline=POLLUX]...
//
// Exit status: 0; 1 engines disagree; 125 wrong usage, or something is missing.
#include <fcntl.h>
#include <re2/re2.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "abi/check.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "benchmarks/engines/report.h"

namespace pollux::benchmarks {
namespace {

constexpr int kDisagreement = 1, kError = 125;

void PrintError(absl::string_view message) {
  std::cerr << absl::StrCat("engines: ", absl::StrReplaceAll(message, {{"\n", " "}}), "\n");
}

// ---------------------------------------------------------------------------------------------------
// One process.

struct Run {
  double
      seconds;  // Of processor time, user and system, of the process and those that it waited for.
  int status;   // As a shell says it.
  std::string output, errors;
};

// A file without a name, for what a process writes: nobody has to read while it runs.
class Captured {
 public:
  explicit Captured(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {
    POLLUX_CHECK(fd_ >= 0) << "memfd_create";
  }
  ~Captured() { close(fd_); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  int fd() const { return fd_; }
  std::string Text() const {
    std::string text(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    const ssize_t count = pread(fd_, text.data(), text.size(), 0);
    POLLUX_CHECK(count == static_cast<ssize_t>(text.size())) << "pread";
    return text;
  }

 private:
  const int fd_;
};

// Runs a program, which is looked for as a shell does, with an empty input.
absl::StatusOr<Run> RunProcess(std::vector<std::string> words) {
  const Captured output("output"), errors("errors");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.fd(), 1);
  posix_spawn_file_actions_adddup2(&actions, errors.fd(), 2);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::ErrnoToStatus(error, words[0]);

  int status = 0;
  rusage usage{};
  while (wait4(pid, &status, 0, &usage) < 0)
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "wait4");
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  // The kernel counts microseconds; a ratio needs more than none.
  return Run{std::max(1e-6, seconds(usage.ru_utime) + seconds(usage.ru_stime)),
             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output.Text(),
             errors.Text()};
}

// ---------------------------------------------------------------------------------------------------
// What is measured.

struct Program {
  std::string name;
  uint64_t iterations = 0;  // 0: it takes no argument.
  std::string native, guest;
};

struct Settings {
  std::string pollux, qemu = "qemu-riscv64", baseline;
  std::vector<Program> workloads, starts;
  int rounds = 7;
  double scale = 1;
};

size_t EngineCount(const Settings& settings) { return settings.baseline.empty() ? 3 : 4; }

std::vector<std::string> Command(const Settings& settings, size_t engine, const Program& program,
                                 const std::string& argument) {
  std::vector<std::string> words;
  switch (engine) {
    case kNative:
      words = {program.native};
      break;
    case kQemu:
      words = {settings.qemu, program.guest};
      break;
    case kPollux:
      words = {settings.pollux, "run", program.guest};
      break;
    case kBaseline:
      words = {settings.baseline, "run", program.guest};
      break;
  }
  if (!argument.empty()) words.push_back(argument);
  return words;
}

// NAME,ITERATIONS,NATIVE,GUEST, or without ITERATIONS.
bool ParseProgram(const std::string& text, bool has_iterations, std::vector<Program>& programs) {
  std::vector<std::string> parts = absl::StrSplit(text, ',');
  Program program;
  if (parts.size() != (has_iterations ? 4u : 3u)) return false;
  if (has_iterations && !absl::SimpleAtoi(parts[1], &program.iterations)) return false;
  program.name = parts[0];
  program.native = parts[parts.size() - 2];
  program.guest = parts[parts.size() - 1];
  programs.push_back(std::move(program));
  return true;
}

// What a process says of itself, in one line.
absl::StatusOr<std::string> FirstLine(const std::vector<std::string>& words) {
  const absl::StatusOr<Run> run = RunProcess(words);
  if (!run.ok()) return run.status();
  return std::string(absl::StripAsciiWhitespace(run->output.substr(0, run->output.find('\n'))));
}

std::string Machine() {
  std::string model = "unknown processor";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::pair<std::string, std::string> field = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(field.first) != "model name") continue;
    model = std::string(absl::StripAsciiWhitespace(field.second));
    break;
  }
  utsname names{};
  uname(&names);
  return absl::StrFormat("%s, %d processors, %s %s", model, sysconf(_SC_NPROCESSORS_ONLN),
                         names.sysname, names.release);
}

// One line that is written over, on a terminal.
class ProgressLine {
 public:
  ~ProgressLine() { Show(""); }
  void Show(const std::string& line) {
    if (!terminal_) return;
    std::cerr << "\r\x1b[K" << line << std::flush;
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
};

// ---------------------------------------------------------------------------------------------------
// Rounds.

class Comparison {
 public:
  explicit Comparison(const Settings& settings) : settings_(settings) {}

  // FailedPrecondition: engines disagree. The settings' programs are at least one.
  absl::StatusOr<Report> Measure() {
    Report report{.machine = Machine(),
                  .date = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::LocalTimeZone()),
                  .engines = {"native", "qemu", "pollux", "baseline"}};
    report.engines.resize(EngineCount(settings_));
    const absl::StatusOr<std::string> version = FirstLine({settings_.qemu, "--version"});
    if (!version.ok()) return version.status();
    report.qemu_version = *version;
    if (!settings_.workloads.empty()) {
      const Program& any = settings_.workloads[0];
      for (const auto& [engine, compiler] : {std::pair{kNative, &report.native_compiler},
                                             std::pair{kQemu, &report.guest_compiler}}) {
        const auto line = FirstLine(Command(settings_, engine, any, "--compiler"));
        if (!line.ok()) return line.status();
        *compiler = *line;
      }
    }
    report.workloads = Empty(settings_.workloads);
    report.starts = Empty(settings_.starts);

    // Before the clock counts, everybody has read his files, and what cannot run has said so.
    for (const Program& program : settings_.workloads) {
      const auto seconds = RunAll(program, program.iterations == 0 ? "" : "1", 0);
      if (!seconds.ok()) return seconds.status();
    }
    for (round_ = 0; round_ < settings_.rounds; ++round_) {
      absl::Status status = Round(settings_.workloads, 1, report.workloads);
      if (!status.ok()) return status;
      // Too short to be measured once.
      const int times = std::max(1, static_cast<int>(std::lround(10 * settings_.scale)));
      status = Round(settings_.starts, times, report.starts);
      if (!status.ok()) return status;
    }
    return report;
  }

 private:
  std::vector<Workload> Empty(const std::vector<Program>& programs) const {
    std::vector<Workload> workloads;
    for (const Program& program : programs)
      workloads.push_back({program.name, Iterations(program),
                           std::vector<std::vector<double>>(EngineCount(settings_))});
    return workloads;
  }

  uint64_t Iterations(const Program& program) const {
    if (program.iterations == 0) return 0;
    const double scaled = static_cast<double>(program.iterations) * settings_.scale;
    return static_cast<uint64_t>(std::max(1.0, std::round(scaled)));
  }

  absl::Status Round(const std::vector<Program>& programs, int times,
                     std::vector<Workload>& workloads) {
    for (size_t i = 0; i < programs.size(); ++i) {
      const uint64_t iterations = Iterations(programs[i]);
      std::vector<double> sum(EngineCount(settings_));
      for (int time = 0; time < times; ++time) {
        const auto seconds = RunAll(programs[i], iterations == 0 ? "" : absl::StrCat(iterations),
                                    static_cast<size_t>(round_) + i + static_cast<size_t>(time));
        if (!seconds.ok()) return seconds.status();
        for (size_t engine = 0; engine < sum.size(); ++engine) sum[engine] += (*seconds)[engine];
      }
      for (size_t engine = 0; engine < sum.size(); ++engine)
        workloads[i].seconds[engine].push_back(sum[engine] / times);
    }
    return absl::OkStatus();
  }

  // Seconds by engine. `order` numbers the orders: who begins, and whether the others follow
  // forwards or backwards, so that nobody always runs after the same one.
  absl::StatusOr<std::vector<double>> RunAll(const Program& program, const std::string& argument,
                                             size_t order) {
    constexpr absl::string_view kNames[] = {"native", "qemu", "pollux", "baseline"};
    const size_t count = EngineCount(settings_);
    std::vector<Run> runs(count);
    for (size_t turn = 0; turn < count; ++turn) {
      const size_t steps = order % 2 == 0 ? turn : count - turn;
      const size_t engine = (order / 2 + steps) % count;
      ShowProgress(program, kNames[engine]);
      absl::StatusOr<Run> run = RunProcess(Command(settings_, engine, program, argument));
      if (!run.ok()) return run.status();
      runs[engine] = *std::move(run);
    }
    std::vector<double> seconds;
    for (size_t engine = 0; engine < count; ++engine) {
      const Run &native = runs[kNative], &run = runs[engine];
      if (run.output != native.output || run.status != native.status) {
        return absl::FailedPreconditionError(absl::StrFormat(
            "%s %s: natively it exits with %d and prints %s, under %s with %d and %s%s%s",
            program.name, argument, native.status, Shown(native.output), kNames[engine], run.status,
            Shown(run.output),
            run.errors.empty() ? "" : "; stderr: ", run.errors.empty() ? "" : Shown(run.errors)));
      }
      seconds.push_back(run.seconds);
    }
    // All alike, but nothing to measure.
    if (runs[kNative].status != 0) {
      return absl::FailedPreconditionError(
          absl::StrFormat("%s %s exits with %d everywhere; stderr: %s", program.name, argument,
                          runs[kNative].status, Shown(runs[kNative].errors)));
    }
    return seconds;
  }

  static std::string Shown(absl::string_view text) {
    constexpr size_t kMost = 200;
    return absl::StrCat("\"", absl::CEscape(text.substr(0, kMost)),
                        text.size() > kMost ? "..." : "", "\"");
  }

  void ShowProgress(const Program& program, absl::string_view engine) {
    progress_.Show(absl::StrFormat("engines: round %d of %d: %s, %s", round_ + 1, settings_.rounds,
                                   program.name, engine));
  }

  const Settings& settings_;
  int round_ = 0;
  ProgressLine progress_;
};

// ---------------------------------------------------------------------------------------------------
// The command line.

// Paths as the caller means them: `bazel run` starts a program elsewhere. Pollux would take the
// paths of the programs so, too; they are relative to where this process is.
class CallersDirectory {
 public:
  CallersDirectory() {
    if (const char* directory = std::getenv("BUILD_WORKING_DIRECTORY"))
      prefix_ = absl::StrCat(directory, "/");
    unsetenv("BUILD_WORKING_DIRECTORY");
    unsetenv("BUILD_WORKSPACE_DIRECTORY");
  }
  std::string Path(const std::string& path) const {
    return path.empty() || path[0] == '/' ? path : prefix_ + path;
  }

 private:
  std::string prefix_;
};

struct Flags {
  std::vector<std::string> workloads, starts;
  std::string only, read, json = "engines.json", svg = "engines.svg", own_pollux;
  Settings settings;
};

void Declare(CLI::App& app, Flags& flags) {
  // The last one counts, so that a command line can change what Bazel's has.
  const auto add = [&](const char* name, auto& value, const char* help) {
    return app.add_option(name, value, help)->take_last();
  };
  Settings& settings = flags.settings;
  add("--rounds", settings.rounds, "How often each engine runs each program; default 7.")
      ->check(CLI::Range(1, 10000));
  add("--only", flags.only, "RE2: only the programs with a match in their name.");
  add("--baseline", settings.baseline, "Another pollux, which takes part in every round.");
  add("--scale", settings.scale,
      "So many times the work of each program; default 1, which takes qemu about 0.25 s.")
      ->check(CLI::Range(1e-9, 1e6));
  add("--json", flags.json, "Where to write all that was measured; default engines.json.");
  add("--svg", flags.svg, "Where to write the bar chart; default engines.svg.");
  add("--read", flags.read,
      "Measures nothing: what an earlier run wrote as JSON, as a table and a bar chart.");
  add("--pollux", settings.pollux, "The pollux that is measured; default --own_pollux.");
  add("--qemu", settings.qemu, "The qemu-riscv64 that it is compared with.");
  add("--own_pollux", flags.own_pollux, "Bazel says which it has built.");
  app.add_option("--workload", flags.workloads,
                 "NAME,ITERATIONS,NATIVE,GUEST: a program, built twice. Bazel names all.")
      ->allow_extra_args(false);
  app.add_option("--start", flags.starts,
                 "NAME,NATIVE,GUEST: a program that only starts and ends. Bazel names all.")
      ->allow_extra_args(false);
}

absl::StatusOr<Report> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  absl::StatusOr<Report> report = FromJson(std::string(std::istreambuf_iterator<char>(file), {}));
  if (!report.ok())
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", report.status().message()));
  return report;
}

absl::Status Write(const std::string& path, const std::string& text,
                   std::ios::openmode mode = std::ios::trunc) {
  std::ofstream file(path, std::ios::binary | mode);
  file << text << std::flush;
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be written"));
  return absl::OkStatus();
}

// The programs among `texts` that are wanted.
absl::StatusOr<std::vector<Program>> Programs(const std::vector<std::string>& texts,
                                              bool has_iterations, const RE2& wanted) {
  std::vector<Program> programs;
  for (const std::string& text : texts) {
    if (!ParseProgram(text, has_iterations, programs))
      return absl::InvalidArgumentError(absl::StrCat(text, " is not of the form that --help says"));
    if (!RE2::PartialMatch(programs.back().name, wanted)) programs.pop_back();
  }
  return programs;
}

absl::StatusOr<Report> Measure(const Flags& flags) {
  Settings settings = flags.settings;
  const RE2 wanted(flags.only, RE2::Quiet);
  if (!wanted.ok()) return absl::InvalidArgumentError(absl::StrCat("--only: ", wanted.error()));
  auto workloads = Programs(flags.workloads, true, wanted);
  if (!workloads.ok()) return workloads.status();
  auto starts = Programs(flags.starts, false, wanted);
  if (!starts.ok()) return starts.status();
  settings.workloads = *std::move(workloads);
  settings.starts = *std::move(starts);
  if (settings.workloads.empty() && settings.starts.empty()) {
    return absl::InvalidArgumentError(
        flags.only.empty() ? "no programs; start it with: bazel run //benchmarks:engines"
                           : absl::StrCat("--only: no program's name matches ", flags.only));
  }

  if (settings.pollux.empty()) settings.pollux = flags.own_pollux;
  for (const std::string* pollux : {&settings.pollux, &settings.baseline}) {
    if (pollux == &settings.baseline && pollux->empty()) continue;
    if (access(pollux->c_str(), X_OK) != 0)
      return absl::NotFoundError(absl::StrCat("\"", *pollux, "\" is no program"));
  }
  if (!RunProcess({settings.qemu, "--version"}).ok()) {
    return absl::NotFoundError(
        absl::StrCat(settings.qemu, " is not there; Debian has it in qemu-user"));
  }
  // Not after minutes.
  for (const std::string& path : {flags.json, flags.svg}) {
    const absl::Status status = Write(path, "", std::ios::app);
    if (!status.ok()) return status;
  }
  return Comparison(settings).Measure();
}

absl::Status Main(Flags flags) {
  const CallersDirectory caller;
  for (std::string* path :
       {&flags.json, &flags.svg, &flags.read, &flags.settings.pollux, &flags.settings.baseline})
    *path = caller.Path(*path);

  const bool measures = flags.read.empty();
  const absl::StatusOr<Report> report = measures ? Measure(flags) : Read(flags.read);
  if (!report.ok()) return report.status();
  std::cout << Table(*report) << "\n";
  if (measures) {
    const absl::Status status = Write(flags.json, ToJson(*report));
    if (!status.ok()) return status;
    std::cout << "All that was measured: " << flags.json << "\n";
  }
  const absl::Status status = Write(flags.svg, ToSvg(*report));
  if (status.ok()) std::cout << "The bar chart: " << flags.svg << "\n";
  return status;
}

}  // namespace
}  // namespace pollux::benchmarks

int main(int argc, char** argv) {
  namespace benchmarks = pollux::benchmarks;
  benchmarks::Flags flags;
  CLI::App app(
      "Runs programs natively, under qemu-riscv64 and under pollux, in turn, and compares the "
      "processor\n"
      "time of whole processes. Prints a table, and writes it as JSON and as a picture.\n"
      "Exit status: 0; 1 engines disagree; 125 wrong usage, or something is missing.",
      "engines");
  benchmarks::Declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    benchmarks::PrintError(absl::StrCat(error.what(), "; try --help"));
    return benchmarks::kError;
  }
  const absl::Status status = benchmarks::Main(std::move(flags));
  if (status.ok()) return 0;
  benchmarks::PrintError(status.message());
  return absl::IsFailedPrecondition(status) ? benchmarks::kDisagreement : benchmarks::kError;
}
