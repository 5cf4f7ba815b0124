// POLLUX_CHECK(condition) << "why": an invariant of ours, checked in every build. A guest can never make one fail.
// On failure: one line on stderr with file, line, condition and message, then abort().
#ifndef POLLUX_ABI_CHECK_H_
#define POLLUX_ABI_CHECK_H_

#include <sstream>

namespace pollux::internal {

// Collects the message; its destructor prints it and aborts. The stream is elsewhere, so that a function
// with a check in it needs no room for one, nor a guard of its stack.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  std::ostream& stream();

 private:
  std::ostringstream* message_;  // Never deleted: the program ends.
};

// Gives both arms of the ?: below the type void; & binds looser than <<.
struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace pollux::internal

#define POLLUX_CHECK(condition)                      \
  (__builtin_expect(static_cast<bool>(condition), 1)) \
      ? (void)0                                      \
      : ::pollux::internal::Voidify() &              \
            ::pollux::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#endif  // POLLUX_ABI_CHECK_H_
