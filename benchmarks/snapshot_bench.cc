// What going back to a snapshot costs, in time of Restore() alone (and "run": of the stores that
// come before it). The argument is how many pages a run changed; the process has written 1000.
#include <chrono>
#include <cstdint>
#include <memory>

#include "abi/check.h"
#include "abi/types.h"
#include "benchmark/benchmark.h"
#include "memory/snapshot.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kStart = 0x40000000;
constexpr uint64_t kWrittenPages = 1000;

class Machine {
 public:
  // The pages are the process's own, or those of an object.
  explicit Machine(bool shared) : space_(*AddressSpace::Create(&budget_)) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{kStart};
    request.length = 2 * kWrittenPages * kPageBytes;
    request.prot = kProtRead | kProtWrite;
    request.fixed = true;
    request.shared = shared;
    POLLUX_CHECK(space_->Map(request).ok());
    for (uint64_t page = 0; page < kWrittenPages; ++page) Store(page);
    AddressSpace* const spaces[] = {space_.get()};
    snapshot_ = Snapshot::Take(&budget_, spaces);
  }
  ~Machine() { snapshot_ = nullptr; }

  // As the engine does it.
  void Store(uint64_t page) {
    const uint64_t addr = kStart + page * kPageBytes;
    Fault fault;
    if (!(space_->flags()[addr >> kPageShift] & kFastStore))
      POLLUX_CHECK(space_->Prepare(Access::kStore, GuestAddr{addr}, 8, &fault));
    space_->base()[addr] += 1;
  }
  AddressSpace& space() { return *space_; }
  Snapshot& snapshot() { return *snapshot_; }

 private:
  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
  std::unique_ptr<Snapshot> snapshot_;
};

template <typename Work>
double Seconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Every tenth of the pages is one that the process had not written before.
void Stores(Machine& machine, uint64_t pages) {
  for (uint64_t i = 0; i < pages; ++i)
    machine.Store(i % 10 == 9 ? kWrittenPages + i : i * 7 % 1000);
}

void RestorePages(benchmark::State& state, bool shared) {
  Machine machine(shared);
  for (auto _ : state) {
    Stores(machine, static_cast<uint64_t>(state.range(0)));
    state.SetIterationTime(Seconds([&] { machine.snapshot().Restore(); }));
  }
}

void RunPages(benchmark::State& state, bool shared) {
  Machine machine(shared);
  for (auto _ : state) {
    state.SetIterationTime(
        Seconds([&] { Stores(machine, static_cast<uint64_t>(state.range(0))); }));
    machine.snapshot().Restore();
  }
}

// A run that maps a thread's stack with its guard.
void RestoreMapping(benchmark::State& state) {
  Machine machine(false);
  for (auto _ : state) {
    AddressSpace::MapRequest request;
    request.length = uint64_t{8} << 20;
    const Result<GuestAddr> stack = machine.space().Map(request);
    POLLUX_CHECK(stack.ok());
    POLLUX_CHECK(
        machine.space()
            .Protect(*stack + kPageBytes, request.length - kPageBytes, kProtRead | kProtWrite)
            .ok());
    state.SetIterationTime(Seconds([&] { machine.snapshot().Restore(); }));
  }
}

BENCHMARK_CAPTURE(RestorePages, own, false)
    ->Name("restore")
    ->Arg(0)
    ->Arg(40)
    ->Arg(400)
    ->UseManualTime();
BENCHMARK_CAPTURE(RestorePages, shared, true)
    ->Name("restore, shared pages")
    ->Arg(40)
    ->UseManualTime();
BENCHMARK_CAPTURE(RunPages, own, false)->Name("run")->Arg(40)->UseManualTime();
BENCHMARK_CAPTURE(RunPages, shared, true)->Name("run, shared pages")->Arg(40)->UseManualTime();
BENCHMARK(RestoreMapping)->Name("restore, a new stack")->UseManualTime();

}  // namespace
}  // namespace pollux::memory

BENCHMARK_MAIN();
