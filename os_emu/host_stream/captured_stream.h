// CapturedStream: a guest's stdout or stderr whose bytes go to whoever runs the machine, without a
// descriptor of the host. For the guest it is a pipe that is read at once: always writable, never
// full, so that its C library buffers as it does natively into a pipe, wherever pollux itself runs.
#ifndef POLLUX_OS_EMU_HOST_STREAM_CAPTURED_STREAM_H_
#define POLLUX_OS_EMU_HOST_STREAM_CAPTURED_STREAM_H_

#include <functional>
#include <string>
#include <string_view>

#include "abi/result.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"

namespace pollux::os_emu {

class CapturedStream final : public FileDescription {
 public:
  // Gets the bytes of each write. Called outside the arena.
  using Sink = std::function<void(int stream, std::string_view bytes)>;

  // `sink` must outlive it; `stream` is what it is told, and the pipe's inode number.
  CapturedStream(int stream, const Sink* sink)
      : FileDescription(kOWrOnly), stream_(stream), sink_(sink) {}

  Result<size_t> Write(memory::UserBuffer& from) override;
  EventMask Poll() override { return kWritable; }
  // Never notified.
  int PollQueues(WaitQueue* queues[2]) override;
  Result<void> Stat(FileStatus* status) override;
  bool CanSpliceTo() const override { return true; }
  Result<size_t> ReadAt(memory::UserBuffer&, uint64_t) override { return Errno::kSPipe; }
  Result<size_t> WriteAt(memory::UserBuffer&, uint64_t) override { return Errno::kSPipe; }
  const char* TypeName() const override { return "captured stream"; }
  std::string LinkText() const override;

 private:
  const int stream_;
  const Sink* const sink_;
  WaitQueue queue_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_HOST_STREAM_CAPTURED_STREAM_H_
