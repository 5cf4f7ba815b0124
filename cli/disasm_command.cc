// pollux disasm: the instructions of a RISC-V ELF file, as `riscv64-linux-gnu-objdump -d -M
// no-aliases,numeric` writes them.
#include <gelf.h>
#include <libelf.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "interp/isa/decoder.h"
#include "interp/isa/disassembler.h"
#include "interp/loader/elf_image.h"

namespace pollux::cli {
namespace {

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

// Names of functions by address, from .symtab or else .dynsym.
std::map<uint64_t, std::string> FunctionNames(Elf* elf) {
  std::map<uint64_t, std::string> names;
  for (const uint32_t wanted : {SHT_SYMTAB, SHT_DYNSYM}) {
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
         section = elf_nextscn(elf, section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != wanted ||
          header.sh_entsize == 0)
        continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (data == nullptr) continue;
      const uint64_t count = std::min<uint64_t>(data->d_size / header.sh_entsize, INT32_MAX);
      for (uint64_t i = 0; i < count; ++i) {
        GElf_Sym symbol;
        if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
        if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
        const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (name != nullptr && *name != '\0') names.emplace(symbol.st_value, name);
      }
    }
    if (!names.empty()) break;
  }
  return names;
}

class DisasmCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app, const std::string& name) override {
    disasm_ = app.add_subcommand(
        name, "Print the instructions of FILE, a RISC-V ELF file, section by section.");
    disasm_->add_option("FILE", path_, "A RISC-V ELF file.")->required();
    return disasm_;
  }

  int Run() override {
    absl::StatusOr<std::string> file = ReadHostFile(path_);
    if (!file.ok()) {
      PrintError(file.status().message());
      return absl::IsNotFound(file.status()) ? kExitNotFound : kExitCannotLoad;
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(file->data());
    if (auto image = interp::ParseElf({bytes, file->size()}); !image.ok()) {
      PrintError(absl::StrCat(path_, ": ", image.status().message()));
      return kExitCannotLoad;
    }
    elf_version(EV_CURRENT);
    const ElfHandle elf(elf_memory(file->data(), file->size()));
    if (elf == nullptr) {
      PrintError(absl::StrCat(path_, ": ", elf_errmsg(-1)));
      return kExitCannotLoad;
    }
    const std::map<uint64_t, std::string> names = FunctionNames(elf.get());
    bool any = false;
    size_t strings = 0;
    elf_getshdrstrndx(elf.get(), &strings);
    for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
         section = elf_nextscn(elf.get(), section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr) continue;
      if (header.sh_type != SHT_PROGBITS || (header.sh_flags & SHF_EXECINSTR) == 0) continue;
      Elf_Data* data = elf_rawdata(section, nullptr);
      if (data == nullptr || data->d_buf == nullptr) continue;
      const char* name = elf_strptr(elf.get(), strings, header.sh_name);
      std::printf("%sDisassembly of section %s:\n", any ? "\n" : "", name == nullptr ? "?" : name);
      PrintSection(static_cast<const uint8_t*>(data->d_buf), data->d_size, header.sh_addr, names);
      any = true;
    }
    if (!any) {
      PrintError(absl::StrCat(
          path_, ": has no section with instructions (stripped of its section headers?)"));
      return kExitCannotLoad;
    }
    return std::fflush(stdout) == 0 ? 0 : kExitUsage;
  }

 private:
  static void PrintSection(const uint8_t* bytes, uint64_t size, uint64_t address,
                           const std::map<uint64_t, std::string>& names) {
    for (uint64_t offset = 0; offset + 2 <= size;) {
      uint32_t bits = 0;
      std::memcpy(&bits, bytes + offset, std::min<uint64_t>(4, size - offset));
      const interp::Instruction instruction = interp::Decode(bits);
      const uint64_t pc = address + offset;
      if (const auto name = names.find(pc); name != names.end()) {
        absl::PrintF("\n%016x <%s>:\n", pc, name->second);
      }
      const uint32_t shown = instruction.length == 2 ? bits & 0xffff : bits;
      const std::string encoding = absl::StrFormat("%0*x", 2 * instruction.length, shown);
      absl::PrintF("%8x:\t%-20s%s\n", pc, encoding, interp::Disassemble(instruction, pc));
      offset += instruction.length;
    }
  }

  CLI::App* disasm_ = nullptr;
  std::string path_;
};

}  // namespace

std::unique_ptr<Command> MakeDisasmCommand() { return std::make_unique<DisasmCommand>(); }

}  // namespace pollux::cli
