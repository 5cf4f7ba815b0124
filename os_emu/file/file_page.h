// FilePage: a page of a file's memory, as something beside the file refers to it (a slot of a
// pipe). What is written to the file is seen through it, until the file drops the page: from then
// on it keeps what it had.
#ifndef POLLUX_OS_EMU_FILE_FILE_PAGE_H_
#define POLLUX_OS_EMU_FILE_FILE_PAGE_H_

#include <cstdint>
#include <memory>
#include <span>

namespace pollux::os_emu {

class FilePage {
 public:
  virtual ~FilePage() = default;
  // From offset `within` of the page on, and not past its end.
  virtual void Read(uint64_t within, std::span<uint8_t> to) const = 0;
};
using FilePageRef = std::shared_ptr<const FilePage>;

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_FILE_PAGE_H_
