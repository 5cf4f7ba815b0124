// Random damage to a valid program: ParseElf and LoadElf may refuse it, and must not crash, read
// outside the file (run it with
// --config=asan), or break what the image promises.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "interp/loader/elf_builder.h"
#include "interp/loader/load_elf.h"
#include "memory/address_space.h"

namespace pollux::interp {
namespace {

using memory::AddressSpace;
using memory::kAddressSpaceBytes;
using memory::kPageBytes;

constexpr int kImages = 50000;

// Whether all that elf_image.h promises of an accepted image holds.
bool KeepsPromises(const ElfImage& image, size_t file_bytes) {
  uint64_t last_end = 0;
  bool entry_is_code = false;
  if (image.segments.empty() || image.low % kPageBytes != 0 || image.high % kPageBytes != 0)
    return false;
  if (image.high > kAddressSpaceBytes || image.alignment < kPageBytes) return false;
  for (const ElfSegment& segment : image.segments) {
    if (segment.file_bytes > segment.memory_bytes || segment.memory_bytes > kAddressSpaceBytes)
      return false;
    if (segment.file_offset > file_bytes || segment.file_bytes > file_bytes - segment.file_offset)
      return false;
    if (segment.address < last_end || segment.address < image.low) return false;
    last_end = segment.address + segment.memory_bytes;
    if (last_end > image.high) return false;
    if (segment.file_bytes > 0 && (segment.address - segment.file_offset) % kPageBytes != 0)
      return false;
    entry_is_code |= (segment.prot & memory::kProtExec) && image.entry >= segment.address &&
                     image.entry < last_end;
  }
  return entry_is_code;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  std::vector<uint8_t> Next() {
    ElfBuilder elf(Pick(2) == 0 ? 0x10000 : 0, Pick(2) == 0 ? ET_EXEC : ET_DYN);
    if (elf.text().p_vaddr == 0) elf.header.e_type = ET_DYN;
    if (Pick(2) == 0) elf.AddInterpreter("/lib/ld.so");
    std::vector<uint8_t> file = elf.Build();
    for (uint64_t changes = Pick(4); changes > 0; --changes) Change(file);
    if (Pick(8) == 0) file.resize(Pick(file.size()));
    file.shrink_to_fit();  // asan then sees the first byte behind the end.
    return file;
  }
  uint64_t Pick(uint64_t below) { return random_() % below; }

 private:
  void Change(std::vector<uint8_t>& file) {
    constexpr size_t kHeaders = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
    if (Pick(4) == 0) {
      file[Pick(kHeaders)] = static_cast<uint8_t>(random_());
      return;
    }
    // A field of a program header or the entry and table offset, which are the interesting 64-bit
    // ones.
    const size_t at = Pick(6) == 0 ? 24 + 8 * Pick(2) : sizeof(Elf64_Ehdr) + 8 * Pick(28);
    uint64_t value;
    std::memcpy(&value, &file[at], sizeof(value));
    switch (Pick(5)) {
      case 0:
        value = random_();
        break;
      case 1:
        value = ~uint64_t{0} << Pick(64);
        break;
      case 2:
        value += (Pick(2) == 0 ? 1 : -1) * static_cast<int64_t>(1 << Pick(14));
        break;
      case 3:
        value = (uint64_t{1} << Pick(64)) - Pick(2);
        break;
      default:
        value = kAddressSpaceBytes - Pick(4) * kPageBytes;
        break;
    }
    std::memcpy(&file[at], &value, sizeof(value));
  }

  std::mt19937_64 random_;
};

TEST(ElfMutation, DamagedProgramsAreRefusedOrLoaded) {
  uint64_t seed = std::random_device()();
  if (const char* given = std::getenv("POLLUX_TEST_SEED")) seed = std::strtoull(given, nullptr, 0);
  std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Mutator mutator(seed);
  memory::MemoryBudget budget;
  budget.limit_bytes = uint64_t{16} << 20;
  int accepted = 0;
  int loaded = 0;
  for (int i = 0; i < kImages; ++i) {
    const std::vector<uint8_t> file = mutator.Next();
    const auto image = ParseElf(file);
    if (!image.ok()) {
      ASSERT_EQ(image.status().message().find('\n'), absl::string_view::npos);
      continue;
    }
    ++accepted;
    ASSERT_TRUE(KeepsPromises(*image, file.size())) << "image " << i;
    const auto space = *AddressSpace::Create(&budget);
    const uint64_t stack_limit = uint64_t{8} << 20;
    const AddressLayout layout = ChooseLayout(
        {mutator.Pick(UINT64_MAX), mutator.Pick(UINT64_MAX), mutator.Pick(UINT64_MAX), 0},
        stack_limit);
    ApplyLayout(layout, stack_limit, *space);
    const auto bias = ChooseBias(*image, layout, *space);
    if (!bias.ok()) continue;
    const auto program = LoadElf(*image, file, *bias, {"/x", 1}, *space);
    if (!program.ok()) continue;
    ++loaded;
    StartHeap(*program, layout, *space);
    StackContents contents;
    contents.program = *program;
    (void)BuildInitialStack(contents, layout, stack_limit, *space);
    uint8_t byte;
    ASSERT_TRUE(space->IsMapped(program->entry)) << "image " << i;
    (void)space->Read(program->entry, {&byte, 1});
    ASSERT_LE(budget.used_bytes, budget.limit_bytes);
  }
  EXPECT_EQ(budget.used_bytes, 0u);
  // Neither all nor nothing, or the damage is of the wrong kind.
  EXPECT_GT(loaded, kImages / 20);
  EXPECT_GT(accepted, loaded);
  EXPECT_LT(accepted, kImages * 9 / 10);
}

// The canary: what the test above looks for is found where it is.
TEST(ElfMutation, BrokenPromisesAreNoticed) {
  const std::vector<uint8_t> file = ElfBuilder().Build();
  const ElfImage good = *ParseElf(file);
  ASSERT_TRUE(KeepsPromises(good, file.size()));
  ElfImage bad = good;
  bad.segments[1].file_offset = UINT64_MAX - 50;
  EXPECT_FALSE(KeepsPromises(bad, file.size()));
  bad = good;
  bad.segments[1].address = bad.segments[0].address;
  EXPECT_FALSE(KeepsPromises(bad, file.size()));
  bad = good;
  bad.entry = bad.segments[1].address;
  EXPECT_FALSE(KeepsPromises(bad, file.size()));
  bad = good;
  bad.segments[1].memory_bytes = kAddressSpaceBytes;
  EXPECT_FALSE(KeepsPromises(bad, file.size()));
}

}  // namespace
}  // namespace pollux::interp
