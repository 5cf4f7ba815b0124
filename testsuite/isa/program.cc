#include "testsuite/isa/program.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_cat.h"
#include "interp/isa/disassembler.h"
#include "interp/isa/opcode_info.h"
#include "testsuite/isa/assembler.h"
#include "testsuite/isa/elf_image.h"
#include "testsuite/isa/variants.h"

namespace pollux::testsuite {
namespace {

using interp::Instruction;
using interp::Member;
using interp::Opcode;
using interp::OpcodeInfo;
using interp::RegisterClass;

// Everything is where these say.
constexpr uint64_t kTextAddress = 0x10000;
constexpr uint64_t kDataAddress = 0x1000000;
constexpr uint64_t kOutputAddress =
    0x1400000;  // What one row of the instruction table leaves, until it is written.
constexpr uint64_t kOutputBytes = 0x200000;

// At the begin of the data: memory for loads and stores. Operand addresses stay away from its ends
// as far as immediates reach.
constexpr uint64_t kScratchBytes = 0x4000;
constexpr uint64_t kScratchMargin = 0x1000;
constexpr size_t kMemoryRows = 2048;

constexpr unsigned kFflags = 1, kFrm = 2, kFcsr = 3;
constexpr const char* kRoundingModeNames[] = {"rne", "rtz", "rdn", "rup", "rmm"};

// A vector of operand rows, in the guest's memory too.
struct Table {
  uint64_t address;
  std::span<const Row> rows;
};

class Generator {
 public:
  Generator(uint64_t seed, size_t cases_per_instance)
      : random_(seed), cases_per_instance_(cases_per_instance), code_(kTextAddress) {}

  Program Make() {
    MakeTables();
    for (const OpcodeInfo& row : interp::kOpcodeInfo) {
      if (row.opcode == Opcode::kIllegal) continue;
      const std::vector<Variant> variants = VariantsOf(row, random_);
      if (variants.empty()) continue;
      SetRegisters();
      for (const Variant& variant : variants) EmitInstance(variant);
      WriteOutput();
    }
    code_.Li(10, 0);
    code_.Li(17, 94);  // exit_group
    code_.Emit(Opcode::kEcall, {});
    const uint64_t bss = kOutputAddress + kOutputBytes - (kDataAddress + data_.size());
    program_.elf = MakeElf(kTextAddress, code_.code(), kDataAddress, data_, bss);
    return std::move(program_);
  }

 private:
  // ---- Tables
  // ------------------------------------------------------------------------------------

  void MakeTables() {
    for (uint64_t i = 0; i < kScratchBytes / 8; ++i) AppendWord(AnyValue(random_));
    integers_ = AddTable(IntegerRows(random_));
    floats_ = AddTable(FloatRows(random_));
    doubles_ = AddTable(DoubleRows(random_));
    bytes_ = AddTable(AddressRows(1));
    words_ = AddTable(AddressRows(4));
    doublewords_ = AddTable(AddressRows(8));
    nothing_ = AddTable({Row{}});
  }

  // Address, value, and another value for what is there before.
  std::vector<Row> AddressRows(uint64_t alignment) {
    std::vector<Row> rows;
    for (size_t i = 0; i < kMemoryRows; ++i) {
      const uint64_t offset = kScratchMargin + random_() % (kScratchBytes - 2 * kScratchMargin);
      rows.push_back(
          {kDataAddress + offset / alignment * alignment, AnyValue(random_), AnyValue(random_)});
    }
    return rows;
  }

  Table AddTable(std::vector<Row> rows) {
    const uint64_t address = kDataAddress + data_.size();
    for (const Row& row : rows) {
      for (uint64_t word : row) AppendWord(word);
    }
    POLLUX_CHECK(kDataAddress + data_.size() <= kOutputAddress) << "too many operands";
    return {address, program_.tables.emplace_back(std::move(rows))};
  }

