// For tests of os_emu: a description whose readiness the test sets, a waiter that counts, and
// buffers of host memory.
#ifndef POLLUX_OS_EMU_FILE_TESTING_H_
#define POLLUX_OS_EMU_FILE_TESTING_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/wait_queue.h"

namespace pollux::os_emu::testing {

// Readable and writable as the test says; each Read and Write moves one byte while it is.
class FakeDescription : public FileDescription {
 public:
  explicit FakeDescription(uint32_t status_flags = kORdWr) : FileDescription(status_flags) {}

  Result<size_t> Read(memory::UserBuffer& to) override {
    if ((ready & kIn) == 0) return Errno::kAgain;
    const uint8_t byte = 'r';
    return to.CopyTo({&byte, 1});
  }
  Result<size_t> Write(memory::UserBuffer& from) override {
    if (write_error.has_value()) return *write_error;
    if ((ready & kOut) == 0 || writes_allowed == 0) return Errno::kAgain;
    --writes_allowed;
    uint8_t byte;
    return from.CopyFrom({&byte, 1});
  }
  EventMask Poll() override {
    ++polls;
    return ready;
  }
  int PollQueues(WaitQueue* queues[2]) override {
    queues[0] = &queue;
    return 1;
  }
  WaitMode wait_mode() const override { return mode; }
  bool CanBeWatched() const override { return watchable; }
  const char* TypeName() const override { return "fake"; }

  // Changes what is ready and tells the waiters, as a real description does.
  void Become(EventMask mask, EventMask key) {
    ready = mask;
    queue.Notify(key);
  }

  EventMask ready = 0;
  uint64_t writes_allowed = UINT64_MAX;
  std::optional<Errno> write_error;
  bool watchable = true;
  WaitMode mode = WaitMode::kFront;
  int polls = 0;
  WaitQueue queue;
  std::function<void()> on_release;

 private:
  void OnRelease() override {
    if (on_release) on_release();
  }
};

// Counts the wake-ups and notes their keys.
class CountingWaiter final : public Waiter {
 public:
  bool OnNotify(EventMask key) override {
    keys.push_back(key);
    if (log != nullptr) log->push_back(name);
    return takes;
  }

  std::vector<EventMask> keys;
  bool takes = true;
  std::vector<std::string>* log = nullptr;  // Gets `name` at each wake-up.
  std::string name;
};

// Reads at most `bytes`.
inline Result<std::string> ReadSome(FileDescription& description, size_t bytes) {
  std::vector<uint8_t> storage(bytes);
  memory::UserBuffer buffer = memory::UserBuffer::Host(storage);
  POLLUX_ASSIGN_OR_RETURN(const size_t count, description.Read(buffer));
  return std::string(storage.begin(), storage.begin() + static_cast<ptrdiff_t>(count));
}

inline Result<size_t> WriteSome(FileDescription& description, std::string_view bytes) {
  memory::UserBuffer buffer =
      memory::UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return description.Write(buffer);
}

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_FILE_TESTING_H_
