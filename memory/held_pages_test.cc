// What core files are made from: pages that hold something, whatever their protection, at no cost.
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HeldPagesTest : public AddressSpaceTest {
 protected:
  // Numbers of the pages of [start, start + bytes) that hold something, from `start` on.
  std::vector<uint64_t> Held(uint64_t start, uint64_t bytes) {
    std::vector<uint64_t> pages;
    const uint64_t end = start + bytes;
    for (uint64_t at = space_->NextHeldPage(start, end); at < end;
         at = space_->NextHeldPage(at, end)) {
      pages.push_back((at - start) / kPage);
      at += kPage;
      if (at == end) break;
    }
    return pages;
  }
  uint64_t Peek(uint64_t addr) {
    std::vector<uint8_t> page(kPage, 0xee);
    space_->PeekPage(addr, page);
    uint64_t word;
    std::memcpy(&word, page.data(), sizeof(word));
    return word;
  }
};

TEST_F(HeldPagesTest, OfAHugeMappingOnlyWhatWasWritten) {
  constexpr uint64_t kBytes = uint64_t{1} << 36;
  MapAt(kBase, kBytes, kRw);
  EXPECT_THAT(Held(kBase, kBytes), IsEmpty());
  EXPECT_FALSE(space_->HasOwnPages(kBase, kBase + kBytes));
  Store(kBase, 1);
  Store(kBase + 511 * kPage, 2);
  Store(kBase + 512 * kPage, 3);
  Store(kBase + kBytes - kPage, 4);
  Load(kBase + 7 * kPage);
  const uint64_t used = budget_.used_bytes;
  EXPECT_THAT(Held(kBase, kBytes), ElementsAre(0, 511, 512, kBytes / kPage - 1));
  EXPECT_TRUE(space_->HasOwnPages(kBase, kBase + kBytes));
  EXPECT_EQ(Peek(kBase + kBytes - kPage), 4u);
  EXPECT_EQ(budget_.used_bytes, used);
}

TEST_F(HeldPagesTest, ProtectionDoesNotHideThem) {
  MapAt(kBase, 4 * kPage, kRw);
  Store(kBase + kPage, 77);
  ASSERT_TRUE(space_->Protect(GuestAddr{kBase}, 4 * kPage, kProtNone).ok());
  EXPECT_THAT(Held(kBase, 4 * kPage), ElementsAre(1));
  EXPECT_EQ(Peek(kBase + kPage), 77u);
}

TEST_F(HeldPagesTest, PrivateMappingsOfObjectsShowTheCopyOrTheObject) {
  auto object = SharedObject::Create(&budget_, 8 * kPage);
  ASSERT_TRUE(object.ok());
  const uint64_t words[] = {11, 12};
  for (int i = 0; i < 2; ++i) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&words[i]);
    ASSERT_EQ((*object)->Write((2 + 2 * i) * kPage, {bytes, 8}), 8u);
  }
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{kBase};
  request.length = 16 * kPage;
  request.prot = kRw;
  request.fixed = true;
  request.object = *object;
  request.file_offset = kPage;
  request.inode = 3;
  ASSERT_TRUE(space_->Map(request).ok());
  // Pages 2 and 4 of the object, which ends after its eighth.
  EXPECT_THAT(Held(kBase, 16 * kPage), ElementsAre(1, 3));
  EXPECT_FALSE(space_->HasOwnPages(kBase, kBase + 16 * kPage));
  ASSERT_TRUE(Store(kBase + 2 * kPage, 99));
  ASSERT_TRUE(Store(kBase + 3 * kPage, 98));
  EXPECT_THAT(Held(kBase, 16 * kPage), ElementsAre(1, 2, 3));
  EXPECT_TRUE(space_->HasOwnPages(kBase, kBase + 16 * kPage));
  EXPECT_EQ(Peek(kBase + kPage), 11u);
  EXPECT_EQ(Peek(kBase + 2 * kPage), 99u);
  EXPECT_EQ(Peek(kBase + 3 * kPage), 98u);
  EXPECT_EQ(Peek(kBase + 5 * kPage), 0u);
}

TEST_F(HeldPagesTest, AdviceAboutCoreFilesCutsMappingsAndJoinsThemAgain) {
  MapAt(kBase, 4 * kPage, kRw);
  ASSERT_TRUE(space_->Advise(GuestAddr{kBase + kPage}, kPage, MappingAdvice::kDontDump).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-1 rw-", "1-2 rw-", "2-4 rw-"));
  EXPECT_TRUE(space_->Mappings()[1].dont_dump);
  ASSERT_TRUE(space_->Advise(GuestAddr{kBase}, 4 * kPage, MappingAdvice::kDoDump).ok());
  EXPECT_THAT(Layout(), ElementsAre("0-4 rw-"));
}

}  // namespace
}  // namespace pollux::memory
