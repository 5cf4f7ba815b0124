// formats: printf, scanf and strtod with every kind of number. Their code in glibc is long, uses
// multiple-precision integers and, for long double, software floating point on RISC-V: a good first
// judge of an integer and floating-point unit.
#include <cfloat>
#include <cinttypes>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cwchar>
#include <limits>
#include <string>

#include "testsuite/basics/check.h"

namespace {

void Integers() {
  std::printf("%d %i %u %o %x %X %c %s %%\n", -1, INT_MIN, UINT_MAX, 8u, 0xbeefu, 0xbeefu, 'c',
              "text");
  std::printf("[%5d] [%-5d] [%05d] [%+d] [% d] [%.3d] [%*.*d]\n", 42, 42, 42, 42, 42, 7, 8, 4, -99);
  std::printf("%hhd %hd %ld %lld %zu %td %jd\n", -128, -32768, LONG_MIN, LLONG_MIN, SIZE_MAX,
              static_cast<ptrdiff_t>(-5), static_cast<intmax_t>(INT64_MAX));
  std::printf("%#x %#o %#X %" PRIu64 " %" PRIx64 "\n", 255u, 8u, 255u, UINT64_MAX, UINT64_MAX);
  std::printf("%2$s %1$s [%3$-8s] [%3$8.2s]\n", "world", "hello", "abc");
  int before = 0;
  std::printf("12345%n", &before);
  std::printf(" is %d characters\n", before);
}

void Doubles() {
  const double values[] = {0.0,    -0.0,     1.0,      -1.5,    0.1,     1e23,
                           5e-324, DBL_MIN,  DBL_MAX,  1.0 / 3, 2.0 / 3, 123456789.123456789,
                           1e15,   1e16,     0.5,      1.5,     2.5,     1e-5,
                           M_PI,   INFINITY, -INFINITY};
  for (const double value : values) {
    std::printf("%f %e %g %a %.0f %.17g %+.3e %#.5g [%12.4g] [%-12.4G]\n", value, value, value,
                value, value, value, value, value, value, value);
  }
  std::printf("%f %F %e\n", std::fabs(NAN), std::fabs(NAN), std::fabs(NAN));
  std::printf("%.60f\n%.1000f\n", 0.1, DBL_MIN);
}

void LongDoubles() {
  // long double has 64 bits of fraction on x86-64 and 112 on RISC-V: only what both can hold is
  // printed.
  const long double values[] = {0.0L, -1.0L, 0.5L, 1024.0L, 3.0L / 7, 1e25L, 1e-30L, DBL_MAX};
  for (const long double value : values) std::printf("%.15Lg %.10Le %.3Lf\n", value, value, value);
  long double sum = 0;
  for (int i = 1; i <= 1000; ++i) sum += 1.0L / i;
  std::printf("%.15Lf %.15Lf %.15Lf\n", sum, sqrtl(2), expl(1));
  std::printf("%d %ld %.6f\n", static_cast<int>(sum), lroundl(sum * 1000),
              static_cast<double>(sum));
}

void Reading() {
  for (const char* text :
       {"1e308", "1e309", "4.9e-324", "2e-324", "0x1.8p3", "inf", "nan", "  -12.5e1x", "",
        "9007199254740993", "0.1000000000000000055511151231257827021181583404541015625"}) {
    char* end = nullptr;
    errno = 0;
    const double value = std::strtod(text, &end);
    std::printf("strtod(%s) = %a, %td read, %s\n", text, value, end - text,
                errno == 0 ? "ok" : ErrorName(errno));
  }
  for (const char* text :
       {"0x7fffffffffffffff", "9223372036854775808", "-9223372036854775809", "0777", "12zz"}) {
    char* end = nullptr;
    errno = 0;
    const long value = std::strtol(text, &end, 0);
    std::printf("strtol(%s) = %ld, %td read, %s\n", text, value, end - text,
                errno == 0 ? "ok" : ErrorName(errno));
  }
  int number = 0, read = 0;
  double fraction = 0;
  char word[8] = "", rest[8] = "";
  const int fields = std::sscanf("17 -2.5e1 abc xyz!", "%d %lf %7s %7[^!]%n", &number, &fraction,
                                 word, rest, &read);
  std::printf("%d fields: %d %g %s %s, %d characters\n", fields, number, fraction, word, rest,
              read);
}

// Every double that printf writes with 17 digits must be read back as itself.
void RoundTrips() {
  uint64_t state = 1;
  int checked = 0;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value;
    std::memcpy(&value, &state, sizeof value);
    if (!std::isfinite(value)) continue;
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);
    Must(std::strtod(text, nullptr) == value, text);
    ++checked;
  }
  std::printf("%d doubles written and read back\n", checked);
}

}  // namespace

int main() {
  Integers();
  Doubles();
  LongDoubles();
  Reading();
  RoundTrips();
  return 0;
}
