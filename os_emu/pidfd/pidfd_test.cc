#include "os_emu/pidfd/pidfd.h"

#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/file_status.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;
using testing::TestMachine;

class PidFdTest : public ::testing::Test {
 protected:
  DescriptionRef Open(Tid pid, uint32_t flags = 0) {
    return *PidFd::Open(machine_.kernel(), static_cast<int32_t>(pid), flags);
  }
  static PidFd& At(const DescriptionRef& file) { return *PidFd::From(*file); }
  static void Watch(const DescriptionRef& file, CountingWaiter& waiter) {
    WaitQueue* queues[2];
    ASSERT_EQ(file->PollQueues(queues), 1);
    queues[0]->Add(waiter);
  }
  // Waits for the process: it is gone for good.
  void Reap(Process& process) {
    machine_.kernel().ReleaseEnded();
    machine_.kernel().processes().erase(process.pid());
  }

  TestMachine machine_;
  Process& other_ = machine_.kernel().CreateProcess();
};

TEST_F(PidFdTest, IsReadableWhenTheProcessHasEndedAndHungUpWhenItIsGone) {
  const DescriptionRef file = Open(other_.pid());
  CountingWaiter waiter;
  Watch(file, waiter);
  EXPECT_EQ(file->Poll(), 0u);
  EXPECT_EQ(At(file).process(), &other_);
  machine_.kernel().EndProcess(other_, {.status = 3, .signal = 0});
  EXPECT_EQ(file->Poll(), kReadable);
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{kReadable});
  EXPECT_EQ(At(file).process(), &other_);
  EXPECT_EQ(file->FdInfo(), "Pid:\t1001\nNSpid:\t1001\n");
  Reap(other_);
  EXPECT_EQ(file->Poll(), kReadable | kHup);
  EXPECT_EQ(waiter.keys, (std::vector<EventMask>{kReadable, 0}));
  EXPECT_EQ(At(file).process(), nullptr);
  EXPECT_EQ(file->FdInfo(), "Pid:\t-1\nNSpid:\t-1\n");
}

TEST_F(PidFdTest, ABlockedPollEndsWithTheProcess) {
  const DescriptionRef file = Open(other_.pid());
  Thread& leader = machine_.leader();
  machine_.Give(leader, StartPoll(leader, {{.description = file, .wanted = kIn, .closed = false}},
                                  testing::kArena, {}));
  EXPECT_FALSE(machine_.Answer(leader).has_value());
  machine_.kernel().EndProcess(other_, {.status = 0, .signal = kSigKill});
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(leader), 1);
}

TEST_F(PidFdTest, AProcessThatHasEndedCanBeOpenedUntilItIsGone) {
  machine_.kernel().EndProcess(other_, {});
  EXPECT_EQ(Open(other_.pid())->Poll(), kReadable);
  const DescriptionRef thread = Open(other_.pid(), kPidfdThread);
  EXPECT_EQ(thread->Poll(), kReadable);
  Reap(other_);
  EXPECT_EQ(thread->Poll(), kReadable | kHup);
  EXPECT_EQ(PidFd::Open(machine_.kernel(), 1001, 0).error(), Errno::kSrch);
}

TEST_F(PidFdTest, OfAThreadThatEnds) {
  Thread& thread = machine_.kernel().CreateThread(other_);
  EXPECT_EQ(PidFd::Open(machine_.kernel(), static_cast<int32_t>(thread.tid()), 0).error(),
            Errno::kNoEnt);
  const DescriptionRef file = Open(thread.tid(), kPidfdThread);
  EXPECT_EQ(At(file).thread(), &thread);
  EXPECT_TRUE(At(file).is_thread());
  CountingWaiter waiter;
  Watch(file, waiter);
  machine_.kernel().EndThread(thread, 0);
  EXPECT_EQ(file->Poll(), kReadable | kHup);
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{kReadable});
  EXPECT_EQ(At(file).thread(), nullptr);
  EXPECT_EQ(file->FdInfo(), "Pid:\t-1\nNSpid:\t-1\n");
}

TEST_F(PidFdTest, OfALeaderThatEndsWithItsProcess) {
  const DescriptionRef file = Open(other_.pid(), kPidfdThread);
  CountingWaiter waiter;
  Watch(file, waiter);
  machine_.kernel().EndProcess(other_, {});
  EXPECT_EQ(file->Poll(), kReadable);
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{kReadable});
  Reap(other_);
  EXPECT_EQ(file->Poll(), kReadable | kHup);
}

TEST_F(PidFdTest, TwoOfOneProcessAreTwoDescriptionsOfOneRecord) {
  const DescriptionRef first = Open(other_.pid()), second = Open(other_.pid());
  EXPECT_FALSE(first == second);
  EXPECT_EQ(At(first).process(), At(second).process());
  FileStatus one, two;
  ASSERT_TRUE(first->Stat(&one).ok());
  ASSERT_TRUE(second->Stat(&two).ok());
  EXPECT_EQ(one.mode, 0700u);
  EXPECT_EQ(one.dev, two.dev);
}

TEST_F(PidFdTest, OutlivesEverything) {
  const DescriptionRef file = Open(other_.pid());
  machine_.kernel().EndProcess(other_, {});
  Reap(other_);
  // The number is another's now: the record is not.
  EXPECT_EQ(At(file).number(), Tid{1001});
  EXPECT_EQ(At(file).process(), nullptr);
}

TEST_F(PidFdTest, Errors) {
  Kernel& kernel = machine_.kernel();
  EXPECT_EQ(PidFd::Open(kernel, 0, 0).error(), Errno::kInval);
  EXPECT_EQ(PidFd::Open(kernel, -5, 0).error(), Errno::kInval);
  EXPECT_EQ(PidFd::Open(kernel, 999, 0).error(), Errno::kSrch);
  EXPECT_EQ(PidFd::Open(kernel, 1000, 1).error(), Errno::kInval);
  const DescriptionRef file = Open(Tid{1000}, kPidfdNonBlock);
  EXPECT_EQ(ReadSome(*file, 8).error(), Errno::kInval);
  EXPECT_EQ(file->Seek(0, Whence::kSet).error(), Errno::kSPipe);
  EXPECT_EQ(file->status_flags(), kORdWr | kPidfdNonBlock);
  EXPECT_EQ(file->LinkText(), "anon_inode:[pidfd]");
}

}  // namespace
}  // namespace pollux::os_emu
