// ElfBuilder: a small valid RISC-V program for tests to take apart, field by field.
//
// Its text (one page, readable and executable, with the headers) is followed by data (readable and
// writable, 100 bytes in the file and over two pages of bss).
#ifndef POLLUX_INTERP_LOADER_ELF_BUILDER_H_
#define POLLUX_INTERP_LOADER_ELF_BUILDER_H_

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace pollux::interp {

struct ElfBuilder {
  static constexpr uint64_t kTextOffset = 0;
  static constexpr uint64_t kTextBytes = 0x800;
  static constexpr uint64_t kDataOffset = 0x800;
  static constexpr uint64_t kDataBytes = 100;
  static constexpr uint64_t kBssBytes = 0x2000;

  Elf64_Ehdr header = {};
  std::vector<Elf64_Phdr> program_headers;
  std::string interpreter;
  size_t truncate_to = SIZE_MAX;

  explicit ElfBuilder(uint64_t base = 0x10000, uint16_t type = ET_EXEC) {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = type;
    header.e_machine = EM_RISCV;
    header.e_version = EV_CURRENT;
    header.e_entry = base + 0x400;
    header.e_phoff = sizeof(Elf64_Ehdr);
    header.e_flags = 0x5;  // Compressed instructions, double float ABI.
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    Elf64_Phdr text = {};
    text.p_type = PT_LOAD;
    text.p_flags = PF_R | PF_X;
    text.p_offset = kTextOffset;
    text.p_vaddr = text.p_paddr = base;
    text.p_filesz = text.p_memsz = kTextBytes;
    text.p_align = 0x1000;
    Elf64_Phdr data = text;
    data.p_flags = PF_R | PF_W;
    data.p_offset = kDataOffset;
    data.p_vaddr = data.p_paddr = base + 0x1000 + kDataOffset;
    data.p_filesz = kDataBytes;
    data.p_memsz = kDataBytes + kBssBytes;
    Elf64_Phdr stack = {};
    stack.p_type = PT_GNU_STACK;
    stack.p_flags = PF_R | PF_W;
    program_headers = {text, data, stack};
  }

  Elf64_Phdr& text() { return program_headers[0]; }
  Elf64_Phdr& data() { return program_headers[1]; }
  Elf64_Phdr& stack() { return program_headers[2]; }

  void AddInterpreter(const std::string& path) {
    interpreter = path;
    Elf64_Phdr entry = {};
    entry.p_type = PT_INTERP;
    entry.p_offset = 0x700;
    entry.p_filesz = path.size() + 1;
    program_headers.push_back(entry);
  }

  std::vector<uint8_t> Build() const {
    std::vector<uint8_t> file(0x1000);
    for (size_t i = 0; i < file.size(); ++i) file[i] = static_cast<uint8_t>(i % 251 + 1);
    Elf64_Ehdr built = header;
    if (built.e_phnum == 0) built.e_phnum = static_cast<uint16_t>(program_headers.size());
    std::memcpy(file.data(), &built, sizeof(built));
    std::memcpy(file.data() + sizeof(built), program_headers.data(),
                program_headers.size() * sizeof(Elf64_Phdr));
    if (!interpreter.empty())
      std::memcpy(file.data() + 0x700, interpreter.c_str(), interpreter.size() + 1);
    if (truncate_to < file.size()) file.resize(truncate_to);
    return file;
  }
};

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_LOADER_ELF_BUILDER_H_
