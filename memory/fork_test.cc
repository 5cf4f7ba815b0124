// fork(2)'s copy of an address space, madvise(2)'s advice for it, and the names of shared words.
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

class ForkTest : public AddressSpaceTest {
 protected:
  std::unique_ptr<AddressSpace> Fork() {
    auto child = space_->Fork();
    EXPECT_TRUE(child.ok());
    return child.ok() ? *std::move(child) : nullptr;
  }
  Result<void> Advise(uint64_t start, uint64_t bytes, MappingAdvice advice) {
    return space_->Advise(GuestAddr{start}, bytes, advice);
  }
  static uint64_t Word(AddressSpace& space, uint64_t addr) {
    const auto word = space.ReadObject<uint64_t>(GuestAddr{addr});
    EXPECT_TRUE(word.ok()) << std::hex << addr;
    return word.ok() ? *word : ~uint64_t{0};
  }
  static void Put(AddressSpace& space, uint64_t addr, uint64_t word) {
    ASSERT_TRUE(space.WriteObject(GuestAddr{addr}, word).ok()) << std::hex << addr;
  }
  void MapObjectAt(uint64_t start, uint64_t pages, bool shared,
                   const std::shared_ptr<SharedObject>& object, uint32_t prot = kRw) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = pages * kPage;
    request.prot = prot;
    request.fixed = true;
    request.shared = shared;
    request.object = object;
    request.inode = 3;
    request.file_offset = kPage;
    ASSERT_TRUE(space_->Map(request).ok());
  }
};

// ---- Fork

TEST_F(ForkTest, TheChildHasTheBytesAndThenItsOwn) {
  MapAt(kBase, 600 * kPage, kRw);
  Put(*space_, kBase, 1);
  Put(*space_, kBase + 599 * kPage, 2);
  const auto child = Fork();
  EXPECT_EQ(Word(*child, kBase), 1u);
  EXPECT_EQ(Word(*child, kBase + 599 * kPage), 2u);
  EXPECT_EQ(Word(*child, kBase + 300 * kPage), 0u);
  Put(*child, kBase, 3);
  Put(*space_, kBase + kPage, 4);
  EXPECT_EQ(Word(*space_, kBase), 1u);
  EXPECT_EQ(Word(*child, kBase + kPage), 0u);
}

TEST_F(ForkTest, TheChildHasTheMappingsTheBreakAndTheTop) {
  MapAt(kBase + 4 * kPage, 2 * kPage, kProtRead);
  MapFileAt(kBase + 8 * kPage, 3 * kPage, std::vector<uint8_t>(kPage, 5), kRx);
  space_->SetHeapStart(GuestAddr{kBase + 16 * kPage});
  space_->Brk(GuestAddr{kBase + 17 * kPage + 5});
  space_->SetMapTop(GuestAddr{kBase + 40 * kPage});
  auto child = Fork();
  const auto expected = Layout();
  const uint64_t mapped = space_->mapped_bytes();
  std::swap(child, space_);
  EXPECT_EQ(Layout(), expected);
  EXPECT_EQ(space_->mapped_bytes(), mapped);
  EXPECT_EQ(space_->Mappings()[1].name, "/data");
  EXPECT_EQ(space_->Mappings()[2].name, "[heap]");
  EXPECT_EQ(space_->Brk(GuestAddr{0}).value, kBase + 17 * kPage + 5);
  EXPECT_EQ(MapAnywhere(kPage)->value, kBase + 39 * kPage);
  EXPECT_TRUE(Faults(Access::kLoad, kBase + 9 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kBeyondFile);
  EXPECT_TRUE(Faults(Access::kStore, kBase + 4 * kPage));
  EXPECT_EQ(fault_.kind, FaultKind::kProtection);
}

TEST_F(ForkTest, TheChildsStackGrowsToTheSameLimit) {
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{kBase + 8 * kPage};
  request.length = kPage;
  request.prot = kRw;
  request.fixed = true;
  request.grows_down = true;
  ASSERT_TRUE(space_->Map(request).ok());
  space_->SetStackLimit(3 * kPage);
  const auto child = Fork();
  Put(*child, kBase + 6 * kPage, 1);
  EXPECT_FALSE(child->WriteObject(GuestAddr{kBase + 5 * kPage}, 1).ok());
  EXPECT_FALSE(space_->IsMapped(GuestAddr{kBase + 6 * kPage}));
}

TEST_F(ForkTest, WhatTheChildHasCountsAsChanged) {
  MapAt(kBase, 4 * kPage, kRw);
  Put(*space_, kBase + kPage, 1);
  Put(*space_, kBase + 2 * kPage, 1);
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase + 2 * kPage}, kPage).ok());
  space_->ClearDirty();
  const auto child = Fork();
  EXPECT_THAT(child->DirtyPages(), ElementsAre(kBase / kPage + 1));
  EXPECT_TRUE(space_->DirtyPages().empty());
  EXPECT_EQ(child->resident_bytes(), kPage);
  EXPECT_TRUE(child->flags()[kBase / kPage + 1] & kFastStore);
}

