// What the page-flag check on each guest access costs against host page protections
// (ARCHITECTURE.md, "page flags").
//
// A small bytecode interpreter with the shape of the real one runs four access patterns, translated
// three times:
//   flags   the engine's check: address bound, one flag bit, alignment; permissions, dirty tracking
//   and watchpoints come with it guard   the address bound only; everything else would be the
//   host's mprotect and a SIGSEGV handler none    no check at all (wrong: wild guest addresses
//   would reach host memory); the floor
// Then what each scheme pays outside of the loops: a change of permissions, and the first store to
// a page after a snapshot.
//
//   bazel run //benchmarks:memory_check
// runs each case kRepetitions times, interleaved at random, and prints the medians as a table.
#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "abi/check.h"
#include "memory/address_space.h"

namespace {

using pollux::GuestAddr;
using pollux::memory::Access;
using pollux::memory::AddressSpace;
using pollux::memory::kAddressSpaceBytes;
using pollux::memory::kFastLoad;
using pollux::memory::kFastStore;
using pollux::memory::kPageBytes;
using pollux::memory::kPages;
using pollux::memory::kPageShift;
using pollux::memory::kProtRead;
using pollux::memory::kProtWrite;

constexpr const char* kRepetitions = "15";
constexpr uint64_t kBase = 0x40000000;

// ---- The interpreter

enum Opcode { kLi, kAdd, kAddi, kMul, kLd, kSd, kLbu, kSb, kBne, kBltu, kHalt, kOpcodes };

struct Op {
  const void* handler = nullptr;
  uint8_t rd = 0;
  uint8_t rs1 = 0;
  uint8_t rs2 = 0;
  Opcode opcode = kHalt;
  int64_t imm = 0;  // Of branches: how many ops to jump.
};

Op Make(Opcode opcode, int rd, int rs1, int rs2, int64_t imm) {
  return {nullptr,
          static_cast<uint8_t>(rd),
          static_cast<uint8_t>(rs1),
          static_cast<uint8_t>(rs2),
          opcode,
          imm};
}

struct GuestMemory {
  uint8_t* base = nullptr;
  const uint8_t* flags = nullptr;
};

struct FlagsCheck {
  template <typename T>
  static bool Allows(const GuestMemory& memory, uint64_t addr, uint8_t wanted) {
    const uint64_t page = addr >> kPageShift;
    if (page < kPages && (memory.flags[page] & wanted) != 0) [[likely]] {
      if (sizeof(T) == 1 || (addr & (sizeof(T) - 1)) == 0) [[likely]]
        return true;
      if (addr % kPageBytes + sizeof(T) <= kPageBytes) return true;
    }
    return false;
  }
};

struct BoundCheck {
  template <typename T>
  static bool Allows(const GuestMemory&, uint64_t addr, uint8_t) {
    return addr < kAddressSpaceBytes;  // The guard page behind the end catches what crosses it.
  }
};

struct NoCheck {
  template <typename T>
  static bool Allows(const GuestMemory&, uint64_t, uint8_t) {
    return true;
  }
};

// Runs `program` until kHalt, and returns register 10; all ones if an access was refused. A null
// `memory` links the program to this interpreter's handlers instead.
template <typename Check>
[[gnu::noinline]] uint64_t Interpret(Op* program, size_t ops, const GuestMemory* memory_or_null) {
  static const void* const kHandlers[kOpcodes] = {&&li,  &&add, &&addi, &&mul,  &&ld,  &&sd,
                                                  &&lbu, &&sb,  &&bne,  &&bltu, &&halt};
  if (memory_or_null == nullptr) {
    for (size_t i = 0; i < ops; ++i) program[i].handler = kHandlers[program[i].opcode];
    return 0;
  }
  const GuestMemory memory = *memory_or_null;
  uint64_t x[16] = {};
  const Op* ip = program;
  goto * ip->handler;
#define NEXT(step)      \
  do {                  \
    ip += (step);       \
    goto * ip->handler; \
  } while (0)
li:
  x[ip->rd] = static_cast<uint64_t>(ip->imm);
  NEXT(1);
add:
  x[ip->rd] = x[ip->rs1] + x[ip->rs2];
  NEXT(1);
addi:
  x[ip->rd] = x[ip->rs1] + ip->imm;
  NEXT(1);
mul:
  x[ip->rd] = x[ip->rs1] * x[ip->rs2];
  NEXT(1);
#define LOAD(type)                                                            \
  do {                                                                        \
    const uint64_t addr = x[ip->rs1] + ip->imm;                               \
    if (!Check::template Allows<type>(memory, addr, kFastLoad)) goto refused; \
    type value;                                                               \
    std::memcpy(&value, memory.base + addr, sizeof(value));                   \
    x[ip->rd] = value;                                                        \
  } while (0)
#define STORE(type)                                                            \
  do {                                                                         \
    const uint64_t addr = x[ip->rs1] + ip->imm;                                \
    if (!Check::template Allows<type>(memory, addr, kFastStore)) goto refused; \
    const type value = static_cast<type>(x[ip->rs2]);                          \
    std::memcpy(memory.base + addr, &value, sizeof(value));                    \
  } while (0)
ld:
  LOAD(uint64_t);
  NEXT(1);
sd:
  STORE(uint64_t);
  NEXT(1);
lbu:
  LOAD(uint8_t);
  NEXT(1);
sb:
  STORE(uint8_t);
  NEXT(1);
bne:
  NEXT(x[ip->rs1] != x[ip->rs2] ? ip->imm : 1);
bltu:
  NEXT(x[ip->rs1] < x[ip->rs2] ? ip->imm : 1);
refused:
  return ~uint64_t{0};
halt:
  return x[10];
#undef NEXT
#undef LOAD
#undef STORE
}

// ---- The programs

// x[10] = sum over 48 x 48 products of rows and columns (of a matrix of 48 words a row).
std::vector<Op> MatrixMultiply() {
  constexpr int64_t kSide = 48;
  constexpr int64_t kRow = kSide * 8;
  return {
      Make(kLi, 1, 0, 0, kBase),  // a row
      Make(kLi, 2, 0, 0, kBase + kSide * kRow),
      Make(kLi, 9, 0, 0, kBase + 2 * kSide * kRow),  // c
      Make(kLi, 3, 0, 0, kBase + kSide * kRow),      // 4: b column
      Make(kLi, 4, 0, 0, kBase + kSide * kRow + kRow),
      Make(kAddi, 5, 1, 0, 0),     // 5: element of a
      Make(kAddi, 6, 3, 0, 0),     // element of b
      Make(kAddi, 7, 1, 0, kRow),  // end of the row
      Make(kLi, 8, 0, 0, 0),       // sum
      Make(kLd, 11, 5, 0, 0),      // the inner loop: 2 loads of 7
      Make(kLd, 12, 6, 0, 0),
      Make(kMul, 11, 11, 12, 0),
      Make(kAdd, 8, 8, 11, 0),
      Make(kAddi, 5, 5, 0, 8),
      Make(kAddi, 6, 6, 0, kRow),
      Make(kBne, 0, 5, 7, -6),
      Make(kSd, 0, 9, 8, 0),
      Make(kAdd, 10, 10, 8, 0),
      Make(kAddi, 9, 9, 0, 8),
      Make(kAddi, 3, 3, 0, 8),
      Make(kBne, 0, 3, 4, -15),
      Make(kAddi, 1, 1, 0, kRow),
      Make(kBne, 0, 1, 2, -19),
      Make(kHalt, 0, 0, 0, 0),
  };
}

// Copies `bytes`, a word an iteration: 1 load and 1 store of 5.
std::vector<Op> Copy(int64_t bytes) {
  return {
      Make(kLi, 1, 0, 0, kBase),
      Make(kLi, 2, 0, 0, kBase + bytes),
      Make(kLi, 3, 0, 0, kBase + bytes),
      Make(kLd, 4, 1, 0, 0),
      Make(kSd, 0, 2, 4, 0),
      Make(kAddi, 1, 1, 0, 8),
      Make(kAddi, 2, 2, 0, 8),
      Make(kBne, 0, 1, 3, -4),
      Make(kHalt, 0, 0, 0, 0),
  };
}

// Follows `steps` pointers: 1 load of 3, each address known only when the last load is done.
std::vector<Op> Chase(int64_t steps) {
  return {
      Make(kLi, 1, 0, 0, kBase), Make(kLi, 2, 0, 0, steps), Make(kLd, 1, 1, 0, 0),
      Make(kAddi, 2, 2, 0, -1),  Make(kBne, 0, 2, 0, -2),   Make(kHalt, 0, 0, 0, 0),
  };
}

// The sieve of Eratosthenes over `size` bytes: 1 byte store of 3.
std::vector<Op> Sieve(int64_t size) {
  return {
      Make(kLi, 1, 0, 0, 2),  // p
      Make(kLi, 2, 0, 0, size),    Make(kLi, 6, 0, 0, 1),
      Make(kLi, 7, 0, 0, 362),      // Primes above are squared beyond the end.
      Make(kAddi, 3, 1, 0, kBase),  // 4
      Make(kLbu, 4, 3, 0, 0),      Make(kBne, 0, 4, 0, 7),  // Not prime.
      Make(kMul, 3, 1, 1, 0),      Make(kAddi, 3, 3, 0, kBase),
      Make(kAddi, 5, 2, 0, kBase), Make(kSb, 0, 3, 6, 0),  // 10
      Make(kAdd, 3, 3, 1, 0),      Make(kBltu, 0, 3, 5, -2),
      Make(kAddi, 1, 1, 0, 1),  // 13
      Make(kBltu, 0, 1, 7, -10),   Make(kHalt, 0, 0, 0, 0),
  };
}

struct Pattern {
  const char* name;
  std::vector<Op> program;
  uint64_t bytes;
  uint64_t chase_bytes;  // Memory to fill with a random cycle of pointers; 0: none.
};

const std::vector<Pattern>& Patterns() {
  static const auto* patterns = new std::vector<Pattern>{
      {"matmul", MatrixMultiply(), 3 * 48 * 48 * 8, 0},
      {"copy 32K", Copy(32 << 10), 64 << 10, 0},
      {"copy 8M", Copy(8 << 20), 16 << 20, 0},
      {"chase 16K", Chase(100000), 16 << 10, 16 << 10},
      {"chase 16M", Chase(100000), 16 << 20, 16 << 20},
      {"sieve 128K", Sieve(128 << 10), 128 << 10, 0},
  };
  return *patterns;
}

class BenchSpace {
 public:
  explicit BenchSpace(uint64_t bytes) : space_(*AddressSpace::Create(&budget_)) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{kBase};
    request.length = bytes;
    request.prot = kProtRead | kProtWrite;
    request.fixed = true;
    POLLUX_CHECK(space_->Map(request).ok());
    StoreToAll(bytes);
  }
  AddressSpace& space() { return *space_; }
  GuestMemory memory() const { return {space_->base(), space_->flags()}; }
  void StoreToAll(uint64_t bytes) {
    for (uint64_t addr = kBase; addr < kBase + bytes; addr += kPageBytes) {
      pollux::memory::Fault fault;
      POLLUX_CHECK(space_->Prepare(Access::kStore, GuestAddr{addr}, 8, &fault));
      space_->base()[addr] = 1;
    }
  }

