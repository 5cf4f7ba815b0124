// FIFOs and locks that wait: what a blocked open(2) or flock(2) does to others, and how it ends.
#include "shims/pipe_files.h"

#include "gtest/gtest.h"
#include "os_emu/file/file_locks.h"
#include "os_emu/vfs/process_caller.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

constexpr uint64_t kAtCwd = static_cast<uint64_t>(int64_t{-100});
constexpr uint64_t kPath = 0x21000, kFifo = 010600;

class PipeFilesTest : public SyscallTest {
 protected:
  PipeFilesTest() { EXPECT_EQ(Do("mknodat", {kAtCwd, Text(kPath, "fifo"), kFifo, 0}), 0); }

  // What another process does.
  DescriptionRef OpenElsewhere(uint32_t flags) {
    auto file = kernel_.files().Open(os_emu::CallerOf(thread()), {}, "fifo", flags);
    EXPECT_TRUE(file.ok());
    return file.ok() ? *file : DescriptionRef();
  }
  bool Resume() { return abi_->Resume(thread(), cpu_, &call_); }
};

TEST_F(PipeFilesTest, AReaderWaitsForAWriter) {
  ASSERT_EQ(Enter("openat", {kAtCwd, kPath, os_emu::kORdOnly}), Next::kBlocked);
  EXPECT_FALSE(thread().woken());
  // The number is taken and not open.
  EXPECT_TRUE(process_.fds().OpenNumbers().empty());
  EXPECT_EQ(process_.fds().Get(Fd{0}).error(), Errno::kBadF);
  EXPECT_EQ(process_.fds().InstallAt(Fd{0}, OpenElsewhere(os_emu::kOPath), false).error(),
            Errno::kBusy);
  const DescriptionRef writer = OpenElsewhere(os_emu::kOWrOnly | os_emu::kONonBlock);
  EXPECT_TRUE(thread().woken());
  ASSERT_TRUE(Resume());
  EXPECT_EQ(Result(), 0);
  EXPECT_EQ(process_.fds().OpenNumbers().size(), 1u);
}

TEST_F(PipeFilesTest, AWriterWaitsForAReaderThatMayHaveGoneAgain) {
  ASSERT_EQ(Enter("openat", {kAtCwd, kPath, os_emu::kOWrOnly | os_emu::kOCloExec}), Next::kBlocked);
  OpenElsewhere(os_emu::kORdOnly | os_emu::kONonBlock);
  EXPECT_TRUE(thread().woken());
  ASSERT_TRUE(Resume());
  EXPECT_EQ(Result(), 0);
  EXPECT_TRUE(*process_.fds().CloseOnExec(Fd{0}));
}

TEST_F(PipeFilesTest, ASignalEndsTheWaitAndTheEndNeverWas) {
  ASSERT_EQ(Enter("openat", {kAtCwd, kPath, os_emu::kORdOnly}), Next::kBlocked);
  const auto record = thread().Unblock();
  EXPECT_EQ(record->Interrupt().error(), Errno::kIntr);
  EXPECT_EQ(Do("openat", {kAtCwd, kPath, os_emu::kOWrOnly | os_emu::kONonBlock}),
            Error(Errno::kNxio));
  EXPECT_EQ(Do("openat", {kAtCwd, kPath, os_emu::kORdWr}), 0) << "the number is free again";
}

TEST_F(PipeFilesTest, TheEndOfTheProcessEndsTheWait) {
  ASSERT_EQ(Enter("openat", {kAtCwd, kPath, os_emu::kORdOnly}), Next::kBlocked);
  kernel_.EndProcess(process_, {});
  kernel_.ReleaseEnded();
}

TEST_F(PipeFilesTest, FlockWaitsForTheOtherDescription) {
  ASSERT_EQ(Do("openat", {kAtCwd, Text(kPath, "file"), os_emu::kORdWr | os_emu::kOCreat, 0600}), 0);
  ASSERT_EQ(Do("openat", {kAtCwd, kPath, os_emu::kORdWr}), 1);
  ASSERT_EQ(Do("flock", {0, 2}), 0);
  ASSERT_EQ(Enter("flock", {1, 1}), Next::kBlocked);
  EXPECT_FALSE(thread().woken());
  ASSERT_TRUE(process_.fds().Remove(Fd{0}).ok());
  EXPECT_TRUE(thread().woken());
  ASSERT_TRUE(Resume());
  EXPECT_EQ(Result(), 0);
}

TEST_F(PipeFilesTest, SpliceWaitsAndGoesOn) {
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  ASSERT_EQ(Do("pipe2", {kScratch, 0}), 0);
  ASSERT_EQ(Enter("splice", {0, 0, 3, 0, 10, 0}), Next::kBlocked);
  const DescriptionRef writer = *process_.fds().Get(Fd{1});
  const uint8_t bytes[] = {1, 2, 3};
  auto buffer = memory::UserBuffer::HostConst(bytes);
  ASSERT_TRUE(writer->Write(buffer).ok());
  EXPECT_TRUE(thread().woken());
  ASSERT_TRUE(Resume());
  EXPECT_EQ(Result(), 3);
}

}  // namespace
}  // namespace pollux::shims
