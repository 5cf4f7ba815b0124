#include "os_emu/task/file_owner.h"

#include <memory>
#include <optional>

#include "gtest/gtest.h"
#include "os_emu/file/events.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

class FileOwnerTest : public ::testing::Test {
 protected:
  FileOwnerTest() { kernel().SetCurrent(&machine_.leader()); }
  ~FileOwnerTest() override { kernel().SetCurrent(nullptr); }

  Kernel& kernel() { return machine_.kernel(); }
  Process& process() { return machine_.process(); }
  Process& NewProcess() {
    Process& made = kernel().CreateProcess();
    BlockAll(*made.first_thread());
    return made;
  }
  static void BlockAll(Thread& thread) { thread.SetSignalMask(~SignalSet{0}); }
  std::shared_ptr<FileOwner> Find(OwnerKind kind, Tid number) {
    Result<std::shared_ptr<FileOwner>> found =
        FileOwner::Find(kernel(), kind, static_cast<int32_t>(number));
    POLLUX_CHECK(found.ok());
    return *found;
  }
  static bool Pends(const PendingSignals& pending, int signal) {
    return (pending.set() & SignalBit(signal)) != 0;
  }

  testing::TestMachine machine_;
};

TEST_F(FileOwnerTest, APlainSignalComesFromTheKernel) {
  Process& target = NewProcess();
  Find(OwnerKind::kProcess, target.pid())->SendIo(0, IoReason::kIn, 5);
  const std::optional<SignalInfo> info = target.pending.Take(0);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->signal, kSigIo);
  EXPECT_EQ(info->code, kSiKernel);
  EXPECT_EQ(info->sender_pid, 0);
}

TEST_F(FileOwnerTest, AChosenSignalTellsReasonBandAndNumber) {
  Process& target = NewProcess();
  Find(OwnerKind::kProcess, target.pid())->SendIo(40, IoReason::kHangUp, 5);
  const std::optional<SignalInfo> info = target.pending.Take(0);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->signal, 40);
  EXPECT_EQ(info->code, 6);
  EXPECT_EQ(info->band(), int64_t{kHup | kErr});
  EXPECT_EQ(info->fd(), 5);
}

TEST_F(FileOwnerTest, BandsKeepAllTheirBits) {
  SignalInfo info;
  info.SetPoll(int64_t{-1}, -7);
  EXPECT_EQ(info.band(), -1);
  EXPECT_EQ(info.fd(), -7);
  info.SetPoll(int64_t{0x123456789abcdef0}, 1);
  EXPECT_EQ(info.band(), int64_t{0x123456789abcdef0});
}

TEST_F(FileOwnerTest, WhereTheQueueIsFullAPlainSignalComes) {
  Process& target = NewProcess();
  const std::shared_ptr<FileOwner> owner = Find(OwnerKind::kProcess, target.pid());
  for (size_t i = 0; i < PendingSignals::kMaxQueued; ++i) owner->SendIo(40, IoReason::kIn, 5);
  EXPECT_FALSE(Pends(target.pending, kSigIo));
  owner->SendIo(40, IoReason::kIn, 5);
  EXPECT_TRUE(Pends(target.pending, kSigIo));
}

TEST_F(FileOwnerTest, AnIgnoredSignalIsNotReplaced) {
  Process& target = NewProcess();
  target.first_thread()->SetSignalMask(0);
  target.actions[40].handler = kSigIgn;
  Find(OwnerKind::kProcess, target.pid())->SendIo(40, IoReason::kIn, 5);
  EXPECT_EQ(target.pending.set(), 0u);
}

TEST_F(FileOwnerTest, AThreadGetsItsOwn) {
  Thread& thread = machine_.NewThread();
  BlockAll(thread);
  BlockAll(machine_.leader());
  Find(OwnerKind::kThread, thread.tid())->SendUrgent();
  EXPECT_TRUE(Pends(thread.pending, kSigUrg));
  EXPECT_EQ(process().pending.set(), 0u);
  Find(OwnerKind::kThread, process().pid())->SendIo(kSigUsr1, IoReason::kIn, 5);
  EXPECT_TRUE(Pends(machine_.leader().pending, kSigUsr1));
}

TEST_F(FileOwnerTest, AThreadsNumberStandsForItsProcess) {
  Thread& thread = machine_.NewThread();
  BlockAll(thread);
  BlockAll(machine_.leader());
  const std::shared_ptr<FileOwner> owner = Find(OwnerKind::kProcess, thread.tid());
  EXPECT_EQ(owner->number(), 0);
  owner->SendUrgent();
  EXPECT_TRUE(Pends(process().pending, kSigUrg));
  kernel().EndThread(thread, 0);
  process().pending.Take(0);
  owner->SendUrgent();
  EXPECT_FALSE(Pends(process().pending, kSigUrg));
}

