// Accesses, copies, translated code, the budget, dirty pages, and what of it the host sees.
#include "memory/address_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class RecordingListener : public CodeListener {
 public:
  void OnCodeChanged(uint64_t first_page, uint64_t pages) override {
    changes.push_back({first_page, pages});
  }
  std::vector<std::pair<uint64_t, uint64_t>> changes;
};

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