TEST_F(ForkTest, TheChildHoldsNoCodeAndTheParentKeepsItsOwn) {
  class Listener final : public CodeListener {
   public:
    void OnCodeChanged(uint64_t, uint64_t) override { ++calls; }
    int calls = 0;
  } listener;
  space_->SetCodeListener(&listener);
  MapAt(kBase, 2 * kPage, kRw | kProtExec);
  Put(*space_, kBase, 0x13);
  space_->MarkHoldsCode(kBase / kPage);
  const auto child = Fork();
  EXPECT_FALSE(child->flags()[kBase / kPage] & kHoldsCode);
  EXPECT_TRUE(child->flags()[kBase / kPage] & kExec);
  EXPECT_TRUE(Flags(kBase) & kHoldsCode);
  Put(*child, kBase, 1);
  EXPECT_EQ(listener.calls, 0);
  Put(*space_, kBase, 2);
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(ForkTest, SharedMemoryIsOneAndPrivateCopiesOfItAreTwo) {
  const auto object = *SharedObject::Create(&budget_, 8 * kPage);
  MapObjectAt(kBase, 4, true, object);
  MapObjectAt(kBase + 8 * kPage, 4, false, object);
  Put(*space_, kBase, 1);
  Put(*space_, kBase + 9 * kPage, 2);
  const auto child = Fork();
  Put(*child, kBase + 2 * kPage, 3);
  EXPECT_EQ(Word(*space_, kBase + 2 * kPage), 3u);
  EXPECT_EQ(Word(*child, kBase + 8 * kPage), 1u);  // Shows the object.
  Put(*space_, kBase, 4);
  EXPECT_EQ(Word(*child, kBase + 8 * kPage), 4u);
  EXPECT_EQ(Word(*child, kBase + 9 * kPage), 2u);  // A copy of the parent's copy.
  Put(*child, kBase + 9 * kPage, 5);
  EXPECT_EQ(Word(*space_, kBase + 9 * kPage), 2u);
  EXPECT_EQ(Word(*child, kBase + kPage), 0u);
  EXPECT_EQ(budget_.object_mappings, 4u);
  EXPECT_EQ(object->writable_mappings(), 2u);
  object->SetSize(2 * kPage);  // Page 1 of it stays, page 2 goes, the copies too.
  EXPECT_FALSE(child->ReadObject<uint64_t>(GuestAddr{kBase + 9 * kPage}).ok());
  EXPECT_EQ(child->resident_bytes(), 0u);
}

TEST_F(ForkTest, ACopyOfWhatIsAHoleNowIsCopiedToo) {
  const auto object = *SharedObject::Create(&budget_, 8 * kPage);
  MapObjectAt(kBase, 2, false, object);
  Put(*space_, kBase, 1);
  object->DropPages(0, 8);
  const auto child = Fork();
  EXPECT_EQ(Word(*child, kBase), 1u);
}

TEST_F(ForkTest, AProcessThatEndsLeavesNothingForTheNext) {
  MapAt(kBase, 8 * kPage, kRw);
  for (int round = 0; round < 3; ++round) {
    const auto child = Fork();
    for (uint64_t page = 0; page < 8; ++page) {
      EXPECT_EQ(Word(*child, kBase + page * kPage), 0u);
      EXPECT_EQ(child->flags()[kBase / kPage + page], kRead | kWrite | kFastLoad);
      Put(*child, kBase + page * kPage, 7);
    }
    const auto other = *AddressSpace::Create(&budget_);
    EXPECT_EQ(other->flags()[kBase / kPage], 0);
  }
}

TEST_F(ForkTest, ObjectsOfAProcessThatEndsAreNotSeenByTheNext) {
  const auto object = *SharedObject::Create(&budget_, 64 * kPage);
  for (const uint64_t mappings : {2, 9}) {
    for (uint64_t i = 0; i < mappings; ++i) MapObjectAt(kBase + 2 * i * kPage, 1, i % 2, object);
    for (uint64_t i = 0; i < mappings; ++i) Put(*space_, kBase + 2 * i * kPage, 1);
    space_ = *AddressSpace::Create(&budget_);
    MapAt(kBase, 20 * kPage, kRw);
    for (uint64_t page = 0; page < 20; ++page) EXPECT_EQ(Load(kBase + page * kPage), 0u);
    Put(*space_, kBase, 9);
    Put(*space_, kBase + 2 * kPage, 9);
    uint8_t byte = 0;
    object->Read(kPage, {&byte, 1});
    EXPECT_EQ(byte, 1);
    space_ = *AddressSpace::Create(&budget_);
  }
}

TEST_F(ForkTest, TheChildIsChargedAndNothingStaysWhereItDoesNotFit) {
  MapAt(kBase, 8 * kPage, kRw);
  Put(*space_, kBase, 1);
  Put(*space_, kBase + kPage, 1);
  const uint64_t before = budget_.used_bytes;
  budget_.limit_bytes = 2 * before;
  Fork();
  EXPECT_EQ(budget_.used_bytes, before);
  {
    const auto child = Fork();
    EXPECT_EQ(budget_.used_bytes, 2 * before);
  }
  budget_.limit_bytes = 2 * before - 1;
  const auto child = space_->Fork();
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error(), Errno::kNoMem);
  EXPECT_EQ(budget_.used_bytes, before);
  // What the child would not get need not fit.
  ASSERT_TRUE(Advise(kBase, kPage, MappingAdvice::kDontFork).ok());
  EXPECT_EQ(Fork()->resident_bytes(), kPage);
}

