// integers: 64-bit, 32-bit and 128-bit arithmetic at the edges: division, remainders, high halves
// of products, shifts, bit counts, overflow checks. Division by zero and the smallest by -1 are
// left out: x86-64 traps there.
#include <cinttypes>
#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

template <typename T>
T Opaque(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

uint64_t digest = 0xcbf29ce484222325;
template <typename T>
void Add(T value) {
  uint64_t bits = static_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i) digest = (digest ^ (bits >> (8 * i) & 255)) * 0x100000001b3;
}

template <typename Signed, typename Unsigned>
void Divisions(const char* name) {
  constexpr int kBits = 8 * sizeof(Signed);
  const Unsigned top = Unsigned{1} << (kBits - 1);
  const Unsigned values[] = {0,
                             1,
                             2,
                             3,
                             7,
                             10,
                             100,
                             641,
                             top - 1,
                             top,
                             top + 1,
                             ~Unsigned{0},
                             ~Unsigned{0} - 1,
                             ~Unsigned{0} / 3,
                             static_cast<Unsigned>(0x123456789abcdef0)};
  for (const Unsigned a : values) {
    for (const Unsigned b : values) {
      const Unsigned x = Opaque(a), y = Opaque(b);
      const auto sx = static_cast<Signed>(x), sy = static_cast<Signed>(y);
      Add(x * y);
      Add(x + y);
      Add(x - y);
      Add(sx < sy);
      Add(x < y);
      Add(x << (y % kBits));
      Add(x >> (y % kBits));
      Add(sx >> (y % kBits));
      Signed out;
      Add(__builtin_add_overflow(sx, sy, &out));
      Add(out);
      Add(__builtin_sub_overflow(sx, sy, &out));
      Add(__builtin_mul_overflow(sx, sy, &out));
      Add(out);
      if (y == 0) continue;
      Add(x / y);
      Add(x % y);
      Must(x / y * y + x % y == x, "quotient and remainder");
      if (sy == -1 && x == top) continue;
      Add(sx / sy);
      Add(sx % sy);
      Must(static_cast<Unsigned>(sx / sy) * y + static_cast<Unsigned>(sx % sy) == x,
           "quotient and remainder, signed");
    }
  }
  std::printf("%s: %016" PRIx64 "\n", name, digest);
}

}  // namespace

int main() {
  Divisions<int64_t, uint64_t>("64 bits");
  Divisions<int32_t, uint32_t>("32 bits");
  Divisions<__int128, unsigned __int128>("128 bits");

  std::printf("%d %d %d %d %u\n", Opaque(-7) / Opaque(2), Opaque(-7) % Opaque(2),
              Opaque(7) / Opaque(-2), Opaque(7) % Opaque(-2), Opaque(-7u) / Opaque(2u));
  const auto product = static_cast<unsigned __int128>(Opaque(~uint64_t{0})) * Opaque(~uint64_t{0});
  std::printf("%016" PRIx64 "%016" PRIx64 "\n", static_cast<uint64_t>(product >> 64),
              static_cast<uint64_t>(product));
  const auto signed_product = static_cast<__int128>(Opaque(INT64_MIN)) * Opaque(INT64_MAX);
  std::printf("%016" PRIx64 "%016" PRIx64 "\n", static_cast<uint64_t>(signed_product >> 64),
              static_cast<uint64_t>(signed_product));
  for (const uint64_t value : {uint64_t{1}, uint64_t{0x8000000000000000}, uint64_t{0xdeadbeef},
                               uint64_t{0xff00ff00ff00}}) {
    const uint64_t x = Opaque(value);
    std::printf("%d %d %d %d %016" PRIx64 " %08x\n", __builtin_clzll(x), __builtin_ctzll(x),
                __builtin_popcountll(x), __builtin_parityll(x), __builtin_bswap64(x),
                __builtin_bswap32(static_cast<uint32_t>(x)));
  }
  const int8_t byte = static_cast<int8_t>(Opaque(200));
  const int16_t half = static_cast<int16_t>(Opaque(40000));
  std::printf("%d %d %d %u %c\n", byte, half, static_cast<int>(Opaque(0x1ffffffffL)),
              static_cast<uint8_t>(Opaque(-1)), static_cast<char>(Opaque(200)) > 0 ? 'u' : 's');
  return 0;
}