 private:
  pollux::memory::MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
};

void FillWithCycle(uint8_t* host, uint64_t bytes) {
  std::vector<uint64_t> order(bytes / 64);  // One pointer a cache line.
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(1);
  std::shuffle(order.begin() + 1, order.end(), random);
  for (size_t i = 0; i < order.size(); ++i) {
    const uint64_t next = kBase + order[(i + 1) % order.size()] * 64;
    std::memcpy(host + order[i] * 64, &next, sizeof(next));
  }
}

template <typename Check>
void RunPattern(benchmark::State& state, const Pattern& pattern) {
  BenchSpace bench(pattern.bytes);
  const GuestMemory memory = bench.memory();
  if (pattern.chase_bytes != 0) FillWithCycle(memory.base + kBase, pattern.chase_bytes);
  std::vector<Op> program = pattern.program;
  Interpret<Check>(program.data(), program.size(), nullptr);
  POLLUX_CHECK(Interpret<Check>(program.data(), program.size(), &memory) != ~uint64_t{0})
      << "an access was refused";
  for (auto _ : state)
    benchmark::DoNotOptimize(Interpret<Check>(program.data(), program.size(), &memory));
}

// ---- Outside of the loops

constexpr uint64_t kTouchedPages = 1024;
constexpr uint64_t kTouchedBytes = kTouchedPages * kPageBytes;

