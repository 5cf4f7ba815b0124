#include "memory/store_watch.h"

#include <array>
#include <memory>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"
#include "memory/shared_object.h"

namespace pollux::memory {
namespace {

class StoreWatchTest : public AddressSpaceTest {
 protected:
  void SetUp() override {
    AddressSpaceTest::SetUp();
    MapAt(kBase, 4 * kPage, kRw);
    ASSERT_TRUE(Store(kBase, 1));
    ASSERT_TRUE(Store(kBase + kPage, 1));
    watch_.Begin(*space_, GuestAddr{kBase + 8});
  }
  StoreWatch watch_;
};

TEST_F(StoreWatchTest, ItIsIdleOnceItEnds) {
  EXPECT_FALSE(watch_.idle());
  EXPECT_TRUE(watch_.End());
  EXPECT_TRUE(watch_.idle());
  EXPECT_FALSE(watch_.End());
}

TEST_F(StoreWatchTest, AStoreToThePageGoesTheSlowPathAndIsNoticed) {
  EXPECT_FALSE(Flags(kBase) & kFastStore);
  ASSERT_TRUE(Store(kBase + 64, 2));
  EXPECT_TRUE(Flags(kBase) & kFastStore) << "what was noticed costs nothing more";
  EXPECT_FALSE(watch_.End());
}

TEST_F(StoreWatchTest, AStoreThatEndsInThePageIsNoticed) {
  ASSERT_TRUE(Store(kBase + kPage, 2));
  EXPECT_TRUE(watch_.End());
  watch_.Begin(*space_, GuestAddr{kBase + kPage});
  ASSERT_TRUE(Store(kBase + kPage - 4, 2));
  EXPECT_FALSE(watch_.End());
}

TEST_F(StoreWatchTest, LoadsAndOtherPagesAreNot) {
  EXPECT_TRUE(Flags(kBase) & kFastLoad);
  EXPECT_EQ(Load(kBase), 1u);
  ASSERT_TRUE(Store(kBase + kPage, 2));
  ASSERT_TRUE(Store(kBase + 3 * kPage, 2));
  EXPECT_TRUE(watch_.End());
}

TEST_F(StoreWatchTest, AfterItsEndStoresAreFastAgain) {
  EXPECT_TRUE(watch_.End());
  ASSERT_TRUE(Store(kBase, 2));
  EXPECT_TRUE(Flags(kBase) & kFastStore);
}

TEST_F(StoreWatchTest, AStoreThatFaultsIsNone) {
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + kPage}, kPage, kProtRead).ok());
  EXPECT_FALSE(Store(kBase + kPage - 4, 2));
  EXPECT_TRUE(watch_.End());
}

TEST_F(StoreWatchTest, WhatTheKernelWritesIsNoticed) {
  const std::array<uint8_t, 2> bytes = {1, 2};
  ASSERT_EQ(space_->Write(GuestAddr{kBase + kPage - 1}, bytes), 2u);
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, GuestAddr{kBase});
  ASSERT_EQ(space_->Zero(GuestAddr{kBase}, 1), 1u);
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, GuestAddr{kBase});
  ASSERT_EQ(space_->WriteForced(GuestAddr{kBase}, bytes), 2u);
  EXPECT_FALSE(watch_.End());
}

TEST_F(StoreWatchTest, ChangesOfTheMappingAreNoticed) {
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase}, kPage).ok());
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, GuestAddr{kBase});
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase}, kPage).ok());
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, GuestAddr{kBase + kPage});
  MapAt(kBase + kPage, kPage, kRw);
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, GuestAddr{kBase + 2 * kPage});
  ASSERT_TRUE(space_
                  ->Remap(GuestAddr{kBase + 2 * kPage}, kPage, kPage, /*may_move=*/true,
                          /*fixed=*/true, GuestAddr{kBase + 8 * kPage})
                  .ok());
  EXPECT_FALSE(watch_.End());
}

TEST_F(StoreWatchTest, TwoOnOnePage) {
  StoreWatch second;
  second.Begin(*space_, GuestAddr{kBase + 128});
  EXPECT_TRUE(second.End());
  second.Begin(*space_, GuestAddr{kBase + 128});
  ASSERT_TRUE(Store(kBase, 2));
  EXPECT_FALSE(watch_.End());
  EXPECT_FALSE(second.End());
}

