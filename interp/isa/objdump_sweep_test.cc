// Decoder and disassembler against GNU objdump: every 16-bit encoding, and hundreds of thousands of
// random 32-bit ones.
//
// What is an instruction of RV64GC and how it is written must be the same, but for the differences
// listed in kDifferences. Each of them must occur, so that the list cannot outlive its reasons.
//
// Environment: POLLUX_TEST_SEED repeats a run; objdump is riscv64-linux-gnu-objdump from the PATH
// (2.40 was measured; of a raw binary it knows rv64gc and no more).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "interp/isa/decoder.h"
#include "interp/isa/disassembler.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

constexpr int kRandomWords = 400'000;

// What objdump says about the bytes at an address.
struct Line {
  int length = 0;
  std::string text;
};

std::string TempPath(const char* name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return absl::StrCat(folder == nullptr ? "/tmp" : folder, "/", name);
}

// "addi\tx1,x2,3 # 0x7" -> "addi x1,x2,3".
std::string Normalise(std::string text) {
  text = text.substr(0, text.find(" #"));
  absl::StripAsciiWhitespace(&text);
  return absl::StrReplaceAll(text, {{"\t", " "}});
}

// By address. Empty if objdump cannot be run.
std::unordered_map<uint64_t, Line> RunObjdump(const std::vector<uint8_t>& code) {
  const std::string path = TempPath("sweep.bin");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(code.data()), static_cast<std::streamsize>(code.size()));
  const std::string command = absl::StrCat(
      "riscv64-linux-gnu-objdump -D -z -b binary -m riscv:rv64 -M no-aliases,numeric ", path);
  std::unordered_map<uint64_t, Line> lines;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return lines;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) {
    // "  1c:\t0100000f          \tfence\tw,unknown"
    const std::vector<std::string> columns = absl::StrSplit(buffer, absl::MaxSplits('\t', 2));
    uint64_t address = 0;
    if (columns.size() != 3 || !columns[0].ends_with(":")) continue;
    if (!absl::SimpleHexAtoi(absl::StripSuffix(columns[0], ":"), &address)) continue;
    const int digits = static_cast<int>(absl::StripAsciiWhitespace(columns[1]).size());
    lines[address] = {digits / 2, Normalise(columns[2])};
  }
  pclose(pipe);
  return lines;
}

struct Case {
  uint32_t bits;
  uint64_t address;
  Instruction ours;
  std::string our_text;
  std::string their_text;
};

bool IsData(const std::string& text) { return text.starts_with("."); }
std::string Mnemonic(const std::string& text) { return text.substr(0, text.find(' ')); }

// Where objdump and we differ on purpose. The first one that fits counts.
struct Difference {
  const char* name;
  const char* reason;
  bool (*fits)(const Case&);
};

