#include "abi/errno.h"

#include <cstring>

namespace pollux {

std::string_view ErrnoName(Errno error) {
  switch (error) {
#define POLLUX_X(enumerator, symbol, number) \
  case Errno::enumerator:                    \
    return #symbol;
    POLLUX_ERRNO_ROWS(POLLUX_X)
#undef POLLUX_X
  }
  return "E?";
}

std::string_view ErrnoText(Errno error) {
  // The C locale's texts are glibc's, which strace prints too; the numbers agree with the host's.
  const char* text = strerrordesc_np(static_cast<int>(error));
  return text == nullptr ? "Unknown error" : text;
}

Errno ErrnoFromHost(int host_errno) {
  switch (host_errno) {
#define POLLUX_X(enumerator, symbol, number) \
  case number:                               \
    return Errno::enumerator;
    POLLUX_ERRNO_ROWS(POLLUX_X)
#undef POLLUX_X
    default:
      return Errno::kIo;
  }
}

}  // namespace pollux
