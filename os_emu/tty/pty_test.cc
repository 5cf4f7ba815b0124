#include "os_emu/tty/pty.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "memory/user_buffer.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/testing.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::Failed;
using testing::ReadSome;
using testing::TestMachine;
using testing::WriteSome;

constexpr uint32_t kTiocGPtN = 0x80045430, kTiocSPtLck = 0x40045431, kTiocSCtty = 0x540e,
                   kTiocSWinSz = 0x5414, kTcGets = 0x5401, kTcSets = 0x5402, kTiocNotty = 0x5422;

class PtyTest : public ::testing::Test {
 protected:
  PtyTest() {
    Kernel& kernel = machine_.kernel();
    kernel.SetFiles(std::make_shared<FileSystem>(&kernel.clock(), &kernel.budget()));
    EXPECT_TRUE(kernel.files().MountMemory("/dev").ok());
    EXPECT_TRUE(kernel.files()
                    .MakeNode(root_, {}, "/dev/tty", kModeCharacter | 0666, PtyTable::kTtyDevice)
                    .ok());
    EXPECT_TRUE(kernel.Part<PtyTable>().Install().ok());
    kernel.SetCurrent(&machine_.leader());
    master_ = *Open("/dev/ptmx");
    EXPECT_EQ(Open("/dev/pts/0").error(), Errno::kIo);  // Locked.
    EXPECT_TRUE(Ioctl(*master_, kTiocSPtLck, 0).ok());
    slave_ = *Open("/dev/pts/0");
  }
  ~PtyTest() override { machine_.kernel().SetCurrent(nullptr); }

  Result<DescriptionRef> Open(const char* path, uint32_t flags = kORdWr | kONoCtty | kONonBlock) {
    return machine_.kernel().files().Open(root_, {}, path, flags);
  }
  // With `argument` in memory.
  template <typename T>
  Result<int64_t> Ioctl(FileDescription& file, uint32_t request, const T& argument) {
    EXPECT_TRUE(machine_.memory().WriteObject(testing::kArena, argument).ok());
    return file.Ioctl(request, testing::kArena.value, &machine_.memory());
  }
  Termios Settings() {
    EXPECT_TRUE(slave_->Ioctl(0x802c542a, testing::kArena.value, &machine_.memory()).ok());
    return *machine_.memory().ReadObject<Termios>(testing::kArena);
  }
  void SetRaw(uint8_t least, uint8_t tenths = 0) {
    Termios termios = Settings();
    termios.local &= ~(kICanon | kEcho | kISig);
    termios.input = 0;
    termios.chars[kVMin] = least;
    termios.chars[kVTime] = tenths;
    ASSERT_TRUE(Ioctl(*slave_, kTcSets, termios).ok());
  }
  void Type(const std::string& text) { ASSERT_EQ(*WriteSome(*master_, text), text.size()); }
  void SetBlocking() { slave_->set_status_flags(kORdWr); }

  TestMachine machine_;
  Caller root_;
  DescriptionRef master_, slave_;
};

TEST_F(PtyTest, LinesGoOneWayAndOutputTheOther) {
  Type("abc\n");
  EXPECT_EQ(*ReadSome(*slave_, 100), "abc\n");
  EXPECT_EQ(*ReadSome(*master_, 100), "abc\r\n");
  EXPECT_EQ(*WriteSome(*slave_, "out\n"), 4u);
  EXPECT_EQ(*ReadSome(*master_, 100), "out\r\n");
  EXPECT_EQ(ReadSome(*master_, 100).error(), Errno::kAgain);
}