void ProtectWithFlags(benchmark::State& state) {
  BenchSpace bench(kTouchedBytes);
  uint32_t prot = kProtRead;
  for (auto _ : state) {
    POLLUX_CHECK(bench.space().Protect(GuestAddr{kBase + kPageBytes}, kPageBytes, prot).ok());
    prot ^= kProtWrite;
  }
}

void ProtectWithHost(benchmark::State& state) {
  BenchSpace bench(kTouchedBytes);
  uint8_t* page = bench.memory().base + kBase + kPageBytes;
  int prot = PROT_READ;
  for (auto _ : state) {
    POLLUX_CHECK(mprotect(page, kPageBytes, prot) == 0);
    prot ^= PROT_WRITE;
  }
}

// After a snapshot of 1024 written pages each is stored to once: how many it were has to be known.
// Time is a page's.
void DirtyWithFlags(benchmark::State& state) {
  BenchSpace bench(kTouchedBytes);
  for (auto _ : state) {
    bench.space().ClearDirty();
    bench.StoreToAll(kTouchedBytes);
  }
  state.SetItemsProcessed(state.iterations() * kTouchedPages);
}

void MakeWritable(int, siginfo_t* info, void*) {
  void* page =
      reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(kPageBytes - 1));
  if (mprotect(page, kPageBytes, PROT_READ | PROT_WRITE) != 0) _exit(1);
}

