#include "abi/result.h"

namespace pollux::internal {

void ResultHasNoError() {
  POLLUX_CHECK(false) << "error() of a Result that holds a value";
  __builtin_unreachable();
}

void ResultHasNoValue(Errno error) {
  POLLUX_CHECK(false) << "value() of a Result that holds " << ErrnoName(error);
  __builtin_unreachable();
}

}  // namespace pollux::internal