TEST_F(PtyTest, NumbersAreTheLowestThatAreFree) {
  const DescriptionRef second = *Open("/dev/ptmx");
  EXPECT_TRUE(second->Ioctl(kTiocGPtN, testing::kArena.value, &machine_.memory()).ok());
  EXPECT_EQ(*machine_.memory().ReadObject<uint32_t>(testing::kArena), 1u);
  master_ = DescriptionRef();
  EXPECT_EQ(Open("/dev/pts/0").error(), Errno::kNoEnt);
  const DescriptionRef third = *Open("/dev/ptmx");
  EXPECT_TRUE(third->Ioctl(kTiocGPtN, testing::kArena.value, &machine_.memory()).ok());
  EXPECT_EQ(*machine_.memory().ReadObject<uint32_t>(testing::kArena), 0u);
}

TEST_F(PtyTest, ABlockedReadWaitsForALine) {
  SetBlocking();
  Thread& thread = machine_.leader();
  machine_.Give(thread, StartRead(thread, slave_, machine_.Buffer(0, 100)));
  Type("ab");
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(thread).has_value());
  Type("\n");
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(thread), 3);
  EXPECT_EQ(machine_.Text(0, 3), "ab\n");
}

TEST_F(PtyTest, VMinWaitsForAll) {
  SetRaw(3);
  SetBlocking();
  Thread& thread = machine_.leader();
  machine_.Give(thread, StartRead(thread, slave_, machine_.Buffer(0, 100)));
  Type("ab");
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(thread).has_value());
  EXPECT_EQ(slave_->Poll() & kIn, 0u);
  Type("c");
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(thread), 3);
}

TEST_F(PtyTest, VTimeAloneLimitsTheRead) {
  SetRaw(0, 5);
  SetBlocking();
  Thread& thread = machine_.leader();
  machine_.Give(thread, StartRead(thread, slave_, machine_.Buffer(0, 100)));
  machine_.Pass(Nanos{400'000'000});
  EXPECT_FALSE(machine_.Answer(thread).has_value());
  machine_.Pass(Nanos{100'000'000});
  EXPECT_EQ(machine_.Answer(thread), 0);
}

