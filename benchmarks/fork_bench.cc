// What a process costs in address spaces: making an empty one, and copying one for fork(2); both
// with the end of the new one. The argument is how many pages the parent has written, scattered as
// a program's are: text, data, heap, libraries, stack.
//
// "kernel" is fork(2) and waitpid(2) of this process, with as many pages written, on the host's
// kernel in the same run.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>

#include "abi/check.h"
#include "abi/types.h"
#include "benchmark/benchmark.h"
#include "memory/address_space.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kAreas = 5;
constexpr uint64_t kAreaStarts[kAreas] = {0x10000, 0x2000000, 0x3f00000000, 0x3f10000000,
                                          0x3fff000000};
constexpr uint64_t kAreaBytes = uint64_t{4} << 20;

void Fill(AddressSpace& space, uint64_t pages) {
  for (uint64_t area = 0; area < kAreas; ++area) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{kAreaStarts[area]};
    request.length = kAreaBytes;
    request.prot = kProtRead | kProtWrite;
    request.fixed = true;
    request.name = area == 0 ? "/program" : "";
    POLLUX_CHECK(space.Map(request).ok());
  }
  for (uint64_t page = 0; page < pages; ++page) {
    const uint64_t at = kAreaStarts[page % kAreas] + page / kAreas * kPageBytes;
    POLLUX_CHECK(space.WriteObject(GuestAddr{at}, page).ok());
  }
}

void CreateAndEnd(benchmark::State& state) {
  MemoryBudget budget;
  for (auto _ : state) {
    std::unique_ptr<AddressSpace> space = *AddressSpace::Create(&budget);
    benchmark::DoNotOptimize(space.get());
  }
}

void ForkAndEnd(benchmark::State& state) {
  MemoryBudget budget;
  std::unique_ptr<AddressSpace> parent = *AddressSpace::Create(&budget);
  Fill(*parent, static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    Result<std::unique_ptr<AddressSpace>> child = parent->Fork();
    POLLUX_CHECK(child.ok());
    benchmark::DoNotOptimize(child->get());
  }
}

// As the first forks of a machine, before any process has ended.
void ForkWithoutSpares(benchmark::State& state) {
  MemoryBudget budget;
  std::unique_ptr<AddressSpace> parent = *AddressSpace::Create(&budget);
  Fill(*parent, static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    Result<std::unique_ptr<AddressSpace>> child = parent->Fork();
    POLLUX_CHECK(child.ok());
    child->reset();
    budget.reservations = nullptr;
  }
}

void Kernel(benchmark::State& state) {
  const auto pages = static_cast<uint64_t>(state.range(0));
  void* mapped =
      mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  POLLUX_CHECK(mapped != MAP_FAILED);
  auto* bytes = static_cast<volatile uint8_t*>(mapped);
  for (uint64_t page = 0; page < pages; ++page) bytes[page * kPageBytes] = 1;
  for (auto _ : state) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    POLLUX_CHECK(child > 0 && waitpid(child, nullptr, 0) == child);
  }
  munmap(mapped, pages * kPageBytes);
}

BENCHMARK(CreateAndEnd)->Name("create");
BENCHMARK(ForkAndEnd)->Name("fork")->Arg(0)->Arg(40)->Arg(1000);
BENCHMARK(ForkWithoutSpares)->Name("fork, no spares")->Arg(40)->Arg(1000);
BENCHMARK(Kernel)->Name("kernel")->Arg(40)->Arg(1000)->UseRealTime();

}  // namespace
}  // namespace pollux::memory

BENCHMARK_MAIN();
