// ElfFile: what an ELF file says of its code: functions, lines, inlined functions (.symtab, DWARF),
// and how frames are unwound (.eh_frame, .debug_frame). elfutils reads it.
//
// The file may be anybody's: all that is wrong in it makes answers wrong or empty. But elfutils is
// large and asked to parse hostile bytes, so pollux calls this in a process of its own
// (machine/contained.h). Work is bounded except within elfutils.
#ifndef POLLUX_MACHINE_STACK_ELF_FILE_H_
#define POLLUX_MACHINE_STACK_ELF_FILE_H_

#include <elfutils/libdw.h>
#include <gelf.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "machine/stack/frame.h"

namespace pollux::machine {

struct FreeFrame {
  void operator()(Dwarf_Frame* frame) const { std::free(frame); }
};
using DwarfFrame = std::unique_ptr<Dwarf_Frame, FreeFrame>;

class ElfFile {
 public:
  struct Function {
    uint64_t address = 0;
    uint64_t bytes = 0;  // 0: its symbol does not say.
    const char* name = nullptr;
    int rank = 0;  // Among names of one address, the highest is shown.
  };

  // Null: not a RISC-V ELF file of 64 bits.
  static std::unique_ptr<ElfFile> Parse(std::string bytes);
  ~ElfFile();
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  // Addresses are the file's own, as in its symbols.
  // The address of what lies at this offset of the file, in a segment with code.
  std::optional<uint64_t> AddressOf(uint64_t file_offset) const;
  // The function whose symbol covers the address. Null: none.
  const Function* FunctionAt(uint64_t address) const;
  // How to unwind from there. Null: the file does not say.
  DwarfFrame FrameAt(uint64_t address) const;
  // The frames at `address`, inlined functions first; at least one. Kinds, functions, files and
  // lines are set.
  std::vector<Frame> Describe(uint64_t address);

 private:
  struct Segment {
    uint64_t offset = 0, bytes = 0, address = 0;
  };
  struct UnitRange {
    uint64_t start = 0, end = 0;
    size_t unit = 0;
  };

  ElfFile() = default;
  void ReadSegments();
  void ReadSymbols(uint32_t section_type);
  void ReadUnits();
  const Dwarf_Die* UnitAt(uint64_t address);

  std::string bytes_;
  Elf* elf_ = nullptr;
  Dwarf* dwarf_ = nullptr;            // Null: it has no DWARF.
  Dwarf_CFI* eh_frame_ = nullptr;     // Null: it has none.
  Dwarf_CFI* debug_frame_ = nullptr;  // dwarf_'s.
  std::vector<Segment> segments_;
  std::vector<Function> functions_;  // By address.
  bool units_read_ = false;
  std::vector<Dwarf_Die> units_;
  std::vector<UnitRange> unit_ranges_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_ELF_FILE_H_
