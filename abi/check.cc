#include "abi/check.h"

#include <cstdio>
#include <cstdlib>

namespace pollux::internal {

CheckFailure::CheckFailure(const char* file, int line, const char* condition)
    : message_(new std::ostringstream) {
  *message_ << "pollux: internal error at " << file << ":" << line << ": " << condition << " does not hold: ";
}

CheckFailure::~CheckFailure() {
  std::fprintf(stderr, "%s\n", message_->str().c_str());
  std::abort();
}

std::ostream& CheckFailure::stream() { return *message_; }

}  // namespace pollux::internal
