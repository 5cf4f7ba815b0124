#include "memory/address_space.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <array>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pollux::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr uint64_t kBase = 0x40000000;
constexpr uint64_t kPage = kPageBytes;
constexpr uint32_t kRw = kProtRead | kProtWrite;
constexpr uint32_t kRx = kProtRead | kProtExec;

class RecordingListener : public CodeListener {
 public:
  void OnCodeChanged(uint64_t first_page, uint64_t pages) override {
    changes.push_back({first_page, pages});
  }
  std::vector<std::pair<uint64_t, uint64_t>> changes;
};

class AddressSpaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto space = AddressSpace::Create(&budget_);
    ASSERT_TRUE(space.ok()) << space.status();
    space_ = *std::move(space);
  }

  uint64_t MapAt(uint64_t start, uint64_t bytes, uint32_t prot) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = bytes;
    request.prot = prot;
    request.fixed = true;
    auto result = space_->Map(request);
    EXPECT_TRUE(result.ok()) << ErrnoName(result.error());
    return result.ok() ? result->value : 0;
  }

  Result<GuestAddr> MapAnywhere(uint64_t bytes, uint64_t hint = 0) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{hint};
    request.length = bytes;
    request.prot = kRw;
    return space_->Map(request);
  }

  uint64_t MapFileAt(uint64_t start, uint64_t bytes, const std::vector<uint8_t>& contents,
                     uint32_t prot = kRw) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = bytes;
    request.prot = prot;
    request.fixed = true;
    request.from_file = true;
    request.contents = contents;
    request.inode = 7;
    request.name = "/data";
    auto result = space_->Map(request);
    EXPECT_TRUE(result.ok());
    return result.ok() ? result->value : 0;
  }

  // "start-end prot" of each mapping, relative to kBase in pages.
  std::vector<std::string> Layout() const {
    std::vector<std::string> lines;
    for (const Mapping& mapping : space_->Mappings()) {
      lines.push_back(std::to_string((mapping.start - kBase) / kPage) + "-" +
                      std::to_string((mapping.end - kBase) / kPage) + " " +
                      ((mapping.prot & kProtRead) ? "r" : "-") +
                      ((mapping.prot & kProtWrite) ? "w" : "-") +
                      ((mapping.prot & kProtExec) ? "x" : "-"));
    }
    return lines;
  }

  bool Store(uint64_t addr, uint64_t value, uint64_t size = 8) {
    if (!space_->Prepare(Access::kStore, GuestAddr{addr}, size, &fault_)) return false;
    std::memcpy(space_->base() + addr, &value, size);
    return true;
  }

  uint64_t Load(uint64_t addr) {
    const auto value = space_->ReadObject<uint64_t>(GuestAddr{addr});
    EXPECT_TRUE(value.ok()) << std::hex << addr;
    return value.ok() ? *value : 0;
  }

  bool Faults(Access access, uint64_t addr, uint64_t size = 1) {
    return !space_->Prepare(access, GuestAddr{addr}, size, &fault_);
  }

  uint8_t Flags(uint64_t addr) const { return space_->flags()[addr >> kPageShift]; }

  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
  Fault fault_;
};

// ---- Map

TEST_F(AddressSpaceTest, MapRefusesLengthZero) { EXPECT_EQ(MapAnywhere(0).error(), Errno::kInval); }

TEST_F(AddressSpaceTest, MapRefusesLengthsThatWrapOrDoNotFit) {
  EXPECT_EQ(MapAnywhere(UINT64_MAX).error(), Errno::kNoMem);
  EXPECT_EQ(MapAnywhere(UINT64_MAX - kPage).error(), Errno::kNoMem);
  EXPECT_EQ(MapAnywhere(kAddressSpaceBytes).error(), Errno::kNoMem);
}

TEST_F(AddressSpaceTest, FixedMapRefusesUnalignedLowAndOutsideAddresses) {
  AddressSpace::MapRequest request;
  request.fixed = true;
  request.length = kPage;
  request.hint = GuestAddr{kBase + 1};
  EXPECT_EQ(space_->Map(request).error(), Errno::kInval);
  request.hint = GuestAddr{kMinMapAddress - kPage};
  EXPECT_EQ(space_->Map(request).error(), Errno::kPerm);
  request.hint = GuestAddr{kAddressSpaceBytes};
  EXPECT_EQ(space_->Map(request).error(), Errno::kNoMem);
  request.hint = GuestAddr{UINT64_MAX - kPage + 1};
  EXPECT_EQ(space_->Map(request).error(), Errno::kNoMem);
  request.hint = GuestAddr{kAddressSpaceBytes - kPage};
  EXPECT_TRUE(space_->Map(request).ok());
}

TEST_F(AddressSpaceTest, FixedNoReplaceSparesWhatIsThere) {
  MapAt(kBase + kPage, kPage, kRw);
  AddressSpace::MapRequest request;
  request.fixed_noreplace = true;
  request.hint = GuestAddr{kBase};
  request.length = 2 * kPage;
  EXPECT_EQ(space_->Map(request).error(), Errno::kExist);
  request.length = kPage;
  EXPECT_TRUE(space_->Map(request).ok());
}

TEST_F(AddressSpaceTest, MapWithoutHintTakesTheHighestGapBelowTheTop) {
  space_->SetMapTop(GuestAddr{kBase + 16 * kPage});
  MapAt(kBase + 10 * kPage, kPage, kRw);
  EXPECT_EQ(MapAnywhere(2 * kPage)->value, kBase + 14 * kPage);
  EXPECT_EQ(MapAnywhere(5 * kPage)->value, kBase + 5 * kPage);  // Does not fit into 11 to 14.
  EXPECT_EQ(MapAnywhere(3 * kPage)->value, kBase + 11 * kPage);
}

