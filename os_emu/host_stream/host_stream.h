// HostStream: a description over a descriptor of the host (stdin, stdout, stderr).
//
// Reads and writes never block the host process: what the host cannot do now is kAgain, and
// HostPoller::Wait(), where pollux waits for the host, wakes who waits here. The descriptor's own
// flags (O_NONBLOCK and the like) are never changed: it may be shared with other processes. What
// can be watched, what is a terminal and what stat(2) tells is the host's answer, so that a guest's
// C library buffers its output as it would natively.
#ifndef POLLUX_OS_EMU_HOST_STREAM_HOST_STREAM_H_
#define POLLUX_OS_EMU_HOST_STREAM_HOST_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "abi/result.h"
#include "absl/status/statusor.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/size_limit.h"
#include "os_emu/host_poller/host_poller.h"

namespace pollux::os_emu {

// A description over `host_fd`, which the caller keeps open as long as the description lives.
// `name` is for reports ("stdin"). Access mode from the host. Fails if `host_fd` is not open.
// `limit`: how long it may be made where it is a regular file; null: as the host lets it.
absl::StatusOr<DescriptionRef> OpenHostStream(HostPoller& poller, int host_fd, std::string name,
                                              std::shared_ptr<SizeLimit> limit = nullptr);

class HostStream final : public FileDescription, private HostWatcher {
 public:
  HostStream(HostPoller& poller, int host_fd, std::string name, uint32_t status_flags,
             std::shared_ptr<SizeLimit> limit);

  Result<size_t> Read(memory::UserBuffer& to) override;
  Result<size_t> Write(memory::UserBuffer& from) override;
  Result<size_t> ReadAt(memory::UserBuffer& to, uint64_t offset) override;
  Result<size_t> WriteAt(memory::UserBuffer& from, uint64_t offset) override;
  Result<uint64_t> Seek(int64_t offset, Whence whence) override;
  EventMask Poll() override;
  int PollQueues(WaitQueue* queues[2]) override;
  bool CanBeWatched() const override { return watchable_; }
  Result<void> Stat(FileStatus* status) override;
  Result<void> Truncate(uint64_t bytes) override;
  bool CanSpliceTo() const override { return true; }
  // TCGETS, TIOCGWINSZ and FIONREAD ask the host; nothing changes it. Others: kNotTy.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  const char* TypeName() const override { return "host stream"; }
  std::string LinkText() const override;

  const std::string& name() const { return name_; }

 private:
  // kOpNotSupp of what the host could signal; a regular file never does.
  Result<bool> ChangeAsync(FileDescription& file, FdLabel fd, bool on) override;
  // ---- HostWatcher
  void OnHostEvents(uint32_t events) override;
  bool IsAwaited() const override { return !queue_.empty(); }

  // What one read or write of the host gave: bytes, 0 at the end, kAgain where it would block.
  Result<size_t> HostRead(std::span<uint8_t> to);
  Result<size_t> HostWrite(std::span<const uint8_t> from);
  bool HostReady(short events) const;
  // How many of `bytes` may be written at `offset`; nothing: where the file is now. kFBig.
  Result<uint64_t> Allowed(std::optional<uint64_t> offset, uint64_t bytes) const;
  // Serves `to` from what was read from the host but did not reach the guest.
  size_t TakeUnread(memory::UserBuffer& to);

  int host_fd_;
  std::string name_;
  bool watchable_ = false;  // The host's epoll accepts it.
  bool is_regular_ = false;
  bool waits_ = true;            // Reads and writes may block: not a regular file.
  std::vector<uint8_t> unread_;  // Read, but the guest's buffer was not accessible.
  std::shared_ptr<SizeLimit> limit_;
  WaitQueue queue_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_HOST_STREAM_HOST_STREAM_H_
