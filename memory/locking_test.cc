// What mlock(2) and its kin count.
#include <cstdint>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

using ::testing::ElementsAre;

class LockingTest : public AddressSpaceTest {
 protected:
  Result<void> Lock(uint64_t start, uint64_t pages, Locking locking = Locking::kAtOnce) {
    return space_->Lock(GuestAddr{start}, pages * kPage, locking);
  }
  uint64_t LockedPages() const { return space_->locked_bytes() / kPage; }
};

TEST_F(LockingTest, APageCountsOnceHoweverOftenItIsLocked) {
  MapAt(kBase, 8 * kPage, kRw);
  ASSERT_TRUE(Lock(kBase, 4).ok());
  ASSERT_TRUE(Lock(kBase + 2 * kPage, 4).ok());
  EXPECT_EQ(LockedPages(), 6u);
  EXPECT_EQ(space_->LockedIn(GuestAddr{kBase + 5 * kPage}, 3 * kPage), kPage);
  EXPECT_THAT(Layout(), ElementsAre("0-6 rw-", "6-8 rw-"));
  ASSERT_TRUE(Lock(kBase, 8, Locking::kNone).ok());
  EXPECT_EQ(LockedPages(), 0u);
  EXPECT_THAT(Layout(), ElementsAre("0-8 rw-"));
}

TEST_F(LockingTest, UpToAHole) {
  MapAt(kBase, 2 * kPage, kRw);
  MapAt(kBase + 4 * kPage, 2 * kPage, kRw);
  EXPECT_EQ(Lock(kBase, 6).error(), Errno::kNoMem);
  EXPECT_EQ(LockedPages(), 2u);
}

TEST_F(LockingTest, GoesWithItsMapping) {
  MapAt(kBase, 8 * kPage, kRw);
  ASSERT_TRUE(Lock(kBase, 8).ok());
  ASSERT_TRUE(space_->Unmap(GuestAddr{kBase + kPage}, 2 * kPage).ok());
  EXPECT_EQ(LockedPages(), 6u);
  MapAt(kBase + 3 * kPage, kPage, kRw);
  EXPECT_EQ(LockedPages(), 5u);
  // Growing and moving take it along.
  const auto moved = space_->Remap(GuestAddr{kBase}, kPage, 3 * kPage, true, false, GuestAddr{0});
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(LockedPages(), 7u);
  // What stays behind is not locked, but counted.
  ASSERT_TRUE(space_->Remap(*moved, 3 * kPage, 3 * kPage, true, false, GuestAddr{0}, true).ok());
  EXPECT_EQ(LockedPages(), 10u);
  EXPECT_EQ(space_->LockedIn(*moved, 3 * kPage), 0u);
}

TEST_F(LockingTest, AllThatThereIsAndAllThatComes) {
  MapAt(kBase, 2 * kPage, kRw);
  space_->SetHeapStart(GuestAddr{kBase + 100 * kPage});
  space_->LockAll(Locking::kAtOnce);
  EXPECT_EQ(LockedPages(), 2u);
  MapAt(kBase + 10 * kPage, kPage, kRw);
  EXPECT_EQ(LockedPages(), 2u);
  space_->LockFuture(Locking::kOnFault);
  MapAt(kBase + 20 * kPage, kPage, kRw);
  EXPECT_EQ(LockedPages(), 3u);
  space_->Brk(GuestAddr{kBase + 102 * kPage});
  EXPECT_EQ(LockedPages(), 5u);
  const auto child = space_->Fork();
  ASSERT_TRUE(child.ok());
  EXPECT_EQ((*child)->locked_bytes(), 0u);
  EXPECT_EQ((*child)->future_locking(), Locking::kNone);
  EXPECT_EQ((*child)->Mappings()[0].locking, Locking::kNone);
  space_->LockAll(Locking::kNone);
  EXPECT_EQ(LockedPages(), 0u);
}

TEST_F(LockingTest, CannotBeThrownAway) {
  MapAt(kBase, 2 * kPage, kRw);
  Store(kBase, 1);
  ASSERT_TRUE(Lock(kBase, 1).ok());
  EXPECT_EQ(space_->Discard(GuestAddr{kBase}, 2 * kPage).error(), Errno::kInval);
  EXPECT_EQ(space_->WriteBack(GuestAddr{kBase}, kPage, /*invalidates=*/true).error(), Errno::kBusy);
  EXPECT_EQ(Load(kBase), 1u);
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase}, 2 * kPage, false, /*locked_too=*/true).ok());
  EXPECT_EQ(Load(kBase), 0u);
}

TEST_F(LockingTest, PagesAreBroughtInOnce) {
  MapAt(kBase, 8 * kPage, kRw);
  const uint64_t before = space_->pages_brought_in();
  Store(kBase, 1);
  Store(kBase, 2);
  Load(kBase + kPage);
  EXPECT_EQ(space_->pages_brought_in(), before + 1);
  ASSERT_TRUE(space_->Discard(GuestAddr{kBase}, kPage).ok());
  Store(kBase, 3);
  EXPECT_EQ(space_->pages_brought_in(), before + 2);
}

}  // namespace
}  // namespace pollux::memory