TEST_F(AddressSpaceTest, MapSearchesUpwardsWhenNothingIsFreeBelowTheTop) {
  space_->SetMapTop(GuestAddr{kMinMapAddress + kPage});
  EXPECT_EQ(MapAnywhere(2 * kPage)->value, (kAddressSpaceBytes / 3 + kPage) & ~(kPage - 1));
}

TEST_F(AddressSpaceTest, HintIsHonouredOnlyWhereFree) {
  EXPECT_EQ(MapAnywhere(2 * kPage, kBase + 123)->value, kBase);
  EXPECT_NE(MapAnywhere(2 * kPage, kBase + kPage)->value, kBase + kPage);
  EXPECT_EQ(MapAnywhere(kPage, 1 * kPage)->value, kMinMapAddress);
  EXPECT_LT(MapAnywhere(kPage, UINT64_MAX)->value, kAddressSpaceBytes);
  EXPECT_LT(MapAnywhere(2 * kPage, kAddressSpaceBytes - kPage)->value, kAddressSpaceBytes - kPage);
}

TEST_F(AddressSpaceTest, FixedMapReplacesAndZeroes) {
  MapAt(kBase, 3 * kPage, kRw);
  ASSERT_TRUE(Store(kBase + kPage, 77));
  MapAt(kBase + kPage, kPage, kRw);
  EXPECT_EQ(Load(kBase + kPage), 0u);
  EXPECT_THAT(Layout(), ElementsAre("0-3 rw-"));
}

TEST_F(AddressSpaceTest, AlikeNeighboursAreOneMapping) {
  MapAt(kBase, kPage, kRw);
  MapAt(kBase + 2 * kPage, kPage, kRw);
  MapAt(kBase + kPage, kPage, kProtRead);
  EXPECT_THAT(Layout(), ElementsAre("0-1 rw-", "1-2 r--", "2-3 rw-"));
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + kPage}, kPage, kRw).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-3 rw-"));
}

TEST_F(AddressSpaceTest, FileMappingsMergeOnlyWhereTheirOffsetsMeet) {
  const std::vector<uint8_t> bytes(2 * kPage, 1);
  MapFileAt(kBase, 2 * kPage, bytes);
  MapFileAt(kBase + 2 * kPage, 2 * kPage, bytes);
  EXPECT_THAT(Layout(), ElementsAre("0-2 rw-", "2-4 rw-"));
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + kPage}, kPage, kProtRead).ok());
  EXPECT_EQ(space_->Mappings()[1].file_offset, kPage);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + kPage}, kPage, kRw).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-2 rw-", "2-4 rw-"));
}

TEST_F(AddressSpaceTest, MappingCountIsLimited) {
  AddressSpace::MapRequest request;
  request.fixed = true;
  request.length = kPage;
  for (size_t i = 0; i < kMaxMappings; ++i) {
    request.hint = GuestAddr{kBase + 2 * i * kPage};
    ASSERT_TRUE(space_->Map(request).ok()) << i;
  }
  request.hint = GuestAddr{kBase + 2 * kMaxMappings * kPage};
  EXPECT_EQ(space_->Map(request).error(), Errno::kNoMem);
}

TEST_F(AddressSpaceTest, HugeReservationIsQuickAndCostsNothing) {
  AddressSpace::MapRequest request;
  request.length = uint64_t{200} << 30;
  const auto start = space_->Map(request);
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(budget_.used_bytes, 0u);
  EXPECT_EQ(space_->mapped_bytes(), request.length);
  // A part of it is made accessible, as Go and the sanitizers do.
  ASSERT_TRUE(space_->Protect(*start + (uint64_t{64} << 30), 4 * kPage, kRw).ok());
  EXPECT_TRUE(Store(start->value + (uint64_t{64} << 30), 1));
  EXPECT_LE(budget_.used_bytes, 3 * kPage);
}

TEST_F(AddressSpaceTest, NamesAreReported) {
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.name = "/lib/x";
  request.inode = 12;
  request.file_offset = 3 * kPage;
  ASSERT_TRUE(space_->Map(request).ok());
  ASSERT_EQ(space_->Mappings().size(), 1u);
  EXPECT_EQ(space_->Mappings()[0].name, "/lib/x");
  EXPECT_EQ(space_->Mappings()[0].inode, 12u);
  EXPECT_EQ(space_->Mappings()[0].file_offset, 3 * kPage);
}

// ---- Unmap and Protect

TEST_F(AddressSpaceTest, UnmapRefusesWhatLinuxRefuses) {
  EXPECT_EQ(space_->Unmap(GuestAddr{kBase + 1}, kPage).error(), Errno::kInval);
  EXPECT_EQ(space_->Unmap(GuestAddr{kBase}, 0).error(), Errno::kInval);
  EXPECT_EQ(space_->Unmap(GuestAddr{kAddressSpaceBytes}, kPage).error(), Errno::kInval);
  EXPECT_EQ(space_->Unmap(GuestAddr{kPage}, UINT64_MAX).error(), Errno::kInval);
  EXPECT_TRUE(space_->Unmap(GuestAddr{kBase}, kPage).ok()) << "a hole may be unmapped";
}

TEST_F(AddressSpaceTest, UnmapMakesAHole) {
  MapAt(kBase, 3 * kPage, kRw);
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase + kPage}, 1).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-1 rw-", "2-3 rw-"));
  EXPECT_TRUE(Faults(Access::kLoad, kBase + kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kNotMapped);
  EXPECT_FALSE(space_->IsMapped(GuestAddr{kBase + kPage}));
  EXPECT_TRUE(space_->IsMapped(GuestAddr{kBase + 2 * kPage}));
  EXPECT_EQ(space_->mapped_bytes(), 2 * kPage);
}

