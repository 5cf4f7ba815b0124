#include "os_emu/host_stream/host_stream.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "os_emu/file/file_status.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;
using testing::WriteSome;

constexpr GuestAddr kArena{0x100000};

class HostStreamTest : public ::testing::Test {
 protected:
  HostStreamTest() : space_(*memory::AddressSpace::Create(&budget_)) {
    memory::AddressSpace::MapRequest request;
    request.hint = kArena;
    request.fixed = true;
    request.length = 4096;
    request.prot = memory::kProtRead | memory::kProtWrite;
    EXPECT_TRUE(space_->Map(request).ok());
  }
  ~HostStreamTest() override {
    for (const int fd : fds_) close(fd);
  }
  int Keep(int fd) {
    EXPECT_GE(fd, 0);
    fds_.push_back(fd);
    return fd;
  }
  // A pipe of the host.
  void MakePipe() {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    reader_fd_ = Keep(ends[0]);
    writer_fd_ = Keep(ends[1]);
    reader_ = Open(reader_fd_);
    writer_ = Open(writer_fd_);
  }
  DescriptionRef Open(int fd) {
    absl::StatusOr<DescriptionRef> description = OpenHostStream(poller_, fd, "stdin");
    EXPECT_TRUE(description.ok()) << description.status();
    return *description;
  }
  void Close(int fd) {
    close(fd);
    std::erase(fds_, fd);
  }
  static void Join(const DescriptionRef& stream, CountingWaiter& waiter) {
    WaitQueue* queues[2];
    ASSERT_EQ(stream->PollQueues(queues), 1);
    queues[0]->Add(waiter);
  }

  memory::MemoryBudget budget_;
  std::unique_ptr<memory::AddressSpace> space_;
  std::vector<int> fds_;
  HostPoller poller_;
  int reader_fd_ = -1, writer_fd_ = -1;
  DescriptionRef reader_, writer_;
};

TEST_F(HostStreamTest, TheAccessModeIsTheHosts) {
  MakePipe();
  EXPECT_TRUE(reader_->readable());
  EXPECT_FALSE(reader_->writable());
  EXPECT_TRUE(writer_->writable());
  EXPECT_FALSE(writer_->readable());
}

TEST_F(HostStreamTest, ANumberThatIsNotOpenIsAnError) {
  EXPECT_FALSE(OpenHostStream(poller_, 99999, "stdin").ok());
}

