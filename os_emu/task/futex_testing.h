// For tests of futexes: words in the memory of a TestMachine, threads that wait at them.
#ifndef POLLUX_OS_EMU_TASK_FUTEX_TESTING_H_
#define POLLUX_OS_EMU_TASK_FUTEX_TESTING_H_

#include <cstdint>
#include <optional>

#include "gtest/gtest.h"
#include "os_emu/task/futex.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/testing.h"

namespace pollux::os_emu::testing {

class FutexTest : public ::testing::Test {
 protected:
  static constexpr GuestAddr kWord = kArena;
  static constexpr GuestAddr kOther = kArena + 64;

  static constexpr FutexWord Private(GuestAddr address) { return {address, FutexScope::kPrivate}; }
  static constexpr FutexWord Shared(GuestAddr address) { return {address, FutexScope::kAny}; }

  FutexTest() {
    Store(kWord, 1);
    Store(kOther, 2);
  }
  template <typename T = uint32_t>
  void Store(GuestAddr word, T value) {
    ASSERT_TRUE(machine_.memory().WriteObject(word, value).ok());
  }
  uint32_t Load(GuestAddr word) { return *machine_.memory().ReadObject<uint32_t>(word); }
  FutexTable& table() { return machine_.kernel().futexes(); }
  FutexKey Key(FutexWord word) { return *KeyOf(machine_.leader(), word, FutexAccess::kRead); }
  Nanos Now() { return machine_.kernel().clock().Monotonic(); }
  FutexTimeout In(int64_t nanos) { return {TimeBase::kMonotonic, Now() + Nanos{nanos}}; }

  // A thread that waits while the word is what it is.
  Thread& Waiter(FutexWord word, uint32_t bits = kFutexAnyBit,
                 std::optional<FutexTimeout> timeout = std::nullopt) {
    Thread& thread = machine_.NewThread();
    machine_.Give(thread, StartFutexWait(thread, word, Load(word.address), bits, timeout));
    return thread;
  }
  Thread& Waiter(GuestAddr word, uint32_t bits = kFutexAnyBit,
                 std::optional<FutexTimeout> timeout = std::nullopt) {
    return Waiter(Private(word), bits, timeout);
  }
  int64_t Wake(FutexWord word, int32_t count, uint32_t bits = kFutexAnyBit) {
    const CallResult result(FutexWake(machine_.leader(), word, count, bits));
    machine_.Settle();
    return result.value();
  }
  int64_t Wake(GuestAddr word, int32_t count, uint32_t bits = kFutexAnyBit) {
    return Wake(Private(word), count, bits);
  }
  bool Done(const Thread& thread) { return machine_.Answer(thread).has_value(); }
  static uint32_t Number(const Thread& thread) { return static_cast<uint32_t>(thread.tid()); }

  TestMachine machine_;
};

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_TASK_FUTEX_TESTING_H_