  void AppendWord(uint64_t word) {
    for (int i = 0; i < 8; ++i) data_.push_back(static_cast<uint8_t>(word >> (8 * i)));
  }

  // ---- What surrounds instances
  // --------------------------------------------------------------------

  // All registers get a value, so that they do not depend on how the guest was started or on
  // write(2).
  void SetRegisters() {
    code_.Csr(Opcode::kCsrrwi, 0, kFcsr, 0);
    for (unsigned i = 1; i < 32; ++i) code_.Li(i, 0x11111111 + i * 0x1000101);
    for (unsigned i = 0; i < 32; ++i) code_.R(Opcode::kFmvDX, i, i, 0);
  }

  void WriteOutput() {
    POLLUX_CHECK(used_ <= kOutputBytes) << "a row leaves more than fits: " << used_;
    code_.Li(11, kOutputAddress);
    code_.Li(12, used_);
    const uint64_t again = code_.Here();
    code_.Li(10, 1);
    code_.Li(17, 64);  // write
    code_.Emit(Opcode::kEcall, {});
    code_.Branch(Opcode::kBge, 10, 0, code_.Here() + 5 * 4);
    code_.Li(17, 94);  // exit_group with the error, negative.
    code_.Emit(Opcode::kEcall, {});
    code_.Raw(0, 4);
    code_.R(Opcode::kAdd, 11, 11, 10);
    code_.R(Opcode::kSub, 12, 12, 10);
    code_.Branch(Opcode::kBne, 12, 0, again);
    program_.output_size += used_;
    used_ = 0;
  }

  // A register that nothing of the instance uses yet.
  unsigned Take() {
    unsigned number = 0;
    do {
      number = 1 + static_cast<unsigned>(random_() % 31);
    } while (taken_ >> number & 1);
    taken_ |= uint32_t{1} << number;
    return number;
  }

  // ---- Instances
  // -----------------------------------------------------------------------------------

  void EmitInstance(const Variant& variant) {
    instruction_ = variant.instruction;
    instance_ = {};
    instance_.instruction = instruction_;
    instance_.output_offset = program_.output_size + used_;
    taken_ = 1;
    for (Member member : {Member::kRd, Member::kRs1, Member::kRs2, Member::kRs3}) {
      if (ClassOf(member) == RegisterClass::kX) taken_ |= uint32_t{1} << Get(instruction_, member);
    }
    switch (ShapeOf(instruction_.opcode)) {
      case Shape::kCompute:
        EmitCompute(variant.frm);
        break;
      case Shape::kLoad:
        EmitLoad();
        break;
      case Shape::kStore:
        EmitStore();
        break;
      case Shape::kLoadReserved:
        EmitLoadReserved();
        break;
      case Shape::kStoreConditional:
        EmitStoreConditional();
        break;
      case Shape::kAmo:
        EmitAmo();
        break;
      case Shape::kBranch:
        EmitBranch();
        break;
      case Shape::kJump:
        EmitJump();
        break;
      case Shape::kJumpRegister:
        EmitJumpRegister();
        break;
      case Shape::kCsr:
        EmitCsr();
        break;
      case Shape::kFence:
        EmitFence();
        break;
      case Shape::kExcluded:
        POLLUX_CHECK(false) << "an excluded row has a variant";
    }
    program_.case_count += instance_.rows.size();
    program_.instances.push_back(std::move(instance_));
  }

  RegisterClass ClassOf(Member member) const { return RegistersOf(instruction_.opcode, member); }

  void EmitInstruction() {
    instance_.pc = code_.Here();
    code_.Raw(instruction_.bits, instruction_.length);
  }

