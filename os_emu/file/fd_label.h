// FdLabel: the number under which a descriptor was given to a call, kept for reports (si_fd is one)
// and as half of an epoll interest's key. It is not an Fd and nothing turns it back into one: the
// open file that a number means is looked up once, when the call enters (ARCHITECTURE.md).
#ifndef POLLUX_OS_EMU_FILE_FD_LABEL_H_
#define POLLUX_OS_EMU_FILE_FD_LABEL_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "os_emu/file/fd_table.h"

namespace pollux::os_emu {

class FdLabel {
 public:
  FdLabel() = default;
  explicit FdLabel(Fd fd) : number_(static_cast<int32_t>(fd)) {}

  // Decimal.
  std::string Text() const { return std::to_string(number_); }
  // As a program is told it, in si_fd.
  int32_t Reported() const { return number_; }

  friend auto operator<=>(FdLabel, FdLabel) = default;
  template <typename H>
  friend H AbslHashValue(H state, FdLabel label) {
    return H::combine(std::move(state), label.number_);
  }

 private:
  int32_t number_ = -1;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_FD_LABEL_H_
