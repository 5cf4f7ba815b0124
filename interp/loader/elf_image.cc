#include "interp/loader/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "memory/address_space.h"
#include "memory/pages.h"

// Newer than the <elf.h> of glibc 2.36.
#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

namespace pollux::interp {
namespace {

using memory::kAddressSpaceBytes;
using memory::kPageBytes;
using memory::PageDown;
using memory::PageUp;

// Linux reads at most 64 KiB of program headers.
constexpr uint64_t kMaxHeadersBytes = 65536;
constexpr uint64_t kMaxInterpreterBytes = 4096;  // PATH_MAX, with the NUL.
constexpr uint64_t kMaxAlignment = uint64_t{1} << 30;
// The file's ABI flags (RISC-V ELF psABI, e_flags).
constexpr uint32_t kFlagFloatAbi = 0x6;
constexpr uint32_t kFloatAbiQuad = 0x6;
constexpr uint32_t kFlagRve = 0x8;

template <typename... Args>
absl::Status Refuse(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}

std::string_view MachineName(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "x86 (32-bit)";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "ARM (32-bit)";
    case EM_AARCH64:
      return "AArch64";
    case EM_MIPS:
      return "MIPS";
    case EM_PPC:
      return "PowerPC (32-bit)";
    case EM_PPC64:
      return "PowerPC64";
    case EM_S390:
      return "s390";
    case EM_SPARCV9:
      return "SPARC V9";
    case EM_LOONGARCH:
      return "LoongArch";
    case EM_BPF:
      return "BPF";
    default:
      return "";
  }
}

bool LooksLikeText(std::span<const uint8_t> file) {
  const auto start = file.first(std::min<size_t>(file.size(), 512));
  return std::all_of(start.begin(), start.end(), [](uint8_t c) {
    return c >= 0x20 ? c != 0x7f : c == '\t' || c == '\n' || c == '\r' || c == '\f';
  });
}

absl::Status CheckIdent(std::span<const uint8_t> file) {
  if (file.empty()) return Refuse("is empty, not a RISC-V program");
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
    if (file.size() >= 2 && file[0] == '#' && file[1] == '!') {
      return Refuse(
          "is a script, not a RISC-V program; run its interpreter with the script as an argument");
    }
    if (LooksLikeText(file)) return Refuse("is a text file, not a RISC-V program");
    return Refuse("is not an ELF program");
  }
  if (file.size() < sizeof(Elf64_Ehdr)) {
    return Refuse("is truncated: it has ", file.size(), " bytes, an ELF header has ",
                  sizeof(Elf64_Ehdr));
  }
  return absl::OkStatus();
}