TEST_F(HostStreamTest, AnEmptyPipeIsAgainAndDoesNotBlockTheHost) {
  MakePipe();
  EXPECT_EQ(ReadSome(*reader_, 10).error(), Errno::kAgain);
  EXPECT_EQ(reader_->Poll(), 0u);
  // The host's own flags are as they were.
  EXPECT_EQ(fcntl(reader_fd_, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(HostStreamTest, WhatTheHostWroteIsRead) {
  MakePipe();
  ASSERT_EQ(write(writer_fd_, "hello", 5), 5);
  EXPECT_EQ(reader_->Poll(), kReadable);
  EXPECT_EQ(*ReadSome(*reader_, 2), "he");
  EXPECT_EQ(*ReadSome(*reader_, 100), "llo");
  EXPECT_EQ(ReadSome(*reader_, 1).error(), Errno::kAgain);
}

TEST_F(HostStreamTest, TheEndOfTheHostsPipeIsTheEnd) {
  MakePipe();
  writer_ = DescriptionRef();
  Close(writer_fd_);
  EXPECT_EQ(*ReadSome(*reader_, 1), "");
  EXPECT_EQ(reader_->Poll(), kHup);
}

TEST_F(HostStreamTest, AFullPipeIsShortThenAgainAndDoesNotBlockTheHost) {
  MakePipe();
  const Result<size_t> written = WriteSome(*writer_, std::string(100'000, 'x'));
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(*written, 65536u);
  EXPECT_EQ(WriteSome(*writer_, "x").error(), Errno::kAgain);
  EXPECT_EQ(writer_->Poll(), 0u);
}

TEST_F(HostStreamTest, ABrokenPipeIsPipeAndNoSignalForUs) {
  MakePipe();
  reader_ = DescriptionRef();
  Close(reader_fd_);
  EXPECT_EQ(WriteSome(*writer_, "x").error(), Errno::kPipe);
}

TEST_F(HostStreamTest, WhatTheGuestCannotTakeIsNotLost) {
  MakePipe();
  ASSERT_EQ(write(writer_fd_, "hello", 5), 5);
  memory::UserBuffer nowhere(space_.get(), GuestAddr{0x40000}, 5);
  EXPECT_EQ(reader_->Read(nowhere).error(), Errno::kFault);
  EXPECT_EQ(reader_->Poll() & kIn, kIn);
  memory::UserBuffer half(space_.get(), kArena + (4096 - 2), 5);
  EXPECT_EQ(*reader_->Read(half), 2u);
  EXPECT_EQ(*ReadSome(*reader_, 100), "llo");
}

TEST_F(HostStreamTest, AWriteFromNowhereIsFault) {
  MakePipe();
  memory::UserBuffer nowhere(space_.get(), GuestAddr{0x40000}, 5);
  EXPECT_EQ(writer_->Write(nowhere).error(), Errno::kFault);
  EXPECT_EQ(reader_->Poll(), 0u);
}

// ---- Waiting for the host.

TEST_F(HostStreamTest, AChangeWakesTheWaiterOnce) {
  MakePipe();
  CountingWaiter waiter;
  Join(reader_, waiter);
  EXPECT_TRUE(poller_.HasWaiters());
  (void)*poller_.Wait(Nanos{0});  // The writer's first report.
  waiter.keys.clear();
  EXPECT_FALSE(*poller_.Wait(Nanos{0}));
  ASSERT_EQ(write(writer_fd_, "a", 1), 1);
  EXPECT_TRUE(*poller_.Wait(kNanosMax));
  ASSERT_EQ(waiter.keys.size(), 1u);
  EXPECT_EQ(waiter.keys[0] & kReadable, kReadable);
  // Still readable, but that was told.
  EXPECT_FALSE(*poller_.Wait(Nanos{1'000'000}));
  ASSERT_EQ(write(writer_fd_, "b", 1), 1);
  EXPECT_TRUE(*poller_.Wait(Nanos{0}));
  EXPECT_EQ(waiter.keys.size(), 2u);
}

TEST_F(HostStreamTest, RoomInAFullPipeWakesTheWaiter) {
  MakePipe();
  ASSERT_EQ(*WriteSome(*writer_, std::string(65536, 'x')), 65536u);
  CountingWaiter waiter;
  Join(writer_, waiter);
  (void)*poller_.Wait(Nanos{0});
  waiter.keys.clear();
  ASSERT_EQ(ReadSome(*reader_, 65536)->size(), 65536u);
  EXPECT_TRUE(*poller_.Wait(kNanosMax));
  ASSERT_FALSE(waiter.keys.empty());
  EXPECT_EQ(waiter.keys[0] & kOut, kOut);
}

TEST_F(HostStreamTest, TheTimeoutEndsTheWait) {
  MakePipe();
  (void)*poller_.Wait(Nanos{0});
  EXPECT_FALSE(*poller_.Wait(Nanos{2'000'000}));
}

TEST_F(HostStreamTest, WithoutWaitersNobodyWaits) {
  MakePipe();
  EXPECT_FALSE(poller_.HasWaiters());
  {
    CountingWaiter waiter;
    Join(reader_, waiter);
    EXPECT_TRUE(poller_.HasWaiters());
  }
  EXPECT_FALSE(poller_.HasWaiters());
}

// ---- Kinds of files.

class HostFileTest : public HostStreamTest {
 protected:
  HostFileTest() {
    std::string path = ::testing::TempDir() + "/host_stream_XXXXXX";
    file_fd_ = Keep(mkstemp(path.data()));
    unlink(path.c_str());
    EXPECT_EQ(write(file_fd_, "0123456789", 10), 10);
    EXPECT_EQ(lseek(file_fd_, 0, SEEK_SET), 0);
    file_ = Open(file_fd_);
  }
  int file_fd_;
  DescriptionRef file_;
};

TEST_F(HostFileTest, ARegularFileCannotBeWatched) {
  EXPECT_FALSE(file_->CanBeWatched());
  WaitQueue* queues[2];
  EXPECT_EQ(file_->PollQueues(queues), 0);
  EXPECT_EQ(file_->Poll() & (kIn | kOut), kIn | kOut);
}

TEST_F(HostFileTest, ReadsWritesAndSeeks) {
  EXPECT_EQ(*ReadSome(*file_, 4), "0123");
  EXPECT_EQ(*file_->Seek(-1, Whence::kCurrent), 3u);
  EXPECT_EQ(*WriteSome(*file_, "abc"), 3u);
  EXPECT_EQ(*file_->Seek(0, Whence::kSet), 0u);
  EXPECT_EQ(*ReadSome(*file_, 100), "012abc6789");
  EXPECT_EQ(*ReadSome(*file_, 100), "");
  EXPECT_EQ(file_->Seek(-1, Whence::kSet).error(), Errno::kInval);
}

TEST_F(HostFileTest, ReadsALargeFileInOneCall) {
  ASSERT_TRUE(file_->Truncate(300'000).ok());
  EXPECT_EQ(ReadSome(*file_, 400'000)->size(), 300'000u);
}

TEST_F(HostFileTest, ReadAtAndWriteAtLeaveThePosition) {
  std::vector<uint8_t> storage(3);
  memory::UserBuffer to = memory::UserBuffer::Host(storage);
  EXPECT_EQ(*file_->ReadAt(to, 7), 3u);
  EXPECT_EQ(storage, (std::vector<uint8_t>{'7', '8', '9'}));
  memory::UserBuffer from = memory::UserBuffer::HostConst(storage);
  EXPECT_EQ(*file_->WriteAt(from, 0), 3u);
  EXPECT_EQ(*ReadSome(*file_, 10), "7893456789");
  memory::UserBuffer again = memory::UserBuffer::HostConst(storage);
  EXPECT_EQ(file_->WriteAt(again, uint64_t{1} << 63).error(), Errno::kInval);
}

TEST_F(HostFileTest, StatIsTheHosts) {
  FileStatus status;
  ASSERT_TRUE(file_->Stat(&status).ok());
  EXPECT_EQ(status.mode & kModeTypeMask, kModeRegular);
  EXPECT_EQ(status.size, 10u);
}

TEST_F(HostFileTest, TheLinkNamesNoPathOfTheHost) { EXPECT_EQ(file_->LinkText(), "/dev/stdin"); }

TEST_F(HostFileTest, AFileIsNoTerminal) {
  EXPECT_EQ(file_->Ioctl(0x5401, kArena.value, space_.get()).error(), Errno::kNotTy);
}

TEST_F(HostStreamTest, DevNullCannotBeWatchedAndIsEmpty) {
  const DescriptionRef null = Open(Keep(open("/dev/null", O_RDWR)));
  EXPECT_FALSE(null->CanBeWatched());
  EXPECT_EQ(*ReadSome(*null, 10), "");
  EXPECT_EQ(*WriteSome(*null, "abc"), 3u);
  FileStatus status;
  ASSERT_TRUE(null->Stat(&status).ok());
  EXPECT_EQ(status.mode & kModeTypeMask, kModeCharacter);
  EXPECT_EQ(status.rdev, MakeDevice(1, 3));
}

TEST_F(HostStreamTest, ASocketWorksLikeAPipe) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const DescriptionRef socket = Open(Keep(ends[0]));
  Keep(ends[1]);
  EXPECT_EQ(ReadSome(*socket, 1).error(), Errno::kAgain);
  ASSERT_EQ(write(ends[1], "xy", 2), 2);
  EXPECT_EQ(*ReadSome(*socket, 10), "xy");
  EXPECT_EQ(*WriteSome(*socket, "z"), 1u);
}

class HostTerminalTest : public HostStreamTest {
 protected:
  HostTerminalTest() {
    int master, slave;
    EXPECT_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    master_fd_ = Keep(master);
    terminal_ = Open(Keep(slave));
  }
  int master_fd_;
  DescriptionRef terminal_;
};

TEST_F(HostTerminalTest, ATerminalSaysThatItIsOne) {
  EXPECT_EQ(*terminal_->Ioctl(0x5401, kArena.value, space_.get()), 0);
  EXPECT_EQ(terminal_->Ioctl(0x5401, 0, space_.get()).error(), Errno::kFault);
  EXPECT_EQ(terminal_->LinkText(), "/dev/tty");
}

TEST_F(HostTerminalTest, TheSizeOfTheWindowIsTheHosts) {
  const winsize size{25, 81, 0, 0};
  ASSERT_EQ(ioctl(master_fd_, TIOCSWINSZ, &size), 0);
  EXPECT_EQ(*terminal_->Ioctl(0x5413, kArena.value, space_.get()), 0);
  EXPECT_EQ(*space_->ReadObject<uint16_t>(kArena), 25);
  EXPECT_EQ(*space_->ReadObject<uint16_t>(kArena + 2), 81);
}

TEST_F(HostTerminalTest, NothingChangesTheTerminal) {
  constexpr uint32_t kTcSets = 0x5402;
  EXPECT_EQ(terminal_->Ioctl(kTcSets, kArena.value, space_.get()).error(), Errno::kNotTy);
}

TEST_F(HostTerminalTest, ALineIsReadAndATextIsWritten) {
  EXPECT_EQ(ReadSome(*terminal_, 100).error(), Errno::kAgain);
  ASSERT_EQ(write(master_fd_, "ls\n", 3), 3);
  EXPECT_EQ(*ReadSome(*terminal_, 100), "ls\n");
  EXPECT_EQ(*WriteSome(*terminal_, "out"), 3u);
}

}  // namespace
}  // namespace pollux::os_emu
