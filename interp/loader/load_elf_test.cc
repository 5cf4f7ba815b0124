#include "interp/loader/load_elf.h"

#include <elf.h>

#include <cstring>
#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "interp/loader/elf_builder.h"
#include "memory/address_space.h"

namespace pollux::interp {
namespace {

using memory::Access;
using memory::AddressSpace;
using memory::kAddressSpaceBytes;
using memory::kPageBytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kStackLimit = uint64_t{8} << 20;

class LoadElfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    space_ = *AddressSpace::Create(&budget_);
    layout_ = ChooseLayout({}, kStackLimit);
    ApplyLayout(layout_, kStackLimit, *space_);
  }

  LoadedImage Load(const ElfBuilder& elf) {
    file_ = elf.Build();
    const auto image = ParseElf(file_);
    EXPECT_TRUE(image.ok()) << image.status();
    const auto bias = ChooseBias(*image, layout_, *space_);
    EXPECT_TRUE(bias.ok()) << bias.status();
    auto loaded = LoadElf(*image, file_, *bias, {"/bin/test", 42}, *space_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *loaded : LoadedImage();
  }

  uint8_t Byte(uint64_t addr) {
    const auto byte = space_->ReadObject<uint8_t>(GuestAddr{addr});
    EXPECT_TRUE(byte.ok()) << std::hex << addr;
    return byte.ok() ? *byte : 0;
  }
  uint64_t Word(uint64_t addr) {
    const auto word = space_->ReadObject<uint64_t>(GuestAddr{addr});
    EXPECT_TRUE(word.ok()) << std::hex << addr;
    return word.ok() ? *word : 0;
  }
  std::string Text(uint64_t addr) { return *space_->ReadString(GuestAddr{addr}, 1 << 20); }
  bool May(Access access, uint64_t addr) {
    memory::Fault fault;
    return space_->Prepare(access, GuestAddr{addr}, 1, &fault);
  }

  memory::MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
  AddressLayout layout_;
  std::vector<uint8_t> file_;
};

// ---- Segments

TEST_F(LoadElfTest, PutsSegmentsWhereTheHeadersSay) {
  const LoadedImage loaded = Load(ElfBuilder());
  EXPECT_EQ(loaded.entry.value, 0x10400u);
  EXPECT_EQ(loaded.headers.value, 0x10040u);
  EXPECT_EQ(loaded.end, 0x14000u);
  EXPECT_EQ(Byte(0x10400), file_[0x400]);
  EXPECT_EQ(Byte(0x10fff), file_[0xfff]) << "the page of a segment's end goes on with the file";
  EXPECT_EQ(Byte(0x11800), file_[0x800]);
  EXPECT_EQ(Byte(0x11800 + 99), file_[0x800 + 99]);
  EXPECT_EQ(Byte(0x11800 + 100), 0) << "unless bss follows";
  EXPECT_EQ(Byte(0x13fff), 0);
  EXPECT_EQ(Byte(0x11000), file_[0]) << "as does the page of its start";
  EXPECT_TRUE(May(Access::kFetch, 0x10400));
  EXPECT_FALSE(May(Access::kStore, 0x10400));
  EXPECT_TRUE(May(Access::kStore, 0x11800));
  EXPECT_TRUE(May(Access::kStore, 0x13000));
  EXPECT_FALSE(May(Access::kFetch, 0x13000));
  EXPECT_FALSE(May(Access::kLoad, 0x14000));
}

TEST_F(LoadElfTest, NamesTheFileInTheMappings) {
  Load(ElfBuilder());
  const auto mappings = space_->Mappings();
  ASSERT_EQ(mappings.size(), 3u);
  EXPECT_EQ(mappings[0].name, "/bin/test");
  EXPECT_EQ(mappings[0].inode, 42u);
  EXPECT_EQ(mappings[1].start, 0x11000u);
  EXPECT_EQ(mappings[2].name, "");
}

TEST_F(LoadElfTest, BssIsWritableEvenOfAReadOnlySegment) {
  ElfBuilder elf;
  elf.data().p_flags = PF_R;
  Load(elf);
  EXPECT_FALSE(May(Access::kStore, 0x11800));
  EXPECT_TRUE(May(Access::kStore, 0x12000));
}

TEST_F(LoadElfTest, SegmentWithoutFileBytesIsAllZeros) {
  ElfBuilder elf;
  elf.data().p_filesz = 0;
  Load(elf);
  EXPECT_EQ(Byte(0x11000), 0);
  EXPECT_EQ(Byte(0x11800), 0);
}

TEST_F(LoadElfTest, StaticPieGoesToTheHighestGap) {
  const LoadedImage loaded = Load(ElfBuilder(0, ET_DYN));
  EXPECT_EQ(loaded.end, layout_.map_top);
  EXPECT_EQ(loaded.bias, layout_.map_top - 0x4000);
  EXPECT_EQ(loaded.entry.value, loaded.bias + 0x400);
  EXPECT_EQ(loaded.headers.value, loaded.bias + 0x40);
  EXPECT_EQ(Byte(loaded.entry.value), file_[0x400]);
}

TEST_F(LoadElfTest, StaticPieHonoursItsAlignment) {
  ElfBuilder elf(0, ET_DYN);
  elf.text().p_align = 0x200000;
  EXPECT_EQ(Load(elf).bias % 0x200000, 0u);
}

TEST_F(LoadElfTest, DynamicProgramGoesToTheProgramBaseAndItsInterpreterToAGap) {
  ElfBuilder elf(0, ET_DYN);
  elf.AddInterpreter("/lib/ld.so");
  const LoadedImage program = Load(elf);
  EXPECT_EQ(program.bias, 0x2aaaaaa000u);
  EXPECT_EQ(program.interpreter, "/lib/ld.so");
  const LoadedImage interpreter = Load(ElfBuilder(0, ET_DYN));
  EXPECT_EQ(interpreter.end, layout_.map_top);
  EXPECT_EQ(interpreter.interpreter, "");
}

TEST_F(LoadElfTest, RefusesATakenPlace) {
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{0x13000};
  request.length = kPageBytes;
  request.fixed = true;
  ASSERT_TRUE(space_->Map(request).ok());
  file_ = ElfBuilder().Build();
  const auto loaded = LoadElf(*ParseElf(file_), file_, 0, {}, *space_);
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(loaded.status().message(), HasSubstr("no room"));
}

TEST_F(LoadElfTest, RefusesABiasThatLeavesTheAddressSpace) {
  file_ = ElfBuilder(0, ET_DYN).Build();
  const auto image = ParseElf(file_);
  EXPECT_FALSE(LoadElf(*image, file_, kAddressSpaceBytes - kPageBytes, {}, *space_).ok());
  EXPECT_FALSE(LoadElf(*image, file_, UINT64_MAX - kPageBytes + 1, {}, *space_).ok());
}

TEST_F(LoadElfTest, RefusesMoreThanTheMemoryLimit) {
  budget_.limit_bytes = 16 * kPageBytes;
  ElfBuilder elf;
  elf.data().p_memsz = uint64_t{128} << 30;
  file_ = elf.Build();
  const auto loaded = LoadElf(*ParseElf(file_), file_, 0, {}, *space_);
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kResourceExhausted);
}

