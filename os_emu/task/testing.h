// For tests of blocking calls: a kernel with one process, some memory, and a loop that resumes
// woken threads.
#ifndef POLLUX_OS_EMU_TASK_TESTING_H_
#define POLLUX_OS_EMU_TASK_TESTING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "abi/check.h"
#include "memory/address_space.h"
#include "memory/user_buffer.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu::testing {

// Of the mapped memory of TestMachine: readable and writable.
inline constexpr GuestAddr kArena{0x100000};
inline constexpr uint64_t kArenaBytes = 1 << 20;
// Not mapped.
inline constexpr GuestAddr kNowhere{0x40000};

class TestMachine {
 public:
  TestMachine() : kernel_(Kernel::Options()), process_(kernel_.CreateProcess()) {
    memory::AddressSpace::MapRequest request;
    request.hint = kArena;
    request.fixed = true;
    request.length = kArenaBytes;
    request.prot = memory::kProtRead | memory::kProtWrite;
    POLLUX_CHECK(process_.memory->Map(request).ok());
  }

  Kernel& kernel() { return kernel_; }
  Process& process() { return process_; }
  memory::AddressSpace& memory() { return *process_.memory; }
  Thread& leader() { return *process_.threads.begin()->second; }
  Thread& NewThread() { return kernel_.CreateThread(process_); }

  memory::UserBuffer Buffer(uint64_t offset, uint64_t bytes) {
    return memory::UserBuffer(process_.memory.get(), kArena + offset, bytes);
  }

  // Gives the thread the answer of a call: its value now, or the record to wait with.
  void Give(Thread& thread, CallResult result) {
    answers_.erase(thread.tid());
    if (result.blocked()) {
      thread.Block(result.TakeBlocked());
    } else {
      answers_[thread.tid()] = result.value();
    }
  }
  // Resumes woken threads, lowest tid first, until all are quiet.
  void Settle() {
    bool again = true;
    while (again) {
      again = false;
      for (auto& [tid, thread] : process_.threads) {
        if (!thread->blocked() || !thread->woken()) continue;
        again = true;
        Resume(*thread);
      }
    }
  }
  // Lets time pass, and resumes those whose deadline has come.
  void Pass(Nanos span) {
    kernel_.clock().AdvanceBy(span);
    kernel_.ExpireTimers();
    for (auto& [tid, thread] : process_.threads) {
      if (thread->blocked() && thread->blocked_call()->deadline() <= kernel_.clock().Monotonic()) {
        Resume(*thread);
      }
    }
    Settle();
  }
  // A signal with a handler ends the call.
  int64_t Interrupt(Thread& thread) {
    const CallResult result(thread.blocked_call()->Interrupt());
    thread.Unblock();
    answers_[thread.tid()] = result.value();
    return result.value();
  }
  // nullopt: still waits.
  std::optional<int64_t> Answer(const Thread& thread) const {
    const auto found = answers_.find(thread.tid());
    if (found == answers_.end()) return std::nullopt;
    return found->second;
  }
  std::string Text(uint64_t offset, size_t bytes) {
    std::string text(bytes, '\0');
    const size_t read =
        memory().Read(kArena + offset, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
    text.resize(read);
    return text;
  }

 private:
  void Resume(Thread& thread) {
    const Result<int64_t> result = kernel_.ResumeBlocked(thread);
    if (!thread.blocked()) answers_[thread.tid()] = CallResult(result).value();
  }

  Kernel kernel_;
  Process& process_;
  std::map<Tid, int64_t> answers_;
};

// What a call answers for an error.
constexpr int64_t Failed(Errno error) { return -static_cast<int64_t>(error); }

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_TASK_TESTING_H_