TEST_F(AddressSpaceTest, ProtectRefusesWhatLinuxRefuses) {
  MapAt(kBase, kPage, kRw);
  EXPECT_EQ(space_->Protect(GuestAddr{kBase + 1}, kPage, kRw).error(), Errno::kInval);
  EXPECT_EQ(space_->Protect(GuestAddr{kBase}, kPage, 0x100).error(), Errno::kInval);
  EXPECT_EQ(space_->Protect(GuestAddr{kBase + kPage}, kPage, kRw).error(), Errno::kNoMem);
  EXPECT_EQ(space_->Protect(GuestAddr{kBase}, UINT64_MAX, kRw).error(), Errno::kNoMem);
  EXPECT_TRUE(space_->Protect(GuestAddr{kBase + 5 * kPage}, 0, kRw).ok());
}

TEST_F(AddressSpaceTest, ProtectChangesWhatComesBeforeAHole) {
  MapAt(kBase, 2 * kPage, kRw);
  MapAt(kBase + 3 * kPage, kPage, kRw);
  EXPECT_EQ(space_->Protect(GuestAddr{kBase + kPage}, 3 * kPage, kProtRead).error(), Errno::kNoMem);
  EXPECT_THAT(Layout(), ElementsAre("0-1 rw-", "1-2 r--", "3-4 rw-"));
}

TEST_F(AddressSpaceTest, ProtectionNoneKeepsTheBytes) {
  MapAt(kBase, kPage, kRw);
  ASSERT_TRUE(Store(kBase, 42));
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kProtNone).ok());
  EXPECT_TRUE(Faults(Access::kLoad, kBase));
  EXPECT_EQ(fault_.kind, FaultKind::kProtection);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kProtRead).ok());
  EXPECT_EQ(Load(kBase), 42u);
}

// ---- Accesses

TEST_F(AddressSpaceTest, WriteImpliesReadAndExecuteOnlyDoesNot) {
  MapAt(kBase, kPage, kProtWrite);
  MapAt(kBase + kPage, kPage, kProtExec);
  EXPECT_FALSE(Faults(Access::kLoad, kBase));
  EXPECT_TRUE(Faults(Access::kFetch, kBase));
  EXPECT_TRUE(Faults(Access::kLoad, kBase + kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kProtection);
  EXPECT_FALSE(Faults(Access::kFetch, kBase + kPage));
}

TEST_F(AddressSpaceTest, StoreToReadOnlyPageFaultsAndChangesNothing) {
  MapAt(kBase, kPage, kProtRead);
  const uint64_t used = budget_.used_bytes;
  EXPECT_TRUE(Faults(Access::kStore, kBase + 5));
  EXPECT_EQ(fault_.kind, FaultKind::kProtection);
  EXPECT_EQ(fault_.addr.value, kBase + 5);
  EXPECT_EQ(budget_.used_bytes, used);
  EXPECT_FALSE(Flags(kBase) & kDirty);
}

TEST_F(AddressSpaceTest, CrossingAccessReportsTheFirstBadByte) {
  MapAt(kBase, kPage, kRw);
  EXPECT_TRUE(Faults(Access::kStore, kBase + kPage - 3, 8));
  EXPECT_EQ(fault_.addr.value, kBase + kPage);
  EXPECT_EQ(fault_.kind, FaultKind::kNotMapped);
  EXPECT_FALSE(Flags(kBase) & kDirty) << "a failed store must not change the first page";
  EXPECT_TRUE(Faults(Access::kLoad, kBase - 3, 8));
  EXPECT_EQ(fault_.addr.value, kBase - 3);
}

TEST_F(AddressSpaceTest, CrossingStoreMakesBothPagesDirty) {
  MapAt(kBase, 2 * kPage, kRw);
  ASSERT_TRUE(Store(kBase + kPage - 4, 0x1122334455667788));
  EXPECT_TRUE(Flags(kBase) & kFastStore);
  EXPECT_TRUE(Flags(kBase + kPage) & kFastStore);
  EXPECT_EQ(Load(kBase + kPage - 4), 0x1122334455667788u);
}

TEST_F(AddressSpaceTest, AddressesOutsideFaultWhateverTheyAre) {
  MapAt(kAddressSpaceBytes - kPage, kPage, kRw);
  for (const uint64_t addr : {kAddressSpaceBytes, kAddressSpaceBytes + kPage, UINT64_MAX,
                              UINT64_MAX - 7, uint64_t{1} << 63}) {
    EXPECT_TRUE(Faults(Access::kLoad, addr, 8));
    EXPECT_EQ(fault_.kind, FaultKind::kNotMapped);
    EXPECT_EQ(fault_.addr.value, addr);
  }
  EXPECT_TRUE(Faults(Access::kStore, kAddressSpaceBytes - 7, 8));
  EXPECT_EQ(fault_.addr.value, kAddressSpaceBytes);
  EXPECT_FALSE(Faults(Access::kStore, kAddressSpaceBytes - 8, 8));
}

TEST_F(AddressSpaceTest, FastBitsComeWithTheFirstStore) {
  MapAt(kBase, kPage, kRw);
  EXPECT_EQ(Flags(kBase), kRead | kWrite | kFastLoad);
  ASSERT_TRUE(Store(kBase, 1));
  EXPECT_EQ(Flags(kBase), kRead | kWrite | kFastLoad | kFastStore | kDirty);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kProtRead).ok());
  EXPECT_EQ(Flags(kBase), kRead | kFastLoad | kDirty);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kRw).ok());
  EXPECT_EQ(Flags(kBase), kRead | kWrite | kFastLoad | kFastStore | kDirty);
}

