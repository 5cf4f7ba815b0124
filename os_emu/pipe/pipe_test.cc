#include "os_emu/pipe/pipe.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;
using testing::WriteSome;

constexpr size_t kPage = 4096;

class PipeTest : public ::testing::Test {
 protected:
  // A pipe whose buffer belongs to `budget`.
  void Open(uint32_t flags, memory::MemoryBudget* budget = nullptr) {
    PipeOptions options;
    options.flags = flags;
    options.inode = 17;
    options.budget = budget;
    Result<PipeEnds> ends = MakePipe(options);
    ASSERT_TRUE(ends.ok());
    ends_ = *std::move(ends);
  }
  PipeTest() { Open(kONonBlock); }

  size_t Write(size_t bytes, char what = 'x') {
    const Result<size_t> written = WriteSome(*ends_.writer, std::string(bytes, what));
    EXPECT_TRUE(written.ok() || written.error() == Errno::kAgain);
    return written.ok() ? *written : 0;
  }
  std::string Read(size_t bytes) {
    const Result<std::string> read = ReadSome(*ends_.reader, bytes);
    EXPECT_TRUE(read.ok() || read.error() == Errno::kAgain);
    return read.ok() ? *read : "";
  }
  Pipe& pipe() { return PipeEnd::From(*ends_.reader)->pipe(); }

  PipeEnds ends_;
};

TEST_F(PipeTest, WhatIsWrittenIsReadInOrder) {
  EXPECT_EQ(*WriteSome(*ends_.writer, "abc"), 3u);
  EXPECT_EQ(*WriteSome(*ends_.writer, "def"), 3u);
  EXPECT_EQ(Read(4), "abcd");
  EXPECT_EQ(Read(100), "ef");
}

TEST_F(PipeTest, AnEmptyPipeIsAgainWithAWriterAndTheEndWithout) {
  EXPECT_EQ(ReadSome(*ends_.reader, 1).error(), Errno::kAgain);
  ends_.writer = DescriptionRef();
  EXPECT_EQ(*ReadSome(*ends_.reader, 1), "");
}

TEST_F(PipeTest, DataOutlivesTheWriter) {
  Write(3);
  ends_.writer = DescriptionRef();
  EXPECT_EQ(Read(10), "xxx");
  EXPECT_EQ(*ReadSome(*ends_.reader, 10), "");
}

TEST_F(PipeTest, AWriteWithoutReadersIsPipe) {
  ends_.reader = DescriptionRef();
  EXPECT_EQ(WriteSome(*ends_.writer, "x").error(), Errno::kPipe);
  EXPECT_EQ(*WriteSome(*ends_.writer, ""), 0u);
}