TEST_F(StoreWatchTest, TheEndOfOneLeavesTheOther) {
  {
    StoreWatch second;
    second.Begin(*space_, GuestAddr{kBase});
  }
  ASSERT_TRUE(Store(kBase, 2));
  EXPECT_FALSE(watch_.End());
}

TEST_F(StoreWatchTest, AChildHasPagesOfItsOwn) {
  auto child = space_->Fork();
  ASSERT_TRUE(child.ok());
  ASSERT_TRUE((*child)->WriteObject(GuestAddr{kBase}, 5).ok());
  EXPECT_TRUE((*child)->flags()[kBase >> kPageShift] & kFastStore);
  child->reset();
  EXPECT_TRUE(watch_.End());
}

TEST_F(StoreWatchTest, TheAddressSpaceMayEndFirst) {
  space_.reset();
  EXPECT_FALSE(watch_.End());
}

class SharedStoreWatchTest : public AddressSpaceTest {
 protected:
  void SetUp() override {
    AddressSpaceTest::SetUp();
    other_ = *AddressSpace::Create(&budget_);
    object_ = *SharedObject::Create(&budget_, 4 * kPage);
  }
  GuestAddr Map(AddressSpace& space, bool shared) {
    AddressSpace::MapRequest request;
    request.length = 4 * kPage;
    request.prot = kRw;
    request.shared = shared;
    request.object = object_;
    return *space.Map(request);
  }
  std::unique_ptr<AddressSpace> other_;
  std::shared_ptr<SharedObject> object_;
  StoreWatch watch_;
};

TEST_F(SharedStoreWatchTest, AStoreThroughAnotherMappingIsNoticed) {
  const GuestAddr here = Map(*space_, true), there = Map(*other_, true);
  ASSERT_TRUE(space_->WriteObject(here, 1).ok());
  ASSERT_TRUE(other_->WriteObject(there, 2).ok());
  ASSERT_TRUE(other_->WriteObject(there + kPage, 2).ok());
  watch_.Begin(*space_, here);
  ASSERT_TRUE(other_->WriteObject(there + kPage, 2).ok());
  ASSERT_TRUE(other_->ReadObject<int>(there).ok());
  EXPECT_TRUE(watch_.End());
  watch_.Begin(*space_, here);
  ASSERT_TRUE(other_->WriteObject(there, 3).ok());
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, here);
  ASSERT_TRUE(space_->WriteObject(here, 3).ok());
  EXPECT_FALSE(watch_.End());
}

TEST_F(SharedStoreWatchTest, AStoreThroughAMappingMadeLaterIsNoticed) {
  const GuestAddr here = Map(*space_, true);
  ASSERT_TRUE(space_->WriteObject(here, 1).ok());
  watch_.Begin(*space_, here);
  const GuestAddr there = Map(*other_, true);
  // A load makes the page accessible, not storable.
  ASSERT_TRUE(other_->ReadObject<int>(there).ok());
  ASSERT_TRUE(other_->WriteObject(there, 2).ok());
  EXPECT_FALSE(watch_.End());
}

TEST_F(SharedStoreWatchTest, AWriteToTheFileIsNoticed) {
  const GuestAddr here = Map(*space_, true);
  ASSERT_TRUE(space_->WriteObject(here, 1).ok());
  const std::array<uint8_t, 1> byte = {7};
  watch_.Begin(*space_, here);
  ASSERT_EQ(object_->Write(kPage, byte), 1u);
  EXPECT_TRUE(watch_.End());
  watch_.Begin(*space_, here);
  ASSERT_EQ(object_->Write(8, byte), 1u);
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, here);
  object_->DropPages(0, 1);
  EXPECT_FALSE(watch_.End());
}

TEST_F(SharedStoreWatchTest, APrivatePageIsTheFilesUntilItIsWritten) {
  const GuestAddr here = Map(*space_, false);
  const std::array<uint8_t, 1> byte = {7};
  ASSERT_TRUE(space_->ReadObject<int>(here).ok());
  watch_.Begin(*space_, here);
  ASSERT_EQ(object_->Write(8, byte), 1u);
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, here);
  ASSERT_TRUE(space_->WriteObject(here, 1).ok());
  EXPECT_FALSE(watch_.End());
  watch_.Begin(*space_, here);
  ASSERT_EQ(object_->Write(8, byte), 1u);
  EXPECT_TRUE(watch_.End());
}

}  // namespace
}  // namespace pollux::memory