TEST_F(AddressSpaceTest, FetchGivesOneOrTwoHalfwords) {
  const std::vector<uint8_t> code = {0x01, 0x45, 0x13,
                                     0x05, 0x10, 0x00};  // c.li a0,0; addi a0,zero,1
  MapAt(kBase, 2 * kPage, kRx);
  ASSERT_EQ(space_->WriteForced(GuestAddr{kBase}, code), code.size());
  ASSERT_EQ(space_->WriteForced(GuestAddr{kBase + 2 * kPage - 4}, code), 4u);
  uint16_t halfwords[2] = {};
  EXPECT_EQ(space_->Fetch(GuestAddr{kBase}, halfwords, &fault_), 2u);
  EXPECT_EQ(halfwords[0], 0x4501);
  EXPECT_EQ(space_->Fetch(GuestAddr{kBase + 2}, halfwords, &fault_), 4u);
  EXPECT_EQ(halfwords[1], 0x0010);
  // A 4-byte instruction whose second half is in a page that is not there.
  EXPECT_EQ(space_->Fetch(GuestAddr{kBase + 2 * kPage - 2}, halfwords, &fault_), 2u);
  EXPECT_EQ(space_->Fetch(GuestAddr{kBase + 2 * kPage}, halfwords, &fault_), 0u);
  EXPECT_EQ(fault_.addr.value, kBase + 2 * kPage);
  EXPECT_EQ(space_->Fetch(GuestAddr{UINT64_MAX}, halfwords, &fault_), 0u);
  EXPECT_EQ(space_->Fetch(GuestAddr{kAddressSpaceBytes - 1}, halfwords, &fault_), 0u);
}

// ---- Copies

TEST_F(AddressSpaceTest, CopiesStopAtTheFirstByteThatIsNotThere) {
  MapAt(kBase, 2 * kPage, kRw);
  std::vector<uint8_t> bytes(3 * kPage, 9);
  EXPECT_EQ(space_->Write(GuestAddr{kBase + 10}, bytes), 2 * kPage - 10);
  std::vector<uint8_t> back(3 * kPage);
  EXPECT_EQ(space_->Read(GuestAddr{kBase + 5}, back), 2 * kPage - 5);
  EXPECT_EQ(back[4], 0);
  EXPECT_EQ(back[5], 9);
  EXPECT_EQ(space_->Read(GuestAddr{UINT64_MAX - 1}, back), 0u);
  EXPECT_EQ(space_->Write(GuestAddr{kAddressSpaceBytes}, bytes), 0u);
  EXPECT_EQ(space_->Zero(GuestAddr{kBase + kPage}, UINT64_MAX), kPage);
  EXPECT_EQ(Load(kBase + kPage), 0u);
  EXPECT_NE(Load(kBase + kPage - 8), 0u);
}

TEST_F(AddressSpaceTest, CopiesHonourThePermissions) {
  MapAt(kBase, kPage, kRw);
  MapAt(kBase + kPage, kPage, kProtRead);
  MapAt(kBase + 2 * kPage, kPage, kProtExec);
  std::vector<uint8_t> bytes(3 * kPage, 1);
  EXPECT_EQ(space_->Write(GuestAddr{kBase}, bytes), kPage);
  EXPECT_EQ(space_->Zero(GuestAddr{kBase}, bytes.size()), kPage);
  EXPECT_EQ(space_->Read(GuestAddr{kBase}, bytes), 2 * kPage);
  EXPECT_EQ(space_->WriteForced(GuestAddr{kBase}, bytes), 3 * kPage);
}

TEST_F(AddressSpaceTest, WriteForcedReachesPagesWithoutAnyPermission) {
  MapAt(kBase, kPage, kProtNone);
  const std::vector<uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8};
  ASSERT_EQ(space_->WriteForced(GuestAddr{kBase}, bytes), 8u);
  EXPECT_TRUE(Faults(Access::kLoad, kBase));
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kProtRead).ok());
  EXPECT_EQ(Load(kBase), 0x0807060504030201u);
}

TEST_F(AddressSpaceTest, ReadStringNeedsItsNulInReach) {
  MapAt(kBase, 2 * kPage, kRw);
  const std::string text(kPage + 100, 'x');
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  ASSERT_EQ(space_->Write(GuestAddr{kBase + 50}, bytes), text.size());
  EXPECT_EQ(*space_->ReadString(GuestAddr{kBase + 50}, 2 * kPage), text);
  EXPECT_EQ(*space_->ReadString(GuestAddr{kBase + 50}, text.size() + 1), text);
  EXPECT_EQ(space_->ReadString(GuestAddr{kBase + 50}, text.size()).error(), Errno::kNameTooLong);
  EXPECT_EQ(space_->ReadString(GuestAddr{kBase - 1}, kPage).error(), Errno::kFault);
  const std::vector<uint8_t> full(kPage, 'y');
  ASSERT_EQ(space_->Write(GuestAddr{kBase + kPage}, full), kPage);
  EXPECT_EQ(space_->ReadString(GuestAddr{kBase + kPage}, 2 * kPage).error(), Errno::kFault);
  EXPECT_EQ(*space_->ReadString(GuestAddr{kBase}, 100), "");
}

// ---- Files

