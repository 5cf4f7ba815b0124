// Snapshots, one behaviour a test. The random test is snapshot_random_test.cc.
#include "memory/snapshot.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

using ::testing::ElementsAre;

class CodeChanges final : public CodeListener {
 public:
  void OnCodeChanged(uint64_t first_page, uint64_t pages) override {
    for (uint64_t i = 0; i < pages; ++i) changed.push_back(first_page + i - kBase / kPage);
  }
  std::vector<uint64_t> changed;
};

class SnapshotTest : public AddressSpaceTest {
 protected:
  std::unique_ptr<Snapshot> Take() {
    AddressSpace* const spaces[] = {space_.get()};
    return Snapshot::Take(&budget_, spaces);
  }
  void MapObjectAt(uint64_t start, uint64_t pages, bool shared,
                   const std::shared_ptr<SharedObject>& object) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = pages * kPage;
    request.prot = kRw | kProtExec;
    request.fixed = true;
    request.shared = shared;
    request.object = object;
    ASSERT_TRUE(space_->Map(request).ok());
  }
};

TEST_F(SnapshotTest, BytesComeBackAgainAndAgain) {
  MapAt(kBase, 4 * kPage, kRw);
  Store(kBase, 1);
  const uint64_t used = budget_.used_bytes;
  const auto snapshot = Take();
  for (int run = 0; run < 3; ++run) {
    Store(kBase, 2);
    Store(kBase + kPage, 3);
    EXPECT_EQ(budget_.used_bytes, used + kPage);
    snapshot->Restore();
    EXPECT_EQ(Load(kBase), 1u);
    EXPECT_EQ(Load(kBase + kPage), 0u);
    EXPECT_EQ(budget_.used_bytes, used);
    EXPECT_EQ(space_->resident_bytes(), kPage);
    EXPECT_TRUE(space_->DirtyPages().empty());
  }
}

TEST_F(SnapshotTest, AStoreThatWasFastBeforeIsNoticed) {
  MapAt(kBase, kPage, kRw);
  Store(kBase, 1);
  ASSERT_TRUE(Flags(kBase) & kFastStore);
  const auto snapshot = Take();
  EXPECT_FALSE(Flags(kBase) & kFastStore);
  Store(kBase, 2);
  EXPECT_TRUE(Flags(kBase) & kFastStore);
  snapshot->Restore();
  EXPECT_FALSE(Flags(kBase) & kFastStore);
  EXPECT_TRUE(Flags(kBase) & kFastLoad);
}

TEST_F(SnapshotTest, MappingsAndBreakComeBack) {
  MapAt(kBase, 4 * kPage, kRw);
  Store(kBase + kPage, 7);
  space_->SetHeapStart(GuestAddr{kBase + 16 * kPage});
  const auto layout = Layout();
  const auto snapshot = Take();
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase + kPage}, kPage).ok());
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + 2 * kPage}, kPage, kProtRead).ok());
  MapAt(kBase + 8 * kPage, kPage, kRx);
  space_->Brk(GuestAddr{kBase + 17 * kPage});
  snapshot->Restore();
  EXPECT_EQ(Layout(), layout);
  EXPECT_EQ(Load(kBase + kPage), 7u);
  EXPECT_TRUE(Store(kBase + 2 * kPage, 1));
  EXPECT_EQ(Flags(kBase + 8 * kPage), 0);
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, kBase + 16 * kPage);
}

TEST_F(SnapshotTest, NoStaleCodeIsLeft) {
  CodeChanges listener;
  space_->SetCodeListener(&listener);
  MapAt(kBase, 3 * kPage, kRw | kProtExec);
  for (uint64_t page = 0; page < 3; ++page) Store(kBase + page * kPage, 0x13);
  space_->MarkHoldsCode(kBase / kPage);
  space_->MarkHoldsCode(kBase / kPage + 2);
  const auto snapshot = Take();
  Store(kBase + kPage, 0x93);
  space_->MarkHoldsCode(kBase / kPage + 1);  // Of bytes that will not be there.
  snapshot->Restore();
  // What was translated from bytes that stay is kept.
  EXPECT_THAT(listener.changed, ElementsAre(1u));
  EXPECT_TRUE(Flags(kBase) & kHoldsCode);
  EXPECT_FALSE(Flags(kBase + kPage) & kHoldsCode);
  Store(kBase + 2 * kPage, 0x93);  // Forgets at once, and Restore() has nothing to add.
  snapshot->Restore();
  EXPECT_THAT(listener.changed, ElementsAre(1u, 2u));
}

