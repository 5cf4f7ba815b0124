// What instructions do: the engines against an emulator that has nothing in common with them.
//
// A generated program (program.h) runs every instruction row on some million operands, once under
// qemu-riscv64 and once on each engine: in this process, and, given --pollux, by `pollux run`. All
// outputs must be the same bytes. Where they are not, the test names the instruction, its operands,
// what came and what was expected.
//
// Needs qemu-riscv64 (qemu-user; 7.2 was measured).
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "interp/engine/engine.h"
#include "interp/isa/opcode_info.h"
#include "testsuite/isa/program.h"
#include "testsuite/isa/runners.h"
#include "testsuite/isa/variants.h"

ABSL_FLAG(std::string, pollux, "", "The pollux binary, to be tested by `pollux run` too.");
ABSL_FLAG(uint64_t, seed, 20191213, "Decides registers, immediates and operands.");
ABSL_FLAG(uint64_t, cases, 2000, "The most operands for one form of an instruction.");
ABSL_FLAG(bool, corrupt, false, "Change one bit of what engines answer: the test must fail then.");

namespace pollux::testsuite {
namespace {

constexpr char kQemu[] = "qemu-riscv64 -cpu rv64";

const Program& TheProgram() {
  static const Program& program = *new Program([] {
    Program made = MakeProgram(absl::GetFlag(FLAGS_seed), absl::GetFlag(FLAGS_cases));
    std::cout << "--seed=" << absl::GetFlag(FLAGS_seed) << ": " << made.instances.size()
              << " instances, " << made.case_count << " cases, " << made.output_size
              << " bytes of output\n";
    return made;
  }());
  return program;
}

const Outcome& Expected() {
  static const Outcome& outcome = *new Outcome(RunCommand(kQemu, TheProgram().elf));
  return outcome;
}

void ExpectAsQemu(Outcome outcome) {
  ASSERT_EQ(Expected().error, "") << "is qemu-riscv64 installed (qemu-user)?";
  ASSERT_EQ(Expected().output.size(), TheProgram().output_size);
  if (absl::GetFlag(FLAGS_corrupt) && !outcome.output.empty())
    outcome.output[outcome.output.size() / 2] ^= 1;
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(ExplainDifference(TheProgram(), Expected().output, outcome.output), "");
}

TEST(Program, RunsEveryRowThatIsNotExcluded) {
  std::vector<size_t> cases(interp::kOpcodes);
  for (const Instance& instance : TheProgram().instances) {
    cases[static_cast<size_t>(instance.instruction.spelling)] += instance.rows.size();
  }
  for (const ExcludedRow& row : ExcludedRows()) {
    EXPECT_EQ(cases[static_cast<size_t>(row.opcode)], 0u) << row.reason;
    cases[static_cast<size_t>(row.opcode)] = SIZE_MAX;
  }
  for (const interp::OpcodeInfo& row : interp::kOpcodeInfo) {
    if (row.opcode == interp::Opcode::kIllegal) continue;
    EXPECT_GT(cases[static_cast<size_t>(row.opcode)], 0u) << row.mnemonic;
  }
}

TEST(Program, IsTheSameForTheSameSeed) {
  EXPECT_EQ(MakeProgram(7, 10).elf, MakeProgram(7, 10).elf);
  EXPECT_NE(MakeProgram(7, 10).elf, MakeProgram(8, 10).elf);
}

TEST(Differential, ReferenceEngineAnswersAsQemu) {
  ExpectAsQemu(RunInProcess(interp::EngineKind::kReference, TheProgram().elf));
}

TEST(Differential, FastEngineAnswersAsQemu) {
  ExpectAsQemu(RunInProcess(interp::EngineKind::kFast, TheProgram().elf));
}

TEST(Differential, FastEngineByComputedGotosAnswersAsQemu) {
  ExpectAsQemu(RunInProcess(interp::EngineKind::kGotos, TheProgram().elf));
}

TEST(Differential, PolluxRunAnswersAsQemuWithBothEngines) {
  const std::string pollux = absl::GetFlag(FLAGS_pollux);
  if (pollux.empty()) GTEST_SKIP() << "no --pollux";
  for (const char* engine : {"reference", "fast"}) {
    SCOPED_TRACE(engine);
    ExpectAsQemu(RunCommand(absl::StrCat(pollux, " run --engine=", engine), TheProgram().elf));
  }
}

TEST(Canary, OneWrongBitIsNoticedAndItsCaseNamed) {
  ASSERT_EQ(Expected().error, "") << "is qemu-riscv64 installed (qemu-user)?";
  for (const Instance& instance : TheProgram().instances) {
    if (instance.instruction.spelling != interp::Opcode::kFmaddD) continue;
    std::string wrong = Expected().output;
    wrong[instance.output_offset] ^= 1;
    const std::string report = ExplainDifference(TheProgram(), Expected().output, wrong);
    EXPECT_NE(report.find("fmadd.d f"), std::string::npos) << report;
    EXPECT_NE(report.find("fmadd.d: 1 words differ"), std::string::npos) << report;
    EXPECT_NE(report.find("expected 0x"), std::string::npos) << report;
    return;
  }
  FAIL() << "no instance of fmadd.d";
}

TEST(Canary, MissingOutputIsNoticed) {
  ASSERT_EQ(Expected().error, "") << "is qemu-riscv64 installed (qemu-user)?";
  EXPECT_EQ(ExplainDifference(TheProgram(), Expected().output, Expected().output), "");
  const std::string shorter = Expected().output.substr(0, TheProgram().output_size / 2);
  EXPECT_NE(ExplainDifference(TheProgram(), Expected().output, shorter), "");
}

}  // namespace
}  // namespace pollux::testsuite

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