  // Runs `body` once for each of some rows of `table`, from a random one on. The body loads
  // operands with Load, and leaves words with Record.
  template <typename Body>
  void Loop(const Table& table, size_t most, Body body) {
    const size_t count = std::min(most, table.rows.size());
    const size_t start = random_() % (table.rows.size() - count + 1);
    instance_.rows = table.rows.subspan(start, count);
    row_ = Take();
    output_ = Take();
    const unsigned end = Take();
    code_.Li(row_, table.address + start * sizeof(Row));
    code_.Li(end, table.address + (start + count) * sizeof(Row));
    code_.Li(output_, kOutputAddress + used_);
    const uint64_t again = code_.Here();
    body();
    code_.I(Opcode::kAddi, row_, row_, sizeof(Row));
    const size_t record_bytes = instance_.record.size() * 8;
    code_.I(Opcode::kAddi, output_, output_, static_cast<int32_t>(record_bytes));
    code_.Branch(Opcode::kBeq, row_, end, code_.Here() + 8);
    code_.Jump(again);
    used_ += count * record_bytes;
    DumpRegisters();
  }

  template <typename Body>
  void Loop(const Table& table, Body body) {
    Loop(table, cases_per_instance_, body);
  }

  void DumpRegisters() {
    int32_t offset = 0;
    for (unsigned i = 1; i < 32; ++i, offset += 8) code_.S(Opcode::kSd, i, output_, offset);
    for (unsigned i = 0; i < 32; ++i, offset += 8) code_.S(Opcode::kFsd, i, output_, offset);
    used_ += kRegisterDumpBytes;
  }

  // Loads the register that `member` of the instruction names from a column of the row.
  void Load(Member member, unsigned column) {
    const unsigned number = static_cast<unsigned>(Get(instruction_, member));
    const bool is_f = ClassOf(member) == RegisterClass::kF;
    if (ClassOf(member) == RegisterClass::kNone || (!is_f && number == 0)) return;
    code_.I(is_f ? Opcode::kFld : Opcode::kLd, number, row_, static_cast<int32_t>(column * 8));
    instance_.operands.push_back({is_f, number, column});
  }

  void LoadColumn(unsigned number, unsigned column) {
    code_.I(Opcode::kLd, number, row_, static_cast<int32_t>(column * 8));
  }

  void RecordX(unsigned number, std::string name) {
    code_.S(Opcode::kSd, number, output_, static_cast<int32_t>(instance_.record.size() * 8));
    instance_.record.push_back(std::move(name));
  }

  void RecordRd() {
    if (ClassOf(Member::kRd) == RegisterClass::kX) {
      RecordX(instruction_.rd, absl::StrCat("x", static_cast<unsigned>(instruction_.rd)));
    } else if (ClassOf(Member::kRd) == RegisterClass::kF) {
      code_.S(Opcode::kFsd, instruction_.rd, output_,
              static_cast<int32_t>(instance_.record.size() * 8));
      instance_.record.push_back(absl::StrCat("f", static_cast<unsigned>(instruction_.rd)));
    }
  }

  void SetMarker(unsigned marker, int32_t value) { code_.I(Opcode::kAddi, marker, 0, value); }

  // ---- One function a shape
  // ------------------------------------------------------------------------

  const Table& ComputeTable() const {
    bool has_source = false, has_f = false;
    for (Member member : {Member::kRs1, Member::kRs2, Member::kRs3}) {
      has_source |= ClassOf(member) != RegisterClass::kNone;
      has_f |= ClassOf(member) == RegisterClass::kF;
    }
    if (!has_source) return nothing_;
    if (!has_f) return integers_;
    const bool is_float = interp::InfoOf(instruction_.opcode).extension == interp::Extension::kF ||
                          instruction_.opcode == Opcode::kFcvtDS;
    return is_float ? floats_ : doubles_;
  }

