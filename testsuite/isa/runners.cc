#include "testsuite/isa/runners.h"

#include <elf.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "abi/check.h"
#include "absl/strings/str_cat.h"
#include "memory/address_space.h"

namespace pollux::testsuite {
namespace {

constexpr uint64_t kWrite = 64, kExitGroup = 94;
// A program that does not end is wrong: none retires as much.
constexpr uint64_t kMostInstructions = 2'000'000'000;

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

// The test programs read no counters.
class NoCounters final : public interp::Counters {
 public:
  uint64_t Cycle(const interp::Cpu&) override { return 0; }
  uint64_t Time(const interp::Cpu&) override { return 0; }
  uint64_t Instret(const interp::Cpu&) override { return 0; }
};

// Maps the segments; gives the entry.
uint64_t LoadElf(const std::vector<uint8_t>& elf, memory::AddressSpace& memory) {
  Elf64_Ehdr header;
  POLLUX_CHECK(elf.size() >= sizeof header);
  std::memcpy(&header, elf.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, elf.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    memory::AddressSpace::MapRequest request;
    request.hint = {segment.p_vaddr};
    request.length = segment.p_memsz;
    request.fixed = true;
    request.prot = ((segment.p_flags & PF_R) ? memory::kProtRead : 0u) |
                   ((segment.p_flags & PF_W) ? memory::kProtWrite : 0u) |
                   ((segment.p_flags & PF_X) ? memory::kProtExec : 0u);
    request.contents = {elf.data() + segment.p_offset, segment.p_filesz};
    POLLUX_CHECK(memory.Map(request).ok()) << "a segment cannot be mapped";
  }
  return header.e_entry;
}

}  // namespace

Outcome RunCommand(const std::string& command, const std::vector<uint8_t>& elf) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/isa_program.elf");
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(elf.data()), static_cast<std::streamsize>(elf.size()));
  file.close();
  if (!file || chmod(path.c_str(), 0755) != 0) return {"", absl::StrCat("cannot write ", path)};

  Outcome outcome;
  const std::string line = absl::StrCat(command, " ", path);
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) return {"", absl::StrCat("cannot run ", line)};
  std::vector<char> buffer(1 << 16);
  while (const size_t bytes = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.output.append(buffer.data(), bytes);
  }
  const int status = pclose(pipe);
  if (!WIFEXITED(status)) {
    outcome.error = absl::StrCat("`", line, "` was ended by signal ", WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0) {
    outcome.error = absl::StrCat("`", line, "` ended with status ", WEXITSTATUS(status));
  }
  return outcome;
}

Outcome RunInProcess(interp::EngineKind kind, const std::vector<uint8_t>& elf) {
  memory::MemoryBudget budget;
  auto memory = memory::AddressSpace::Create(&budget);
  if (!memory.ok()) return {"", "no address space"};
  NoCounters counters;
  const std::unique_ptr<interp::Engine> engine = interp::MakeEngine(kind, **memory, counters);
  interp::Cpu cpu;
  cpu.pc = LoadElf(elf, **memory);

  Outcome outcome;
  while (cpu.retired < kMostInstructions) {
    const interp::Stop stop = engine->Run(cpu, kMostInstructions - cpu.retired);
    if (stop.reason != interp::StopReason::kEcall) {
      outcome.error = absl::StrCat("the engine stopped at pc ", Hex(cpu.pc), " for reason ",
                                   static_cast<int>(stop.reason), ", bits ", Hex(stop.bits),
                                   ", fault address ", Hex(stop.fault.addr.value));
      return outcome;
    }
    const uint64_t number = cpu.x[interp::kA7];
    if (number == kExitGroup) {
      if (cpu.x[interp::kA0] != 0) outcome.error = absl::StrCat("exit status ", cpu.x[interp::kA0]);
      return outcome;
    }
    if (number != kWrite) {
      outcome.error = absl::StrCat("system call ", number);
      return outcome;
    }
    std::vector<uint8_t> bytes(cpu.x[interp::kA2]);
    if ((*memory)->Read({cpu.x[interp::kA1]}, bytes) != bytes.size()) {
      outcome.error = absl::StrCat("write(2) of unreadable memory at pc ", Hex(cpu.pc));
      return outcome;
    }
    outcome.output.append(bytes.begin(), bytes.end());
    cpu.x[interp::kA0] = bytes.size();
  }
  outcome.error = "the program does not end";
  return outcome;
}

}  // namespace pollux::testsuite