TEST_F(SnapshotTest, NoStaleCodeOfSharedPagesIsLeft) {
  CodeChanges listener;
  space_->SetCodeListener(&listener);
  const auto object = *SharedObject::Create(&budget_, 4 * kPage);
  MapObjectAt(kBase, 4, true, object);
  Store(kBase, 0x13);
  const auto snapshot = Take();
  const uint8_t other = 0x93;
  object->Write(0, {&other, 1});
  Fault fault;
  ASSERT_TRUE(space_->Prepare(Access::kFetch, GuestAddr{kBase}, 4, &fault));
  space_->MarkHoldsCode(kBase / kPage);
  snapshot->Restore();
  EXPECT_THAT(listener.changed, ElementsAre(0u));
  EXPECT_EQ(Load(kBase), 0x13u);
}

TEST_F(SnapshotTest, ObjectsComeBackHoweverTheyWereWritten) {
  const auto object = *SharedObject::Create(&budget_, 2 * kPage + 5);
  const auto other = *AddressSpace::Create(&budget_);
  MapObjectAt(kBase, 4, true, object);
  Store(kBase, 1);
  auto child = *space_->Fork();
  Store(kBase + kPage, 2);
  const uint64_t used = budget_.used_bytes;
  AddressSpace* const spaces[] = {space_.get(), child.get()};
  const auto snapshot = Snapshot::Take(&budget_, spaces);
  for (int run = 0; run < 3; ++run) {
    const uint8_t byte = 9;
    ASSERT_TRUE(child->WriteObject(GuestAddr{kBase}, uint64_t{5}).ok());
    object->Write(kPage, {&byte, 1});
    Store(kBase + 2 * kPage, 6);
    if (run == 1) object->SetSize(kPage);
    if (run == 2) object->SetSize(9 * kPage);
    snapshot->Restore();
    EXPECT_EQ(object->size_bytes(), 2 * kPage + 5);
    EXPECT_EQ(object->present_pages(), 2u);
    EXPECT_EQ(budget_.used_bytes, used);
    EXPECT_EQ(Load(kBase), 1u);
    EXPECT_EQ(*child->ReadObject<uint64_t>(GuestAddr{kBase + kPage}), 2u);
    EXPECT_FALSE(object->Has(2));
    EXPECT_TRUE(Faults(Access::kLoad, kBase + 3 * kPage));
  }
}

TEST_F(SnapshotTest, APrivateCopyOfAFilesPageGoes) {
  const auto object = *SharedObject::Create(&budget_, 2 * kPage);
  const uint8_t before[] = {1}, after[] = {2};
  object->Write(0, before);
  MapObjectAt(kBase, 2, false, object);
  const auto snapshot = Take();
  Store(kBase + 8, 5);
  object->Write(0, after);
  EXPECT_EQ(Load(kBase), 1u);
  snapshot->Restore();
  EXPECT_EQ(Load(kBase), 1u);
  EXPECT_EQ(Load(kBase + 8), 0u);
  object->Write(0, after);
  EXPECT_EQ(Load(kBase), 2u);  // It shows the file.
}

TEST_F(SnapshotTest, AnAddressSpaceThatEndedComesBack) {
  const auto object = *SharedObject::Create(&budget_, 2 * kPage);
  MapAt(kBase, 2 * kPage, kRw | kProtExec);
  MapObjectAt(kBase + 4 * kPage, 2, true, object);
  Store(kBase, 3);
  space_->MarkHoldsCode(kBase / kPage);
  Store(kBase + 4 * kPage, 4);
  const uint64_t used = budget_.used_bytes;
  const auto snapshot = Take();
  for (int run = 0; run < 3; ++run) {
    Store(kBase, 4);
    Store(kBase + kPage, 5);
    space_.reset();
    EXPECT_LT(budget_.used_bytes, used);
    EXPECT_EQ(budget_.object_mappings, 0u);
    EXPECT_EQ(object->writable_mappings(), 0u);
    const uint8_t byte = 9;
    object->Write(0, {&byte, 1});
    snapshot->Restore();
    space_ = snapshot->TakeBack(0);
    ASSERT_NE(space_, nullptr);
    EXPECT_EQ(snapshot->TakeBack(0), nullptr);
    EXPECT_EQ(budget_.used_bytes, used);
    EXPECT_EQ(object->writable_mappings(), 1u);
    EXPECT_EQ(Load(kBase), 3u);
    EXPECT_EQ(Load(kBase + kPage), 0u);
    EXPECT_EQ(Load(kBase + 4 * kPage), 4u);
    EXPECT_FALSE(Flags(kBase) & kHoldsCode);
    // Whoever is told now is the new one.
    object->SetSize(0);
    EXPECT_TRUE(Faults(Access::kLoad, kBase + 4 * kPage));
    snapshot->Restore();
  }
}

