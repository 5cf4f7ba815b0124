#include "testsuite/isa/elf_image.h"

#include <elf.h>

#include <cstring>

namespace pollux::testsuite {
namespace {

constexpr uint64_t kPage = 0x1000;

uint64_t RoundUp(uint64_t value) { return (value + kPage - 1) & ~(kPage - 1); }

}  // namespace

std::vector<uint8_t> MakeElf(uint64_t text_address, const std::vector<uint8_t>& text,
                             uint64_t data_address, const std::vector<uint8_t>& data,
                             uint64_t bss_bytes) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_RISCV;
  header.e_version = EV_CURRENT;
  header.e_entry = text_address;
  header.e_phoff = sizeof header;
  header.e_flags = EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;

  const uint64_t text_offset = kPage;
  const uint64_t data_offset = text_offset + RoundUp(text.size());
  const Elf64_Phdr segments[2] = {
      {PT_LOAD, PF_R | PF_X, text_offset, text_address, text_address, text.size(), text.size(),
       kPage},
      {PT_LOAD, PF_R | PF_W, data_offset, data_address, data_address, data.size(),
       data.size() + bss_bytes, kPage},
  };

  std::vector<uint8_t> elf(data_offset + data.size());
  std::memcpy(elf.data(), &header, sizeof header);
  std::memcpy(elf.data() + sizeof header, segments, sizeof segments);
  std::memcpy(elf.data() + text_offset, text.data(), text.size());
  std::memcpy(elf.data() + data_offset, data.data(), data.size());
  return elf;
}

}  // namespace pollux::testsuite