TEST_F(AddressSpaceTest, PagesPastTheEndOfTheFileRaiseBusErrors) {
  MapFileAt(kBase, 4 * kPage, std::vector<uint8_t>(kPage + 1, 5));
  EXPECT_EQ(Load(kBase + kPage), 5u);  // The rest of the last page is zeros.
  EXPECT_TRUE(Store(kBase + 2 * kPage - 8, 1));
  EXPECT_TRUE(Faults(Access::kLoad, kBase + 2 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kBeyondFile);
  EXPECT_TRUE(Faults(Access::kFetch, kBase + 2 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kProtection) << "Linux looks at the protection first";
  // The end stays where it is when the mapping is split, protected and moved.
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + kPage}, 2 * kPage, kProtRead).ok());
  EXPECT_TRUE(Faults(Access::kLoad, kBase + 2 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kBeyondFile);
  ASSERT_TRUE(space_
                  ->Remap(GuestAddr{kBase + kPage}, 2 * kPage, 2 * kPage, true, true,
                          GuestAddr{kBase + 8 * kPage})
                  .ok());
  EXPECT_EQ(Load(kBase + 8 * kPage), 5u);
  EXPECT_TRUE(Faults(Access::kLoad, kBase + 9 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kBeyondFile);
  EXPECT_EQ(space_->WriteForced(GuestAddr{kBase + 9 * kPage}, std::array<uint8_t, 1>{1}), 0u);
}

TEST_F(AddressSpaceTest, ZeroPagesOfAFileAreNotPaidFor) {
  std::vector<uint8_t> contents(64 * kPage, 0);
  contents[10 * kPage + 7] = 1;
  MapFileAt(kBase, contents.size(), contents);
  EXPECT_EQ(space_->resident_bytes(), kPage);
}

TEST_F(AddressSpaceTest, FileMappingDoesNotGrowOverBytesItWasNotGiven) {
  MapFileAt(kBase, kPage, std::vector<uint8_t>(kPage, 1));
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, 2 * kPage, true, false, GuestAddr{0}).error(),
            Errno::kNoMem);
  MapFileAt(kBase + 8 * kPage, 2 * kPage, std::vector<uint8_t>(10, 1));
  EXPECT_TRUE(
      space_->Remap(GuestAddr{kBase + 8 * kPage}, 2 * kPage, 3 * kPage, false, false, GuestAddr{0})
          .ok());
  EXPECT_TRUE(Faults(Access::kLoad, kBase + 10 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kBeyondFile);
}

// ---- Discard

TEST_F(AddressSpaceTest, DiscardZeroesAndGivesBack) {
  MapAt(kBase, 2 * kPage, kRw);
  ASSERT_TRUE(Store(kBase, 1));
  ASSERT_TRUE(Store(kBase + kPage, 2));
  const uint64_t used = budget_.used_bytes;
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase}, kPage).ok());
  EXPECT_EQ(budget_.used_bytes, used - kPage);
  EXPECT_EQ(Load(kBase), 0u);
  EXPECT_EQ(Load(kBase + kPage), 2u);
  EXPECT_FALSE(Flags(kBase) & kFastStore) << "the next store has to pay again";
  ASSERT_TRUE(Store(kBase, 3));
  EXPECT_EQ(budget_.used_bytes, used);
}

TEST_F(AddressSpaceTest, DiscardRefusesWhatLinuxRefuses) {
  MapAt(kBase, kPage, kRw);
  MapAt(kBase + 2 * kPage, kPage, kRw);
  ASSERT_TRUE(Store(kBase + 2 * kPage, 1));
  EXPECT_EQ(space_->Discard(GuestAddr{kBase + 1}, kPage).error(), Errno::kInval);
  EXPECT_EQ(space_->Discard(GuestAddr{kBase}, UINT64_MAX).error(), Errno::kInval);
  EXPECT_TRUE(space_->Discard(GuestAddr{kBase}, 0).ok());
  EXPECT_EQ(space_->Discard(GuestAddr{kBase}, 3 * kPage).error(), Errno::kNoMem);
  EXPECT_EQ(Load(kBase + 2 * kPage), 0u) << "what follows the hole is discarded all the same";
}

TEST_F(AddressSpaceTest, DiscardLeavesSharedMemoryAlone) {
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.prot = kRw;
  request.shared = true;
  const uint64_t start = space_->Map(request)->value;
  ASSERT_TRUE(Store(start, 5));
  ASSERT_TRUE(space_->Discard(GuestAddr{start}, kPage).ok());
  EXPECT_EQ(Load(start), 5u);
}

TEST_F(AddressSpaceTest, DiscardOfAWritableFileMappingIsRefused) {
  MapFileAt(kBase, kPage, std::vector<uint8_t>(kPage, 1));
  EXPECT_EQ(space_->Discard(GuestAddr{kBase}, kPage).error(), Errno::kInval);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kProtRead).ok());
  EXPECT_TRUE(space_->Discard(GuestAddr{kBase}, kPage).ok());
  EXPECT_EQ(Load(kBase), 0x0101010101010101u);
}

// ---- Remap

TEST_F(AddressSpaceTest, RemapRefusesWhatLinuxRefuses) {
  MapAt(kBase, 2 * kPage, kRw);
  MapAt(kBase + 2 * kPage, kPage, kProtRead);
  const GuestAddr nowhere{0};
  EXPECT_EQ(space_->Remap(GuestAddr{kBase + 1}, kPage, kPage, true, false, nowhere).error(),
            Errno::kInval);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, 0, true, false, nowhere).error(), Errno::kInval);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, UINT64_MAX, true, false, nowhere).error(),
            Errno::kInval);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, 0, kPage, true, false, nowhere).error(), Errno::kInval);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase - kPage}, kPage, kPage, true, false, nowhere).error(),
            Errno::kFault);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, 3 * kPage, 4 * kPage, true, false, nowhere).error(),
            Errno::kFault);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, 2 * kPage, 3 * kPage, false, false, nowhere).error(),
            Errno::kNoMem);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, kPage, true, true, GuestAddr{kBase + 1}).error(),
            Errno::kInval);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, kPage, true, true, GuestAddr{kBase}).error(),
            Errno::kInval);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, kPage, true, true, GuestAddr{kAddressSpaceBytes})
                .error(),
            Errno::kInval);
  EXPECT_EQ(
      space_->Remap(GuestAddr{UINT64_MAX - kPage + 1}, kPage, kPage, true, false, nowhere).error(),
      Errno::kFault);
}

