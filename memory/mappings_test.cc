// The mapping calls: where things go, what is refused, what is merged.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

using ::testing::ElementsAre;

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

TEST_F(AddressSpaceTest, DataIsPrivateWritableAndNoStack) {
  EXPECT_EQ(space_->data_bytes(), 0u);
  MapAt(kBase, 3 * kPage, kRw);
  MapAt(kBase + 4 * kPage, kPage, kProtRead);
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.prot = kRw;
  request.shared = true;
  ASSERT_TRUE(space_->Map(request).ok());
  request.shared = false;
  request.grows_down = true;
  ASSERT_TRUE(space_->Map(request).ok());
  EXPECT_EQ(space_->data_bytes(), 3 * kPage);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + kPage}, kPage, kProtRead).ok());
  EXPECT_EQ(space_->data_bytes(), 2 * kPage);
}

TEST_F(AddressSpaceTest, TheHeapCountsWithTheProgramsData) {
  space_->SetHeapStart(GuestAddr{kBase}, 100);
  EXPECT_EQ(space_->HeapAndDataBytes(GuestAddr{kBase - 1}), 0u);
  EXPECT_EQ(space_->HeapAndDataBytes(GuestAddr{kBase}), 100u);
  EXPECT_EQ(space_->HeapAndDataBytes(GuestAddr{kBase + 7}), 107u);
}

TEST_F(AddressSpaceTest, BrkWithoutAHeapDoesNothing) {
  EXPECT_EQ(space_->Brk(GuestAddr{kBase}).value, 0u);
}

// ---- What mappings keep

class KeptTest : public AddressSpaceTest {
 protected:
  void MapKeeping(uint64_t page, uint64_t pages, const std::shared_ptr<const void>& kept) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{kBase + page * kPage};
    request.length = pages * kPage;
    request.fixed = true;
    request.inode = 7;
    request.file_offset = page * kPage;
    request.keeps = kept;
    ASSERT_TRUE(space_->Map(request).ok());
  }
  Result<void> Unmap(uint64_t page, uint64_t pages) {
    return space_->Unmap(GuestAddr{kBase + page * kPage}, pages * kPage);
  }
};

TEST_F(KeptTest, UntilTheLastPageIsUnmapped) {
  auto file = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = file;
  MapKeeping(0, 4, std::exchange(file, nullptr));
  ASSERT_TRUE(Unmap(1, 1).ok());
  auto child = *space_->Fork();
  ASSERT_TRUE(Unmap(0, 3).ok());
  const GuestAddr last{kBase + 3 * kPage};
  const auto moved = space_->Remap(last, kPage, 2 * kPage, /*may_move=*/true, /*fixed=*/true,
                                   GuestAddr{kBase + 40 * kPage});
  ASSERT_TRUE(moved.ok());
  ASSERT_TRUE(Unmap(40, 2).ok());
  EXPECT_FALSE(watch.expired());
  child.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_F(KeptTest, NeighboursOfTwoFilesStayTwo) {
  const auto one = std::make_shared<int>(1), two = std::make_shared<int>(2);
  MapKeeping(0, 1, one);
  MapKeeping(1, 1, one);
  EXPECT_EQ(Layout().size(), 1u);
  MapKeeping(1, 1, two);
  EXPECT_EQ(Layout().size(), 2u);
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

TEST_F(StackTest, GrowsAsFarAsAllMappingsTogetherMay) {
  MapAt(kBase, 5 * kPage, kProtNone);
  space_->SetAddressLimit(16 * kPage - 1);
  EXPECT_TRUE(Faults(Access::kStore, kTop - 11 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kNotMapped);
  EXPECT_TRUE(Store(kTop - 10 * kPage, 1));
  EXPECT_EQ(space_->mapped_bytes(), 15 * kPage);
  const auto child = *space_->Fork();
  const std::vector<uint8_t> bytes(1, 1);
  EXPECT_EQ(child->Write(GuestAddr{kTop - 11 * kPage}, bytes), 0u);
  space_->SetAddressLimit(0);
  EXPECT_TRUE(Store(kTop - 10 * kPage, 1));
  EXPECT_TRUE(Faults(Access::kStore, kTop - 11 * kPage));
  space_->SetAddressLimit(UINT64_MAX);
  EXPECT_TRUE(Store(kTop - 11 * kPage, 1));
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

}  // namespace
}  // namespace pollux::memory