TEST_F(PtyTest, VTimeBetweenCharactersBeginsAgainWithEach) {
  SetRaw(5, 5);
  SetBlocking();
  Thread& thread = machine_.leader();
  machine_.Give(thread, StartRead(thread, slave_, machine_.Buffer(0, 100)));
  machine_.Pass(Nanos{10'000'000'000});
  EXPECT_FALSE(machine_.Answer(thread).has_value());
  for (int i = 0; i < 3; ++i) {
    Type("x");
    machine_.Settle();
    machine_.Pass(Nanos{400'000'000});
    EXPECT_FALSE(machine_.Answer(thread).has_value());
  }
  machine_.Pass(Nanos{100'000'000});
  EXPECT_EQ(machine_.Answer(thread), 3);
}

TEST_F(PtyTest, ABlockedWriteGoesOnWhenTheMasterReads) {
  SetBlocking();
  SetRaw(1);
  Thread& thread = machine_.leader();
  const size_t total = 50000;
  machine_.Give(thread, StartWrite(thread, slave_, machine_.Buffer(0, total)));
  EXPECT_FALSE(machine_.Answer(thread).has_value());
  size_t got = 0;
  while (true) {
    const Result<std::string> bytes = ReadSome(*master_, 100000);
    if (!bytes.ok()) break;
    EXPECT_LE(bytes->size(), PtyPair::kReadBytes);
    got += bytes->size();
    machine_.Settle();
  }
  EXPECT_EQ(got, total);
  EXPECT_EQ(machine_.Answer(thread), static_cast<int64_t>(total));
}

TEST_F(PtyTest, TheLastSlaveHangsUpTheMaster) {
  const DescriptionRef second = *Open("/dev/pts/0");
  slave_ = DescriptionRef();
  EXPECT_EQ(master_->Poll() & kHup, 0u);
  EXPECT_EQ(*WriteSome(*second, "last"), 4u);
}

TEST_F(PtyTest, AMasterWithoutSlavesReadsWhatIsLeftAndThenFails) {
  EXPECT_EQ(*WriteSome(*slave_, "last"), 4u);
  WaitQueue* queues[2];
  ASSERT_EQ(master_->PollQueues(queues), 2);
  CountingWaiter readers, writers;
  queues[0]->Add(readers);
  queues[1]->Add(writers);
  slave_ = DescriptionRef();
  EXPECT_EQ(readers.keys, std::vector<EventMask>{0});
  EXPECT_EQ(writers.keys, std::vector<EventMask>{0});
  EXPECT_EQ(master_->Poll(), kReadable | kWritable | kHup);
  EXPECT_EQ(*ReadSome(*master_, 100), "last");
  EXPECT_EQ(ReadSome(*master_, 100).error(), Errno::kIo);
  slave_ = *Open("/dev/pts/0");
  EXPECT_EQ(ReadSome(*master_, 100).error(), Errno::kAgain);
}

TEST_F(PtyTest, WithoutTheMasterSlavesAreHungUp) {
  Type("left\n");
  SetBlocking();
  Thread& thread = machine_.leader();
  ASSERT_EQ(ReadSome(*slave_, 100)->size(), 5u);
  machine_.Give(thread, StartRead(thread, slave_, machine_.Buffer(0, 100)));
  master_ = DescriptionRef();
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(thread), 0);
  EXPECT_EQ(WriteSome(*slave_, "x").error(), Errno::kIo);
  EXPECT_EQ(slave_->Poll(), kReadable | kWritable | kErr | kHup);
  EXPECT_EQ(Ioctl(*slave_, kTcGets, 0).error(), Errno::kIo);
}

TEST_F(PtyTest, TheKeyboardSignalsTheForeground) {
  Process& process = machine_.process();
  EXPECT_EQ(Open("/dev/tty").error(), Errno::kNxio);
  Type("\x03");
  EXPECT_EQ(process.pending.set(), 0u);
  ASSERT_TRUE(slave_->Ioctl(kTiocSCtty, 0, &machine_.memory()).ok());
  EXPECT_TRUE(Open("/dev/tty").ok());
  Type("held\n\x03");
  EXPECT_EQ(process.pending.set(), SignalBit(kSigInt));
  EXPECT_EQ(ReadSome(*slave_, 100).error(), Errno::kAgain);
  process.actions[kSigWinch].handler = 0x1000;
  const PtyPair::WindowSize window = {24, 80, 0, 0};
  ASSERT_TRUE(Ioctl(*master_, kTiocSWinSz, window).ok());
  EXPECT_NE(process.pending.set() & SignalBit(kSigWinch), 0u);
  const DescriptionRef other = *Open("/dev/ptmx");
  ASSERT_TRUE(Ioctl(*other, kTiocSPtLck, 0).ok());
  const DescriptionRef other_slave = *Open("/dev/pts/1");
  EXPECT_EQ(other_slave->Ioctl(kTiocSCtty, 0, &machine_.memory()).error(), Errno::kPerm);
  master_ = DescriptionRef();
  EXPECT_NE(process.pending.set() & SignalBit(kSigHup), 0u);
  EXPECT_EQ(Open("/dev/tty").error(), Errno::kNxio);
}

TEST_F(PtyTest, OpeningTakesTheTerminalUnlessToldNotTo) {
  ASSERT_TRUE(Open("/dev/pts/0", kORdWr | kONonBlock).ok());
  EXPECT_TRUE(Open("/dev/tty").ok());
  EXPECT_TRUE(slave_->Ioctl(kTiocNotty, 0, &machine_.memory()).ok());
  EXPECT_NE(machine_.process().pending.set() & SignalBit(kSigHup), 0u);
  EXPECT_EQ(Open("/dev/tty").error(), Errno::kNxio);
}

// A child in a group of its own, which calls.
class BackgroundTest : public PtyTest {
 protected:
  BackgroundTest() {
    EXPECT_TRUE(slave_->Ioctl(kTiocSCtty, 0, &machine_.memory()).ok());
    child_ = *machine_.kernel().Clone(machine_.leader(), {.exit_signal = kSigChld});
    process().group = process().pid();
    machine_.kernel().SetCurrent(child_);
  }
  Process& process() { return child_->process(); }
  Thread* child_ = nullptr;
};

TEST_F(BackgroundTest, ReadsAndChangesOnlyInFront) {
  Type("line\n");
  EXPECT_EQ(ReadSome(*slave_, 100).error(), kRestartSys);
  EXPECT_EQ(process().pending.set(), SignalBit(kSigTtin));
  EXPECT_TRUE(child_->HasSignalToTake());
  EXPECT_EQ(*WriteSome(*slave_, "x"), 1u);
  const Termios termios = Settings();
  EXPECT_EQ(Ioctl(*slave_, kTcSets, termios).error(), kRestartSys);
  EXPECT_NE(process().pending.set() & SignalBit(kSigTtou), 0u);
  PtyPair& pair = static_cast<PtyPair&>(*process().terminal);
  pair.SetForeground(process().group);
  EXPECT_EQ(*ReadSome(*slave_, 100), "line\n");
  EXPECT_TRUE(Ioctl(*slave_, kTcSets, termios).ok());
}

TEST_F(BackgroundTest, WhoIgnoresTheSignalFailsOrGoesOn) {
  process().actions[kSigTtin].handler = process().actions[kSigTtou].handler = kSigIgn;
  EXPECT_EQ(ReadSome(*slave_, 100).error(), Errno::kIo);
  EXPECT_TRUE(Ioctl(*slave_, kTcSets, Settings()).ok());
  EXPECT_EQ(process().pending.set(), 0u);
}

TEST_F(BackgroundTest, AnOrphanIsNotStopped) {
  machine_.process().group = Tid{9999};
  process().parent = nullptr;
  EXPECT_EQ(ReadSome(*slave_, 100).error(), Errno::kIo);
  EXPECT_EQ(process().pending.set(), 0u);
  process().parent = &machine_.process();
}

TEST_F(BackgroundTest, TheGroupInFrontHearsOfTheLeadersEnd) {
  static_cast<PtyPair&>(*process().terminal).SetForeground(process().group);
  process().actions[kSigHup].handler = 0x1000;
  EXPECT_TRUE(Open("/dev/tty").ok());
  machine_.kernel().EndProcess(machine_.process(), {});
  EXPECT_NE(process().pending.set() & SignalBit(kSigHup), 0u);
  EXPECT_EQ(process().terminal, nullptr);
  EXPECT_EQ(Open("/dev/tty").error(), Errno::kNxio);
}

TEST_F(PtyTest, ItIsChargedAndGivenBack) {
  const uint64_t before = machine_.kernel().budget().used_bytes;
  DescriptionRef other = *Open("/dev/ptmx");
  EXPECT_GE(machine_.kernel().budget().used_bytes, before + PtyPair::kCostBytes);
  other = DescriptionRef();
  EXPECT_EQ(machine_.kernel().budget().used_bytes, before);
}

TEST_F(PtyTest, BadAddresses) {
  EXPECT_EQ(slave_->Ioctl(kTcGets, testing::kNowhere.value, &machine_.memory()).error(),
            Errno::kFault);
  EXPECT_EQ(slave_->Ioctl(kTcSets, testing::kNowhere.value, &machine_.memory()).error(),
            Errno::kFault);
  Type("ab\n");
  memory::UserBuffer nowhere(&machine_.memory(), testing::kNowhere, 8);
  EXPECT_EQ(slave_->Read(nowhere).error(), Errno::kFault);
  EXPECT_EQ(slave_->Write(nowhere).error(), Errno::kFault);
  EXPECT_EQ(master_->Write(nowhere).error(), Errno::kFault);
}

}  // namespace
}  // namespace pollux::os_emu