// ---- Layout

TEST(ChooseLayout, WithoutRandomnessIsThatOfSetarch) {
  const AddressLayout layout = ChooseLayout({}, kStackLimit);
  EXPECT_EQ(layout.stack_top, 0x4000000000u);
  EXPECT_EQ(layout.map_top, 0x4000000000u - (128 << 20));
  EXPECT_EQ(layout.heap_random, 0u);
  EXPECT_FALSE(layout.randomized);
}

TEST(ChooseLayout, RandomWordsMoveOnlyTheirOwnAddress) {
  const AddressLayout base = ChooseLayout({1, 1, 1, 1}, kStackLimit);
  AddressLayout other = ChooseLayout({UINT64_MAX, 1, 1, 1}, kStackLimit);
  EXPECT_EQ(other.stack_top, kAddressSpaceBytes - (uint64_t{0x3ffff} << 12));
  EXPECT_EQ(other.map_top, base.map_top);
  other = ChooseLayout({1, UINT64_MAX, 1, 1}, kStackLimit);
  EXPECT_EQ(other.stack_top, base.stack_top);
  EXPECT_EQ(base.map_top - other.map_top, uint64_t{0x3fffe} << 12);
  other = ChooseLayout({1, 1, UINT64_MAX, 1}, kStackLimit);
  EXPECT_EQ(other.program_base - base.program_base, uint64_t{0x3fffe} << 12);
  other = ChooseLayout({1, 1, 1, UINT64_MAX}, kStackLimit);
  EXPECT_LT(other.heap_random, uint64_t{1} << 30);
  EXPECT_NE(other.heap_random, base.heap_random);
}

TEST(ChooseLayout, AnyStackLimitLeavesRoomAboveAndBelow) {
  for (const uint64_t limit :
       {uint64_t{0}, kStackLimit, uint64_t{1} << 37, kAddressSpaceBytes, UINT64_MAX}) {
    const AddressLayout layout =
        ChooseLayout({~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}}, limit);
    EXPECT_GT(layout.map_top, uint64_t{32} << 30) << limit;
    EXPECT_LE(layout.map_top, kAddressSpaceBytes - (128 << 20)) << limit;
    EXPECT_EQ(layout.map_top % kPageBytes, 0u);
  }
}

