// Rotations and 32-bit additions: SHA-256 (FIPS 180-4) of a text that grows by its own digests.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "benchmarks/engines/workload.h"

namespace {

using Digest = std::array<uint32_t, 8>;

// The first 32 bits after the point of the `degree`-th root of `number`, bit by bit.
constexpr uint32_t Fraction(uint32_t number, int degree) {
  using Wide = unsigned __int128;
  const Wide target = static_cast<Wide>(number) << 32 * degree;
  uint64_t root = 0;
  for (int bit = 37; bit >= 0; --bit) {
    const uint64_t larger = root | uint64_t{1} << bit;
    Wide power = 1;
    for (int i = 0; i < degree; ++i) power *= larger;
    if (power <= target) root = larger;
  }
  return static_cast<uint32_t>(root);
}

constexpr bool IsPrime(uint32_t number) {
  for (uint32_t factor = 2; factor * factor <= number; ++factor)
    if (number % factor == 0) return false;
  return true;
}

template <size_t size>
constexpr std::array<uint32_t, size> FractionsOfPrimes(int degree) {
  std::array<uint32_t, size> fractions{};
  uint32_t prime = 2;
  for (uint32_t& fraction : fractions) {
    fraction = Fraction(prime, degree);
    while (!IsPrime(++prime)) {
    }
  }
  return fractions;
}

constexpr Digest kStart = FractionsOfPrimes<8>(2);
constexpr std::array<uint32_t, 64> kRounds = FractionsOfPrimes<64>(3);
static_assert(kStart[0] == 0x6a09e667 && kRounds[63] == 0xc67178f2);

void AddBlock(Digest& digest, const unsigned char* block) {
  uint32_t words[64];
  for (int i = 0; i < 16; ++i) {
    words[i] = uint32_t{block[4 * i]} << 24 | uint32_t{block[4 * i + 1]} << 16 |
               uint32_t{block[4 * i + 2]} << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; ++i) {
    const uint32_t early = words[i - 15], late = words[i - 2];
    words[i] = words[i - 16] + (std::rotr(early, 7) ^ std::rotr(early, 18) ^ early >> 3) +
               words[i - 7] + (std::rotr(late, 17) ^ std::rotr(late, 19) ^ late >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = digest;
  for (int i = 0; i < 64; ++i) {
    const uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                           ((e & f) ^ (~e & g)) + kRounds[i] + words[i];
    const uint32_t second =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  const Digest added = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < digest.size(); ++i) digest[i] += added[i];
}

Digest Sha256(const unsigned char* text, size_t length) {
  Digest digest = kStart;
  size_t at = 0;
  for (; at + 64 <= length; at += 64) AddBlock(digest, text + at);
  unsigned char last[128] = {};
  const size_t rest = length - at;
  if (rest > 0) std::memcpy(last, text + at, rest);
  last[rest] = 0x80;
  const size_t last_size = rest < 56 ? 64 : 128;
  for (int i = 0; i < 8; ++i)
    last[last_size - 1 - i] = static_cast<unsigned char>(uint64_t{length} * 8 >> 8 * i);
  for (size_t i = 0; i < last_size; i += 64) AddBlock(digest, last + i);
  return digest;
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  const Digest known = Sha256(reinterpret_cast<const unsigned char*>("abc"), 3);
  if (known[0] != 0xba7816bf || known[7] != 0xf20015ad) std::abort();
  unsigned char text[4096 + 7] = {};
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    const Digest digest = Sha256(text, sizeof(text) - i % 64);
    std::memcpy(text + i % 127 * sizeof(digest), digest.data(), sizeof(digest));
    checksum = Mix(checksum, digest[0]);
  }
  return checksum;
}