constexpr Difference kDifferences[] = {
    {"privileged CSR",
     "objdump names the CSRs that unprivileged code cannot reach; we write their numbers",
     [](const Case& c) {
       const std::string number = absl::StrCat(",0x", absl::Hex(c.ours.imm), ",");
       const size_t at = c.our_text.find(number);
       if (!c.our_text.starts_with("csrr") || at == std::string::npos) return false;
       const bool is_unprivileged = (c.ours.imm & 0x300) == 0;
       const std::string& theirs = c.their_text;
       return !is_unprivileged && theirs.starts_with(c.our_text.substr(0, at + 1)) &&
              theirs.ends_with(c.our_text.substr(at + number.size() - 1));
     }},
    {"CSR of an extension",
     "objdump names unprivileged CSRs of V, N, Zkr and debug; RV64GC has none of them",
     [](const Case& c) {
       constexpr int kNames[] = {0x000, 0x004, 0x005, 0x008, 0x009, 0x00a, 0x00f, 0x015,
                                 0x040, 0x041, 0x042, 0x043, 0x044, 0xc20, 0xc21, 0xc22};
       if (!c.our_text.starts_with("csrr")) return false;
       for (int number : kNames) {
         if (c.ours.imm == number) return Mnemonic(c.our_text) == Mnemonic(c.their_text);
       }
       // The upper halves of counters, which RV32 has.
       return c.ours.imm >= 0xc80 && c.ours.imm <= 0xc9f &&
              Mnemonic(c.our_text) == Mnemonic(c.their_text);
     }},
    {"privileged instruction", "no instruction in user mode",
     [](const Case& c) {
       constexpr std::string_view kNames[] = {"uret", "sret",       "mret",     "dret",
                                              "wfi",  "sfence.vma", "sfence.vm"};
       for (std::string_view name : kNames) {
         if (Mnemonic(c.their_text) == name) return c.ours.opcode == Opcode::kIllegal;
       }
       return false;
     }},
    {"reserved rounding mode", "objdump writes rm 5 and 6 as `unknown`; the manual: reserved",
     [](const Case& c) {
       return c.ours.opcode == Opcode::kIllegal && c.their_text.ends_with(",unknown") &&
              c.their_text.starts_with("f") && Mnemonic(c.their_text) != "fence";
     }},
    {"rounding mode of an exact conversion",
     "objdump knows only rm 0 of fcvt.d.s, fcvt.d.w and fcvt.d.wu; the manual reserves none of 0 "
     "to 4 and 7",
     [](const Case& c) {
       return IsData(c.their_text) && c.ours.rm != 0 &&
              (c.ours.opcode == Opcode::kFcvtDS || c.ours.opcode == Opcode::kFcvtDW ||
               c.ours.opcode == Opcode::kFcvtDWu);
     }},
    {"ignored fields of fence and fence.i",
     "the manual: rd, rs1 and a reserved fm (fence.i: and the immediate) shall be ignored",
     [](const Case& c) {
       if (!IsData(c.their_text)) return false;
       if (c.ours.opcode == Opcode::kFenceI) return true;
       return (c.ours.opcode == Opcode::kFence || c.ours.opcode == Opcode::kFenceTso) &&
              (c.bits & 0xf00fff80) != 0;
     }},
    {"unimp", "objdump's name for csrrw x0,cycle,x0",
     [](const Case& c) { return c.bits == 0xc0001073 && c.their_text == "unimp"; }},
    {"all zeros", "objdump writes c.unimp; the manual: defined to be illegal",
     [](const Case& c) {
       return c.bits == 0 && c.their_text == "c.unimp" && c.our_text == ".2byte 0x0";
     }},
    {"shift by 0", "objdump writes c.slli64 and so on, RV128's names; the manual: a HINT",
     [](const Case& c) {
       return c.their_text.starts_with(absl::StrCat(Mnemonic(c.our_text), "64 ")) &&
              c.ours.imm == 0;
     }},
    {"c.addi16sp by 0", "objdump writes it; the manual: reserved",
     [](const Case& c) { return c.bits == 0x6101 && c.their_text == "c.addi16sp x2,0"; }},
};

// Why ours and theirs are not the same; empty if they are, or differ for a reason in kDifferences,
// which is counted.
std::string Compare(const Case& c, int their_length, std::vector<int>& difference_counts) {
  if (c.our_text == c.their_text && c.ours.length == their_length) return "";
  for (size_t i = 0; i < std::size(kDifferences); ++i) {
    if (c.ours.length == their_length && kDifferences[i].fits(c)) {
      ++difference_counts[i];
      return "";
    }
  }
  return absl::StrCat("0x", absl::Hex(c.bits), ": ours `", c.our_text, "`, objdump's `",
                      c.their_text, "` (", their_length, " bytes)");
}

class Sweep {
 public:
  void Add(uint32_t bits, int length) {
    cases_.emplace_back(bits, code_.size());
    for (int i = 0; i < length; ++i) code_.push_back(static_cast<uint8_t>(bits >> (8 * i)));
  }

  // Descriptions of all differences. `pc_error` is added to the pc that the disassembler is told: a
  // canary.
  std::vector<std::string> Run(uint64_t pc_error = 0) {
    std::vector<std::string> failures;
    difference_counts_.assign(std::size(kDifferences), 0);
    const auto lines = RunObjdump(code_);
    if (lines.empty())
      return {
          "riscv64-linux-gnu-objdump gave nothing: is it installed (binutils-riscv64-linux-gnu)?"};
    for (const auto& [bits, address] : cases_) {
      const auto line = lines.find(address);
      if (line == lines.end()) {
        failures.push_back(absl::StrCat("objdump has no line for address 0x", absl::Hex(address)));
        continue;
      }
      Case c{bits, address, Decode(bits), "", line->second.text};
      c.our_text = Disassemble(c.ours, address + pc_error);
      std::string failure = Compare(c, line->second.length, difference_counts_);
      if (!failure.empty()) failures.push_back(std::move(failure));
    }
    return failures;
  }

