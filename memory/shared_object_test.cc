#include "memory/shared_object.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

constexpr uint32_t kBoth = kProtRead | kProtWrite;

class Listener final : public CodeListener {
 public:
  void OnCodeChanged(uint64_t first_page, uint64_t pages) override {
    for (uint64_t i = 0; i < pages; ++i) changed.push_back(first_page + i);
  }
  std::vector<uint64_t> changed;
};

class SharedObjectTest : public ::testing::Test {
 protected:
  SharedObjectTest() {
    space_ = *AddressSpace::Create(&budget_);
    other_ = *AddressSpace::Create(&budget_);
    object_ = *SharedObject::Create(&budget_, 4 * kPage);
  }

  GuestAddr Map(AddressSpace& space, bool shared, uint32_t prot = kBoth, uint64_t pages = 4) {
    AddressSpace::MapRequest request;
    request.length = pages * kPage;
    request.prot = prot;
    request.shared = shared;
    request.object = object_;
    const auto mapped = space.Map(request);
    EXPECT_TRUE(mapped.ok());
    return *mapped;
  }
  static int Byte(AddressSpace& space, GuestAddr at) {
    const auto byte = space.ReadObject<uint8_t>(at);
    return byte.ok() ? *byte : -1;
  }
  static bool Store(AddressSpace& space, GuestAddr at, uint8_t byte) {
    return space.WriteObject(at, byte).ok();
  }
  int Byte(uint64_t offset) {
    uint8_t byte = 0;
    object_->Read(offset, {&byte, 1});
    return byte;
  }

  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_, other_;
  std::shared_ptr<SharedObject> object_;
};

TEST_F(SharedObjectTest, TwoAddressSpacesSeeTheSameBytes) {
  const GuestAddr here = Map(*space_, true), there = Map(*other_, true);
  ASSERT_TRUE(Store(*space_, here + kPage, 7));
  EXPECT_EQ(Byte(*other_, there + kPage), 7);
  ASSERT_TRUE(Store(*other_, there + kPage, 8));
  EXPECT_EQ(Byte(*space_, here + kPage), 8);
  EXPECT_EQ(Byte(kPage), 8);
  other_.reset();
  ASSERT_TRUE(Store(*space_, here, 9));
  EXPECT_EQ(Byte(0), 9);
}

TEST_F(SharedObjectTest, APrivateMappingShowsTheObjectUntilItIsStoredTo) {
  const GuestAddr own = Map(*space_, false);
  const uint8_t one = 1, two = 2;
  object_->Write(kPage, {&one, 1});
  EXPECT_EQ(Byte(*space_, own + kPage), 1);
  ASSERT_TRUE(Store(*space_, own + kPage + 1, 5));
  object_->Write(kPage, {&two, 1});
  EXPECT_EQ(Byte(*space_, own + kPage), 1);
  EXPECT_EQ(Byte(kPage + 1), 0);
  ASSERT_TRUE(space_->Discard(own, 4 * kPage).ok());
  EXPECT_EQ(Byte(*space_, own + kPage), 2);
}

TEST_F(SharedObjectTest, LoadsOfHolesAreChargedAndMayRunOutOfMemory) {
  const GuestAddr here = Map(*space_, true);
  budget_.limit_bytes = budget_.used_bytes + SharedObject::kPageCostBytes;
  const uint64_t before = budget_.used_bytes;
  EXPECT_EQ(Byte(*space_, here), 0);
  EXPECT_GE(budget_.used_bytes, before + kPage);
  Fault fault;
  EXPECT_FALSE(space_->Prepare(Access::kLoad, here + kPage, 1, &fault));
  EXPECT_EQ(fault.kind, FaultKind::kOutOfMemory);
  EXPECT_FALSE(space_->flags()[(here.value >> kPageShift) + 1] & kFastLoad);
}

TEST_F(SharedObjectTest, TheEndMovesInAllMappings) {
  const GuestAddr here = Map(*space_, true), own = Map(*other_, false);
  ASSERT_TRUE(Store(*other_, own + 2 * kPage, 3));
  object_->SetSize(kPage + 1);
  Fault fault;
  EXPECT_FALSE(space_->Prepare(Access::kLoad, here + 2 * kPage, 1, &fault));
  EXPECT_EQ(fault.kind, FaultKind::kBeyondFile);
  EXPECT_EQ(Byte(*other_, own + 2 * kPage), -1) << "the copy has gone too";
  EXPECT_EQ(Byte(*space_, here + kPage), 0);
  object_->SetSize(3 * kPage);
  EXPECT_EQ(Byte(*other_, own + 2 * kPage), 0);
  EXPECT_TRUE(Store(*space_, here + 2 * kPage, 4));
  EXPECT_EQ(Byte(*other_, own + 2 * kPage), 4);
}

