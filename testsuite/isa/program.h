// Program: a guest program that runs every instruction of RV64GC on many operands and writes down
// what happened.
//
// A static RISC-V ELF, made from the rows of interp/isa and a seed, without a compiler. It consists
// of instances: one instruction with its registers and immediate, in a loop over a table of
// operands. Each iteration is a case, and leaves a record: the words that `record` of the instance
// names (destination register, fflags, memory ...). After the loop come all registers, so that a
// write to a wrong one shows. The program writes all that to standard output (write(2)) and leaves
// with exit_group(0).
//
// Two emulators that agree write the same bytes. ExplainDifference says what bytes that differ
// mean.
#ifndef POLLUX_TESTSUITE_ISA_PROGRAM_H_
#define POLLUX_TESTSUITE_ISA_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "interp/isa/instruction.h"
#include "testsuite/isa/operands.h"

namespace pollux::testsuite {

// A register that an iteration loads from a column of its row of operands.
struct LoadedRegister {
  bool is_f = false;
  unsigned number = 0;
  unsigned column = 0;
};

struct Instance {
  interp::Instruction instruction;
  uint64_t pc = 0;
  std::string note;                      // "frm=rmm": state that is not an operand.
  std::vector<LoadedRegister> operands;  // Later ones win where a register is loaded twice.
  std::span<const Row> rows;             // One an iteration; they belong to the Program.
  std::vector<std::string> record;       // What the 8-byte words of a case are.
  size_t output_offset = 0;              // Of the first case. The registers follow the last one.

  // Where the registers begin: x1 to x31, then f0 to f31, 8 bytes each.
  size_t RegistersOffset() const { return output_offset + rows.size() * record.size() * 8; }
};

inline constexpr size_t kRegisterDumpBytes = (31 + 32) * 8;

struct Program {
  std::vector<uint8_t> elf;
  std::deque<std::vector<Row>> tables;
  std::vector<Instance> instances;  // By output_offset.
  size_t output_size = 0;
  size_t case_count = 0;
};

// A row that no instance runs, and why.
struct ExcludedRow {
  interp::Opcode opcode;
  const char* reason;
};
std::span<const ExcludedRow> ExcludedRows();

// `cases_per_instance` is the most iterations of one instance.
Program MakeProgram(uint64_t seed, size_t cases_per_instance);

// What is at `offset` of the output: instruction, operands, and which word of the record;
// `expected` and `actual` are that word's values.
std::string Describe(const Program& program, size_t offset, uint64_t expected, uint64_t actual);

// Empty if both are the same and of the program's size; else a report of the first `most` cases
// that differ.
std::string ExplainDifference(const Program& program, const std::string& expected,
                              const std::string& actual, size_t most = 20);

}  // namespace pollux::testsuite

#endif  // POLLUX_TESTSUITE_ISA_PROGRAM_H_