TEST_F(AddressSpaceTest, RemapGrowsInPlaceIfItCanAndMovesIfItMay) {
  MapAt(kBase, kPage, kRw);
  ASSERT_TRUE(Store(kBase, 99));
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, kPage, 2 * kPage, false, false, GuestAddr{0})->value,
            kBase);
  MapAt(kBase + 2 * kPage, kPage, kProtRead);
  const uint64_t used = budget_.used_bytes;
  const auto moved =
      space_->Remap(GuestAddr{kBase}, 2 * kPage, 4 * kPage, true, false, GuestAddr{0});
  ASSERT_TRUE(moved.ok());
  EXPECT_NE(moved->value, kBase);
  EXPECT_EQ(Load(moved->value), 99u);
  EXPECT_EQ(Load(moved->value + 3 * kPage), 0u);
  EXPECT_TRUE(Faults(Access::kLoad, kBase));
  EXPECT_LE(budget_.used_bytes, used + 2 * kPage) << "only tables are new";
  EXPECT_EQ(space_->resident_bytes(), kPage);
}

TEST_F(AddressSpaceTest, RemapShrinks) {
  MapAt(kBase, 4 * kPage, kRw);
  EXPECT_EQ(space_->Remap(GuestAddr{kBase}, 4 * kPage, kPage, false, false, GuestAddr{0})->value,
            kBase);
  EXPECT_THAT(Layout(), ElementsAre("0-1 rw-"));
}

TEST_F(AddressSpaceTest, RemapMovesSeveralMappingsAndTheGapsBetween) {
  MapAt(kBase, kPage, kRw);
  MapAt(kBase + kPage, kPage, kProtRead);
  MapAt(kBase + 3 * kPage, kPage, kRw);
  MapAt(kBase + 12 * kPage, kPage, kRx);  // Below the gap: stays.
  EXPECT_EQ(
      space_
          ->Remap(GuestAddr{kBase}, 4 * kPage, 4 * kPage, true, true, GuestAddr{kBase + 10 * kPage})
          ->value,
      kBase + 10 * kPage);
  EXPECT_THAT(Layout(), ElementsAre("10-11 rw-", "11-12 r--", "12-13 r-x", "13-14 rw-"));
}

// ---- brk

TEST_F(AddressSpaceTest, BrkGrowsShrinksAndZeroes) {
  space_->SetHeapStart(GuestAddr{kBase});
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, kBase);
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 100}).value, kBase + 100);
  ASSERT_TRUE(Store(kBase + 2000, 7));
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 3 * kPage}).value, kBase + 3 * kPage);
  ASSERT_TRUE(Store(kBase + 2 * kPage, 8));
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 1}).value, kBase + 1);
  EXPECT_TRUE(Faults(Access::kLoad, kBase + 2 * kPage));
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 3 * kPage}).value, kBase + 3 * kPage);
  EXPECT_EQ(Load(kBase + 2 * kPage), 0u);
  EXPECT_EQ(Load(kBase + 2000), 7u) << "the page of the break is not cleared";
  EXPECT_EQ(space_->Mappings()[0].name, "[heap]");
}

TEST_F(AddressSpaceTest, BrkStaysOnFailure) {
  space_->SetHeapStart(GuestAddr{kBase});
  ASSERT_EQ(space_->Brk(GuestAddr{kBase + kPage}).value, kBase + kPage);
  MapAt(kBase + 4 * kPage, kPage, kRw);
  const uint64_t now = kBase + kPage;
  EXPECT_EQ(space_->Brk(GuestAddr{kBase - 1}).value, now);
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 5 * kPage}).value, now);
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 4 * kPage}).value, now) << "Linux keeps one page free";
  EXPECT_EQ(space_->Brk(GuestAddr{UINT64_MAX}).value, now);
  EXPECT_EQ(space_->Brk(GuestAddr{kBase + 3 * kPage}).value, kBase + 3 * kPage);
}

TEST_F(AddressSpaceTest, BrkWithoutAHeapDoesNothing) {
  EXPECT_EQ(space_->Brk(GuestAddr{kBase}).value, 0u);
}

// ---- Stacks

class StackTest : public AddressSpaceTest {
 protected:
  void SetUp() override {
    AddressSpaceTest::SetUp();
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{kTop - kPage};
    request.length = kPage;
    request.prot = kRw;
    request.fixed = true;
    request.grows_down = true;
    ASSERT_TRUE(space_->Map(request).ok());
    space_->SetStackLimit(1024 * kPage);
  }
  static constexpr uint64_t kTop = kBase + 4096 * kPage;
};

TEST_F(StackTest, GrowsOnAccessUpToItsLimit) {
  EXPECT_TRUE(Store(kTop - 10 * kPage, 1));
  EXPECT_EQ(space_->mapped_bytes(), 10 * kPage);
  EXPECT_TRUE(Faults(Access::kStore, kTop - 1024 * kPage - 1));
  EXPECT_EQ(fault_.kind, FaultKind::kNotMapped);
  EXPECT_TRUE(Store(kTop - 1024 * kPage, 1));
}

TEST_F(StackTest, GrowsForTheKernelToo) {
  const std::vector<uint8_t> bytes(100, 1);
  EXPECT_EQ(space_->Write(GuestAddr{kTop - 20 * kPage}, bytes), bytes.size());
}

TEST_F(StackTest, KeepsAGuardGapFromTheMappingBelow) {
  MapAt(kTop - 600 * kPage, kPage, kRw);
  EXPECT_TRUE(Faults(Access::kStore, kTop - 344 * kPage));
  EXPECT_TRUE(Store(kTop - 343 * kPage, 1));
}

TEST_F(StackTest, NoMappingIsPlacedIntoItsGuardGap) {
  space_->SetMapTop(GuestAddr{kTop});
  EXPECT_EQ(MapAnywhere(kPage)->value, kTop - kPage - kStackGuardBytes - kPage);
  const uint64_t low = kTop - 1024 * kPage;
  EXPECT_EQ(MapAnywhere(kPage, low)->value, low);
}