TEST_F(SharedObjectTest, AStoreDropsTheCodeOfAllMappings) {
  Listener listener, others;
  space_->SetCodeListener(&listener);
  other_->SetCodeListener(&others);
  const GuestAddr writable = Map(*space_, true);
  const GuestAddr code = Map(*space_, true, kProtRead | kProtExec);
  const GuestAddr there = Map(*other_, false, kProtRead | kProtExec);
  ASSERT_TRUE(Store(*space_, writable, 1));
  const uint64_t page = writable.value >> kPageShift;
  EXPECT_TRUE(space_->flags()[page] & kFastStore);
  for (int i = 0; i < 2; ++i) {
    uint16_t halfwords[2];
    Fault fault;
    ASSERT_GT(space_->Fetch(code, halfwords, &fault), 0u);
    ASSERT_GT(other_->Fetch(there, halfwords, &fault), 0u);
    space_->MarkHoldsCode(code.value >> kPageShift);
    other_->MarkHoldsCode(there.value >> kPageShift);
    EXPECT_FALSE(space_->flags()[page] & kFastStore) << "the next store has to be noticed";
    ASSERT_TRUE(Store(*space_, writable, 2));
    EXPECT_EQ(listener.changed, std::vector<uint64_t>{code.value >> kPageShift});
    EXPECT_EQ(others.changed, std::vector<uint64_t>{there.value >> kPageShift});
    listener.changed.clear();
    others.changed.clear();
  }
  other_->MarkHoldsCode(there.value >> kPageShift);
  const uint8_t byte = 3;
  object_->Write(5, {&byte, 1});
  EXPECT_EQ(others.changed, std::vector<uint64_t>{there.value >> kPageShift});
}

TEST_F(SharedObjectTest, DirtyPagesAreSeenThroughWhicheverMapping) {
  const GuestAddr here = Map(*space_, true);
  ASSERT_TRUE(Store(*space_, here + kPage, 1));
  object_->ClearDirty();
  EXPECT_TRUE(object_->DirtyPages().empty());
  ASSERT_TRUE(Store(*space_, here + kPage, 2));
  EXPECT_EQ(object_->DirtyPages(), std::vector<uint64_t>{1});
  object_->ClearDirty();
  object_->DropPages(1, 2);
  EXPECT_EQ(object_->DirtyPages(), std::vector<uint64_t>{1});
}

TEST_F(SharedObjectTest, AFileNotOpenForWritingIsNotMadeWritable) {
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.prot = kProtRead;
  request.shared = true;
  request.may_write = false;
  request.object = object_;
  const GuestAddr here = *space_->Map(request);
  EXPECT_EQ(space_->Protect(here, kPage, kBoth).error(), Errno::kAcces);
  EXPECT_EQ(space_->Remove(here, kPage).error(), Errno::kAcces);
  EXPECT_TRUE(space_->Protect(here, kPage, kProtNone).ok());
}

TEST_F(SharedObjectTest, AnObjectMayBeVastAndSparse) {
  object_ = *SharedObject::Create(&budget_, uint64_t{1} << 60);
  const uint8_t byte = 1;
  const uint64_t far = (uint64_t{1} << 60) - 1;
  ASSERT_EQ(object_->Write(far, {&byte, 1}), 1u);
  EXPECT_EQ(Byte(far), 1);
  // Across the border of two chunks.
  AddressSpace::MapRequest request;
  request.length = 4 * kPage;
  request.prot = kBoth;
  request.shared = true;
  request.object = object_;
  request.file_offset = SharedStore::kChunkBytes - 2 * kPage;
  const GuestAddr here = *space_->Map(request);
  for (uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Store(*space_, here + i * kPage, 10 + i));
  for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(Byte(request.file_offset + i * kPage), 10u + i);
}

TEST_F(SharedObjectTest, MappingsAreLimitedAndCounted) {
  budget_.object_mappings = kMaxObjectMappings;
  AddressSpace::MapRequest request;
  request.length = kPage;
  request.prot = kBoth;
  request.shared = true;
  EXPECT_EQ(space_->Map(request).error(), Errno::kNoMem);
  budget_.object_mappings = kMaxObjectMappings - 1;
  request.length = 3 * kPage;
  const auto mapped = space_->Map(request);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(space_->Unmap(*mapped + kPage, kPage).error(), Errno::kNoMem);
  EXPECT_EQ(space_->Protect(*mapped + kPage, kPage, kProtRead).error(), Errno::kNoMem);
  EXPECT_TRUE(space_->Unmap(*mapped, 3 * kPage).ok());
  budget_.object_mappings = 0;
}

TEST_F(SharedObjectTest, EverythingIsGivenBack) {
  const GuestAddr here = Map(*space_, true), own = Map(*other_, false);
  ASSERT_TRUE(Store(*space_, here, 1) && Store(*other_, own + kPage, 1));
  object_.reset();
  space_.reset();
  other_.reset();
  EXPECT_EQ(budget_.used_bytes, 0u);
  EXPECT_EQ(budget_.object_mappings, 0u);
}

}  // namespace
}  // namespace pollux::memory