TEST_F(PipeTest, HoldsSixteenPages) {
  EXPECT_EQ(Write(100'000), 16 * kPage);
  EXPECT_EQ(Write(1), 0u);
  EXPECT_EQ(pipe().buffered_bytes(), 16 * kPage);
}

TEST_F(PipeTest, SmallWritesShareAPage) {
  size_t writes = 0;
  while (Write(1) == 1) ++writes;
  EXPECT_EQ(writes, 16 * kPage);
}

TEST_F(PipeTest, WritesThatDoNotFitBehindTheLastTakeAPageEach) {
  size_t writes = 0;
  while (Write(kPage - 1) == kPage - 1) ++writes;
  EXPECT_EQ(writes, 16u);
}

TEST_F(PipeTest, TheOddBytesOfALargeWriteAreMergedFirst) {
  Write(10);
  // 4096 + 20: the 20 go behind the 10, so the pipe holds two slots and not three.
  EXPECT_EQ(Write(kPage + 20), kPage + 20);
  size_t writes = 0;
  while (Write(kPage) == kPage) ++writes;
  EXPECT_EQ(writes, 14u);
}

TEST_F(PipeTest, NothingIsMergedBehindWhatWasReadInPart) {
  // The room before what was read is not used again.
  Write(kPage);
  Read(kPage - 1);
  EXPECT_EQ(Write(15 * kPage), 15 * kPage);
  EXPECT_EQ(Write(1), 0u);
}

TEST_F(PipeTest, AWriteOfOnePageIsNeverTorn) {
  Write(15 * kPage);
  Write(1);
  EXPECT_EQ(Write(kPage), 0u);
  EXPECT_EQ(Write(kPage - 1), kPage - 1);
}

TEST_F(PipeTest, ALargeWriteIsShort) {
  Write(15 * kPage);
  EXPECT_EQ(Write(2 * kPage), kPage);
}

TEST_F(PipeTest, PollSaysWhatCanBeDone) {
  EXPECT_EQ(ends_.reader->Poll(), 0u);
  EXPECT_EQ(ends_.writer->Poll(), kWritable);
  Write(16 * kPage);
  EXPECT_EQ(ends_.reader->Poll(), kReadable);
  EXPECT_EQ(ends_.writer->Poll(), 0u);
}

TEST_F(PipeTest, PollOfAReaderWithoutWritersIsHup) {
  Write(1);
  ends_.writer = DescriptionRef();
  EXPECT_EQ(ends_.reader->Poll(), kReadable | kHup);
  Read(1);
  EXPECT_EQ(ends_.reader->Poll(), kHup);
}

TEST_F(PipeTest, PollOfAWriterWithoutReadersIsErr) {
  ends_.reader = DescriptionRef();
  EXPECT_EQ(ends_.writer->Poll(), kWritable | kErr);
}

TEST_F(PipeTest, PacketsAreReadOneByOne) {
  Open(kONonBlock | kODirect);
  ASSERT_TRUE(WriteSome(*ends_.writer, "abc").ok());
  ASSERT_TRUE(WriteSome(*ends_.writer, "defg").ok());
  EXPECT_EQ(Read(2), "ab");
  EXPECT_EQ(Read(100), "defg");
}

TEST_F(PipeTest, ALargePacketIsSplitAtPages) {
  Open(kONonBlock | kODirect);
  EXPECT_EQ(Write(5000), 5000u);
  EXPECT_EQ(Read(10000).size(), 4096u);
  EXPECT_EQ(Read(10000).size(), 904u);
}

TEST_F(PipeTest, CapacityRoundsUpToAPowerOfTwoPages) {
  EXPECT_EQ(pipe().capacity_bytes(), 65536u);
  EXPECT_EQ(*pipe().SetCapacity(5000), 8192u);
  EXPECT_EQ(*pipe().SetCapacity(0), 4096u);
  EXPECT_EQ(*pipe().SetCapacity(1 << 20), 1u << 20);
  EXPECT_EQ(pipe().SetCapacity((1u << 20) + 1).error(), Errno::kPerm);
  EXPECT_EQ(pipe().SetCapacity((1u << 31) + 1).error(), Errno::kInval);
}

TEST_F(PipeTest, ACapacityBelowWhatIsInItIsBusy) {
  Write(3 * kPage);
  EXPECT_EQ(pipe().SetCapacity(2 * kPage).error(), Errno::kBusy);
  EXPECT_EQ(*pipe().SetCapacity(3 * kPage), 4 * kPage);
}

TEST_F(PipeTest, ResizingKeepsWhatIsInIt) {
  // The ring is wrapped: the tail is in its middle.
  Write(10 * kPage, 'a');
  Read(10 * kPage);
  Write(10 * kPage, 'b');
  ASSERT_TRUE(ends_.writer && pipe().SetCapacity(1 << 18).ok());
  Write(kPage, 'c');
  EXPECT_EQ(Read(1 << 20), std::string(10 * kPage, 'b') + std::string(kPage, 'c'));
}

TEST_F(PipeTest, UnknownFlagsAreInval) {
  PipeOptions options;
  options.flags = kOAppend;
  EXPECT_EQ(MakePipe(options).error(), Errno::kInval);
}

TEST_F(PipeTest, BothEndsAreOneInode) {
  FileStatus reader, writer;
  ASSERT_TRUE(ends_.reader->Stat(&reader).ok());
  ASSERT_TRUE(ends_.writer->Stat(&writer).ok());
  EXPECT_EQ(reader.mode, 0010600u);
  EXPECT_EQ(reader.ino, 17u);
  EXPECT_EQ(writer.ino, 17u);
  EXPECT_EQ(ends_.reader->LinkText(), "pipe:[17]");
}

// ---- Who is woken.

class PipeWakeTest : public PipeTest {
 protected:
  PipeWakeTest() {
    WaitQueue* queues[2];
    EXPECT_EQ(ends_.reader->PollQueues(queues), 1);
    queues[0]->Add(readers_);
    EXPECT_EQ(ends_.writer->PollQueues(queues), 1);
    queues[0]->Add(writers_);
  }
  CountingWaiter readers_;
  CountingWaiter writers_;
};

using Keys = std::vector<EventMask>;

TEST_F(PipeWakeTest, AWriteIntoAnEmptyPipeWakesReaders) {
  Write(1);
  EXPECT_EQ(readers_.keys, Keys{kReadable});
  EXPECT_TRUE(writers_.keys.empty());
}

TEST_F(PipeWakeTest, AWriteIntoAPipeWithDataWakesNobodyBeforeTheFirstPoll) {
  Write(1);
  Write(1);
  EXPECT_EQ(readers_.keys, Keys{kReadable});
}

TEST_F(PipeWakeTest, AfterTheFirstPollEachWriteWakesReaders) {
  ends_.reader->Poll();
  Write(1);
  Write(1);
  EXPECT_EQ(readers_.keys, (Keys{kReadable, kReadable}));
}

TEST_F(PipeWakeTest, AfterTheFirstPollAWriteThatFailsWakesReadersToo) {
  Write(16 * kPage);
  ends_.writer->Poll();
  readers_.keys.clear();
  EXPECT_EQ(Write(1), 0u);
  EXPECT_EQ(readers_.keys, Keys{kReadable});
}

TEST_F(PipeWakeTest, AReadThatFreesASlotOfAFullPipeWakesWriters) {
  Write(16 * kPage);
  Read(kPage - 1);
  EXPECT_TRUE(writers_.keys.empty());
  Read(1);
  EXPECT_EQ(writers_.keys, Keys{kWritable});
  Read(kPage);
  EXPECT_EQ(writers_.keys, Keys{kWritable});
}

TEST_F(PipeWakeTest, AReadOfAPipeThatIsNotFullWakesNobody) {
  Write(kPage);
  readers_.keys.clear();
  Read(kPage);
  EXPECT_TRUE(readers_.keys.empty());
  EXPECT_TRUE(writers_.keys.empty());
}

TEST_F(PipeWakeTest, TheLastWriterGoesWithKeyZeroForBothSides) {
  const DescriptionRef dup = ends_.writer;
  ends_.writer = DescriptionRef();
  EXPECT_TRUE(readers_.keys.empty());
  const_cast<DescriptionRef&>(dup) = DescriptionRef();
  EXPECT_EQ(readers_.keys, Keys{0});
  EXPECT_EQ(writers_.keys, Keys{0});
}

TEST_F(PipeWakeTest, TheSecondSideGoesSilently) {
  PipeEnds ends = ends_;
  ends_ = PipeEnds();
  ends.reader = DescriptionRef();
  EXPECT_EQ(writers_.keys, Keys{0});
  ends.writer = DescriptionRef();
  EXPECT_EQ(writers_.keys, Keys{0});
}

TEST_F(PipeWakeTest, ResizingWakesWriters) {
  ASSERT_TRUE(pipe().SetCapacity(1 << 17).ok());
  EXPECT_EQ(writers_.keys, Keys{0});
}

TEST_F(PipeWakeTest, AResumedReaderThatLeavesDataWakesTheNextOne) {
  Write(2);
  readers_.keys.clear();
  std::vector<uint8_t> storage(1);
  memory::UserBuffer to = memory::UserBuffer::Host(storage);
  EXPECT_EQ(*ends_.reader->ResumeRead(to), 1u);
  EXPECT_EQ(readers_.keys, Keys{kReadable});
  to = memory::UserBuffer::Host(storage);
  EXPECT_EQ(*ends_.reader->ResumeRead(to), 1u);
  EXPECT_EQ(readers_.keys, Keys{kReadable});
}

TEST_F(PipeWakeTest, AResumedWriterThatLeavesRoomWakesTheNextOne) {
  const std::vector<uint8_t> bytes(10);
  memory::UserBuffer from = memory::UserBuffer::HostConst(bytes);
  EXPECT_EQ(*ends_.writer->ResumeWrite(from), 10u);
  EXPECT_EQ(writers_.keys, Keys{kWritable});
}

TEST_F(PipeTest, AResumedWriteTakesAFreshSlot) {
  Write(1);
  const std::vector<uint8_t> bytes(10);
  memory::UserBuffer from = memory::UserBuffer::HostConst(bytes);
  EXPECT_EQ(*ends_.writer->ResumeWrite(from), 10u);
  EXPECT_EQ(Write(14 * kPage), 14 * kPage);
  EXPECT_EQ(Write(kPage), 0u);
}

// ---- Hostile buffers and limits.

class PipeFaultTest : public PipeTest {
 protected:
  static constexpr uint64_t kMapped = 0x100000;

  PipeFaultTest() : space_(*memory::AddressSpace::Create(&budget_)) {
    // Two pages, and nothing behind them.
    memory::AddressSpace::MapRequest request;
    request.hint = GuestAddr{kMapped};
    request.fixed = true;
    request.length = 2 * kPage;
    request.prot = memory::kProtRead | memory::kProtWrite;
    EXPECT_TRUE(space_->Map(request).ok());
  }
  memory::UserBuffer At(uint64_t address, uint64_t bytes) {
    return memory::UserBuffer(space_.get(), GuestAddr{address}, bytes);
  }

  memory::MemoryBudget budget_;
  std::unique_ptr<memory::AddressSpace> space_;
};

TEST_F(PipeFaultTest, AWriteFromNowhereLeavesThePipeEmpty) {
  memory::UserBuffer from = At(kMapped + 2 * kPage, 10);
  EXPECT_EQ(ends_.writer->Write(from).error(), Errno::kFault);
  EXPECT_EQ(ends_.reader->Poll(), 0u);
}

TEST_F(PipeFaultTest, AWriteThatRunsOutOfMemoryWritesWholePages) {
  memory::UserBuffer from = At(kMapped + kPage, kPage + 10);
  EXPECT_EQ(*ends_.writer->Write(from), kPage);
  EXPECT_EQ(from.remaining(), 10u);
}

TEST_F(PipeFaultTest, AMergeThatCannotBeReadChangesNothing) {
  Write(3, 'a');
  memory::UserBuffer from = At(kMapped + 2 * kPage - 5, 10);
  EXPECT_EQ(ends_.writer->Write(from).error(), Errno::kFault);
  EXPECT_EQ(Read(100), "aaa");
}

TEST_F(PipeFaultTest, AReadToNowhereLeavesTheData) {
  ASSERT_TRUE(WriteSome(*ends_.writer, "abcdef").ok());
  memory::UserBuffer to = At(kMapped + 2 * kPage - 3, 6);
  EXPECT_EQ(ends_.reader->Read(to).error(), Errno::kFault);
  EXPECT_EQ(Read(100), "abcdef");
}

TEST_F(PipeFaultTest, FionreadWritesTheCountOrFaults) {
  Write(5);
  EXPECT_EQ(*ends_.reader->Ioctl(0x541b, kMapped, space_.get()), 0);
  EXPECT_EQ(*space_->ReadObject<int32_t>(GuestAddr{kMapped}), 5);
  EXPECT_EQ(ends_.reader->Ioctl(0x541b, 0, space_.get()).error(), Errno::kFault);
  EXPECT_EQ(ends_.reader->Ioctl(0x5401, kMapped, space_.get()).error(), Errno::kNotTy);
}

TEST_F(PipeTest, PagesAreChargedAndGivenBack) {
  memory::MemoryBudget budget;
  Open(kONonBlock, &budget);
  const uint64_t empty_bytes = budget.used_bytes;
  EXPECT_GT(empty_bytes, 0u);
  budget.limit_bytes = empty_bytes + 4 * kPage;
  EXPECT_EQ(Write(10 * kPage), 4 * kPage);
  EXPECT_EQ(WriteSome(*ends_.writer, std::string(kPage, 'x')).error(), Errno::kNoMem);
  EXPECT_EQ(Read(10 * kPage).size(), 4 * kPage);
  EXPECT_EQ(Write(kPage), kPage);
  ends_ = PipeEnds();
  EXPECT_EQ(budget.used_bytes, 0u);
}

TEST_F(PipeTest, TheRingIsChargedToo) {
  memory::MemoryBudget budget;
  Open(kONonBlock, &budget);
  const uint64_t small = budget.used_bytes;
  ASSERT_TRUE(pipe().SetCapacity(1 << 20).ok());
  EXPECT_GT(budget.used_bytes, small);
  ASSERT_TRUE(pipe().SetCapacity(1 << 16).ok());
  EXPECT_EQ(budget.used_bytes, small);
  budget.limit_bytes = small;
  EXPECT_EQ(pipe().SetCapacity(1 << 20).error(), Errno::kNoMem);
  PipeOptions options;
  options.budget = &budget;
  EXPECT_EQ(MakePipe(options).error(), Errno::kNFile);
  ends_ = PipeEnds();  // Before the budget.
}

// ---- FIFOs: both ways at once, and openers that come later.

TEST(Fifo, AnEndOpenBothWaysHasTwoQueues) {
  const auto pipe = std::make_shared<Pipe>(nullptr);
  const auto identity = std::make_shared<const FileStatus>();
  const DescriptionRef both = MakeDescription<PipeEnd>(pipe, identity, kORdWr);
  WaitQueue* queues[2];
  EXPECT_EQ(both->PollQueues(queues), 2);
  EXPECT_NE(queues[0], queues[1]);
  EXPECT_EQ(both->Poll(), kWritable);
  EXPECT_EQ(*WriteSome(*both, "a"), 1u);
  EXPECT_EQ(*ReadSome(*both, 1), "a");
}

TEST(Fifo, AReaderThatCameFirstSeesNoHupUntilAWriterHasCome) {
  const auto pipe = std::make_shared<Pipe>(nullptr);
  const auto identity = std::make_shared<const FileStatus>();
  const DescriptionRef reader =
      MakeDescription<PipeEnd>(pipe, identity, kORdOnly | kONonBlock, true);
  EXPECT_EQ(reader->Poll(), 0u);
  DescriptionRef writer = MakeDescription<PipeEnd>(pipe, identity, kOWrOnly);
  writer = DescriptionRef();
  EXPECT_EQ(reader->Poll(), kHup);
}

}  // namespace
}  // namespace pollux::os_emu
