#include "os_emu/file/async.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

// Writes down what it is sent.
class Log final : public SignalTarget {
 public:
  void SendIo(int signal, IoReason reason, int32_t fd) override {
    lines.push_back(std::to_string(signal) + " " + std::to_string(static_cast<int>(reason)) + " " +
                    std::to_string(fd));
  }
  void SendUrgent() override { lines.push_back("urgent"); }
  std::vector<std::string> Take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
};

// A description whose state has up to two lists.
class Source final : public testing::FakeDescription {
 public:
  explicit Source(std::vector<AsyncList*> lists) : lists_(std::move(lists)) {}

 private:
  int AsyncLists(AsyncList* lists[2]) override {
    for (size_t i = 0; i < lists_.size(); ++i) lists[i] = lists_[i];
    return static_cast<int>(lists_.size());
  }
  std::vector<AsyncList*> lists_;
};

class AsyncTest : public ::testing::Test {
 protected:
  DescriptionRef Make(std::vector<AsyncList*> lists, int signal = 0) {
    DescriptionRef file = MakeDescription<Source>(std::move(lists));
    file->MakeSignalOwner() = {.target = log_, .signal = signal};
    return file;
  }
  static FdLabel Label(int32_t number) { return FdLabel(Fd{number}); }
  using Lines = std::vector<std::string>;

  std::shared_ptr<Log> log_ = std::make_shared<Log>();
  AsyncList list_, other_;
};

TEST_F(AsyncTest, OnlyWhoIsRegisteredIsSignalled) {
  const DescriptionRef file = Make({&list_}, 40);
  list_.Signal(IoReason::kIn);
  EXPECT_EQ(log_->Take(), Lines());
  EXPECT_TRUE(*file->SetAsync(Label(7), true));
  list_.Signal(IoReason::kIn);
  EXPECT_EQ(log_->Take(), Lines({"40 1 7"}));
  EXPECT_TRUE(*file->SetAsync(Label(7), false));
  list_.Signal(IoReason::kIn);
  EXPECT_EQ(log_->Take(), Lines());
  EXPECT_TRUE(list_.empty());
}

TEST_F(AsyncTest, TheFlagSaysWhetherItIsRegistered) {
  const DescriptionRef file = Make({&list_});
  EXPECT_EQ(file->status_flags() & kOAsync, 0u);
  EXPECT_TRUE(*file->SetAsync(Label(7), true));
  EXPECT_EQ(file->status_flags() & kOAsync, kOAsync);
  EXPECT_TRUE(*file->SetAsync(Label(7), false));
  EXPECT_EQ(file->status_flags() & kOAsync, 0u);
}

TEST_F(AsyncTest, AKindWithoutListsChangesNothing) {
  const DescriptionRef file = Make({});
  EXPECT_FALSE(*file->SetAsync(Label(7), true));
  EXPECT_EQ(file->status_flags() & kOAsync, 0u);
}

TEST_F(AsyncTest, TheNewestIsSignalledFirst) {
  const DescriptionRef first = Make({&list_}), second = Make({&list_});
  ASSERT_TRUE(*first->SetAsync(Label(1), true));
  ASSERT_TRUE(*second->SetAsync(Label(2), true));
  list_.Signal(IoReason::kOut);
  EXPECT_EQ(log_->Take(), Lines({"0 2 2", "0 2 1"}));
}

TEST_F(AsyncTest, ADescriptionMayBeInTwoLists) {
  const DescriptionRef file = Make({&list_, &other_});
  ASSERT_TRUE(*file->SetAsync(Label(3), true));
  list_.Signal(IoReason::kIn);
  other_.Signal(IoReason::kOut);
  EXPECT_EQ(log_->Take(), Lines({"0 1 3", "0 2 3"}));
}

TEST_F(AsyncTest, RegisteringAgainTakesTheNewNumber) {
  const DescriptionRef file = Make({&list_});
  EXPECT_TRUE(list_.Set(*file, Label(3), true));
  EXPECT_FALSE(list_.Set(*file, Label(4), true));
  list_.Signal(IoReason::kIn);
  EXPECT_EQ(log_->Take(), Lines({"0 1 4"}));
}

TEST_F(AsyncTest, ReleasingLeavesTheList) {
  DescriptionRef file = Make({&list_, &other_});
  const DescriptionRef stays = Make({&list_});
  ASSERT_TRUE(*file->SetAsync(Label(3), true));
  ASSERT_TRUE(*stays->SetAsync(Label(4), true));
  file = DescriptionRef();
  EXPECT_TRUE(other_.empty());
  list_.Signal(IoReason::kIn);
  EXPECT_EQ(log_->Take(), Lines({"0 1 4"}));
}

TEST_F(AsyncTest, ClearTakesTheFlags) {
  const DescriptionRef file = Make({&list_});
  ASSERT_TRUE(*file->SetAsync(Label(3), true));
  list_.Clear();
  EXPECT_TRUE(list_.empty());
  EXPECT_EQ(file->status_flags() & kOAsync, 0u);
}

TEST_F(AsyncTest, WithoutAnOwnerNothingIsSent) {
  const DescriptionRef file = MakeDescription<Source>(std::vector<AsyncList*>{&list_});
  ASSERT_TRUE(*file->SetAsync(Label(3), true));
  list_.Signal(IoReason::kIn);
  file->MakeSignalOwner().signal = 40;  // F_SETSIG alone names nobody.
  list_.Signal(IoReason::kIn);
  EXPECT_EQ(log_->Take(), Lines());
}

TEST_F(AsyncTest, AnUrgentByteIsSignalledHereOnlyWithASignalOfItsOwn) {
  const DescriptionRef plain = Make({&list_}), special = Make({&list_}, 40);
  ASSERT_TRUE(*plain->SetAsync(Label(1), true));
  ASSERT_TRUE(*special->SetAsync(Label(2), true));
  list_.SignalUrgent();
  EXPECT_EQ(log_->Take(), Lines({"40 5 2"}));
}

// "A description that has nothing async pays a pointer, what is registered not much."
TEST(AsyncSize, IsSmall) {
  EXPECT_EQ(sizeof(AsyncList), sizeof(void*));
  EXPECT_LE(sizeof(SignalOwner), 32u);
}

}  // namespace
}  // namespace pollux::os_emu