TEST_F(StackTest, HintDoesNotReachIntoItsGuardGapByASinglePage) {
  const uint64_t last_page = kTop - kPage - kStackGuardBytes - kPage;
  EXPECT_NE(MapAnywhere(2 * kPage, last_page)->value, last_page);
  EXPECT_EQ(MapAnywhere(kPage, last_page)->value, last_page);
}

// ---- Translated code

class CodeTest : public AddressSpaceTest {
 protected:
  void SetUp() override {
    AddressSpaceTest::SetUp();
    space_->SetCodeListener(&listener_);
    MapAt(kBase, 4 * kPage, kRw | kProtExec);
    ASSERT_TRUE(Store(kBase, 1));
    space_->MarkHoldsCode(kBase >> kPageShift);
    space_->MarkHoldsCode((kBase >> kPageShift) + 1);
  }
  static constexpr uint64_t kFirst = kBase >> kPageShift;
  RecordingListener listener_;
};

TEST_F(CodeTest, StoreTellsTheListenerOnce) {
  EXPECT_FALSE(Flags(kBase) & kFastStore);
  ASSERT_TRUE(Store(kBase + 8, 1));
  EXPECT_THAT(listener_.changes, ElementsAre(Pair(kFirst, 1u)));
  EXPECT_FALSE(Flags(kBase) & kHoldsCode);
  EXPECT_TRUE(Flags(kBase) & kFastStore);
  ASSERT_TRUE(Store(kBase + 8, 2));
  EXPECT_EQ(listener_.changes.size(), 1u);
}

TEST_F(CodeTest, LoadsAndDataPagesTellNothing) {
  EXPECT_FALSE(Faults(Access::kLoad, kBase));
  EXPECT_FALSE(Faults(Access::kFetch, kBase));
  ASSERT_TRUE(Store(kBase + 2 * kPage, 1));
  EXPECT_TRUE(listener_.changes.empty());
}

TEST_F(CodeTest, KernelWritesTellTheListener) {
  const std::vector<uint8_t> bytes(kPage + 1, 1);
  space_->Write(GuestAddr{kBase}, bytes);
  EXPECT_THAT(listener_.changes, ElementsAre(Pair(kFirst, 1u), Pair(kFirst + 1, 1u)));
}

TEST_F(CodeTest, UnmapProtectMapDiscardAndRemapTellTheListener) {
  const auto expect_told = [&](const char* what) {
    EXPECT_THAT(listener_.changes, ElementsAre(Pair(kFirst, 2u))) << what;
    listener_.changes.clear();
    MapAt(kBase, 4 * kPage, kRw | kProtExec);
    space_->MarkHoldsCode(kFirst);
    space_->MarkHoldsCode(kFirst + 1);
    EXPECT_TRUE(listener_.changes.empty()) << what;
  };
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase}, 4 * kPage).ok());
  expect_told("Unmap");
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, 4 * kPage, kRx).ok());
  expect_told("Protect");
  MapAt(kBase, 4 * kPage, kRw);
  expect_told("Map");
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase}, 4 * kPage).ok());
  expect_told("Discard");
  ASSERT_TRUE(
      space_
          ->Remap(GuestAddr{kBase}, 4 * kPage, 4 * kPage, true, true, GuestAddr{kBase + 8 * kPage})
          .ok());
  expect_told("Remap");
}

// ---- The budget

class BudgetTest : public AddressSpaceTest {
 protected:
  // Two host pages: the page table, and the page of flags.
  static constexpr uint64_t kTables = 2 * kPage;
};

TEST_F(BudgetTest, PagesArePaidForWhenWrittenAndGivenBackAtTheEnd) {
  MapAt(kBase, 100 * kPage, kRw);
  EXPECT_EQ(budget_.used_bytes, kTables);
  Load(kBase);
  EXPECT_EQ(budget_.used_bytes, kTables);
  ASSERT_TRUE(Store(kBase, 1));
  ASSERT_TRUE(Store(kBase + 8, 1));
  EXPECT_EQ(budget_.used_bytes, kTables + kPage);
  EXPECT_EQ(space_->resident_bytes(), kPage);
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase}, 100 * kPage).ok());
  EXPECT_EQ(budget_.used_bytes, kTables);
  EXPECT_EQ(space_->resident_bytes(), 0u);
  space_.reset();
  EXPECT_EQ(budget_.used_bytes, 0u);
}

