// ParseElf: what a RISC-V ELF program's headers say, checked so that nothing that follows has to
// distrust them.
//
// Accepts what Linux's fs/binfmt_elf.c would load for RV64: ET_EXEC and ET_DYN (static-PIE, or
// dynamic with an interpreter), and refuses more than Linux does where a program could not run
// anyway: segments beyond the file's end or on top of each other, an entry point outside the code,
// ABIs of extensions that pollux lacks. The file is hostile: any bytes are safe.
#ifndef POLLUX_INTERP_LOADER_ELF_IMAGE_H_
#define POLLUX_INTERP_LOADER_ELF_IMAGE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pollux::interp {

// A PT_LOAD program header with memory_bytes > 0.
struct ElfSegment {
  uint64_t address = 0;  // Before the load bias. (address - file_offset) is a multiple of a page if
                         // file_bytes > 0.
  uint64_t file_offset = 0;   // [file_offset, file_offset + file_bytes) lies in the file.
  uint64_t file_bytes = 0;    // <= memory_bytes.
  uint64_t memory_bytes = 0;  // address + memory_bytes <= memory::kAddressSpaceBytes.
  uint32_t prot = 0;          // memory::Protection bits.
};

struct ElfImage {
  bool position_independent =
      false;           // ET_DYN: may be loaded at any page (or multiple of `alignment`).
  uint64_t entry = 0;  // Before the load bias; lies in an executable segment.
  uint64_t headers_address =
      0;  // Of the program headers in memory, before the bias; 0 if no segment holds them.
  uint64_t header_count = 0;  // AT_PHNUM
  std::vector<ElfSegment>
      segments;      // Ascending and disjoint (but two may share a page); never empty.
  uint64_t low = 0;  // The pages from `low` to `high` hold all segments.
  uint64_t high = 0;
  uint64_t alignment = 0;         // Power of two, at least a page: the largest p_align.
  std::string interpreter;        // PT_INTERP's path; empty: a static program.
  bool executable_stack = false;  // PT_GNU_STACK
};

// Errors are kInvalidArgument with one clear line that continues "FILE: ", such as "is a program
// for x86-64; ...".
absl::StatusOr<ElfImage> ParseElf(std::span<const uint8_t> file);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_LOADER_ELF_IMAGE_H_
