// What a schedule costs: a program of static glibc with two threads and a mutex (explore/'s victim,
// "mutex"), from its fork point, and where the time goes. Beside it: the same program on the host, by
// fork and exec, and pollux from the beginning each time.
//
//   bazel run //benchmarks:explore
#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "abi/check.h"
#include "explore/explorer.h"
#include "machine/machine.h"
#include "machine/strategy/strategies.h"

namespace {

using pollux::explore::Explorer;
using pollux::explore::Guest;
using pollux::machine::Machine;
using pollux::machine::Options;
using pollux::machine::StrategyKind;

std::string PathOf(const char* variable) {
  const char* path = std::getenv(variable);
  POLLUX_CHECK(path != nullptr) << variable << " is not set";
  return path;
}

Guest Mutex() {
  std::ifstream file(PathOf("GUEST"), std::ios::binary);
  return {.file = std::string(std::istreambuf_iterator<char>(file), {}),
          .name = "victim",
          .arguments = {"victim", "mutex"}};
}

std::unique_ptr<Machine> LoadedMachine() {
  Options options;
  options.output = [](int, std::string_view) {};
  auto machine = Machine::Create(std::move(options));
  POLLUX_CHECK(machine.ok()) << machine.status();
  const Guest guest = Mutex();
  POLLUX_CHECK((*machine)->Load(guest.file, guest.name, guest.arguments).ok());
  return *std::move(machine);
}

void Schedule(benchmark::State& state, StrategyKind kind) {
  Options options;
  options.strategy.kind = kind;
  options.strategy.length = 0;
  auto explorer = Explorer::Create(std::move(options), Mutex());
  POLLUX_CHECK(explorer.ok()) << explorer.status();
  uint64_t seed = 0;
  for (auto _ : state) benchmark::DoNotOptimize((*explorer)->RunSeed(++seed).outcome.instructions);
  state.counters["schedules/s"] =
      benchmark::Counter(static_cast<double>(seed), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(Schedule, random, StrategyKind::kRandom);
BENCHMARK_CAPTURE(Schedule, round_robin, StrategyKind::kRoundRobin);
BENCHMARK_CAPTURE(Schedule, pct, StrategyKind::kPct);
BENCHMARK_CAPTURE(Schedule, pos, StrategyKind::kPos);
BENCHMARK_CAPTURE(Schedule, feedback, StrategyKind::kFeedback);

// Its parts: the way back alone, from a run as long as a schedule, and from none.
void Restore(benchmark::State& state) {
  const std::unique_ptr<Machine> machine = LoadedMachine();
  POLLUX_CHECK(!machine->RunToForkPoint().has_value());
  POLLUX_CHECK(machine->Save().ok());
  for (auto _ : state) {
    state.PauseTiming();
    machine->Run();
    state.ResumeTiming();
    machine->Restore();
  }
}
BENCHMARK(Restore);

void RestoreOfNothing(benchmark::State& state) {
  const std::unique_ptr<Machine> machine = LoadedMachine();
  POLLUX_CHECK(!machine->RunToForkPoint().has_value());
  POLLUX_CHECK(machine->Save().ok());
  for (auto _ : state) machine->Restore();
}
BENCHMARK(RestoreOfNothing);

void RunAlone(benchmark::State& state) {
  const std::unique_ptr<Machine> machine = LoadedMachine();
  POLLUX_CHECK(!machine->RunToForkPoint().has_value());
  POLLUX_CHECK(machine->Save().ok());
  for (auto _ : state) {
    machine->Run();
    state.PauseTiming();
    machine->Restore();
    state.ResumeTiming();
  }
}
BENCHMARK(RunAlone);

// Without a fork point.
void FromTheBeginning(benchmark::State& state) {
  for (auto _ : state) LoadedMachine()->Run();
}
BENCHMARK(FromTheBeginning);

// The native program.
void ForkAndExec(benchmark::State& state) {
  const std::string path = PathOf("NATIVE");
  std::string name = "victim", deed = "mutex";
  char* const arguments[] = {name.data(), deed.data(), nullptr};
  char* const environment[] = {nullptr};
  for (auto _ : state) {
    pid_t child;
    POLLUX_CHECK(posix_spawn(&child, path.c_str(), nullptr, nullptr, arguments, environment) == 0);
    int status;
    POLLUX_CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
}
BENCHMARK(ForkAndExec)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
