// Files that are broken here and there: what elfutils and we say of them may be nonsense, but it is
// said.
//
// POLLUX_TEST_SEED and POLLUX_TEST_ROUNDS set another seed and number of files.
#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "machine/stack/backtrace.h"
#include "machine/stack/elf_file.h"
#include "memory/address_space_fixture.h"

namespace pollux::machine {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

const char* program_path = "";

std::string ReadProgram() {
  std::ifstream file(program_path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Section {
  uint64_t offset = 0, bytes = 0;
};

std::map<std::string, Section> SectionsOf(const std::string& program) {
  Elf64_Ehdr header;
  std::memcpy(&header, program.data(), sizeof(header));
  const auto* headers = reinterpret_cast<const Elf64_Shdr*>(program.data() + header.e_shoff);
  const char* names = program.data() + headers[header.e_shstrndx].sh_offset;
  std::map<std::string, Section> sections;
  for (int i = 0; i < header.e_shnum; ++i) {
    if (headers[i].sh_type != SHT_NOBITS)
      sections[names + headers[i].sh_name] = {headers[i].sh_offset, headers[i].sh_size};
  }
  return sections;
}

class MutationTest : public memory::AddressSpaceTest {
 protected:
  void SetUp() override {
    AddressSpaceTest::SetUp();
    program_ = ReadProgram();
    ASSERT_GT(program_.size(), sizeof(Elf64_Ehdr));
    sections_ = SectionsOf(program_);
    Elf64_Ehdr header;
    std::memcpy(&header, program_.data(), sizeof(header));
    for (int i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      std::memcpy(&segment, program_.data() + header.e_phoff + i * sizeof(segment),
                  sizeof(segment));
      if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) code_ = segment;
    }
    memory::AddressSpace::MapRequest request;
    request.hint = GuestAddr{code_.p_vaddr & ~(memory::kPageBytes - 1)};
    request.file_offset = code_.p_offset & ~(memory::kPageBytes - 1);
    request.length = code_.p_filesz + code_.p_vaddr - request.hint.value;
    request.prot = memory::kRx;
    request.fixed = request.from_file = true;
    request.inode = 7;
    request.name = "/program";
    request.contents = {reinterpret_cast<const uint8_t*>(program_.data()) + request.file_offset,
                        code_.p_filesz};
    ASSERT_TRUE(space_->Map(request).ok());
    MapAt(kStack, 4 * memory::kPage, memory::kRw);
    if (plain_.empty()) FindPlaces();
  }

  // Half of the places to look at have lines; the C library's have not.
  void FindPlaces() {
    const std::unique_ptr<ElfFile> file = ElfFile::Parse(program_);
    ASSERT_NE(file, nullptr);
    const Section& text = sections_.at(".text");
    for (uint64_t at = text.offset; at < text.offset + text.bytes; at += 8) {
      const std::optional<uint64_t> address = file->AddressOf(at);
      ASSERT_TRUE(address.has_value());
      (file->Describe(*address).front().file.empty() ? plain_ : with_lines_).push_back(*address);
    }
    ASSERT_GT(with_lines_.size(), 200u);
    ASSERT_GT(plain_.size(), 10'000u);
  }

  // Looks at many places as if it had stopped there.
  size_t Look(const std::string& program, std::mt19937_64& random, int places) {
    Backtracer tracer(*space_, [&program](const memory::Mapping&) { return program; });
    size_t described = 0;
    for (int i = 0; i < places; ++i) {
      interp::Cpu cpu;
      const auto somewhere = [&] {
        const std::vector<uint64_t>& places = random() % 2 == 0 ? plain_ : with_lines_;
        return places[random() % places.size()];
      };
      cpu.pc = somewhere();
      for (int number = 1; number < 32; ++number)
        cpu.x[number] = random() % 2 == 0 ? somewhere() : kStack + random() % 8192 / 8 * 8;
      cpu.x[interp::kSp] = kStack + random() % 4096 / 8 * 8;
      for (int word = 0; word < 512; ++word) {
        EXPECT_TRUE(
            space_->WriteObject(GuestAddr{kStack + random() % 16384 / 8 * 8}, somewhere()).ok());
      }
      const std::vector<Frame> frames = tracer.StackOf(cpu);
      EXPECT_LE(frames.size(), kMostFrames);
      for (const Frame& frame : frames) described += !frame.file.empty();
    }
    return described;
  }

  static constexpr uint64_t kStack = memory::kBase;
  std::string program_;
  std::map<std::string, Section> sections_;
  Elf64_Phdr code_{};
  static inline std::vector<uint64_t> with_lines_, plain_;
};

TEST_F(MutationTest, DamagedFilesAreSurvived) {
  const uint64_t seed = FromEnvironment("POLLUX_TEST_SEED", 1);
  std::printf("seed %llu (POLLUX_TEST_SEED)\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  // That there is something to break.
  std::vector<std::string> targets;
  for (const char* name :
       {".eh_frame", ".debug_line", ".debug_info", ".debug_abbrev", ".debug_aranges",
        ".debug_rnglists", ".debug_str", ".debug_line_str", ".symtab", ".strtab", ".shstrtab"}) {
    if (sections_.contains(name)) targets.push_back(name);
  }
  ASSERT_TRUE(sections_.contains(".eh_frame") && sections_.contains(".debug_line") &&
              sections_.contains(".debug_info") && sections_.contains(".debug_abbrev"));
  // The ELF header and the tables of segments and sections.
  Elf64_Ehdr header;
  std::memcpy(&header, program_.data(), sizeof(header));
  sections_["headers"] = {0, sizeof(header) + header.e_phnum * sizeof(Elf64_Phdr)};
  sections_["section headers"] = {header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)};
  targets.insert(targets.end(), {"headers", "section headers"});

  const uint64_t rounds = FromEnvironment("POLLUX_TEST_ROUNDS", 300);
  for (uint64_t round = 0; round < rounds; ++round) {
    std::string damaged = program_;
    const Section& section = sections_.at(targets[round % targets.size()]);
    const uint64_t changes = uint64_t{1} << random() % 7;
    for (uint64_t i = 0; i < changes; ++i) {
      char& byte = damaged[section.offset + random() % section.bytes];
      switch (random() % 4) {
        case 0:
          byte = static_cast<char>(byte ^ 1 << random() % 8);
          break;
        case 1:
          byte = static_cast<char>(0xff);
          break;
        case 2:
          byte = 0;
          break;
        default:
          byte = static_cast<char>(random());
      }
    }
    // Files end early, too.
    if (round % 16 == 15) damaged.resize(random() % damaged.size());
    Look(damaged, random, 6);
    if (HasFailure()) FAIL() << "round " << round;
  }
}

TEST_F(MutationTest, TheWholeFileIsUnderstood) {
  std::mt19937_64 random(1);
  EXPECT_GT(Look(program_, random, 200), 100u);
}

TEST_F(MutationTest, OtherFilesAreRefused) {
  EXPECT_EQ(ElfFile::Parse(""), nullptr);
  EXPECT_EQ(ElfFile::Parse("\177ELF"), nullptr);
  EXPECT_EQ(ElfFile::Parse(std::string(4096, 'x')), nullptr);
  std::string other = program_;
  reinterpret_cast<Elf64_Ehdr*>(other.data())->e_machine = EM_X86_64;
  EXPECT_EQ(ElfFile::Parse(other), nullptr);
}

}  // namespace

void SetProgramPath(const char* path) { program_path = path; }

}  // namespace pollux::machine

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) return 2;
  pollux::machine::SetProgramPath(argv[1]);
  return RUN_ALL_TESTS();
}