  void EmitCompute(unsigned frm) {
    const interp::Extension extension = interp::InfoOf(instruction_.opcode).extension;
    const bool is_fp = extension == interp::Extension::kF || extension == interp::Extension::kD;
    if (is_fp) {
      code_.Csr(Opcode::kCsrrwi, 0, kFrm, frm);
      instance_.note = absl::StrCat("frm=", kRoundingModeNames[frm]);
    }
    Loop(ComputeTable(), [&] {
      Load(Member::kRs1, 0);
      Load(Member::kRs2, 1);
      Load(Member::kRs3, 2);
      if (is_fp) code_.Csr(Opcode::kCsrrwi, 0, kFflags, 0);
      EmitInstruction();
      RecordRd();
      if (is_fp) {
        const unsigned flags = Take();
        code_.Csr(Opcode::kCsrrs, flags, kFflags, 0);
        RecordX(flags, "fflags");
      }
    });
  }

  void EmitLoad() {
    Loop(bytes_, [&] {
      Load(Member::kRs1, 0);
      EmitInstruction();
      RecordRd();
    });
  }

  void EmitStore() {
    Loop(bytes_, [&] {
      // The address last: it must win where both are the same register.
      Load(Member::kRs2, 1);
      Load(Member::kRs1, 0);
      EmitInstruction();
      const unsigned address = Take(), word = Take();
      LoadColumn(address, 0);
      code_.I(Opcode::kAddi, address, address, instruction_.imm);
      for (int32_t offset : {-8, 0, 8}) {
        code_.I(Opcode::kLd, word, address, offset);
        RecordX(word, absl::StrCat("memory at address + ", offset));
      }
    });
  }

  bool IsDoubleword() const { return (instruction_.bits >> 12 & 7) == 3; }

  // The doubleword around the operand's address becomes column 2. Gives the register with its
  // address.
  unsigned SetMemory() {
    const unsigned address = Take(), word = Take();
    LoadColumn(address, 0);
    code_.I(Opcode::kAndi, address, address, -8);
    LoadColumn(word, 2);
    code_.S(Opcode::kSd, word, address, 0);
    return address;
  }

  void RecordMemory(unsigned address) {
    const unsigned word = Take();
    code_.I(Opcode::kLd, word, address, 0);
    RecordX(word, "memory");
  }

  void EmitAmo() {
    Loop(IsDoubleword() ? doublewords_ : words_, [&] {
      const unsigned address = SetMemory();
      Load(Member::kRs2, 1);
      Load(Member::kRs1, 0);
      EmitInstruction();
      RecordRd();
      RecordMemory(address);
    });
  }

  void EmitLoadReserved() {
    Loop(IsDoubleword() ? doublewords_ : words_, [&] {
      SetMemory();
      Load(Member::kRs1, 0);
      EmitInstruction();
      RecordRd();
    });
  }

  // After its own load-reserved it succeeds; repeated at once it must fail.
  void EmitStoreConditional() {
    const Opcode reserve = IsDoubleword() ? Opcode::kLrD : Opcode::kLrW;
    Loop(IsDoubleword() ? doublewords_ : words_, [&] {
      const unsigned address = SetMemory(), reserved = Take();
      Load(Member::kRs2, 1);
      Load(Member::kRs1, 0);
      code_.R(reserve, reserved, instruction_.rs1, 0);
      EmitInstruction();
      RecordRd();
      RecordMemory(address);
      if (instruction_.rd != instruction_.rs1) {
        code_.Raw(instruction_.bits, instruction_.length);
        RecordRd();
        RecordMemory(address);
      }
    });
  }

  // Emits the instruction and the code around it that leaves in `marker` where it went: 2 to the
  // next instruction, 1 to a target ahead, 3 to a target behind.
  void EmitWithTarget(unsigned marker) {
    if (instruction_.imm > 0) {
      SetMarker(marker, 1);
      EmitInstruction();
      const uint64_t target = instance_.pc + static_cast<uint64_t>(instruction_.imm);
      SetMarker(marker, 2);
      code_.Jump(target);
      code_.PadTo(target);
      return;
    }
    const uint64_t over = code_.JumpLater();
    const uint64_t target = code_.Here();
    SetMarker(marker, 3);
    const uint64_t done = code_.JumpLater();
    // Marker, then the instruction at target - imm.
    code_.PadTo(target + static_cast<uint64_t>(-instruction_.imm) - 4);
    code_.Land(over);
    SetMarker(marker, 1);
    EmitInstruction();
    SetMarker(marker, 2);
    code_.Land(done);
  }