void DirtyWithHost(benchmark::State& state) {
  BenchSpace bench(kTouchedBytes);
  struct sigaction action = {};
  struct sigaction old;
  action.sa_sigaction = MakeWritable;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &old);
  volatile uint8_t* host = bench.memory().base + kBase;
  for (auto _ : state) {
    POLLUX_CHECK(mprotect(const_cast<uint8_t*>(host), kTouchedBytes, PROT_READ) == 0);
    for (uint64_t i = 0; i < kTouchedBytes; i += kPageBytes) host[i] = 1;
  }
  sigaction(SIGSEGV, &old, nullptr);
  state.SetItemsProcessed(state.iterations() * kTouchedPages);
}

// The very first store to 1024 fresh pages: both pay the host's page fault, the flags their slow
// path too.
void FirstTouchWithFlags(benchmark::State& state) {
  BenchSpace bench(kTouchedBytes);
  for (auto _ : state) {
    POLLUX_CHECK(bench.space().Discard(GuestAddr{kBase}, kTouchedBytes).ok());
    bench.StoreToAll(kTouchedBytes);
  }
  state.SetItemsProcessed(state.iterations() * kTouchedPages);
}

void FirstTouchWithHost(benchmark::State& state) {
  BenchSpace bench(kTouchedBytes);
  volatile uint8_t* host = bench.memory().base + kBase;
  for (auto _ : state) {
    POLLUX_CHECK(madvise(const_cast<uint8_t*>(host), kTouchedBytes, MADV_DONTNEED) == 0);
    for (uint64_t i = 0; i < kTouchedBytes; i += kPageBytes) host[i] = 1;
  }
  state.SetItemsProcessed(state.iterations() * kTouchedPages);
}

// ---- The table