TEST_F(BudgetTest, StoreBeyondTheLimitIsAFaultThatChangesNothing) {
  MapAt(kBase, 2 * kPage, kRw);
  budget_.limit_bytes = budget_.used_bytes + kPage;
  EXPECT_TRUE(Faults(Access::kStore, kBase + kPage - 4, 8));
  EXPECT_EQ(fault_.kind, FaultKind::kOutOfMemory);
  EXPECT_EQ(fault_.addr.value, kBase + kPage);
  EXPECT_EQ(space_->resident_bytes(), 0u);
  ASSERT_TRUE(Store(kBase, 1));
  EXPECT_TRUE(Faults(Access::kStore, kBase + kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kOutOfMemory);
  EXPECT_TRUE(Store(kBase + 100, 1)) << "a page that is paid for stays writable";
  const std::vector<uint8_t> bytes(2 * kPage, 1);
  EXPECT_EQ(space_->Write(GuestAddr{kBase}, bytes), kPage);
}

TEST_F(BudgetTest, SeveralSpacesShareOneBudget) {
  auto other = *AddressSpace::Create(&budget_);
  MapAt(kBase, kPage, kRw);
  ASSERT_TRUE(Store(kBase, 1));
  budget_.limit_bytes = budget_.used_bytes;
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.prot = kRw;
  EXPECT_EQ(other->Map(request).error(), Errno::kNoMem);
  space_.reset();
  EXPECT_TRUE(other->Map(request).ok());
}

TEST_F(BudgetTest, ReadableTerabytesArePaidForByTheirTables) {
  budget_.limit_bytes = uint64_t{64} << 20;
  AddressSpace::MapRequest request;
  request.length = uint64_t{128} << 30;
  request.prot = kProtRead;
  EXPECT_EQ(space_->Map(request).error(), Errno::kNoMem);
  request.length = uint64_t{16} << 30;
  const auto start = space_->Map(request);
  ASSERT_TRUE(start.ok());
  EXPECT_GE(budget_.used_bytes, request.length / 512);
  ASSERT_TRUE(space_->Unmap(*start, request.length).ok());
  EXPECT_LE(budget_.used_bytes, request.length / 4096 + kPage) << "only the page of flags stay";
}

TEST_F(BudgetTest, ProtectionOfAReservationMayRunOutOfMemory) {
  budget_.limit_bytes = uint64_t{64} << 20;
  MapAt(kBase, uint64_t{128} << 30, kProtNone);
  EXPECT_EQ(space_->Protect(GuestAddr{kBase}, uint64_t{128} << 30, kRw).error(), Errno::kNoMem);
  EXPECT_TRUE(Faults(Access::kLoad, kBase));
  EXPECT_TRUE(space_->Protect(GuestAddr{kBase}, kPage, kRw).ok());
}

TEST_F(BudgetTest, MapWithContentsFitsOrChangesNothing) {
  MapAt(kBase, kPage, kRw);
  ASSERT_TRUE(Store(kBase, 5));
  budget_.limit_bytes = budget_.used_bytes + 2 * kPage + 4096;
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{kBase};
  request.fixed = true;
  request.length = 3 * kPage;
  request.prot = kRw;
  const std::vector<uint8_t> contents(3 * kPage + 1, 1);
  request.contents = contents;
  request.length = 4 * kPage;
  EXPECT_EQ(space_->Map(request).error(), Errno::kNoMem);
  EXPECT_EQ(Load(kBase), 5u);
  request.length = 3 * kPage;
  EXPECT_TRUE(space_->Map(request).ok());
}

// ---- Dirty tracking

TEST_F(AddressSpaceTest, DirtyPagesAreThoseThatChangedSinceTheLastClear) {
  constexpr uint64_t kFirst = kBase >> kPageShift;
  MapAt(kBase, 10 * kPage, kRw);
  ASSERT_TRUE(Store(kBase + 3 * kPage, 1));
  ASSERT_TRUE(Store(kBase + kPage, 1));
  EXPECT_THAT(space_->DirtyPages(), ElementsAre(kFirst + 1, kFirst + 3));
  space_->ClearDirty();
  EXPECT_TRUE(space_->DirtyPages().empty());
  EXPECT_FALSE(Flags(kBase + kPage) & kFastStore);
  const uint64_t used = budget_.used_bytes;
  ASSERT_TRUE(Store(kBase + kPage, 2));
  EXPECT_THAT(space_->DirtyPages(), ElementsAre(kFirst + 1));
  EXPECT_EQ(budget_.used_bytes, used) << "a page is paid for once";
  space_->ClearDirty();
  // What was written before and is dropped now has changed too, even if it is mapped anew.
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase + kPage}, kPage).ok());
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase + 2 * kPage}, 2 * kPage).ok());
  EXPECT_THAT(space_->DirtyPages(), ElementsAre(kFirst + 1, kFirst + 3));
  MapAt(kBase + 2 * kPage, 2 * kPage, kRw);
  EXPECT_THAT(space_->DirtyPages(), ElementsAre(kFirst + 1, kFirst + 3));
}

// ---- The host

size_t HostMappingsWithin(const AddressSpace& space) {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    const uint64_t start = std::stoull(line, nullptr, 16);
    const auto base = reinterpret_cast<uint64_t>(space.base());
    if (start >= base && start < base + kAddressSpaceBytes) ++count;
  }
  return count;
}

TEST_F(AddressSpaceTest, HostMappingsDoNotMultiply) {
  std::mt19937_64 random(1);
  const size_t before = HostMappingsWithin(*space_);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t start = kBase + (random() % 4096) * (kPage * 16);
    MapAt(start, kPage * (1 + random() % 64), kRw);
    ASSERT_TRUE(Store(start, 1));
    ASSERT_TRUE(
        space_->Unmap(GuestAddr{kBase + (random() % 4096) * (kPage * 16)}, kPage * 20).ok());
    if (i % 100 == 0) {
      ASSERT_TRUE(
          space_->Unmap(GuestAddr{kBase + (random() % 64) * (kPage * 512)}, uint64_t{100} << 20)
              .ok());
    }
  }
  EXPECT_LE(HostMappingsWithin(*space_), before + 2);
}

TEST_F(AddressSpaceTest, UnmappedPagesAreGivenBackToTheHost) {
  const uint64_t bytes = uint64_t{64} << 20;
  MapAt(kBase, bytes, kRw);
  EXPECT_EQ(space_->Zero(GuestAddr{kBase}, bytes), bytes);
  EXPECT_EQ(space_->resident_bytes(), 0u) << "zeroing what is zero costs nothing";
  const std::vector<uint8_t> ones(bytes, 1);
  ASSERT_EQ(space_->Write(GuestAddr{kBase}, ones), bytes);
  std::vector<unsigned char> resident(bytes / kPage);
  ASSERT_EQ(mincore(space_->base() + kBase, bytes, resident.data()), 0);
  EXPECT_EQ(std::count(resident.begin(), resident.end(), 1), static_cast<long>(bytes / kPage));
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase}, bytes).ok());
  ASSERT_EQ(mincore(space_->base() + kBase, bytes, resident.data()), 0);
  EXPECT_EQ(std::count(resident.begin(), resident.end(), 0), static_cast<long>(bytes / kPage));
}

}  // namespace
}  // namespace pollux::memory