  int Count(std::string_view difference) const {
    for (size_t i = 0; i < std::size(kDifferences); ++i) {
      if (kDifferences[i].name == difference) return difference_counts_[i];
    }
    return -1;
  }

  void PrintDifferences() const {
    for (size_t i = 0; i < std::size(kDifferences); ++i) {
      std::cout << difference_counts_[i] << " x " << kDifferences[i].name << ": "
                << kDifferences[i].reason << "\n";
    }
  }

 private:
  std::vector<std::pair<uint32_t, uint64_t>> cases_;
  std::vector<uint8_t> code_;
  std::vector<int> difference_counts_;
};

void ExpectNone(const std::vector<std::string>& failures) {
  constexpr size_t kMostPrinted = 40;
  for (size_t i = 0; i < failures.size() && i < kMostPrinted; ++i) ADD_FAILURE() << failures[i];
  EXPECT_EQ(failures.size(), 0u);
}

uint64_t Seed() {
  uint64_t seed = 20191213;
  const char* text = std::getenv("POLLUX_TEST_SEED");
  if (text != nullptr && !absl::SimpleAtoi(text, &seed))
    std::cerr << "POLLUX_TEST_SEED is not a number\n";
  std::cout << "POLLUX_TEST_SEED=" << seed << "\n";
  return seed;
}

// Objdump reads more than 32 bits of an encoding that ends in 11111.
bool IsLonger(uint32_t bits) { return (bits & 0x1f) == 0x1f; }

// Half of them anything, half of them rows with random operands, one bit changed in half of those.
Sweep RandomWords(uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  Sweep sweep;
  sweep.Add(0xc0001073, 4);  // Known for its difference, and seldom.
  while (count > 0) {
    uint32_t bits = static_cast<uint32_t>(random());
    if (random() % 2 == 0) {
      const OpcodeInfo& row = kOpcodeInfo[1 + random() % (kBaseOpcodes - 1)];
      bits = (bits & ~row.mask) | row.match;
      if (random() % 2 == 0) bits ^= uint32_t{1} << (random() % 32);
    }
    bits |= 3;
    if (IsLonger(bits)) continue;
    sweep.Add(bits, 4);
    --count;
  }
  return sweep;
}

Sweep AllHalfwords() {
  Sweep sweep;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (IsCompressed(bits)) sweep.Add(bits, 2);
  }
  return sweep;
}

TEST(ObjdumpSweep, EveryHalfwordAgrees) {
  Sweep sweep = AllHalfwords();
  ExpectNone(sweep.Run());
  sweep.PrintDifferences();
  EXPECT_EQ(sweep.Count("all zeros"), 1);
  EXPECT_EQ(sweep.Count("c.addi16sp by 0"), 1);
  EXPECT_GT(sweep.Count("shift by 0"), 0);
}

TEST(ObjdumpSweep, RandomWordsAgree) {
  Sweep sweep = RandomWords(Seed(), kRandomWords);
  ExpectNone(sweep.Run());
  sweep.PrintDifferences();
  EXPECT_GT(sweep.Count("privileged CSR"), 0);
  EXPECT_GT(sweep.Count("CSR of an extension"), 0);
  EXPECT_GT(sweep.Count("privileged instruction"), 0);
  EXPECT_GT(sweep.Count("unimp"), 0);
  EXPECT_GT(sweep.Count("reserved rounding mode"), 0);
  EXPECT_GT(sweep.Count("rounding mode of an exact conversion"), 0);
  EXPECT_GT(sweep.Count("ignored fields of fence and fence.i"), 0);
}

TEST(ObjdumpSweep, CanaryADisassemblerThatIsWrongByTwoIsNoticed) {
  Sweep words = RandomWords(1, 2000);
  EXPECT_GT(words.Run(/*pc_error=*/2).size(), 20u);
  Sweep halfwords = AllHalfwords();
  EXPECT_GT(halfwords.Run(/*pc_error=*/2).size(), 1000u);
}

}  // namespace
}  // namespace pollux::interp
