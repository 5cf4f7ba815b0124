// Result<T>: a value or the Errno that Linux would return. Result<void> is success or an Errno.
// Reading the value of an error, or the error of a value, is a bug of ours and CHECK-fails.
#ifndef POLLUX_ABI_RESULT_H_
#define POLLUX_ABI_RESULT_H_

#include <optional>
#include <utility>
#include <variant>

#include "abi/check.h"
#include "abi/errno.h"

namespace pollux {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by intent.
  Result(Errno error) : state_(std::in_place_index<1>, error) {}         // NOLINT: implicit by intent.

  bool ok() const { return state_.index() == 0; }
  Errno error() const {
    POLLUX_CHECK(!ok()) << "error() of a Result that holds a value";
    return *std::get_if<1>(&state_);
  }
  T& value() & {
    POLLUX_CHECK(ok()) << "value() of a Result that holds " << ErrnoName(*std::get_if<1>(&state_));
    return *std::get_if<0>(&state_);
  }
  const T& value() const& { return const_cast<Result*>(this)->value(); }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Errno> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Errno error) : error_(error) {}  // NOLINT: implicit by intent.

  bool ok() const { return !error_.has_value(); }
  Errno error() const {
    POLLUX_CHECK(!ok()) << "error() of a Result that holds success";
    return *error_;
  }

 private:
  std::optional<Errno> error_;
};

// Returns the error of `expression` from the enclosing function, or binds its value to `declaration`.
#define POLLUX_ASSIGN_OR_RETURN(declaration, expression) \
  POLLUX_ASSIGN_OR_RETURN_(POLLUX_CONCAT_(pollux_result_, __LINE__), declaration, expression)
#define POLLUX_ASSIGN_OR_RETURN_(temporary, declaration, expression) \
  auto temporary = (expression);                                     \
  if (!temporary.ok()) return temporary.error();                     \
  declaration = std::move(temporary).value()
#define POLLUX_RETURN_IF_ERROR(expression) \
  if (auto pollux_status = (expression); !pollux_status.ok()) return pollux_status.error()
#define POLLUX_CONCAT_(a, b) POLLUX_CONCAT_AGAIN_(a, b)
#define POLLUX_CONCAT_AGAIN_(a, b) a##b

}  // namespace pollux

#endif  // POLLUX_ABI_RESULT_H_
