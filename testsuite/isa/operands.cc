#include "testsuite/isa/operands.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <utility>

namespace pollux::testsuite {
namespace {

constexpr uint64_t kIntegers[] = {
    0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
    // 32 bits, and what is next to them.
    0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000, 0xffffffff80000000,
    0xffffffff7fffffff,
    // 64 bits.
    0x7ffffffffffffffe, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
    0xfffffffffffffffe, 0xffffffffffffffff,
    // Between two floats, between two doubles, and just past the middle.
    (1 << 24) + 1, (1 << 24) + 3, (uint64_t{1} << 53) + 1, (uint64_t{1} << 53) + 3,
    0x7fffffffffffffff - 512, 0xfffffffffffffbff, 0xfffffffffffffc00, 0x8000004000000000,
    0x8000004000000001,
    // Patterns.
    0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef};

constexpr uint64_t kDoubleMagnitudes[] = {
    0x0000000000000000,                      // 0
    0x0000000000000001, 0x000fffffffffffff,  // smallest and largest subnormal
    0x0008000000000000,                      // a subnormal
    0x0010000000000000, 0x0010000000000001,  // smallest normals
    0x7fefffffffffffff, 0x7fe0000000000000,  // largest normals
    0x3ff0000000000000, 0x3ff0000000000001,
    0x3fefffffffffffff,  // 1 and its neighbours
    0x3fe0000000000000, 0x3ff8000000000000,
    0x4000000000000000, 0x4004000000000000,
    0x3fd5555555555555,                      // .5 1.5 2 2.5 1/3
    0x3fdfffffffffffff, 0x3fe0000000000001,  // next to .5
    0x7ff0000000000000,                      // infinity
    0x7ff8000000000000, 0x7fffffffffffffff,  // quiet NaNs
    0x7ff0000000000001, 0x7ff7ffffffffffff,  // signalling NaNs
    0x41dfffffffc00000, 0x41dfffffffe00000,
    0x41e0000000000000, 0x41e0000000100000,  // 2^31 - 1, - .5, 2^31, + .5
    0x41efffffffe00000, 0x41effffffff00000,
    0x41f0000000000000,                      // 2^32 - 1, - .5, 2^32
    0x43dfffffffffffff, 0x43e0000000000000,  // 2^63
    0x43efffffffffffff, 0x43f0000000000000,  // 2^64
    0x4340000000000000, 0x4330000000000001,  // 2^53, an odd number of 53 bits
    0x47efffffe0000000, 0x47effffff0000000,
    0x47f0000000000000,  // the largest float, half a step more, 2^128
    0x3810000000000000, 0x380fffffffffffff,
    0x380fffffe0000000,  // floats' smallest normal, just below
    0x36a0000000000000, 0x3690000000000000,
    0x3690000000000001,  // floats' smallest subnormal, half of it, more
    0x3ff0000010000000, 0x3ff0000030000000,
    0x3ff0000010000001,  // halfway between floats: to even, up; just past
};

constexpr uint32_t kFloatMagnitudes[] = {
    0x00000000,                                                  // 0
    0x00000001, 0x007fffff, 0x00400000,                          // subnormals
    0x00800000, 0x00800001,                                      // smallest normals
    0x7f7fffff, 0x7f000000,                                      // largest normals
    0x3f800000, 0x3f800001, 0x3f7fffff,                          // 1 and its neighbours
    0x3f000000, 0x3fc00000, 0x40000000, 0x40200000, 0x3eaaaaab,  // .5 1.5 2 2.5 1/3
    0x3effffff, 0x3f000001,                                      // next to .5
    0x7f800000,                                                  // infinity
    0x7fc00000, 0x7fffffff,                                      // quiet NaNs
    0x7f800001, 0x7fbfffff,                                      // signalling NaNs
    0x4effffff, 0x4f000000, 0x4f000001,                          // 2^31
    0x4f7fffff, 0x4f800000,                                      // 2^32
    0x5effffff, 0x5f000000,                                      // 2^63
    0x5f7fffff, 0x5f800000,                                      // 2^64
    0x4b800000, 0x4b000001,                                      // 2^24, an odd number of 24 bits
    0x1f800000, 0x20000000,  // squares that are just subnormal, or normal
};

uint64_t Pick(Random& random, uint64_t count) { return random() % count; }

// A run of ones, of zeros, or random bits.
uint64_t RandomBits(Random& random) {
  const uint64_t bits = random();
  switch (Pick(random, 4)) {
    case 0:
      return bits & (random() >> Pick(random, 64));
    case 1:
      return ~uint64_t{0} << Pick(random, 64);
    case 2:
      return static_cast<uint64_t>(static_cast<int64_t>(bits) >> Pick(random, 64));
    default:
      return bits;
  }
}

constexpr uint64_t Box(uint32_t bits) { return 0xffffffff00000000 | bits; }

// Both signs of every magnitude.
std::vector<uint64_t> DoubleEdges() {
  std::vector<uint64_t> edges;
  for (uint64_t magnitude : kDoubleMagnitudes) {
    edges.push_back(magnitude);
    edges.push_back(magnitude | uint64_t{1} << 63);
  }
  return edges;
}

// Boxed, and a few that are not: they count as NaN.
std::vector<uint64_t> FloatEdges() {
  std::vector<uint64_t> edges;
  for (uint32_t magnitude : kFloatMagnitudes) {
    edges.push_back(Box(magnitude));
    edges.push_back(Box(magnitude | uint32_t{1} << 31));
  }
  edges.push_back(0x3f800000);
  edges.push_back(0xfffffffe3f800000);
  edges.push_back(0x7fffffff7f800001);
  return edges;
}

std::vector<uint64_t> IntegerEdges() { return {std::begin(kIntegers), std::end(kIntegers)}; }

// Exponents near each other and mantissas with long runs, so that results round, cancel, overflow
// and underflow.
struct Layout {
  int exponent_bits;
  int mantissa_bits;
};
constexpr Layout kDouble{11, 52}, kFloat{8, 23};

uint64_t RandomFp(Random& random, Layout layout) {
  const uint64_t mask = (uint64_t{1} << layout.mantissa_bits) - 1;
  const uint64_t max_exponent = (uint64_t{1} << layout.exponent_bits) - 1;
  const uint64_t bias = max_exponent >> 1;
  uint64_t exponent = 0;
  switch (Pick(random, 8)) {
    case 0:
      exponent = Pick(random, 4);
      break;
    case 1:
      exponent = max_exponent - Pick(random, 4);
      break;
    case 2:
    case 3:
      exponent = random() & max_exponent;
      break;
    case 4:
      exponent = bias + Pick(random, 66);
      break;  // About the size of integers.
    default:
      exponent = bias - 4 + Pick(random, 8);
      break;
  }
  return (random() & 1) << (layout.exponent_bits + layout.mantissa_bits) |
         exponent << layout.mantissa_bits | (RandomBits(random) & mask);
}

uint64_t RandomDouble(Random& random) { return RandomFp(random, kDouble); }
uint64_t RandomFloat(Random& random) {
  const uint32_t bits = static_cast<uint32_t>(RandomFp(random, kFloat));
  return Pick(random, 40) == 0 ? random() << 32 | bits : Box(bits);
}

// A third operand near the negated product, where a fused multiplication and addition differs from
// two operations.
uint64_t NearProduct(Random& random, const Row& row, bool is_float) {
  const uint64_t ulps = Pick(random, 3) - 1;
  if (is_float) {
    const float product = std::bit_cast<float>(static_cast<uint32_t>(row[0])) *
                          std::bit_cast<float>(static_cast<uint32_t>(row[1]));
    return Box(static_cast<uint32_t>(std::bit_cast<uint32_t>(-product) + ulps));
  }
  const double product = std::bit_cast<double>(row[0]) * std::bit_cast<double>(row[1]);
  return std::bit_cast<uint64_t>(-product) + ulps;
}

template <typename RandomValue>
std::vector<Row> Rows(Random& random, const std::vector<uint64_t>& edges,
                      RandomValue random_value) {
  std::vector<Row> rows;
  const auto edge = [&] { return edges[Pick(random, edges.size())]; };
  for (uint64_t a : edges) {
    for (uint64_t b : edges) rows.push_back({a, b, edge()});
  }
  for (size_t count = rows.size(); count > 0; --count) {
    rows.push_back({random_value(random), Pick(random, 8) == 0 ? edge() : random_value(random),
                    Pick(random, 8) == 0 ? edge() : random_value(random)});
  }
  // std::shuffle may differ from library to library.
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[Pick(random, i)]);
  return rows;
}

}  // namespace

std::vector<Row> IntegerRows(Random& random) { return Rows(random, IntegerEdges(), RandomBits); }

std::vector<Row> DoubleRows(Random& random) {
  std::vector<Row> rows = Rows(random, DoubleEdges(), RandomDouble);
  for (Row& row : rows) {
    if (Pick(random, 3) == 0) row[2] = NearProduct(random, row, /*is_float=*/false);
  }
  return rows;
}

std::vector<Row> FloatRows(Random& random) {
  std::vector<Row> rows = Rows(random, FloatEdges(), RandomFloat);
  for (Row& row : rows) {
    if (Pick(random, 3) == 0) row[2] = NearProduct(random, row, /*is_float=*/true);
  }
  return rows;
}

uint64_t AnyValue(Random& random) {
  switch (Pick(random, 4)) {
    case 0:
      return kIntegers[Pick(random, std::size(kIntegers))];
    case 1:
      return RandomFloat(random);
    case 2:
      return RandomDouble(random);
    default:
      return RandomBits(random);
  }
}

}  // namespace pollux::testsuite