TEST_F(ForkTest, NamesAreChargedOnceAndOutliveTheParent) {
  MapFileAt(kBase, kPage, {1}, kRw);
  auto child = Fork();
  space_.reset();
  EXPECT_EQ(child->Mappings()[0].name, "/data");
  child.reset();
  EXPECT_EQ(budget_.used_bytes, 0u);
}

TEST_F(ForkTest, TooManyMappingsOfObjects) {
  const auto object = *SharedObject::Create(&budget_, 8 * kPage);
  MapObjectAt(kBase, 1, true, object);
  budget_.object_mappings += kMaxObjectMappings - 1;
  EXPECT_EQ(space_->Fork().error(), Errno::kNoMem);
  budget_.object_mappings -= kMaxObjectMappings - 1;
  EXPECT_EQ(budget_.object_mappings, 1u);
}

// ---- Advice

TEST_F(ForkTest, DontForkIsNotInTheChild) {
  MapAt(kBase, 3 * kPage, kRw);
  for (uint64_t page = 0; page < 3; ++page) Put(*space_, kBase + page * kPage, page + 1);
  ASSERT_TRUE(Advise(kBase + kPage, kPage, MappingAdvice::kDontFork).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-1 rw-", "1-2 rw-", "2-3 rw-"));
  const auto child = Fork();
  EXPECT_FALSE(child->IsMapped(GuestAddr{kBase + kPage}));
  EXPECT_EQ(child->mapped_bytes(), 2 * kPage);
  EXPECT_EQ(child->flags()[kBase / kPage + 1], 0);
  EXPECT_EQ(Word(*child, kBase + 2 * kPage), 3u);
  ASSERT_TRUE(Advise(kBase, 3 * kPage, MappingAdvice::kDoFork).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-3 rw-"));
  EXPECT_EQ(Word(*Fork(), kBase + kPage), 2u);
}

TEST_F(ForkTest, WipeOnForkIsZerosInTheChildAndItsChildren) {
  MapAt(kBase, 2 * kPage, kRw);
  Put(*space_, kBase, 1);
  Put(*space_, kBase + kPage, 2);
  ASSERT_TRUE(Advise(kBase, kPage, MappingAdvice::kWipeOnFork).ok());
  auto child = Fork();
  EXPECT_EQ(Word(*child, kBase), 0u);
  EXPECT_EQ(Word(*child, kBase + kPage), 2u);
  EXPECT_EQ(child->resident_bytes(), kPage);
  Put(*child, kBase, 5);
  EXPECT_EQ(Word(**child->Fork(), kBase), 0u);
  ASSERT_TRUE(child->Advise(GuestAddr{kBase}, kPage, MappingAdvice::kKeepOnFork).ok());
  EXPECT_EQ(Word(**child->Fork(), kBase), 5u);
}

TEST_F(ForkTest, WipeOnForkIsForPrivateAnonymousMemory) {
  const auto object = *SharedObject::Create(&budget_, 8 * kPage);
  MapObjectAt(kBase, 1, true, object);
  MapObjectAt(kBase + 2 * kPage, 1, false, object);
  MapFileAt(kBase + 4 * kPage, kPage, {1});
  for (const uint64_t page : {0, 2, 4}) {
    EXPECT_EQ(Advise(kBase + page * kPage, kPage, MappingAdvice::kWipeOnFork).error(),
              Errno::kInval);
    EXPECT_TRUE(Advise(kBase + page * kPage, kPage, MappingAdvice::kKeepOnFork).ok());
    EXPECT_TRUE(Advise(kBase + page * kPage, kPage, MappingAdvice::kDontFork).ok());
  }
  EXPECT_TRUE(Fork()->Mappings().empty());
}

TEST_F(ForkTest, AdviceGoesOnBehindAHoleAndSaysSo) {
  MapAt(kBase, kPage, kRw);
  MapAt(kBase + 2 * kPage, kPage, kRw);
  EXPECT_EQ(Advise(kBase, 3 * kPage, MappingAdvice::kDontFork).error(), Errno::kNoMem);
  EXPECT_TRUE(Fork()->Mappings().empty());
  EXPECT_EQ(Advise(kBase + 1, kPage, MappingAdvice::kDontFork).error(), Errno::kInval);
  EXPECT_EQ(Advise(kBase, UINT64_MAX, MappingAdvice::kDontFork).error(), Errno::kInval);
  EXPECT_TRUE(Advise(kBase + 1024 * kPage, 0, MappingAdvice::kDontFork).ok());
}

TEST_F(ForkTest, AdviceMovesWithTheMapping) {
  MapAt(kBase, 2 * kPage, kRw);
  ASSERT_TRUE(Advise(kBase, 2 * kPage, MappingAdvice::kDontFork).ok());
  ASSERT_TRUE(
      space_
          ->Remap(GuestAddr{kBase}, 2 * kPage, 2 * kPage, true, true, GuestAddr{kBase + 16 * kPage})
          .ok());
  EXPECT_TRUE(Fork()->Mappings().empty());
}

// ---- Shared words

TEST_F(ForkTest, ASharedWordIsTheSameThroughAllMappings) {
  const auto object = *SharedObject::Create(&budget_, 8 * kPage);
  MapObjectAt(kBase, 2, true, object);
  MapObjectAt(kBase + 8 * kPage, 2, true, object, kProtRead);
  const auto child = Fork();
  const auto word = space_->SharedWordAt(GuestAddr{kBase + kPage + 8});
  ASSERT_TRUE(word.has_value());
  EXPECT_EQ(word->object, object);
  EXPECT_EQ(word->offset, 2 * kPage + 8);
  EXPECT_EQ(child->SharedWordAt(GuestAddr{kBase + kPage + 8}), word);
  EXPECT_EQ(space_->SharedWordAt(GuestAddr{kBase + 9 * kPage + 8}), word);
  EXPECT_FALSE(space_->SharedWordAt(GuestAddr{kBase + kPage + 12}) == word);
}

TEST_F(ForkTest, PrivateWordsAreNoSharedOnes) {
  const auto object = *SharedObject::Create(&budget_, 8 * kPage);
  MapAt(kBase, kPage, kRw);
  MapObjectAt(kBase + 2 * kPage, 2, false, object);
  EXPECT_FALSE(space_->SharedWordAt(GuestAddr{kBase}).has_value());
  EXPECT_FALSE(space_->SharedWordAt(GuestAddr{kBase + 2 * kPage}).has_value());
  EXPECT_FALSE(space_->SharedWordAt(GuestAddr{kBase + 6 * kPage}).has_value());
  EXPECT_FALSE(space_->SharedWordAt(GuestAddr{UINT64_MAX}).has_value());
  // A file's page that nobody can store to here.
  Put(*space_, kBase + 3 * kPage, 1);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase + 2 * kPage}, 2 * kPage, kProtRead).ok());
  EXPECT_TRUE(space_->SharedWordAt(GuestAddr{kBase + 2 * kPage}).has_value());
  EXPECT_FALSE(space_->SharedWordAt(GuestAddr{kBase + 3 * kPage}).has_value());
}

}  // namespace
}  // namespace pollux::memory