  void EmitBranch() {
    Loop(integers_, [&] {
      const unsigned marker = Take();
      Load(Member::kRs1, 0);
      Load(Member::kRs2, 1);
      EmitWithTarget(marker);
      RecordX(marker, "where it went (2: on, 1 or 3: to the target)");
    });
  }

  void EmitJump() {
    Loop(nothing_, [&] {
      const unsigned marker = Take();
      EmitWithTarget(marker);
      RecordX(marker, "where it went (2: on, 1 or 3: to the target)");
      RecordRd();
    });
  }

  void EmitJumpRegister() {
    constexpr size_t kTargets = 8;
    constexpr size_t kTableRows = 64;
    // Targets first: one sets the marker to its number and leaves; where it ends up is known only
    // later.
    const unsigned marker = Take();
    const uint64_t over = code_.JumpLater();
    std::vector<uint64_t> targets, exits;
    for (size_t i = 0; i < kTargets; ++i) {
      code_.PadTo(code_.Here() + 2 * (random_() % 8));
      targets.push_back(code_.Here());
      SetMarker(marker, static_cast<int32_t>(10 + i));
      exits.push_back(code_.JumpLater());
    }
    code_.Land(over);
    std::vector<Row> rows;
    for (size_t i = 0; i < kTableRows; ++i) {
      // The lowest bit of the sum is cleared, whichever addend it comes from.
      const uint64_t target = targets[random_() % kTargets] | (random_() & 1);
      rows.push_back({target - static_cast<uint64_t>(int64_t{instruction_.imm}), 0, 0});
    }
    Loop(AddTable(std::move(rows)), [&] {
      Load(Member::kRs1, 0);
      SetMarker(marker, 1);
      EmitInstruction();
      SetMarker(marker, 2);
      for (uint64_t exit : exits) code_.Land(exit);
      RecordX(marker, "where it went (10 to 17: a target)");
      RecordRd();
    });
  }

  void EmitCsr() {
    Loop(integers_, [&] {
      const unsigned fcsr = Take();
      LoadColumn(fcsr, 2);
      code_.Csr(Opcode::kCsrrw, 0, kFcsr, fcsr);
      Load(Member::kRs1, 0);
      EmitInstruction();
      RecordRd();
      code_.Csr(Opcode::kCsrrs, fcsr, kFcsr, 0);
      RecordX(fcsr, "fcsr");
    });
    instance_.note = "fcsr = low 8 bits of the third operand";
    code_.Csr(Opcode::kCsrrwi, 0, kFcsr, 0);
  }

  void EmitFence() {
    Loop(nothing_, [&] {
      const unsigned marker = Take();
      SetMarker(marker, 1);
      EmitInstruction();
      RecordX(marker, "that it went on");
    });
  }

  Random random_;
  const size_t cases_per_instance_;
  Program program_;
  Assembler code_;
  std::vector<uint8_t> data_;
  Table integers_, floats_, doubles_, bytes_, words_, doublewords_;
  Table nothing_;    // One row: for what has no operands.
  size_t used_ = 0;  // Of the output buffer.

