#include "os_emu/inotify/inotify.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;

class FakeFile final : public WatchedFile {
 public:
  ~FakeFile() override { EXPECT_EQ(held_, 0); }
  Identity WatchIdentity() const override { return {.device = 23, .number = 5}; }
  int held() const { return held_; }

 protected:
  void HoldForWatch() override { ++held_; }
  void LetGoForWatch() override { --held_; }

 private:
  int held_ = 0;
};

struct Told {
  int32_t descriptor;
  uint32_t mask;
  uint32_t cookie;
  uint32_t name_bytes;
  std::string name;
};

class InotifyTest : public ::testing::Test {
 protected:
  InotifyTest() { instance_ = Make(); }

  DescriptionRef Make() {
    return *InotifyInstance::Create(
        {.instances = &instances_, .watches = &watches_, .budget = &budget_}, kInNonBlock);
  }
  InotifyInstance& instance() { return *InotifyInstance::From(*instance_); }
  int32_t Add(WatchedFile& file, uint32_t mask = kInAllEvents) {
    return *instance().AddWatch(file, mask);
  }
  std::vector<Told> Events(size_t room = 65536) {
    std::vector<Told> events;
    const Result<std::string> bytes = ReadSome(*instance_, room);
    if (!bytes.ok()) {
      EXPECT_EQ(bytes.error(), Errno::kAgain);
      return events;
    }
    for (size_t at = 0; at < bytes->size();) {
      Told event;
      std::memcpy(static_cast<void*>(&event), bytes->data() + at, 16);
      event.name = bytes->c_str() + at + 16;
      if (event.name_bytes == 0) event.name.clear();
      at += 16 + event.name_bytes;
      events.push_back(event);
    }
    return events;
  }

  memory::MemoryBudget budget_;
  Quota instances_{2, Errno::kMFile, 512, &budget_};
  Quota watches_{3, Errno::kNoSpc, 256, &budget_};
  FakeFile file_, other_;
  DescriptionRef instance_;
};

TEST_F(InotifyTest, AnEventIsReadOnce) {
  EXPECT_EQ(Add(file_), 1);
  file_.Tell({.mask = kEventOpen, .name = "name"});
  const std::vector<Told> events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].descriptor, 1);
  EXPECT_EQ(events[0].mask, kEventOpen);
  EXPECT_EQ(events[0].name, "name");
  EXPECT_EQ(events[0].name_bytes, 16u);
  EXPECT_TRUE(Events().empty());
}

TEST_F(InotifyTest, NamesArePaddedWithAtLeastOneNul) {
  Add(file_);
  for (const size_t length : {1, 15, 16, 255})
    file_.Tell({.mask = kEventOpen, .name = std::string(length, 'n')});
  std::vector<uint32_t> sizes;
  for (const Told& event : Events()) sizes.push_back(event.name_bytes);
  EXPECT_EQ(sizes, (std::vector<uint32_t>{16, 16, 32, 256}));
}

TEST_F(InotifyTest, OnlyWhatTheMaskNamesIsTold) {
  Add(file_, kEventModify);
  file_.Tell({.mask = kEventOpen});
  EXPECT_TRUE(Events().empty());
  file_.Tell({.mask = kEventModify});
  EXPECT_EQ(Events().size(), 1u);
}

TEST_F(InotifyTest, EqualSuccessiveEventsAreOne) {
  Add(file_);
  file_.Tell({.mask = kEventModify, .name = "a"});
  file_.Tell({.mask = kEventModify, .name = "a", .cookie = 7});
  file_.Tell({.mask = kEventModify, .name = "b"});
  file_.Tell({.mask = kEventModify, .name = "a"});
  EXPECT_EQ(Events().size(), 3u);
}

