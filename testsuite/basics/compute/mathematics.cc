// mathematics: the functions of math.h to twelve digits (the libraries may differ in the last
// ones), complex numbers, and a simulation whose every step is exactly rounded.
#include <cmath>
#include <complex>

#include "testsuite/basics/check.h"

int main() {
  for (const double x : {0.0, 0.1, 0.5, 1.0, 2.5, 10.0, 100.25, 1e-8}) {
    std::printf("%g: %.12g %.12g %.12g %.12g %.12g %.12g %.12g\n", x, std::sin(x), std::cos(x),
                std::tan(x), std::exp(x / 10), std::log(x + 1), std::atan2(x, 2),
                std::pow(x + 0.5, 1.7));
    std::printf("%g: %.12g %.12g %.12g %.12g %.12g %.12g %.12g\n", x, std::sinh(x / 10),
                std::tanh(x), std::asinh(x), std::cbrt(x), std::hypot(x, 3), std::erf(x),
                std::tgamma(x + 1.5 > 20 ? 3 : x + 1.5));
  }
  int exponent;
  const double fraction = std::frexp(1234.5, &exponent);
  double whole;
  const double part = std::modf(-7.25, &whole);
  std::printf("%g %d %g %g %g %g %d %g\n", fraction, exponent, whole, part, std::ldexp(0.75, 10),
              std::nextafter(1.0, 2.0) - 1, std::ilogb(1e10), std::remainder(7.5, 2));
  const std::complex<double> z(1, 2), w = std::exp(z) / (z + 1.0);
  std::printf("%.12g %.12g %.12g\n", w.real(), w.imag(), std::abs(w));

  // The logistic map is chaotic: one wrong rounding and the end is another.
  double x = 0.3;
  float y = 0.3f;
  for (int i = 0; i < 100000; ++i) {
    x = 3.99 * x * (1 - x);
    y = 3.9f * y * (1 - y);
  }
  std::printf("%a %a\n", x, static_cast<double>(y));

  // A picture, in characters.
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 64; ++column) {
      std::complex<double> c(column / 22.0 - 2.1, row / 6.5 - 1.2), p = 0;
      int steps = 0;
      while (steps < 60 && std::norm(p) < 4) p = p * p + c, ++steps;
      std::putchar(" .:-=+*#%@"[steps * 9 / 60]);
    }
    std::putchar('\n');
  }
  return 0;
}