  // Of the instance that is being emitted.
  Instance instance_;
  Instruction instruction_;
  uint32_t taken_ = 0;
  unsigned row_ = 0, output_ = 0;
};

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

// What the loads of an iteration leave in registers: "x5=0x1 x6=0x2".
std::string Operands(const Instance& instance, const Row& row) {
  std::map<std::string, uint64_t> values;
  for (const LoadedRegister& operand : instance.operands) {
    values[absl::StrCat(operand.is_f ? "f" : "x", operand.number)] = row[operand.column];
  }
  std::string text;
  for (const auto& [name, value] : values) absl::StrAppend(&text, " ", name, "=", Hex(value));
  return text;
}

const Instance& InstanceAt(const Program& program, size_t offset) {
  const auto next =
      std::upper_bound(program.instances.begin(), program.instances.end(), offset,
                       [](size_t at, const Instance& i) { return at < i.output_offset; });
  POLLUX_CHECK(next != program.instances.begin());
  return *(next - 1);
}

uint64_t WordAt(const std::string& output, size_t offset) {
  uint64_t word = 0;
  std::memcpy(&word, output.data() + offset, sizeof word);
  return word;
}

}  // namespace

std::span<const ExcludedRow> ExcludedRows() {
  static constexpr ExcludedRow kRows[] = {
      {Opcode::kEcall, "enters the kernel; the program writes its output by it"},
      {Opcode::kEbreak, "traps"},
      {Opcode::kCEbreak, "traps"},
  };
  return kRows;
}

Program MakeProgram(uint64_t seed, size_t cases_per_instance) {
  return Generator(seed, cases_per_instance).Make();
}

std::string Describe(const Program& program, size_t offset, uint64_t expected, uint64_t actual) {
  const Instance& instance = InstanceAt(program, offset);
  std::string text =
      absl::StrCat(Hex(instance.pc), ": ", interp::Disassemble(instance.instruction, instance.pc));
  if (!instance.note.empty()) absl::StrAppend(&text, " [", instance.note, "]");
  std::string what;
  if (offset < instance.RegistersOffset()) {
    const size_t word = (offset - instance.output_offset) / 8;
    const size_t words = instance.record.size();
    const Row& row = instance.rows[word / words];
    absl::StrAppend(&text, " with", Operands(instance, row), " (row ", Hex(row[0]), " ",
                    Hex(row[1]), " ", Hex(row[2]), ")");
    what = instance.record[word % words];
  } else {
    const size_t number = (offset - instance.RegistersOffset()) / 8;
    what = absl::StrCat(number < 31 ? "x" : "f", number < 31 ? number + 1 : number - 31,
                        " after the last case");
  }
  return absl::StrCat(text, ": ", what, " is ", Hex(actual), ", expected ", Hex(expected));
}

std::string ExplainDifference(const Program& program, const std::string& expected,
                              const std::string& actual, size_t most) {
  std::string report;
  for (const auto& [output, name] :
       {std::pair{&expected, "the expected"}, std::pair{&actual, "the actual"}}) {
    if (output->size() == program.output_size) continue;
    absl::StrAppend(&report, name, " output has ", output->size(), " bytes instead of ",
                    program.output_size);
    if (output->size() < program.output_size) {
      // Output is written once a row of the instruction table.
      const Instance& instance = InstanceAt(program, output->size());
      absl::StrAppend(&report, ": it ends before `",
                      std::string(interp::InfoOf(instance.instruction.spelling).mnemonic), "`");
    }
    report += "\n";
  }
  const size_t size = std::min({expected.size(), actual.size(), program.output_size}) / 8 * 8;
  std::map<std::string, size_t> differences;
  size_t described = 0;
  for (size_t offset = 0; offset < size; offset += 8) {
    const uint64_t expected_word = WordAt(expected, offset), actual_word = WordAt(actual, offset);
    if (expected_word == actual_word) continue;
    const Instance& instance = InstanceAt(program, offset);
    const size_t count =
        ++differences[std::string(interp::InfoOf(instance.instruction.spelling).mnemonic)];
    // A few of each instruction tell more than many of the first.
    if (described < most && count <= 3) {
      ++described;
      absl::StrAppend(&report, Describe(program, offset, expected_word, actual_word), "\n");
    }
  }
  for (const auto& [mnemonic, count] : differences) {
    absl::StrAppend(&report, mnemonic, ": ", count, " words differ\n");
  }
  return report;
}

}  // namespace pollux::testsuite