TEST_F(InotifyTest, WhatDoesNotFitStays) {
  Add(file_);
  file_.Tell({.mask = kEventOpen, .name = "a"});
  file_.Tell({.mask = kEventModify, .name = "a"});
  EXPECT_EQ(ReadSome(*instance_, 31).error(), Errno::kInval);
  EXPECT_EQ(ReadSome(*instance_, 63)->size(), 32u);
  EXPECT_EQ(ReadSome(*instance_, 64)->size(), 32u);
}

TEST_F(InotifyTest, AnInaccessibleBufferLosesTheEvent) {
  Add(file_);
  file_.Tell({.mask = kEventOpen});
  file_.Tell({.mask = kEventModify});
  const auto space = *memory::AddressSpace::Create(&budget_);
  memory::UserBuffer nowhere(space.get(), GuestAddr{0x10000}, 16);
  EXPECT_EQ(instance_->Read(nowhere).error(), Errno::kFault);
  const std::vector<Told> events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].mask, kEventModify);
}

TEST_F(InotifyTest, TheSameFileIsWatchedOnce) {
  EXPECT_EQ(Add(file_, kEventOpen), 1);
  EXPECT_EQ(Add(other_, kEventOpen), 2);
  EXPECT_EQ(Add(file_, kEventModify), 1);
  EXPECT_EQ(instance().AddWatch(file_, kEventOpen | kInMaskCreate).error(), Errno::kExist);
  file_.Tell({.mask = kEventOpen});
  EXPECT_TRUE(Events().empty());
  EXPECT_EQ(Add(file_, kEventOpen | kInMaskAdd), 1);
  file_.Tell({.mask = kEventOpen});
  file_.Tell({.mask = kEventModify});
  EXPECT_EQ(Events().size(), 2u);
}

TEST_F(InotifyTest, ARemovedWatchTellsIgnored) {
  Add(file_);
  EXPECT_EQ(file_.held(), 1);
  EXPECT_TRUE(instance().RemoveWatch(1).ok());
  EXPECT_EQ(file_.held(), 0);
  EXPECT_EQ(instance().RemoveWatch(1).error(), Errno::kInval);
  const std::vector<Told> events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].mask, kInIgnored);
  EXPECT_EQ(Add(file_), 2);  // Numbers are not used again.
}

TEST_F(InotifyTest, OneShot) {
  Add(file_, kEventOpen | kInOneShot);
  file_.Tell({.mask = kEventOpen});
  file_.Tell({.mask = kEventOpen});
  const std::vector<Told> events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].mask, kInIgnored);
  EXPECT_FALSE(file_.watched());
}

TEST_F(InotifyTest, AFileThatGoesTakesItsWatchesAlong) {
  const DescriptionRef second = Make();
  ASSERT_TRUE(InotifyInstance::From(*second)->AddWatch(file_, kEventOpen).ok());
  Add(file_);
  file_.TellGone();
  EXPECT_FALSE(file_.watched());
  std::vector<uint32_t> masks;
  for (const Told& event : Events()) masks.push_back(event.mask);
  EXPECT_EQ(masks, (std::vector<uint32_t>{kEventDeleteSelf, kInIgnored}));
  EXPECT_EQ(watches_.used(), 0u);
}

TEST_F(InotifyTest, ExclUnlinkHidesWhatHasNoName) {
  Add(file_, kInAllEvents | kInExclUnlink);
  file_.Tell({.mask = kEventModify, .unlinked = true});
  EXPECT_TRUE(Events().empty());
  file_.Tell({.mask = kEventModify});
  EXPECT_EQ(Events().size(), 1u);
}

TEST_F(InotifyTest, MovesOfDirectoriesDoNotSayIsDir) {
  Add(file_);
  file_.Tell({.mask = kEventMoveSelf | kEventIsDirectory});
  file_.Tell({.mask = kEventOpen | kEventIsDirectory});
  const std::vector<Told> events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].mask, kEventMoveSelf);
  EXPECT_EQ(events[1].mask, kEventOpen | kInIsDir);
}