TEST_F(FileOwnerTest, AGroupIsAllOfItsProcesses) {
  Process& first = NewProcess();
  Process& second = NewProcess();
  Process& other = NewProcess();
  second.JoinGroup(first);
  const std::shared_ptr<FileOwner> owner = Find(OwnerKind::kGroup, first.pid());
  owner->SendUrgent();
  EXPECT_TRUE(Pends(first.pending, kSigUrg));
  EXPECT_TRUE(Pends(second.pending, kSigUrg));
  EXPECT_FALSE(Pends(other.pending, kSigUrg));
}

TEST_F(FileOwnerTest, AGroupOutlivesItsLeader) {
  Process& leader = NewProcess();
  Process& member = NewProcess();
  member.JoinGroup(leader);
  const Tid group = leader.pid();
  const std::shared_ptr<FileOwner> before = Find(OwnerKind::kGroup, group);
  kernel().EndProcess(leader, ExitState());
  kernel().Reap(leader);
  kernel().ReleaseEnded();
  const std::shared_ptr<FileOwner> after = Find(OwnerKind::kGroup, group);
  EXPECT_EQ(before->number(), static_cast<int32_t>(group));
  EXPECT_EQ(after->number(), static_cast<int32_t>(group));
  after->SendUrgent();
  EXPECT_TRUE(Pends(member.pending, kSigUrg));
  // Who begins a group with the number later, when all have gone, is another one.
  member.LeadGroup();
  EXPECT_EQ(before->number(), 0);
  member.group = group;
  EXPECT_EQ(before->number(), 0);
}

TEST_F(FileOwnerTest, WhoHasTheNumberLaterIsSomebodyElse) {
  Process& target = NewProcess();
  const Tid pid = target.pid();
  const std::shared_ptr<FileOwner> owner = Find(OwnerKind::kProcess, pid);
  EXPECT_EQ(owner->number(), static_cast<int32_t>(pid));
  kernel().EndProcess(target, ExitState());
  EXPECT_EQ(owner->number(), static_cast<int32_t>(pid)) << "a zombie is there";
  kernel().Reap(target);
  kernel().ReleaseEnded();
  EXPECT_EQ(owner->number(), 0);
  auto again = std::make_unique<Process>(kernel(), pid);
  again->exit = ExitState();
  kernel().processes().emplace(pid, std::move(again));
  EXPECT_EQ(owner->number(), 0);
  EXPECT_EQ(Find(OwnerKind::kProcess, pid)->number(), static_cast<int32_t>(pid));
}

TEST_F(FileOwnerTest, NobodysNumberIsNotFound) {
  EXPECT_EQ(FileOwner::Find(kernel(), OwnerKind::kProcess, 4000000).error(), Errno::kSrch);
  EXPECT_EQ(FileOwner::Find(kernel(), OwnerKind::kGroup, 4000000).error(), Errno::kSrch);
  EXPECT_EQ(Find(OwnerKind::kProcess, Tid{0})->number(), 0);
}

// sigio_perm(): the real or effective id of who named the owner, against its real or saved one.
TEST_F(FileOwnerTest, RightsAreThoseOfWhoNamedIt) {
  Process& target = NewProcess();
  const auto reaches = [&](uint32_t uid, uint32_t euid) {
    process().credentials.uid = uid;
    process().credentials.euid = euid;
    const std::shared_ptr<FileOwner> owner = Find(OwnerKind::kProcess, target.pid());
    // What the caller becomes later does not count.
    process().credentials.uid = process().credentials.euid = 0;
    owner->SendUrgent();
    const bool reached = Pends(target.pending, kSigUrg);
    target.pending.Remove(~SignalSet{0});
    return reached;
  };
  target.credentials.uid = 7;
  target.credentials.suid = 8;
  target.credentials.euid = 9;
  EXPECT_TRUE(reaches(7, 1));
  EXPECT_TRUE(reaches(8, 1));
  EXPECT_TRUE(reaches(1, 7));
  EXPECT_TRUE(reaches(1, 8));
  EXPECT_TRUE(reaches(1, 0));
  EXPECT_FALSE(reaches(0, 1));
  EXPECT_FALSE(reaches(9, 9));
}

}  // namespace
}  // namespace pollux::os_emu
