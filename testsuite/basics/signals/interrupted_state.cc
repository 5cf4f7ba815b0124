// interrupted_state: a handler may use every register and the floating-point unit as it likes; the
// interrupted code does not notice. errno is the handler's own business.
#include <fenv.h>
#include <signal.h>

#include "testsuite/basics/check.h"

namespace {

volatile double disturbed = 1;
volatile int handled;

void OnSignal(int) {
  handled = handled + 1;
  double a = disturbed, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
  fesetround(FE_DOWNWARD);
  feclearexcept(FE_ALL_EXCEPT);
  for (int i = 0; i < 10; ++i) {
    a = a * b + c;
    b = b / c - d;
    c = c * e + f;
    d = d - g * a;
    e = e / h;
    f = f + 0.1 * g;
  }
  feraiseexcept(FE_DIVBYZERO | FE_OVERFLOW);
  disturbed = a + b + c + d + e + f + g + h;
  errno = EDOM;
}

const char* RoundingName() {
  switch (fegetround()) {
    case FE_TONEAREST:
      return "to nearest";
    case FE_UPWARD:
      return "upward";
    case FE_DOWNWARD:
      return "downward";
    case FE_TOWARDZERO:
      return "toward zero";
  }
  return "unknown";
}

// Sums that need many registers, with a signal in the middle of each.
double Sums(bool with_signals) {
  double sums[12] = {};
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 12; ++j) sums[j] += (i + 1) * 0.1 / (j + 1);
    if (with_signals) raise(SIGUSR1);
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

int main() {
  signal(SIGUSR1, OnSignal);
  for (const int mode : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    Must(fesetround(mode) == 0, "fesetround");
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_INEXACT | FE_INVALID);
    raise(SIGUSR1);
    std::printf("rounding %s, inexact %d, invalid %d, division by zero %d, overflow %d\n",
                RoundingName(), fetestexcept(FE_INEXACT) != 0, fetestexcept(FE_INVALID) != 0,
                fetestexcept(FE_DIVBYZERO) != 0, fetestexcept(FE_OVERFLOW) != 0);
    const double quiet = Sums(false), disturbed_sums = Sums(true);
    Must(quiet == disturbed_sums, "sums do not notice signals");
    std::printf("%a\n", quiet);
  }
  fesetround(FE_TONEAREST);
  errno = 0;
  raise(SIGUSR1);
  std::printf("errno is %s, %d signals\n", ErrorName(errno), handled);
  return 0;
}
