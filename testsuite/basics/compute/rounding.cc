// rounding: double and float arithmetic in all four rounding modes: results to the last bit, and
// the exceptions they raise.
#include <cfenv>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <limits>

#include "testsuite/basics/check.h"

namespace {

const struct {
  int mode;
  const char* name;
} kModes[] = {
    {FE_TONEAREST, "nearest"}, {FE_UPWARD, "up"}, {FE_DOWNWARD, "down"}, {FE_TOWARDZERO, "zero"}};

// The compiler is to compute nothing itself, and to move nothing.
template <typename T>
T Opaque(T value) {
  asm volatile("" : "+m"(value));
  return value;
}

void ShowFlags() {
  const int flags = std::fetestexcept(FE_ALL_EXCEPT);
  std::printf(" %s%s%s%s%s\n", flags & FE_INVALID ? "V" : "-", flags & FE_DIVBYZERO ? "Z" : "-",
              flags & FE_OVERFLOW ? "O" : "-", flags & FE_UNDERFLOW ? "U" : "-",
              flags & FE_INEXACT ? "X" : "-");
}

// NaN's sign and payload depend on the machine.
void ShowNumber(double value) {
  if (std::isnan(value)) {
    std::printf("nan");
  } else {
    std::printf("%a", value);
  }
}

template <typename T, typename Operation>
void Binary(const char* name, T a, T b, Operation operation) {
  for (const auto& [mode, mode_name] : kModes) {
    std::fesetround(mode);
    std::feclearexcept(FE_ALL_EXCEPT);
    const T result = Opaque(operation(Opaque(a), Opaque(b)));
    const int flags = std::fetestexcept(FE_ALL_EXCEPT);
    std::fesetround(FE_TONEAREST);
    std::printf("%s %s: ", name, mode_name);
    ShowNumber(static_cast<double>(a));
    std::printf(" ");
    ShowNumber(static_cast<double>(b));
    std::printf(" = ");
    ShowNumber(static_cast<double>(result));
    std::feclearexcept(FE_ALL_EXCEPT);
    std::feraiseexcept(flags);
    ShowFlags();
  }
}

template <typename T>
void All(const char* type) {
  using Limits = std::numeric_limits<T>;
  const T third = static_cast<T>(1) / 3;
  const T values[] = {0,
                      -static_cast<T>(0),
                      1,
                      -3,
                      third,
                      Limits::max(),
                      Limits::min(),
                      Limits::denorm_min(),
                      -Limits::epsilon(),
                      Limits::infinity(),
                      Limits::quiet_NaN()};
  std::printf("-- %s\n", type);
  for (const T a : values) {
    for (const T b : values) {
      Binary("add", a, b, [](T x, T y) { return x + y; });
      Binary("subtract", a, b, [](T x, T y) { return x - y; });
      Binary("multiply", a, b, [](T x, T y) { return x * y; });
      Binary("divide", a, b, [](T x, T y) { return x / y; });
    }
    Binary("square root", a, a, [](T x, T) { return std::sqrt(x); });
    Binary("fma", a, third, [](T x, T y) { return std::fma(x, y, static_cast<T>(1)); });
  }
}

void Conversions() {
  std::printf("-- conversions\n");
  const double values[] = {
      0.5, 1.5, 2.5, -0.5, -2.5, 1e9 + 0.5, 4294967295.5, -1e18, 9007199254740993.0, 0.1, -0.0};
  for (const double value : values) {
    for (const auto& [mode, name] : kModes) {
      std::fesetround(mode);
      const double rounded = Opaque(std::rint(Opaque(value))),
                   nearby = Opaque(std::nearbyint(Opaque(value)));
      const long as_long = std::lrint(Opaque(value));
      const float as_float = Opaque(static_cast<float>(Opaque(value)));
      const double from_large = Opaque(static_cast<double>(Opaque(int64_t{9007199254740993})));
      const float from_int = Opaque(static_cast<float>(Opaque(16777217)));
      const double from_unsigned = Opaque(static_cast<double>(Opaque(UINT64_MAX)));
      std::fesetround(FE_TONEAREST);
      std::printf("%a %s: %a %a %ld %a %a %a %a; %a %a %a %ld\n", value, name, rounded, nearby,
                  as_long, static_cast<double>(as_float), from_large, static_cast<double>(from_int),
                  from_unsigned, std::floor(value), std::ceil(value), std::trunc(value),
                  std::lround(value));
    }
  }
  for (const double value : {0.0, 1.9, -1.9, 2147483647.9, 1e15, -123456789.987}) {
    std::feclearexcept(FE_ALL_EXCEPT);
    const int64_t as_long = static_cast<int64_t>(Opaque(value));
    const int64_t as_int = static_cast<int32_t>(Opaque(std::fmod(value, 1e9)));
    std::printf("truncated %lld %lld", static_cast<long long>(as_long),
                static_cast<long long>(as_int));
    ShowFlags();
  }
}

void Comparisons() {
  std::printf("-- comparisons\n");
  const double values[] = {0.0, -0.0, 1.0, -INFINITY, INFINITY, NAN};
  for (const double a : values) {
    for (const double b : values) {
      std::feclearexcept(FE_ALL_EXCEPT);
      const double x = Opaque(a), y = Opaque(b);
      const bool less = x < y, equal = x == y, quiet = std::isless(x, y);
      std::printf("%d%d%d %a %a", less, equal, quiet,
                  std::isnan(x) || std::isnan(y) ? 0 : std::fmin(x, 1 + y),
                  std::isnan(x) && std::isnan(y) ? 0 : std::fmax(x + 1, y));
      std::printf(" %d %d\n", std::fpclassify(x), std::signbit(x * -1.0) != 0 && !std::isnan(x));
    }
  }
}

}  // namespace

int main() {
  All<double>("double");
  All<float>("float");
  Conversions();
  Comparisons();
  return 0;
}
