// Result<T>: a value or the Errno that Linux would return. Result<void> is success or an Errno.
// Reading the value of an error, or the error of a value, is a bug of ours and CHECK-fails.
//
// Written by hand, and not as a std::variant: nearly every function here returns one, and what a
// variant instantiates for each T was a large part of what compiling pollux took.
#ifndef POLLUX_ABI_RESULT_H_
#define POLLUX_ABI_RESULT_H_

#include <new>
#include <type_traits>
#include <utility>

#include "abi/check.h"
#include "abi/errno.h"

namespace pollux {

namespace internal {

[[noreturn]] void ResultHasNoError();
[[noreturn]] void ResultHasNoValue(Errno error);

// No error has the number 0.
inline constexpr Errno kNoErrno{0};

}  // namespace internal

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by intent.
  Result(Errno error)  // NOLINT: implicit by intent.
    requires std::is_trivially_default_constructible_v<T>
      : value_(), error_(error) {}
  Result(Errno error)  // NOLINT: implicit by intent.
    requires(!std::is_trivially_default_constructible_v<T>)
      : error_(error) {}

  Result(const Result& other)
    requires std::is_trivially_copyable_v<T>
  = default;
  Result(const Result& other)
    requires(!std::is_trivially_copyable_v<T> && std::is_copy_constructible_v<T>)
      : error_(other.error_) {
    if (ok()) new (&value_) T(other.value_);
  }
  Result(Result&& other) noexcept
    requires std::is_trivially_copyable_v<T>
  = default;
  Result(Result&& other) noexcept
    requires(!std::is_trivially_copyable_v<T>)
      : error_(other.error_) {
    if (ok()) new (&value_) T(std::move(other.value_));
  }
  Result& operator=(const Result& other)
    requires std::is_trivially_copyable_v<T>
  = default;
  Result& operator=(Result&& other) noexcept
    requires std::is_trivially_copyable_v<T>
  = default;
  Result& operator=(const Result& other)
    requires(!std::is_trivially_copyable_v<T> && std::is_copy_constructible_v<T>)
  {
    return *this = Result(other);
  }
  Result& operator=(Result&& other) noexcept
    requires(!std::is_trivially_copyable_v<T>)
  {
    if (this == &other) return *this;
    this->~Result();
    return *new (this) Result(std::move(other));
  }
  ~Result()
    requires std::is_trivially_destructible_v<T>
  = default;
  ~Result()
    requires(!std::is_trivially_destructible_v<T>)
  {
    if (ok()) value_.~T();
  }

  bool ok() const { return error_ == internal::kNoErrno; }
  Errno error() const {
    if (ok()) internal::ResultHasNoError();
    return error_;
  }
  T& value() & {
    if (!ok()) internal::ResultHasNoValue(error_);
    return value_;
  }
  const T& value() const& { return const_cast<Result*>(this)->value(); }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  union {
    T value_;  // Alive where there is no error.
  };
  Errno error_ = internal::kNoErrno;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Errno error) : error_(error) {}  // NOLINT: implicit by intent.

  bool ok() const { return error_ == internal::kNoErrno; }
  Errno error() const {
    if (ok()) internal::ResultHasNoError();
    return error_;
  }

 private:
  Errno error_ = internal::kNoErrno;
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
