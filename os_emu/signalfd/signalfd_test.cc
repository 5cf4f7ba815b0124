#include "os_emu/signalfd/signalfd.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/testing.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu {
namespace {

using testing::CountingWaiter;
using testing::ReadSome;
using testing::TestMachine;

SignalInfo Info(int signal) {
  SignalInfo info;
  info.signal = signal;
  return info;
}

class SignalFdTest : public ::testing::Test {
 protected:
  SignalFdTest() {
    machine_.kernel().SetCurrent(&machine_.leader());
    machine_.leader().SetSignalMask(kBlocked);
  }
  DescriptionRef Make(SignalSet wanted) {
    return MakeDescription<SignalFd>(machine_.kernel(), wanted, kSfdNonBlock);
  }
  // The number of the signal that was read; 0: none.
  static int Read(const DescriptionRef& file) {
    const Result<std::string> bytes = ReadSome(*file, kSignalFdInfoBytes);
    return bytes.ok() ? static_cast<uint8_t>((*bytes)[0]) : 0;
  }
  template <typename T>
  static T Field(const SignalInfo& info, size_t offset) {
    T value;
    std::memcpy(&value, EncodeSignalFdInfo(info).data() + offset, sizeof(value));
    return value;
  }

  static constexpr SignalSet kBlocked =
      SignalBit(kSigUsr1) | SignalBit(kSigUsr2) | SignalBit(kSigChld) | SignalBit(40);
  TestMachine machine_;
};

TEST_F(SignalFdTest, ReportsWhatPendsForTheCurrentThreadAndItsProcess) {
  const DescriptionRef file = Make(SignalBit(kSigUsr1) | SignalBit(40));
  EXPECT_EQ(file->Poll(), 0u);
  machine_.kernel().RaiseSignal(machine_.process(), Info(40));
  machine_.kernel().RaiseSignal(machine_.leader(), Info(kSigUsr1));
  machine_.kernel().RaiseSignal(machine_.leader(), Info(kSigUsr2));
  EXPECT_EQ(file->Poll(), kIn);
  EXPECT_EQ(Read(file), kSigUsr1);
  EXPECT_EQ(Read(file), 40);
  EXPECT_EQ(Read(file), 0);
  EXPECT_EQ(file->Poll(), 0u);
}

TEST_F(SignalFdTest, AnotherThreadSeesTheProcessesSignalsAndItsOwn) {
  const DescriptionRef file = Make(SignalBit(kSigUsr1) | SignalBit(kSigUsr2));
  Thread& second = machine_.NewThread();
  second.SetSignalMask(kBlocked);
  machine_.kernel().RaiseSignal(machine_.leader(), Info(kSigUsr1));
  machine_.kernel().SetCurrent(&second);
  EXPECT_EQ(file->Poll(), 0u);
  machine_.kernel().RaiseSignal(machine_.process(), Info(kSigUsr2));
  EXPECT_EQ(Read(file), kSigUsr2);
  EXPECT_EQ(Read(file), 0);
  machine_.kernel().SetCurrent(&machine_.leader());
  EXPECT_EQ(Read(file), kSigUsr1);
}

TEST_F(SignalFdTest, AnotherProcessSeesItsOwn) {
  const DescriptionRef file = Make(SignalBit(kSigUsr1));
  machine_.kernel().RaiseSignal(machine_.leader(), Info(kSigUsr1));
  Process& other = machine_.kernel().CreateProcess();
  machine_.kernel().SetCurrent(other.threads.begin()->second.get());
  EXPECT_EQ(file->Poll(), 0u);
  WaitQueue* queues[2];
  EXPECT_EQ(file->PollQueues(queues), 1);
  EXPECT_EQ(queues[0], &other.signal_queue);
  machine_.kernel().SetCurrent(nullptr);
  EXPECT_EQ(file->Poll(), 0u);
  EXPECT_EQ(ReadSome(*file, 128).error(), Errno::kAgain);
  EXPECT_EQ(file->PollQueues(queues), 1);
}

TEST_F(SignalFdTest, EverySignalThatBecomesPendingWakes) {
  const DescriptionRef file = Make(SignalBit(kSigUsr1));
  CountingWaiter waiter;
  WaitQueue* queues[2];
  ASSERT_EQ(file->PollQueues(queues), 1);
  queues[0]->Add(waiter);
  machine_.kernel().RaiseSignal(machine_.leader(), Info(kSigUsr1));
  EXPECT_EQ(waiter.keys, std::vector<EventMask>{0});
  machine_.kernel().RaiseSignal(machine_.leader(), Info(kSigUsr1));  // Pends already.
  EXPECT_EQ(waiter.keys.size(), 1u);
  machine_.kernel().RaiseSignal(machine_.process(), Info(kSigUsr2));
  EXPECT_EQ(waiter.keys.size(), 2u);
  machine_.kernel().RaiseSignal(machine_.process(), Info(kSigWinch));  // Ignored.
  EXPECT_EQ(waiter.keys.size(), 2u);
  machine_.kernel().ForceSignal(machine_.leader(), Info(kSigSegv));
  EXPECT_EQ(waiter.keys.size(), 3u);
  SignalFd::From(*file)->SetWanted(SignalBit(kSigUsr2));
  EXPECT_EQ(waiter.keys.size(), 4u);
}

TEST_F(SignalFdTest, ReadsAsManyAsFit) {
  const DescriptionRef file = Make(~SignalSet{0});
  for (int i = 0; i < 3; ++i) machine_.kernel().RaiseSignal(machine_.process(), Info(40));
  EXPECT_EQ(ReadSome(*file, 127).error(), Errno::kInval);
  EXPECT_EQ(ReadSome(*file, 2 * 128 + 127)->size(), 256u);
  EXPECT_EQ(ReadSome(*file, 1024)->size(), 128u);
  EXPECT_EQ(ReadSome(*file, 1024).error(), Errno::kAgain);
}

TEST_F(SignalFdTest, AnInaccessibleBufferLosesTheSignal) {
  const DescriptionRef file = Make(~SignalSet{0});
  machine_.kernel().RaiseSignal(machine_.process(), Info(kSigUsr1));
  memory::UserBuffer nowhere(&machine_.memory(), testing::kNowhere, 128);
  EXPECT_EQ(file->Read(nowhere).error(), Errno::kFault);
  EXPECT_EQ(file->Poll(), 0u);
}

TEST_F(SignalFdTest, ABlockedReaderIsWokenByABlockedSignal) {
  const DescriptionRef file = MakeDescription<SignalFd>(machine_.kernel(), SignalBit(kSigUsr1), 0);
  Thread& leader = machine_.leader();
  machine_.Give(leader, StartRead(leader, file, machine_.Buffer(0, 128)));
  machine_.kernel().RaiseSignal(machine_.process(), Info(kSigUsr2));
  machine_.Settle();
  EXPECT_FALSE(machine_.Answer(leader).has_value());
  machine_.kernel().RaiseSignal(machine_.process(), Info(kSigUsr1));
  machine_.Settle();
  EXPECT_EQ(machine_.Answer(leader), 128);
  EXPECT_EQ(machine_.Text(0, 1), std::string(1, kSigUsr1));
}

TEST_F(SignalFdTest, SigKillIsNeverWanted) {
  const DescriptionRef file = Make(~SignalSet{0});
  EXPECT_EQ(file->FdInfo(), "sigmask:\tfffffffffffbfeff\n");
}

TEST_F(SignalFdTest, EachLayoutHasItsFields) {
  SignalInfo info = Info(kSigUsr1);
  info.sender_pid = 7;
  info.sender_uid = 8;
  info.value = 0x900000009;
  EXPECT_EQ(Field<uint32_t>(info, 12), 7u);
  EXPECT_EQ(Field<uint32_t>(info, 16), 8u);
  EXPECT_EQ(Field<uint64_t>(info, 48), 0u);
  info.code = kSiQueue;
  EXPECT_EQ(Field<int32_t>(info, 8), kSiQueue);
  EXPECT_EQ(Field<int32_t>(info, 44), 9);
  EXPECT_EQ(Field<uint64_t>(info, 48), 0x900000009u);
  info.code = kSiTimer;
  info.timer_id = 5;
  info.overrun = 6;
  EXPECT_EQ(Field<uint32_t>(info, 12), 0u);
  EXPECT_EQ(Field<uint32_t>(info, 24), 5u);
  EXPECT_EQ(Field<uint32_t>(info, 32), 6u);
  EXPECT_EQ(Field<uint64_t>(info, 48), 0x900000009u);
  info.signal = kSigChld;
  info.code = 1;
  info.status = 3;
  info.user_time = 4;
  info.system_time = 5;
  EXPECT_EQ(Field<uint32_t>(info, 12), 7u);
  EXPECT_EQ(Field<int32_t>(info, 40), 3);
  EXPECT_EQ(Field<uint64_t>(info, 56), 4u);
  EXPECT_EQ(Field<uint64_t>(info, 64), 5u);
  info.signal = kSigSegv;
  info.fault_address = GuestAddr{0x1234};
  EXPECT_EQ(Field<uint64_t>(info, 72), 0x1234u);
  EXPECT_EQ(Field<uint32_t>(info, 12), 0u);
}

}  // namespace
}  // namespace pollux::os_emu