absl::Status CheckHeader(const Elf64_Ehdr& header) {
  // The machine has the same place in all classes, and is what a user wants to hear first. Its byte
  // order may be the other.
  const bool big_endian = header.e_ident[EI_DATA] == ELFDATA2MSB;
  const uint16_t machine = big_endian ? __builtin_bswap16(header.e_machine) : header.e_machine;
  if (machine != EM_RISCV) {
    const std::string_view name = MachineName(machine);
    return Refuse("is a program for ",
                  name.empty() ? absl::StrCat("machine type ", machine) : std::string(name),
                  "; pollux runs RISC-V (RV64GC) programs");
  }
  if (header.e_ident[EI_CLASS] == ELFCLASS32)
    return Refuse("is a 32-bit RISC-V program; pollux runs 64-bit ones");
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return Refuse("has an unknown ELF class ", header.e_ident[EI_CLASS]);
  if (big_endian) return Refuse("is a big-endian program; pollux runs little-endian ones");
  if (header.e_ident[EI_DATA] != ELFDATA2LSB)
    return Refuse("has an unknown byte order ", header.e_ident[EI_DATA]);
  if (header.e_ident[EI_VERSION] != EV_CURRENT || header.e_version != EV_CURRENT) {
    return Refuse("has an unknown ELF version");
  }
  switch (header.e_type) {
    case ET_EXEC:
    case ET_DYN:
      break;
    case ET_REL:
      return Refuse("is an object file; link it first");
    case ET_CORE:
      return Refuse("is a core dump, not a program");
    default:
      return Refuse("is no executable: its ELF type is ", header.e_type);
  }
  if (header.e_flags & kFlagRve) return Refuse("is built for RV64E; pollux runs RV64GC programs");
  if ((header.e_flags & kFlagFloatAbi) == kFloatAbiQuad) {
    return Refuse("uses the quad-precision float ABI; pollux runs RV64GC programs");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Elf64_Phdr>> ReadProgramHeaders(const Elf64_Ehdr& header,
                                                           std::span<const uint8_t> file) {
  if (header.e_phnum == 0) return Refuse("has no program headers, so nothing can be loaded");
  if (header.e_phentsize != sizeof(Elf64_Phdr)) {
    return Refuse("has program headers of ", header.e_phentsize, " bytes instead of ",
                  sizeof(Elf64_Phdr));
  }
  const uint64_t bytes = uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  if (bytes > kMaxHeadersBytes) return Refuse("has too many program headers: ", header.e_phnum);
  if (header.e_phoff > file.size() || bytes > file.size() - header.e_phoff) {
    return Refuse("is truncated: its program headers lie beyond its end");
  }
  std::vector<Elf64_Phdr> headers(header.e_phnum);
  std::memcpy(headers.data(), file.data() + header.e_phoff, bytes);
  return headers;
}

std::string Place(size_t index, const Elf64_Phdr& segment) {
  return absl::StrFormat("segment %d at 0x%x", index, segment.p_vaddr);
}

// Checks the PT_LOAD header number `index`; `last` is the one before it.
absl::Status AddSegment(size_t index, const Elf64_Phdr& header, bool position_independent,
                        std::span<const uint8_t> file, ElfImage& image) {
  const std::string place = Place(index, header);
  if (header.p_filesz > header.p_memsz)
    return Refuse("is damaged: ", place, " is larger in the file than in memory");
  if (header.p_offset > file.size() || header.p_filesz > file.size() - header.p_offset) {
    return Refuse("is truncated: ", place, " ends beyond the file's ", file.size(), " bytes");
  }
  if (header.p_memsz > kAddressSpaceBytes || header.p_vaddr > kAddressSpaceBytes - header.p_memsz) {
    return Refuse(
        "does not fit: ", place,
        absl::StrFormat(" ends beyond the address space of 0x%x bytes", kAddressSpaceBytes));
  }
  if (header.p_filesz > 0 && (header.p_vaddr - header.p_offset) % kPageBytes != 0) {
    return Refuse("is misaligned: ", place,
                  absl::StrFormat(" is at offset 0x%x in the file", header.p_offset));
  }
  if (header.p_memsz == 0) return absl::OkStatus();
  if (!position_independent && header.p_vaddr < memory::kMinMapAddress) {
    return Refuse("does not fit: ", place,
                  absl::StrFormat(" lies below 0x%x", memory::kMinMapAddress));
  }
  if (!image.segments.empty()) {
    const ElfSegment& last = image.segments.back();
    if (header.p_vaddr < last.address)
      return Refuse("is damaged: ", place, " lies below the segment before it");
    if (header.p_vaddr < last.address + last.memory_bytes) {
      return Refuse("is damaged: ", place, " overlaps the segment before it");
    }
  }
  // As Linux, an alignment that is no power of two counts as none.
  if (std::has_single_bit(header.p_align)) {
    if (header.p_align > kMaxAlignment)
      return Refuse("is damaged: ", place, " asks for an alignment over 1 GiB");
    image.alignment = std::max<uint64_t>(image.alignment, header.p_align);
  }
  ElfSegment segment;
  segment.address = header.p_vaddr;
  segment.file_offset = header.p_offset;
  segment.file_bytes = header.p_filesz;
  segment.memory_bytes = header.p_memsz;
  if (header.p_flags & PF_R) segment.prot |= memory::kProtRead;
  if (header.p_flags & PF_W) segment.prot |= memory::kProtWrite;
  if (header.p_flags & PF_X) segment.prot |= memory::kProtExec;
  image.segments.push_back(segment);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadInterpreter(const Elf64_Phdr& header,
                                            std::span<const uint8_t> file) {
  if (header.p_filesz < 2 || header.p_filesz > kMaxInterpreterBytes) {
    return Refuse("is damaged: the path of its interpreter has ", header.p_filesz, " bytes");
  }
  if (header.p_offset > file.size() || header.p_filesz > file.size() - header.p_offset) {
    return Refuse("is truncated: the path of its interpreter lies beyond its end");
  }
  const auto* path = reinterpret_cast<const char*>(file.data() + header.p_offset);
  if (path[header.p_filesz - 1] != '\0')
    return Refuse("is damaged: the path of its interpreter does not end");
  const size_t length = strnlen(path, header.p_filesz);
  if (length == 0) return Refuse("is damaged: the path of its interpreter is empty");
  return std::string(path, length);
}

bool HoldsEntry(const ElfSegment& segment, uint64_t entry) {
  return (segment.prot & memory::kProtExec) && entry >= segment.address &&
         entry - segment.address < segment.memory_bytes;
}

}  // namespace

absl::StatusOr<ElfImage> ParseElf(std::span<const uint8_t> file) {
  if (absl::Status status = CheckIdent(file); !status.ok()) return status;
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof(header));
  if (absl::Status status = CheckHeader(header); !status.ok()) return status;
  const auto program_headers = ReadProgramHeaders(header, file);
  if (!program_headers.ok()) return program_headers.status();

  ElfImage image;
  image.position_independent = header.e_type == ET_DYN;
  image.entry = header.e_entry;
  image.header_count = header.e_phnum;
  image.alignment = kPageBytes;
  for (size_t i = 0; i < program_headers->size(); ++i) {
    const Elf64_Phdr& program_header = (*program_headers)[i];
    if (program_header.p_type == PT_LOAD) {
      absl::Status status = AddSegment(i, program_header, image.position_independent, file, image);
      if (!status.ok()) return status;
    } else if (program_header.p_type == PT_INTERP &&
               image.interpreter.empty()) {  // The first counts.
      auto interpreter = ReadInterpreter(program_header, file);
      if (!interpreter.ok()) return interpreter.status();
      image.interpreter = *std::move(interpreter);
    } else if (program_header.p_type == PT_GNU_STACK) {
      image.executable_stack = program_header.p_flags & PF_X;
    }
  }
  if (image.segments.empty()) return Refuse("has no segment to load");
  image.low = PageDown(image.segments.front().address);
  image.high = PageUp(image.segments.back().address + image.segments.back().memory_bytes);
  for (const ElfSegment& segment : image.segments) {
    if (segment.file_offset <= header.e_phoff &&
        header.e_phoff - segment.file_offset < segment.file_bytes) {
      image.headers_address = segment.address + (header.e_phoff - segment.file_offset);
    }
  }
  const bool entry_is_code =
      std::any_of(image.segments.begin(), image.segments.end(),
                  [&](const ElfSegment& segment) { return HoldsEntry(segment, image.entry); });
  if (!entry_is_code || image.entry % 2 != 0) {
    return Refuse("is damaged: its entry point ", absl::StrFormat("0x%x", image.entry),
                  " is not in its code");
  }
  return image;
}

}  // namespace pollux::interp