// Prints the medians of all repetitions, a row a pattern, with flags over guard as a ratio.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      const double items =
          run.counters.count("items_per_second") ? run.counters.at("items_per_second").value : 0;
      const double nanoseconds = items > 0 ? 1e9 / items : run.GetAdjustedCPUTime();
      times_[run.run_name.function_name].push_back(nanoseconds);
    }
  }
  void Finalize() override {
    const size_t repetitions = times_.empty() ? 0 : times_.begin()->second.size();
    std::printf("Interpreter loops: CPU time of a pass in us, medians of %zu repetitions.\n\n",
                repetitions);
    std::printf("| pattern | no check | guard pages | page flags (10th to 90th percentile) | ");
    std::printf("flags/guard | of minima |\n| --- | --- | --- | --- | --- | --- |\n");
    double log_medians = 0;
    double log_minima = 0;
    int count = 0;
    for (const Pattern& pattern : Patterns()) {
      const std::string name = pattern.name;
      if (!times_.count(name + "/flags") || !times_.count(name + "/guard")) continue;
      const double medians = Median(name + "/flags") / Median(name + "/guard");
      const double minima = Quantile(name + "/flags", 0) / Quantile(name + "/guard", 0);
      std::printf("| %s | %.1f | %.1f | %.1f (%.1f to %.1f) | %.2f | %.2f |\n", pattern.name,
                  Median(name + "/none") / 1e3, Median(name + "/guard") / 1e3,
                  Median(name + "/flags") / 1e3, Quantile(name + "/flags", 0.1) / 1e3,
                  Quantile(name + "/flags", 0.9) / 1e3, medians, minima);
      log_medians += std::log(medians);
      log_minima += std::log(minima);
      ++count;
    }
    if (count > 0) {
      std::printf("| geometric mean | | | | %.2f | %.2f |\n", std::exp(log_medians / count),
                  std::exp(log_minima / count));
    }
    std::printf("\nOutside of loops: CPU time of a page in ns, medians.\n\n");
    std::printf(
        "| what | host protections | page flags | host/flags |\n| --- | --- | --- | --- |\n");
    for (const std::string name :
         {"permission change", "first store after a snapshot", "first store ever"}) {
      const double host = Median(name + "/host");
      const double flags = Median(name + "/flags");
      std::printf("| %s | %.0f | %.0f | %.1f |\n", name.c_str(), host, flags, host / flags);
    }
  }

 private:
  double Quantile(const std::string& name, double share) {
    std::vector<double>& times = times_[name];
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1) + 0.5)];
  }
  double Median(const std::string& name) { return Quantile(name, 0.5); }

  std::map<std::string, std::vector<double>> times_;
};

void Register() {
  for (const Pattern& pattern : Patterns()) {
    const std::string name = pattern.name;
    benchmark::RegisterBenchmark((name + "/none").c_str(), RunPattern<NoCheck>, pattern);
    benchmark::RegisterBenchmark((name + "/guard").c_str(), RunPattern<BoundCheck>, pattern);
    benchmark::RegisterBenchmark((name + "/flags").c_str(), RunPattern<FlagsCheck>, pattern);
  }
  benchmark::RegisterBenchmark("permission change/host", ProtectWithHost);
  benchmark::RegisterBenchmark("permission change/flags", ProtectWithFlags);
  benchmark::RegisterBenchmark("first store after a snapshot/host", DirtyWithHost);
  benchmark::RegisterBenchmark("first store after a snapshot/flags", DirtyWithFlags);
  benchmark::RegisterBenchmark("first store ever/host", FirstTouchWithHost);
  benchmark::RegisterBenchmark("first store ever/flags", FirstTouchWithFlags);
}

}  // namespace

int main(int argc, char** argv) {
  // Before the caller's own flags, which win.
  std::string repetitions = std::string("--benchmark_repetitions=") + kRepetitions;
  std::string interleave = "--benchmark_enable_random_interleaving=true";
  std::string min_time = "--benchmark_min_time=0.05";
  std::vector<char*> arguments = {argv[0], repetitions.data(), interleave.data(), min_time.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  Register();
  benchmark::Initialize(&count, arguments.data());
  TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
