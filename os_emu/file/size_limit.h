// SizeLimit: how long files may be made by the thread that runs: RLIMIT_FSIZE. What is written at a
// position is cut at the limit; where nothing is left of it, and where a file shall become longer
// than that, the thread gets SIGXFSZ and the call kFBig.
#ifndef POLLUX_OS_EMU_FILE_SIZE_LIMIT_H_
#define POLLUX_OS_EMU_FILE_SIZE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "abi/result.h"

namespace pollux::os_emu {

class SizeLimit {
 public:
  virtual ~SizeLimit() = default;

  // generic_write_check_limits() of fs/read_write.c: how many of `bytes` may be written at
  // `offset`. It compares signed numbers, so that a limit above INT64_MAX lets nothing be written.
  Result<uint64_t> CheckWrite(uint64_t offset, uint64_t bytes) {
    const uint64_t limit = Bytes();
    if (limit == kNone) return bytes;
    if (static_cast<int64_t>(offset) >= static_cast<int64_t>(limit)) return Exceed();
    return std::min(bytes, limit - offset);
  }
  // inode_newsize_ok() of fs/attr.c: of a file that is as long as `now`. Here the limit is
  // unsigned.
  Result<void> CheckSize(uint64_t now, uint64_t wanted) {
    if (wanted > now && wanted > Bytes()) return Exceed();
    return {};
  }

 protected:
  static constexpr uint64_t kNone = UINT64_MAX;  // RLIM_INFINITY
  virtual uint64_t Bytes() = 0;
  virtual void SendSignal() = 0;

 private:
  Errno Exceed() {
    SendSignal();
    return Errno::kFBig;
  }
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_SIZE_LIMIT_H_
