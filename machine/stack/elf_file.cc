#include "machine/stack/elf_file.h"

#include <dwarf.h>
#include <libelf.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "machine/stack/function_name.h"
#include "machine/stack/scopes.h"

namespace pollux::machine {
namespace {

constexpr size_t kMostSymbols = 4'000'000, kMostUnitRanges = 4'000'000, kMostSegments = 1000;
// How many symbols before an address are looked at for one that covers it.
constexpr int kSymbolsToLookAt = 16;

// Which of the names of one address people know it by: pthread_mutex_lock, not
// ___pthread_mutex_lock; a function, not a label in it.
int RankOf(const GElf_Sym& symbol, std::string_view name) {
  int rank = GELF_ST_TYPE(symbol.st_info) == STT_NOTYPE ? 0 : 100;
  if (GELF_ST_BIND(symbol.st_info) == STB_GLOBAL) rank += 2;
  if (GELF_ST_BIND(symbol.st_info) == STB_WEAK) rank += 1;
  const size_t underscores = std::min(name.find_first_not_of('_'), name.size());
  // A mangled name begins with one.
  if (!name.starts_with("_Z") && !name.starts_with("_R"))
    rank -= static_cast<int>(std::min<size_t>(underscores, 9)) * 10;
  return rank;
}

}  // namespace

std::unique_ptr<ElfFile> ElfFile::Parse(std::string bytes) {
  elf_version(EV_CURRENT);
  std::unique_ptr<ElfFile> file(new ElfFile);
  file->bytes_ = std::move(bytes);
  file->elf_ = elf_memory(file->bytes_.data(), file->bytes_.size());
  GElf_Ehdr header;
  if (file->elf_ == nullptr || elf_kind(file->elf_) != ELF_K_ELF ||
      gelf_getclass(file->elf_) != ELFCLASS64 || gelf_getehdr(file->elf_, &header) == nullptr ||
      header.e_machine != EM_RISCV)
    return nullptr;
  file->ReadSegments();
  file->ReadSymbols(SHT_SYMTAB);
  if (file->functions_.empty()) file->ReadSymbols(SHT_DYNSYM);
  file->eh_frame_ = dwarf_getcfi_elf(file->elf_);
  file->dwarf_ = dwarf_begin_elf(file->elf_, DWARF_C_READ, nullptr);
  if (file->dwarf_ != nullptr) file->debug_frame_ = dwarf_getcfi(file->dwarf_);
  return file;
}

ElfFile::~ElfFile() {
  if (eh_frame_ != nullptr) dwarf_cfi_end(eh_frame_);
  if (dwarf_ != nullptr) dwarf_end(dwarf_);
  if (elf_ != nullptr) elf_end(elf_);
}

void ElfFile::ReadSegments() {
  size_t count = 0;
  if (elf_getphdrnum(elf_, &count) != 0) return;
  for (size_t i = 0; i < std::min(count, kMostSegments); ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf_, static_cast<int>(i), &header) == nullptr) return;
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
      segments_.push_back({header.p_offset, header.p_filesz, header.p_vaddr});
  }
}

void ElfFile::ReadSymbols(uint32_t section_type) {
  for (Elf_Scn* section = elf_nextscn(elf_, nullptr); section != nullptr;
       section = elf_nextscn(elf_, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != section_type ||
        header.sh_entsize == 0)
      continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    const size_t count = std::min<size_t>(data->d_size / header.sh_entsize, kMostSymbols);
    for (size_t i = 0; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
      const int type = GELF_ST_TYPE(symbol.st_info);
      if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
          symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS)
        continue;
      const char* name = elf_strptr(elf_, header.sh_link, symbol.st_name);
      // Assemblers mark places with .L and $x.
      if (name == nullptr || *name == '\0' || *name == '.' || *name == '$') continue;
      functions_.push_back({symbol.st_value, symbol.st_size, name, RankOf(symbol, name)});
    }
  }
  std::sort(functions_.begin(), functions_.end(), [](const Function& a, const Function& b) {
    if (a.address != b.address) return a.address < b.address;
    return a.rank != b.rank ? a.rank < b.rank : std::strcmp(a.name, b.name) > 0;
  });
}

std::optional<uint64_t> ElfFile::AddressOf(uint64_t file_offset) const {
  for (const Segment& segment : segments_) {
    if (file_offset >= segment.offset && file_offset - segment.offset < segment.bytes)
      return segment.address + (file_offset - segment.offset);
  }
  return std::nullopt;
}

const ElfFile::Function* ElfFile::FunctionAt(uint64_t address) const {
  auto at = std::upper_bound(
      functions_.begin(), functions_.end(), address,
      [](uint64_t wanted, const Function& function) { return wanted < function.address; });
  const Function* label = nullptr;  // The nearest that has no size.
  for (int i = 0; i < kSymbolsToLookAt && at != functions_.begin(); ++i) {
    --at;
    if (at->bytes == 0) {
      if (label == nullptr) label = &*at;
    } else if (address - at->address < at->bytes) {
      // A label within a function is not its name.
      return &*at;
    } else if (label == nullptr) {
      return nullptr;  // Behind the end of the function before it.
    }
  }
  return label;
}

DwarfFrame ElfFile::FrameAt(uint64_t address) const {
  for (Dwarf_CFI* table : {eh_frame_, debug_frame_}) {
    Dwarf_Frame* frame = nullptr;
    if (table != nullptr && dwarf_cfi_addrframe(table, address, &frame) == 0)
      return DwarfFrame(frame);
  }
  return nullptr;
}

void ElfFile::ReadUnits() {
  units_read_ = true;
  if (dwarf_ == nullptr) return;
  Dwarf_CU* unit = nullptr;
  Dwarf_Half version = 0;
  uint8_t type = 0;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf_, unit, &unit, &version, &type, &die, nullptr) == 0) {
    // A skeleton's contents are in another file, which could be any file of the host.
    if (type == DW_UT_skeleton || dwarf_tag(&die) != DW_TAG_compile_unit) continue;
    Dwarf_Addr base = 0, start = 0, end = 0;
    ptrdiff_t next = 0;
    while ((next = dwarf_ranges(&die, next, &base, &start, &end)) > 0) {
      if (start < end) unit_ranges_.push_back({start, end, units_.size()});
      if (unit_ranges_.size() >= kMostUnitRanges) return;
    }
    units_.push_back(die);
  }
}

const Dwarf_Die* ElfFile::UnitAt(uint64_t address) {
  if (!units_read_) ReadUnits();
  for (const UnitRange& range : unit_ranges_) {
    if (address >= range.start && address < range.end && range.unit < units_.size())
      return &units_[range.unit];
  }
  return nullptr;
}

std::vector<Frame> ElfFile::Describe(uint64_t address) {
  std::vector<Frame> frames;
  const Dwarf_Die* unit = UnitAt(address);
  if (unit != nullptr) frames = DescribeScopes(*unit, address);
  if (frames.empty()) frames.emplace_back();
  const Function* symbol = FunctionAt(address);
  if (symbol == nullptr) return frames;
  Frame& outermost = frames.back();
  // The mangled name has the namespaces, which DWARF has elsewhere.
  if (outermost.function.empty() || IsMangled(symbol->name))
    outermost.function = ShortFunctionName(symbol->name);
  if (outermost.file.empty()) outermost.function_offset = address - symbol->address;
  for (Frame& frame : frames) {
    if (frame.kind == Frame::Kind::kInlined) frame.inlined_into = outermost.function;
  }
  return frames;
}

}  // namespace pollux::machine