TEST_F(InotifyTest, TheQueueOverflowsOnce) {
  Add(file_);
  for (size_t i = 0; i < InotifyInstance::kMaxQueuedEvents + 10; ++i)
    file_.Tell({.mask = i % 2 == 0 ? kEventOpen : kEventModify});
  size_t count = 0;
  Told last;
  for (std::vector<Told> events = Events(); !events.empty(); events = Events()) {
    count += events.size();
    last = events.back();
  }
  EXPECT_EQ(count, InotifyInstance::kMaxQueuedEvents + 1);
  EXPECT_EQ(last.mask, kInQueueOverflow);
  EXPECT_EQ(last.descriptor, -1);
  file_.Tell({.mask = kEventOpen});
  EXPECT_EQ(Events().size(), 1u);
}

TEST_F(InotifyTest, ASpentBudgetOverflowsTheQueue) {
  Add(file_);
  budget_.limit_bytes = budget_.used_bytes + 150;
  file_.Tell({.mask = kEventOpen});
  file_.Tell({.mask = kEventModify});
  file_.Tell({.mask = kEventAccess});
  const std::vector<Told> events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].mask, kInQueueOverflow);
}

TEST_F(InotifyTest, LimitsAreKept) {
  const DescriptionRef second = Make();
  EXPECT_EQ(InotifyInstance::Create(
                {.instances = &instances_, .watches = &watches_, .budget = &budget_}, 0)
                .error(),
            Errno::kMFile);
  FakeFile third, fourth;
  Add(file_);
  Add(other_);
  Add(third);
  EXPECT_EQ(instance().AddWatch(fourth, kEventOpen).error(), Errno::kNoSpc);
  instance_ = DescriptionRef();
  EXPECT_EQ(watches_.used(), 0u);
  EXPECT_EQ(instances_.used(), 1u);
}

TEST_F(InotifyTest, EverythingIsGivenBack) {
  const uint64_t before = budget_.used_bytes;
  Add(file_);
  for (int i = 0; i < 100; ++i) file_.Tell({.mask = kEventOpen, .name = std::to_string(i)});
  EXPECT_GT(budget_.used_bytes, before);
  instance_ = DescriptionRef();
  EXPECT_EQ(budget_.used_bytes, 0u);
}

TEST_F(InotifyTest, EachQueuedEventWakes) {
  Add(file_);
  WaitQueue* queues[2];
  ASSERT_EQ(instance_->PollQueues(queues), 1);
  CountingWaiter waiter;
  queues[0]->Add(waiter);
  EXPECT_EQ(instance_->Poll(), 0u);
  file_.Tell({.mask = kEventOpen});
  file_.Tell({.mask = kEventOpen});  // Merged.
  file_.Tell({.mask = kEventModify});
  EXPECT_EQ(waiter.keys, (std::vector<EventMask>{0, 0}));
  EXPECT_EQ(instance_->Poll(), kReadable);
  Events();
  EXPECT_EQ(instance_->Poll(), 0u);
}

TEST_F(InotifyTest, FdInfoTellsTheWatchesNewestFirst) {
  Add(file_, kEventOpen);
  Add(other_, kEventModify | kInExclUnlink);
  EXPECT_EQ(instance_->FdInfo(),
            "inotify wd:2 ino:5 sdev:17 mask:4000002 ignored_mask:0 \n"
            "inotify wd:1 ino:5 sdev:17 mask:20 ignored_mask:0 \n");
}

TEST_F(InotifyTest, MasksAndFlags) {
  EXPECT_EQ(InotifyInstance::CheckMask(0).error(), Errno::kInval);
  EXPECT_EQ(InotifyInstance::CheckMask(0x1000).error(), Errno::kInval);
  EXPECT_TRUE(InotifyInstance::CheckMask(kInOneShot).ok());
  EXPECT_EQ(InotifyInstance::Create(
                {.instances = &instances_, .watches = &watches_, .budget = &budget_}, 1)
                .error(),
            Errno::kInval);
}

}  // namespace
}  // namespace pollux::os_emu