TEST_F(SnapshotTest, WhatAMappingKeepsGoesWithItAllTheSame) {
  auto file = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = file;
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.inode = 7;
  request.keeps = std::exchange(file, nullptr);
  const Result<GuestAddr> place = space_->Map(request);
  request.keeps.reset();
  ASSERT_TRUE(place.ok());
  const auto snapshot = Take();
  EXPECT_FALSE(watch.expired());
  ASSERT_TRUE(space_->Unmap(*place, kPage).ok());
  EXPECT_TRUE(watch.expired());
}

TEST_F(SnapshotTest, ASnapshotMayEndWhileAnAddressSpaceIsWithIt) {
  MapAt(kBase, kPage, kRw);
  Store(kBase, 3);
  auto snapshot = Take();
  space_.reset();
  snapshot.reset();
  EXPECT_EQ(budget_.used_bytes, 0u);
  space_ = *AddressSpace::Create(&budget_);
  MapAt(kBase, kPage, kRw);
  EXPECT_EQ(Load(kBase), 0u);
}

TEST_F(SnapshotTest, AfterItsEndAllGoesOnAndAnotherMayBeTaken) {
  MapAt(kBase, kPage, kRw);
  Store(kBase, 1);
  auto snapshot = Take();
  Store(kBase, 2);
  snapshot.reset();
  EXPECT_EQ(Load(kBase), 2u);
  snapshot = Take();
  Store(kBase, 3);
  snapshot->Restore();
  EXPECT_EQ(Load(kBase), 2u);
}

TEST_F(SnapshotTest, AnObjectThatWasLetGoComesBackWithItsMapping) {
  auto object = *SharedObject::Create(&budget_, 2 * kPage);
  MapObjectAt(kBase, 2, true, object);
  object.reset();
  Store(kBase, 8);
  const auto snapshot = Take();
  Store(kBase, 9);
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase}, 2 * kPage).ok());
  snapshot->Restore();
  EXPECT_EQ(Load(kBase), 8u);
}

// What still has to be brought to a mounted file is part of the state.
TEST_F(SnapshotTest, PagesToBeWrittenBackAreAsTheyWere) {
  class Stored final : public SharedObject {
   public:
    using SharedObject::SharedObject;
    using SharedObject::TakeStoredPages;
  };
  const auto object = std::make_shared<Stored>(&budget_, SharedStore::Of(&budget_), 2 * kPage);
  MapObjectAt(kBase, 2, true, object);
  Store(kBase, 1);
  const auto snapshot = Take();
  for (int run = 0; run < 2; ++run) {
    EXPECT_THAT(object->TakeStoredPages(), ElementsAre(0u));
    Store(kBase + kPage, 1);
    snapshot->Restore();
  }
  EXPECT_THAT(object->TakeStoredPages(), ElementsAre(0u));
}

// More pages than may stay with the host as zeros.
TEST_F(SnapshotTest, ManyFreshPages) {
  constexpr uint64_t kMany = 5000;
  MapAt(kBase, kMany * kPage, kRw);
  const auto snapshot = Take();
  for (int run = 0; run < 2; ++run) {
    for (uint64_t page = 0; page < kMany; ++page) Store(kBase + page * kPage, 1);
    snapshot->Restore();
    for (uint64_t page = 0; page < kMany; ++page) ASSERT_EQ(Load(kBase + page * kPage), 0u);
    EXPECT_EQ(space_->resident_bytes(), 0u);
  }
}

// Mappings in ever other places leave page tables with the host; not without end.
TEST_F(SnapshotTest, ManyPageTables) {
  constexpr uint64_t kGranule = uint64_t{2} << 20;
  const uint64_t used = budget_.used_bytes;
  const auto snapshot = Take();
  for (uint64_t run = 0; run < 1500; ++run) {
    const uint64_t at = kBase + run * kGranule;
    MapAt(at, kPage, kRw);
    Store(at, run + 1);
    snapshot->Restore();
    ASSERT_EQ(budget_.used_bytes, used);
    ASSERT_EQ(Flags(at), 0);
  }
  MapAt(kBase, 1500 * kGranule, kRw);
  for (uint64_t run = 0; run < 1500; ++run) ASSERT_EQ(Load(kBase + run * kGranule), 0u);
}

}  // namespace
}  // namespace pollux::memory
