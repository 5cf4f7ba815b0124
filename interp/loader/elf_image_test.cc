#include "interp/loader/elf_image.h"

#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "interp/loader/elf_builder.h"
#include "memory/address_space.h"

namespace pollux::interp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<ElfImage> ParseText(std::string_view text) {
  return ParseElf({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// What ParseElf says against the file; "" if it accepts it.
std::string Refusal(const ElfBuilder& elf) {
  const auto image = ParseElf(elf.Build());
  if (image.ok()) return "";
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(image.status().message()), Not(HasSubstr("\n")));
  return std::string(image.status().message());
}

TEST(ParseElf, ReadsAStaticProgram) {
  const auto image = ParseElf(ElfBuilder().Build());
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_FALSE(image->position_independent);
  EXPECT_EQ(image->entry, 0x10400u);
  EXPECT_EQ(image->headers_address, 0x10040u);
  EXPECT_EQ(image->header_count, 3u);
  EXPECT_EQ(image->low, 0x10000u);
  EXPECT_EQ(image->high, 0x14000u);
  EXPECT_EQ(image->alignment, 0x1000u);
  EXPECT_EQ(image->interpreter, "");
  EXPECT_FALSE(image->executable_stack);
  ASSERT_EQ(image->segments.size(), 2u);
  EXPECT_EQ(image->segments[0].prot, memory::kProtRead | memory::kProtExec);
  EXPECT_EQ(image->segments[1].address, 0x11800u);
  EXPECT_EQ(image->segments[1].file_offset, ElfBuilder::kDataOffset);
  EXPECT_EQ(image->segments[1].file_bytes, ElfBuilder::kDataBytes);
  EXPECT_EQ(image->segments[1].memory_bytes, ElfBuilder::kDataBytes + ElfBuilder::kBssBytes);
}

TEST(ParseElf, ReadsPositionIndependentProgramsAtZero) {
  const auto image = ParseElf(ElfBuilder(0, ET_DYN).Build());
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_TRUE(image->position_independent);
  EXPECT_EQ(image->low, 0u);
}

TEST(ParseElf, ReportsTheInterpreter) {
  ElfBuilder elf(0, ET_DYN);
  elf.AddInterpreter("/lib/ld-linux-riscv64-lp64d.so.1");
  const auto image = ParseElf(elf.Build());
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->interpreter, "/lib/ld-linux-riscv64-lp64d.so.1");
}

TEST(ParseElf, ReportsAnExecutableStack) {
  ElfBuilder elf;
  elf.stack().p_flags |= PF_X;
  EXPECT_TRUE(ParseElf(elf.Build())->executable_stack);
}

TEST(ParseElf, TakesTheLargestAlignment) {
  ElfBuilder elf;
  elf.data().p_align = 0x200000;
  EXPECT_EQ(ParseElf(elf.Build())->alignment, 0x200000u);
  elf.data().p_align = 0x200001;  // Linux ignores what is no power of two.
  EXPECT_EQ(ParseElf(elf.Build())->alignment, 0x1000u);
}

// ---- Not an ELF program for us

TEST(ParseElf, NamesWhatIsNoElfFile) {
  EXPECT_THAT(ParseText("").status().message(), HasSubstr("is empty"));
  EXPECT_THAT(ParseText("#!/bin/sh\necho\n").status().message(), HasSubstr("is a script"));
  EXPECT_THAT(ParseText("hello\n\tworld\n").status().message(), HasSubstr("is a text file"));
  EXPECT_THAT(ParseText(std::string_view("MZ\0\1\2", 5)).status().message(),
              HasSubstr("is not an ELF program"));
  EXPECT_THAT(ParseText("\x7f"
                        "EL")
                  .status()
                  .message(),
              HasSubstr("is not an ELF program"));
}

TEST(ParseElf, NamesForeignMachines) {
  ElfBuilder elf;
  elf.header.e_machine = EM_X86_64;
  EXPECT_THAT(Refusal(elf), HasSubstr("is a program for x86-64"));
  elf.header.e_machine = EM_AARCH64;
  EXPECT_THAT(Refusal(elf), HasSubstr("AArch64"));
  elf.header.e_machine = 4711;
  EXPECT_THAT(Refusal(elf), HasSubstr("machine type 4711"));
  elf.header.e_machine = __builtin_bswap16(EM_S390);
  elf.header.e_ident[EI_DATA] = ELFDATA2MSB;
  EXPECT_THAT(Refusal(elf), HasSubstr("s390"));
}

TEST(ParseElf, Refuses32Bit) {
  ElfBuilder elf;
  elf.header.e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(Refusal(elf), HasSubstr("32-bit RISC-V"));
  elf.header.e_ident[EI_CLASS] = 9;
  EXPECT_THAT(Refusal(elf), HasSubstr("ELF class 9"));
}

TEST(ParseElf, RefusesBigEndian) {
  ElfBuilder elf;
  elf.header.e_ident[EI_DATA] = ELFDATA2MSB;
  elf.header.e_machine = __builtin_bswap16(EM_RISCV);
  EXPECT_THAT(Refusal(elf), HasSubstr("big-endian"));
}

TEST(ParseElf, RefusesUnknownByteOrder) {
  ElfBuilder elf;
  elf.header.e_ident[EI_DATA] = 3;
  EXPECT_THAT(Refusal(elf), HasSubstr("byte order 3"));
}

TEST(ParseElf, RefusesUnknownVersions) {
  ElfBuilder elf;
  elf.header.e_version = 2;
  EXPECT_THAT(Refusal(elf), HasSubstr("ELF version"));
  ElfBuilder other;
  other.header.e_ident[EI_VERSION] = 0;
  EXPECT_THAT(Refusal(other), HasSubstr("ELF version"));
}

TEST(ParseElf, NamesFilesThatAreNoPrograms) {
  ElfBuilder elf;
  elf.header.e_type = ET_REL;
  EXPECT_THAT(Refusal(elf), HasSubstr("object file"));
  elf.header.e_type = ET_CORE;
  EXPECT_THAT(Refusal(elf), HasSubstr("core dump"));
  elf.header.e_type = ET_NONE;
  EXPECT_THAT(Refusal(elf), HasSubstr("no executable"));
}

TEST(ParseElf, RefusesAbisOfExtensionsThatAreMissing) {
  ElfBuilder elf;
  elf.header.e_flags = 0x5 | 0x8;
  EXPECT_THAT(Refusal(elf), HasSubstr("RV64E"));
  elf.header.e_flags = 0x1 | 0x6;
  EXPECT_THAT(Refusal(elf), HasSubstr("quad-precision"));
  for (const uint32_t flags : {0x0u, 0x1u, 0x3u, 0x15u}) {  // Soft and single float; TSO.
    elf.header.e_flags = flags;
    EXPECT_EQ(Refusal(elf), "");
  }
}

// ---- Truncated and hostile headers

TEST(ParseElf, RefusesTruncatedFilesWhereverTheyEnd) {
  ElfBuilder elf;
  elf.truncate_to = 63;
  EXPECT_THAT(Refusal(elf), HasSubstr("truncated: it has 63 bytes"));
  elf.truncate_to = 64 + 3 * 56 - 1;
  EXPECT_THAT(Refusal(elf), HasSubstr("program headers lie beyond"));
  elf.truncate_to = 0x7ff;
  EXPECT_THAT(Refusal(elf), HasSubstr("segment 0 at 0x10000 ends beyond the file"));
  elf.truncate_to = 0x800 + 99;
  EXPECT_THAT(Refusal(elf), HasSubstr("segment 1 at 0x11800 ends beyond the file"));
  elf.truncate_to = 0x800 + 100;
  EXPECT_EQ(Refusal(elf), "");
}

TEST(ParseElf, RefusesBadHeaderTables) {
  ElfBuilder elf;
  elf.header.e_phentsize = 57;
  EXPECT_THAT(Refusal(elf), HasSubstr("of 57 bytes"));
  elf = ElfBuilder();
  elf.program_headers.clear();
  EXPECT_THAT(Refusal(elf), HasSubstr("no program headers"));
  elf = ElfBuilder();
  elf.header.e_phnum = 65536 / 56 + 1;
  EXPECT_THAT(Refusal(elf), HasSubstr("too many program headers"));
  elf = ElfBuilder();
  elf.header.e_phoff = UINT64_MAX - 8;
  EXPECT_THAT(Refusal(elf), HasSubstr("program headers lie beyond"));
}

TEST(ParseElf, RefusesSegmentsLargerInTheFileThanInMemory) {
  ElfBuilder elf;
  elf.data().p_memsz = elf.data().p_filesz - 1;
  EXPECT_THAT(Refusal(elf), HasSubstr("larger in the file"));
}

TEST(ParseElf, RefusesSegmentsOutsideTheFileEvenIfTheSumWraps) {
  ElfBuilder elf;
  elf.data().p_offset = UINT64_MAX & ~uint64_t{0x7ff};
  EXPECT_THAT(Refusal(elf), HasSubstr("ends beyond the file"));
  elf = ElfBuilder();
  elf.data().p_filesz = elf.data().p_memsz = UINT64_MAX - 0x7ff;
  EXPECT_THAT(Refusal(elf), HasSubstr("ends beyond the file"));
}

TEST(ParseElf, RefusesSegmentsOutsideTheAddressSpace) {
  ElfBuilder elf;
  elf.data().p_memsz = memory::kAddressSpaceBytes - elf.data().p_vaddr + 1;
  EXPECT_THAT(Refusal(elf), HasSubstr("beyond the address space"));
  elf.data().p_memsz = UINT64_MAX;
  EXPECT_THAT(Refusal(elf), HasSubstr("beyond the address space"));
  elf = ElfBuilder();
  elf.data().p_vaddr = UINT64_MAX - 0x7ff;
  EXPECT_THAT(Refusal(elf), HasSubstr("beyond the address space"));
  elf = ElfBuilder();
  elf.data().p_memsz = memory::kAddressSpaceBytes - elf.data().p_vaddr;
  EXPECT_EQ(Refusal(elf), "");
}

TEST(ParseElf, RefusesMisalignedSegments) {
  ElfBuilder elf;
  elf.data().p_vaddr += 8;
  EXPECT_THAT(Refusal(elf), HasSubstr("is misaligned: segment 1"));
  elf.data().p_filesz = 0;  // Without bytes in the file there is nothing to align.
  EXPECT_EQ(Refusal(elf), "");
}

TEST(ParseElf, RefusesSegmentsBelowTheLowestAddress) {
  ElfBuilder elf;
  elf.text().p_vaddr = 0xf000;
  elf.header.e_entry = 0xf400;
  EXPECT_THAT(Refusal(elf), HasSubstr("lies below 0x10000"));
}

TEST(ParseElf, RefusesOverlappingAndDescendingSegments) {
  ElfBuilder elf;
  elf.text().p_memsz = 0x1801;
  EXPECT_THAT(Refusal(elf), HasSubstr("overlaps the segment before"));
  elf.text().p_memsz = 0x1800;  // Two segments may share a page.
  EXPECT_EQ(Refusal(elf), "");
  elf = ElfBuilder();
  std::swap(elf.text(), elf.data());
  EXPECT_THAT(Refusal(elf), HasSubstr("lies below the segment before"));
}

TEST(ParseElf, RefusesHugeAlignment) {
  ElfBuilder elf;
  elf.text().p_align = uint64_t{1} << 63;
  EXPECT_THAT(Refusal(elf), HasSubstr("alignment"));
}

TEST(ParseElf, RefusesEntriesOutsideTheCode) {
  ElfBuilder elf;
  elf.header.e_entry = 0x10000 - 2;
  EXPECT_THAT(Refusal(elf), HasSubstr("entry point 0xfffe is not in its code"));
  elf.header.e_entry = 0x10800;
  EXPECT_THAT(Refusal(elf), HasSubstr("entry point"));
  elf.header.e_entry = 0x11800;  // Data.
  EXPECT_THAT(Refusal(elf), HasSubstr("entry point"));
  elf.header.e_entry = 0x10401;
  EXPECT_THAT(Refusal(elf), HasSubstr("entry point"));
}

TEST(ParseElf, RefusesProgramsWithoutSegments) {
  ElfBuilder elf;
  elf.text().p_type = PT_NOTE;
  elf.data().p_type = PT_NOTE;
  EXPECT_THAT(Refusal(elf), HasSubstr("has no segment"));
}

TEST(ParseElf, RefusesBadInterpreterPaths) {
  ElfBuilder elf;
  elf.AddInterpreter("/lib/ld.so");
  Elf64_Phdr& header = elf.program_headers.back();
  header.p_filesz -= 1;
  EXPECT_THAT(Refusal(elf), HasSubstr("does not end"));
  header.p_filesz = 1;
  EXPECT_THAT(Refusal(elf), HasSubstr("has 1 bytes"));
  header.p_filesz = 4097;
  EXPECT_THAT(Refusal(elf), HasSubstr("has 4097 bytes"));
  header.p_filesz = 11;
  header.p_offset = UINT64_MAX - 4;
  EXPECT_THAT(Refusal(elf), HasSubstr("interpreter lies beyond"));
}

}  // namespace
}  // namespace pollux::interp