TEST(ChooseLayout, UnlimitedStackGetsFiveSixths) {
  EXPECT_EQ(ChooseLayout({}, UINT64_MAX).map_top,
            (kAddressSpaceBytes / 6 + kPageBytes) & ~(kPageBytes - 1));
}

// ---- Heap

TEST_F(LoadElfTest, HeapFollowsAStaticProgram) {
  const LoadedImage loaded = Load(ElfBuilder());
  StartHeap(loaded, layout_, *space_);
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, 0x14000u);
  const AddressLayout random = ChooseLayout({0, 0, 0, 5}, kStackLimit);
  StartHeap(loaded, random, *space_);
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, 0x15000u + 5 * kPageBytes);
}

TEST_F(LoadElfTest, HeapOfAStaticPieIsFarFromTheMappings) {
  StartHeap(Load(ElfBuilder(0, ET_DYN)), layout_, *space_);
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, 0x2aaaaab000u);
  EXPECT_EQ(space_->Brk(GuestAddr{0x2aaaaad000}).value, 0x2aaaaad000u);
}

TEST_F(LoadElfTest, HeapStaysInTheAddressSpace) {
  LoadedImage loaded;
  loaded.end = kAddressSpaceBytes;
  StartHeap(loaded, ChooseLayout({0, 0, 0, 5}, kStackLimit), *space_);
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, kAddressSpaceBytes);
}

// ---- Stack

class InitialStackTest : public LoadElfTest {
 protected:
  void SetUp() override {
    LoadElfTest::SetUp();
    contents_.arguments = {"prog", "-x", ""};
    contents_.environment = {"A=1", "LANG=C"};
    contents_.executable = "./prog";
    contents_.program.entry = GuestAddr{0x10400};
    contents_.program.headers = GuestAddr{0x10040};
    contents_.program.header_count = 3;
    contents_.uid = 1000;
    contents_.euid = 1001;
    contents_.gid = 1002;
    contents_.egid = 1003;
    for (size_t i = 0; i < contents_.random.size(); ++i)
      contents_.random[i] = static_cast<uint8_t>(i + 1);
  }

  Result<InitialStack> Build() {
    return BuildInitialStack(contents_, layout_, kStackLimit, *space_);
  }

  StackContents contents_;
};

TEST_F(InitialStackTest, HoldsWhatTheProgramExpects) {
  const auto stack = Build();
  ASSERT_TRUE(stack.ok());
  const uint64_t sp = stack->stack_pointer.value;
  EXPECT_EQ(sp % 16, 0u);
  EXPECT_EQ(Word(sp), 3u);
  EXPECT_EQ(Text(Word(sp + 8)), "prog");
  EXPECT_EQ(Text(Word(sp + 16)), "-x");
  EXPECT_EQ(Text(Word(sp + 24)), "");
  EXPECT_EQ(Word(sp + 32), 0u);
  EXPECT_EQ(Text(Word(sp + 40)), "A=1");
  EXPECT_EQ(Text(Word(sp + 48)), "LANG=C");
  EXPECT_EQ(Word(sp + 56), 0u);
  std::map<uint64_t, uint64_t> auxv;
  std::vector<uint64_t> order;
  uint64_t at = sp + 64;
  for (; Word(at) != AT_NULL; at += 16) {
    auxv[Word(at)] = Word(at + 8);
    if (Word(at) < 40) order.push_back(Word(at));
  }
  EXPECT_THAT(order, ElementsAre(AT_HWCAP, AT_PAGESZ, AT_CLKTCK, AT_PHDR, AT_PHENT, AT_PHNUM,
                                 AT_BASE, AT_FLAGS, AT_ENTRY, AT_UID, AT_EUID, AT_GID, AT_EGID,
                                 AT_SECURE, AT_RANDOM, AT_EXECFN));
  EXPECT_EQ(auxv[AT_HWCAP], 0x112du);  // IMAFDC
  EXPECT_EQ(auxv[AT_PAGESZ], 4096u);
  EXPECT_EQ(auxv[AT_CLKTCK], 100u);
  EXPECT_EQ(auxv[AT_PHDR], 0x10040u);
  EXPECT_EQ(auxv[AT_PHENT], 56u);
  EXPECT_EQ(auxv[AT_PHNUM], 3u);
  EXPECT_EQ(auxv[AT_BASE], 0u);
  EXPECT_EQ(auxv[AT_ENTRY], 0x10400u);
  EXPECT_EQ(auxv[AT_UID], 1000u);
  EXPECT_EQ(auxv[AT_EUID], 1001u);
  EXPECT_EQ(auxv[AT_GID], 1002u);
  EXPECT_EQ(auxv[AT_EGID], 1003u);
  EXPECT_EQ(auxv[AT_SECURE], 0u);
  EXPECT_EQ(auxv[51], 1088u);
  EXPECT_EQ(Word(auxv[AT_RANDOM]), 0x0807060504030201u);
  EXPECT_EQ(Word(auxv[AT_RANDOM] + 8), 0x100f0e0d0c0b0a09u);
  EXPECT_EQ(Text(auxv[AT_EXECFN]), "./prog");
  EXPECT_GT(auxv[AT_RANDOM], at);
}

