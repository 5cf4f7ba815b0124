#include "os_emu/host_stream/captured_stream.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "absl/strings/str_cat.h"
#include "memory/arena.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {

Result<size_t> CapturedStream::Write(memory::UserBuffer& from) {
  std::array<uint8_t, 4096> chunk;
  size_t done = 0;
  while (from.remaining() > 0) {
    const size_t wanted = std::min<uint64_t>(chunk.size(), from.remaining());
    const size_t copied = from.CopyFrom(std::span(chunk).first(wanted));
    if (copied > 0) {
      const memory::OutsideArena outside;
      (*sink_)(stream_, {reinterpret_cast<const char*>(chunk.data()), copied});
    }
    done += copied;
    if (copied == wanted) continue;
    return done > 0 ? Result<size_t>(done) : Errno::kFault;
  }
  return done;
}

int CapturedStream::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &queue_;
  return 1;
}

Result<void> CapturedStream::Stat(FileStatus* status) {
  *status = FileStatus();
  status->dev = kPipeDevice;
  status->ino = static_cast<uint64_t>(stream_);
  status->mode = kModeFifo | 0600;
  return {};
}

std::string CapturedStream::LinkText() const { return absl::StrCat("pipe:[", stream_, "]"); }

}  // namespace pollux::os_emu
