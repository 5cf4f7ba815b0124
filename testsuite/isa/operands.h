// Operands: the values on which instructions are tried.
#ifndef POLLUX_TESTSUITE_ISA_OPERANDS_H_
#define POLLUX_TESTSUITE_ISA_OPERANDS_H_

#include <array>
#include <cstdint>
#include <random>
#include <vector>

namespace pollux::testsuite {

using Random = std::mt19937_64;

// What one case of an instruction gets: up to three values.
using Row = std::array<uint64_t, 3>;

// All pairs of edge values (the third value is one too), then as many random ones. In random order.
std::vector<Row> IntegerRows(Random& random);
std::vector<Row> DoubleRows(Random& random);
// As registers: boxed, but for some that are not.
std::vector<Row> FloatRows(Random& random);

// Anything: edges of all kinds and random bits.
uint64_t AnyValue(Random& random);

}  // namespace pollux::testsuite

#endif  // POLLUX_TESTSUITE_ISA_OPERANDS_H_