TEST_F(InitialStackTest, StringsLieInLinuxOrderBelowTheTop) {
  const auto stack = Build();
  ASSERT_TRUE(stack.ok());
  const uint64_t sp = stack->stack_pointer.value;
  const std::string expected("prog\0-x\0\0A=1\0LANG=C\0./prog\0\0\0\0\0\0\0\0\0", 35);
  std::string bytes(35, 'x');
  ASSERT_EQ(space_->Read(GuestAddr{layout_.stack_top - 35},
                         {reinterpret_cast<uint8_t*>(bytes.data()), 35}),
            35u);
  EXPECT_EQ(bytes, expected);
  EXPECT_EQ(stack->arguments_start.value, Word(sp + 8));
  EXPECT_EQ(stack->arguments_end.value, Word(sp + 40));
  EXPECT_EQ(stack->environment_end.value, layout_.stack_top - 8 - 7);
  EXPECT_EQ(stack->auxv.back(), (std::pair<uint64_t, uint64_t>(0, 0)));
}

TEST_F(InitialStackTest, MapsRoomToGrowAndGrowsToTheLimit) {
  const auto stack = Build();
  ASSERT_TRUE(stack.ok());
  const auto mappings = space_->Mappings();
  ASSERT_EQ(mappings.size(), 1u);
  EXPECT_EQ(mappings[0].name, "[stack]");
  EXPECT_EQ(mappings[0].end, layout_.stack_top);
  EXPECT_EQ(mappings[0].end - mappings[0].start, uint64_t{132} << 10);
  EXPECT_EQ(mappings[0].prot, memory::kProtRead | memory::kProtWrite);
  EXPECT_TRUE(May(Access::kStore, layout_.stack_top - kStackLimit));
  EXPECT_FALSE(May(Access::kStore, layout_.stack_top - kStackLimit - 1));
}

TEST_F(InitialStackTest, MayBeExecutable) {
  contents_.program.executable_stack = true;
  const auto stack = Build();
  ASSERT_TRUE(stack.ok());
  EXPECT_TRUE(May(Access::kFetch, stack->stack_pointer.value));
}

TEST_F(InitialStackTest, NoArgumentsBecomeOneEmptyOne) {
  contents_.arguments.clear();
  const auto stack = Build();
  ASSERT_TRUE(stack.ok());
  EXPECT_EQ(Word(stack->stack_pointer.value), 1u);
  EXPECT_EQ(Text(Word(stack->stack_pointer.value + 8)), "");
}

TEST_F(InitialStackTest, RefusesAnArgumentOverItsLimit) {
  contents_.arguments = {std::string(131071, 'a')};
  EXPECT_TRUE(Build().ok());
  space_ = *AddressSpace::Create(&budget_);
  contents_.arguments = {std::string(131072, 'a')};
  EXPECT_EQ(Build().error(), Errno::k2Big);
}

TEST_F(InitialStackTest, RefusesArgumentsOverAQuarterOfTheStack) {
  // Linux: strings and pointers, the executable's path included, in 2 MiB.
  contents_.environment.clear();
  contents_.executable = "x";
  contents_.arguments.assign(20, std::string(99991, 'a'));
  contents_.arguments.push_back(std::string((2 << 20) - 20 * 99992 - 21 * 8 - 2 - 1, 'b'));
  EXPECT_TRUE(Build().ok());
  space_ = *AddressSpace::Create(&budget_);
  contents_.arguments.back() += 'b';
  EXPECT_EQ(Build().error(), Errno::k2Big);
}

TEST_F(InitialStackTest, RefusesATakenPlace) {
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{layout_.stack_top - kPageBytes};
  request.length = kPageBytes;
  request.fixed = true;
  ASSERT_TRUE(space_->Map(request).ok());
  EXPECT_EQ(Build().error(), Errno::kNoMem);
}

TEST_F(InitialStackTest, RefusesMoreThanTheMemoryLimit) {
  budget_.limit_bytes = 3 * kPageBytes;
  contents_.arguments = {std::string(100000, 'a')};
  EXPECT_EQ(Build().error(), Errno::kNoMem);
}

}  // namespace
}  // namespace pollux::interp
